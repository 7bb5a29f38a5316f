"""Lots along a curve: a straight plan bent round a point.

Traffic is planned on the straight plan; places and headings are bent when they are drawn. Rows that
lie farther out are stretched, so bays never overlap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.camera import Points


@dataclass(frozen=True, slots=True)
class Bend:
    """Bends the line y = 0 into a circle round (0, -radius).

    Attributes:
        radius_m: of that circle; all of a plan lies at y > -radius.
    """

    radius_m: float

    def __post_init__(self) -> None:
        """Refuse circles in which no car could turn."""
        if self.radius_m < 10.0:  # noqa: PLR2004 - metres; about the turning circle of a car
            msg = f"expected a radius of at least 10 m, but got {self.radius_m}"
            raise ValueError(msg)

    def points(self, points_m: Points) -> Points:
        """Points of the plan, (..., 2), on the bent ground."""
        angle = points_m[..., 0] / self.radius_m
        reach = points_m[..., 1] + self.radius_m
        return np.stack([reach * np.sin(angle), reach * np.cos(angle) - self.radius_m], -1)

    def point(self, point_m: tuple[float, float]) -> tuple[float, float]:
        """One point of the plan on the bent ground."""
        x, y = self.points(np.asarray(point_m, np.float64))
        return float(x), float(y)

    def heading(self, x_m: float, heading_rad: float) -> float:
        """A heading of the plan at `x_m`, on the bent ground."""
        return math.remainder(heading_rad - x_m / self.radius_m, 2 * math.pi)

    def place(
        self, point_m: tuple[float, float], heading_rad: float
    ) -> tuple[tuple[float, float], float]:
        """A place and a heading of the plan on the bent ground."""
        return self.point(point_m), self.heading(point_m[0], heading_rad)

    def plan_y(self, points_m: Points) -> Points:
        """How far out points of the bent ground lie, as y of the plan, shape (...)."""
        reach = np.hypot(points_m[..., 0], points_m[..., 1] + self.radius_m)
        return np.asarray(reach - self.radius_m)
