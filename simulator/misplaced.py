"""Cars that stand as they should not: over a line, before bays, in the lane; known exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.cars import Car
from simulator.driving import Pose
from simulator.layout import BaySpot, Lane, LotLayout
from telemetry.vocabulary import IncidentKind

_CLEARANCE_M = 0.5
"""Between a car before a bay and the bay's lane side."""


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A car that stands as it should not for a while.

    Nobody is planned to drive round it: scenes with such cars want a calm `Activity`.

    Attributes:
        kind: what is wrong.
        bays: straddled or barred.
        car: that stands there.
        resting: how it stands.
        parked_from_s: since when.
        parked_to_s: until when.
    """

    kind: IncidentKind
    bays: tuple[str, ...]
    car: Car
    resting: Pose
    parked_from_s: float = -math.inf
    parked_to_s: float = math.inf

    @property
    def bay(self) -> str:
        """A name for the car, as a stay has that of its bay."""
        x, y = self.resting.position_m
        return f"{self.kind}:{x:.2f},{y:.2f}"

    @property
    def taken(self) -> tuple[str, ...]:
        """The bays that nobody else can use."""
        return self.bays if self.kind is IncidentKind.STRADDLING else ()

    def stands(self, time_s: float) -> bool:
        """Whether it stands there at a time."""
        return self.parked_from_s <= time_s < self.parked_to_s


def straddling(
    layout: LotLayout, first: str, second: str, car: Car, span_s: tuple[float, float]
) -> Misplaced:
    """A car on the line between two bays side by side, for a span of time."""
    a, b = _bay(layout, first), _bay(layout, second)
    middle = ((a.centre_m[0] + b.centre_m[0]) / 2, (a.centre_m[1] + b.centre_m[1]) / 2)
    pose = Pose(middle, a.heading_rad)
    return Misplaced(IncidentKind.STRADDLING, (first, second), car, pose, *span_s)


def before(layout: LotLayout, bay: str, car: Car, span_s: tuple[float, float]) -> Misplaced:
    """A car crosswise before a bay, in the lane, for a span of time."""
    spot = _bay(layout, bay)
    away_m = spot.length_m / 2 + _CLEARANCE_M + car.width_m / 2
    x = spot.centre_m[0] - math.cos(spot.heading_rad) * away_m
    y = spot.centre_m[1] - math.sin(spot.heading_rad) * away_m
    pose = Pose((x, y), spot.heading_rad - math.pi / 2)
    return Misplaced(IncidentKind.DOUBLE_PARKING, (bay,), car, pose, *span_s)


def in_lane(lane: Lane, x_m: float, car: Car, span_s: tuple[float, float]) -> Misplaced:
    """A car in the middle of a lane, for a span of time; choose a place beside no bay."""
    pose = Pose((x_m, lane.y_m), 0.0)
    return Misplaced(IncidentKind.OUTSIDE_BAY, (), car, pose, *span_s)


def _bay(layout: LotLayout, name: str) -> BaySpot:
    for bay in layout.bays:
        if bay.id == name:
            return bay
    msg = f"expected a bay of the lot, but got {name!r}"
    raise ValueError(msg)
