"""From the image to the map: the ground homography that control points determine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.geometry import Doubles, to_norm, to_pixels
from calibration.homography import apply_homography, fit_homography, inverse_of
from calibration.types import ControlPoint

# Mean radius (IUGG). Within a lot the sphere is off by 0.3 % at most, less than a clicked point.
EARTH_RADIUS_M = 6_371_008.8


@dataclass(frozen=True, slots=True)
class GroundMap:
    """A camera's ground plane, in metres east and north of an origin.

    Attributes:
        image_wh: the image's width and height, pixels.
        origin_deg: latitude and longitude of the origin.
        to_ground: homography from pixels to metres, shape (3, 3).
        error_m: root mean square distance of the control points from where the map puts them.
    """

    image_wh: tuple[int, int]
    origin_deg: tuple[float, float]
    to_ground: Doubles
    error_m: float

    def metres(self, points_norm: Sequence[tuple[float, float]]) -> Doubles:
        """Points of the image as metres east and north of the origin, shape (K, 2).

        Raises:
            CalibrationError: a point is not on the ground, but above the horizon.
        """
        return apply_homography(self.to_ground, to_pixels(points_norm, self.image_wh))

    def places_deg(self, points_norm: Sequence[tuple[float, float]]) -> Doubles:
        """Points of the image as latitude and longitude, shape (K, 2), degrees.

        Raises:
            CalibrationError: a point is not on the ground, but above the horizon.
        """
        metres = self.metres(points_norm)
        return np.asarray(self.origin_deg) + np.degrees(
            metres[:, ::-1] / EARTH_RADIUS_M / _stretch(self.origin_deg)
        )

    def image_norm(self, places_deg: Doubles) -> Doubles:
        """Places, latitude and longitude in degrees, as points of the image, shape (K, 2).

        Raises:
            CalibrationError: a place lies behind the camera's horizon.
        """
        metres = _metres(places_deg, self.origin_deg)
        return to_norm(apply_homography(inverse_of(self.to_ground), metres), self.image_wh)


def ground_map(control_points: Sequence[ControlPoint], image_wh: tuple[int, int]) -> GroundMap:
    """The ground map that fits the control points best.

    Args:
        control_points: 4 or more, of which no three lie on a line where there are only four.
        image_wh: the image's width and height, pixels.

    Raises:
        CalibrationError: too few points, or they do not determine a plane.
    """
    places = np.array([(p.place.lat_deg, p.place.lon_deg) for p in control_points]).reshape(-1, 2)
    origin = (float(places[:, 0].mean()), float(places[:, 1].mean())) if len(places) else (0.0, 0.0)
    metres = _metres(places, origin)
    pixels = to_pixels([point.image for point in control_points], image_wh)
    matrix = fit_homography(pixels, metres)
    off_m = np.linalg.norm(apply_homography(matrix, pixels) - metres, axis=1)
    return GroundMap(image_wh, origin, matrix, float(np.sqrt((off_m**2).mean())))


def _stretch(origin_deg: tuple[float, float]) -> Doubles:
    """How much shorter a radian of latitude and of longitude is than the Earth's radius."""
    return np.array([1.0, np.cos(np.radians(origin_deg[0]))])


def _metres(places_deg: Doubles, origin_deg: tuple[float, float]) -> Doubles:
    """Metres east and north of the origin: the local tangent plane."""
    arcs = np.radians(places_deg - np.asarray(origin_deg)) * _stretch(origin_deg)
    return np.asarray(arcs[:, ::-1] * EARTH_RADIUS_M, np.float64)
