"""Geometry of outlines: pure functions on points, pixels unless a name says `_norm`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from shapely import Polygon as Shape

from calibration.types import Point
from vision.types import Floats

Doubles = npt.NDArray[np.float64]


def to_pixels(points_norm: Sequence[Point] | Floats, image_wh: tuple[int, int]) -> Doubles:
    """Points as pixels, shape (K, 2), float64: x times width, y times height."""
    return np.asarray(points_norm, np.float64).reshape(-1, 2) * np.asarray(image_wh, np.float64)


def to_norm(points_px: Doubles | Sequence[Sequence[float]], image_wh: tuple[int, int]) -> Doubles:
    """Points as fractions of the image, shape (K, 2), float64."""
    return np.asarray(points_px, np.float64).reshape(-1, 2) / np.asarray(image_wh, np.float64)


def as_points(points_norm: Doubles | Floats) -> tuple[Point, ...]:
    """An array of shape (K, 2) as the tuple of points that the types hold."""
    return tuple((float(x), float(y)) for x, y in points_norm)


def signed_area(points: Doubles) -> float:
    """Area of a polygon, shape (K, 2): positive when it runs clockwise as seen (y down)."""
    x, y = points[:, 0], points[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def is_simple(points: Doubles) -> bool:
    """Whether the outline neither crosses nor touches itself."""
    return bool(Shape(points).exterior.is_simple)
