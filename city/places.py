"""Metres on a plan to degrees on the Earth, around one point, as far as a town reaches."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

Position = tuple[float, float]
"""Longitude and latitude in degrees, as GeoJSON has them."""
Metres = tuple[float, float]
"""x and y on a plan; of the town's plan east and north."""

_DEGREE_M = 111_320.0
"""Of latitude; a tangent plane is off by centimetres within a town."""
_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a plan lies on the Earth.

    Attributes:
        origin: of the plan.
        turn_deg: of its x axis from east towards north.
    """

    origin: Position
    turn_deg: float = 0.0

    def place(self, point_m: Metres) -> Position:
        """A point of the plan, rounded to the centimetre."""
        turn = math.radians(self.turn_deg)
        x, y = point_m
        east = x * math.cos(turn) - y * math.sin(turn)
        north = x * math.sin(turn) + y * math.cos(turn)
        lon, lat = self.origin
        per_lon_m = _DEGREE_M * math.cos(math.radians(lat))
        return round(lon + east / per_lon_m, _DIGITS), round(lat + north / _DEGREE_M, _DIGITS)

    def places(self, points_m: Iterable[Metres]) -> tuple[Position, ...]:
        """Points of the plan."""
        return tuple(self.place(point) for point in points_m)


def box_around(points_m: Iterable[Metres], margin_m: float) -> tuple[Metres, ...]:
    """The corners of the upright rectangle around points, anticlockwise, with a margin."""
    xs, ys = zip(*points_m, strict=True)
    x0, x1 = min(xs) - margin_m, max(xs) + margin_m
    y0, y1 = min(ys) - margin_m, max(ys) + margin_m
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)
