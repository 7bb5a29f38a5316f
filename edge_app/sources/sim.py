"""A simulated car park as a camera: for trying things out, for the demo, for soak tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration import Bay, Calibration, Lot, save_calibration
from edge_app.sources.base import Grab
from simulator import SimulatedLot, Weather, demo_scene
from telemetry import Clock, ConfigError

IMAGE_WH = (1280, 720)
_ADDRESS = re.compile(r"^sim:(?P<weather>[a-z]+)?(?:@(?P<seed>\d{1,9}))?$")


@dataclass(frozen=True, slots=True)
class SimAddress:
    """What `sim:WEATHER@SEED` asks for.

    Attributes:
        weather: what the sky does; sun by default.
        seed: of the traffic: the same seed plays the same day.
    """

    weather: Weather = Weather.SUN
    seed: int = 1

    @classmethod
    def parse(cls, address: str) -> SimAddress:
        """Read an address.

        Raises:
            ConfigError: it asks for a weather that there is not.
        """
        match = _ADDRESS.match(address)
        known = [each.value for each in Weather]
        if match is None or (match["weather"] is not None and match["weather"] not in known):
            msg = (
                f"source {address!r}: expected sim:, sim:WEATHER or sim:WEATHER@SEED with one of "
                f"{', '.join(known)}"
            )
            raise ConfigError(msg)
        weather = Weather.SUN if match["weather"] is None else Weather(match["weather"])
        return cls(weather, int(match["seed"] or 1))


class SimSource:
    """Images of a simulated lot, as of now.

    Args:
        address: weather and seed.
        clock: the lot's time; it begins when the source is first opened.
        image_wh: size of the images, pixels.
    """

    def __init__(
        self, address: SimAddress, clock: Clock, image_wh: tuple[int, int] = IMAGE_WH
    ) -> None:
        self._address = address
        self._clock = clock
        self._image_wh = image_wh
        self._lot: SimulatedLot | None = None
        self._begin_s = 0.0

    @property
    def self_paced(self) -> bool:
        """An image on each call."""
        return False

    def open(self) -> None:
        """Draw the empty lot; takes about a second."""
        if self._lot is None:
            scene = demo_scene(self._address.weather, self._image_wh)
            self._lot = SimulatedLot(scene, self._address.seed, detail=1)
            self._begin_s = self._clock.mono_s()

    def read(self) -> Grab:
        """The image as of now."""
        if self._lot is None:
            self.open()
        assert self._lot is not None  # noqa: S101 - `open` made it
        return Grab(self._lot.frame(self._clock.mono_s() - self._begin_s))

    def close(self) -> None:
        """The lot lives on, so that a camera that was restarted sees the same cars."""


def write_missing_calibration(address: str, camera: str, path: Path) -> None:
    """Write the calibration of a simulated camera, unless there is one.

    The bays of a lot that is known exactly need not be drawn. Other addresses are ignored.

    Raises:
        ConfigError: the address asks for a weather that there is not.
        CalibrationError: the file cannot be written.
    """
    if address.startswith("sim:") and not path.exists():
        calibration = calibration_of_sim(SimAddress.parse(address), camera)
        save_calibration(path, calibration, author="simulator")


def calibration_of_sim(
    address: SimAddress, camera: str, image_wh: tuple[int, int] = IMAGE_WH
) -> Calibration:
    """The exact calibration of a simulated camera.

    The camera's name is part of each bay's id, since a box may have several such cameras, and a bay
    belongs to one.
    """
    lot = SimulatedLot(demo_scene(address.weather, image_wh), address.seed, detail=1)
    bays = tuple(
        Bay(
            id=f"{camera}-{bay}",
            polygon=tuple((float(x), float(y)) for x, y in np.clip(quad, 0, 1)),
        )
        for bay, quad in zip(lot.bay_ids, lot.quads_norm(), strict=True)
    )
    name = f"simulated lot, {address.weather.value}"
    return Calibration(camera=camera, image_wh=image_wh, lot=Lot(name=name), bays=bays)
