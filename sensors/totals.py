"""Running totals of gates: how many vehicles passed between two readings, whatever happened.

A total wraps at its modulus and starts again from 0 when the device does. Both look alike: the
number falls. Which it was is judged by how many vehicles can have passed in the time between.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from sensors.errors import SensorError
from sensors.gates.passages import MAX_COUNT, Total


class StepKind(StrEnum):
    """What happened between two readings."""

    COUNTED = "counted"
    WRAPPED = "wrapped"
    RESET = "reset"
    """The counter began anew: only what it counted since then is known."""
    IMPLAUSIBLE = "implausible"
    """More than can have passed, however it is read: nothing is counted."""


@dataclass(frozen=True, slots=True)
class Step:
    """Vehicles between two readings, and how that was found."""

    count: int
    kind: StepKind


@dataclass(frozen=True, slots=True)
class Counter:
    """What is known of a counter.

    Attributes:
        modulus: it counts from 0 to one less, then from 0 again; None: it never wraps.
        rate_hz: vehicles that can pass in a second over long; a lane takes one in two seconds.
        burst: vehicles on top of that, as readings are not made to the second.
    """

    modulus: int | None = 65_536
    rate_hz: float = 0.5
    burst: int = 20

    def __post_init__(self) -> None:
        if self.modulus is not None and self.modulus <= 1:
            msg = f"modulus of a counter: expected 2 or more, but got {self.modulus}"
            raise SensorError(msg)

    def most(self, elapsed_s: float) -> int:
        """Vehicles that can have passed in a time."""
        return min(MAX_COUNT, self.burst + int(self.rate_hz * elapsed_s))


def step(before: Total, after: Total, counter: Counter) -> Step:
    """What passed between two readings of one counter, the earlier one first."""
    most = counter.most((after.at - before.at).total_seconds())
    ahead = after.total - before.total
    if not after.restarted:
        if 0 <= ahead <= most:
            return Step(ahead, StepKind.COUNTED)
        modulus = counter.modulus
        # More than half a turn between two readings: rather a reset than a wrap.
        if modulus is not None and ahead < 0 < ahead + modulus <= min(most, modulus // 2):
            return Step(ahead + modulus, StepKind.WRAPPED)
    if after.total <= most:
        return Step(after.total, StepKind.RESET)
    return Step(0, StepKind.IMPLAUSIBLE)


def steps(totals: Iterable[Total], counter: Counter) -> list[tuple[Total, Step]]:
    """Each reading of one counter but the first, with what passed before it.

    The order in which the readings arrived does not matter, nor does a repetition: they are sorted
    by their time, and of several at one time the highest counts.
    """
    newest: dict[float, Total] = {}
    for each in totals:
        at_s = each.at.timestamp()
        known = newest.get(at_s)
        if known is None or (each.total, each.restarted) > (known.total, known.restarted):
            newest[at_s] = each
    ordered = [newest[at_s] for at_s in sorted(newest)]
    return [(after, step(before, after, counter)) for before, after in pairwise(ordered)]
