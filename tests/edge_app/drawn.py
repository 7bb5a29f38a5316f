"""Calibrations with square bays."""

from __future__ import annotations

from calibration import Bay, Calibration, Location, Lot


def square(bay: str, left: float = 0.1) -> Bay:
    right = left + 0.2
    return Bay(id=bay, polygon=((left, 0.1), (right, 0.1), (right, 0.4), (left, 0.4)), zone="z1")


def calibration(camera: str, *bays: str) -> Calibration:
    drawn = tuple(square(bay, 0.02 + 0.25 * index) for index, bay in enumerate(bays))
    lot = Lot(name="P1 Nord (West)", location=Location(lat_deg=48.1, lon_deg=11.5))
    return Calibration(camera=camera, image_wh=(640, 480), lot=lot, bays=drawn)
