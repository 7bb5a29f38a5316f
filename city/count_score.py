"""The count that the API said of a lot against how many vehicles truly stood there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from city.part import CountTruth, Delivery
from city.plan import PlannedLot


@dataclass(frozen=True, slots=True)
class CountClaim:
    """What the API said of a lot.

    Attributes:
        count: vehicles; None: it did not know.
        time_s: from when on.
    """

    count: int | None
    time_s: float


@dataclass(frozen=True, slots=True)
class CountScore:
    """How one counted lot did.

    Attributes:
        lot: which.
        delivery: of its gates' messages.
        mean_off: vehicles between what was said and what was true, on average over the time in
            which something was said; None without any.
        most_off: at most.
        known_share: of the time in which something was said.
        truth: vehicles in the end.
        said: what the API said in the end.
        expected: what it must have said, by what its gates told and people corrected.
        alone_off: what in minus out alone would be off in the end.
        corrections: how often the count was set.
    """

    lot: PlannedLot
    delivery: Delivery
    mean_off: float | None
    most_off: int
    known_share: float
    truth: int
    said: int | None
    expected: int
    alone_off: int
    corrections: int

    def faults(self, *, is_settled: bool) -> list[str]:
        """Why it failed, in sentences.

        A gate that misses somebody is none; a count that is not what the gates told is.

        Args:
            is_settled: whether the run was so long that something must have been said.
        """
        name = self.lot.spec.name
        if self.said is None:
            return [f"nothing was seen of {name}"] if is_settled else []
        if self.said == self.expected:
            return []
        return [f"{name} was said to hold {self.said} vehicles, but was told {self.expected}"]


def score_count(
    lot: PlannedLot,
    claims: Sequence[CountClaim],
    truth: CountTruth,
    delivery: Delivery,
    end_s: float,
) -> CountScore:
    """Score one counted lot.

    Args:
        lot: which.
        claims: what the API said, by the lot's own time, in order.
        truth: from the lot's beginning to the end.
        delivery: of its gates' messages.
        end_s: the end, the lot's own time.
    """
    times_s = [at_s for at_s, _ in truth.counts]
    begin_s = max(times_s[0], claims[0].time_s) if claims else end_s
    edges = sorted({begin_s, end_s, *times_s, *(each.time_s for each in claims)})
    within = [at_s for at_s in edges if begin_s <= at_s <= end_s]
    known_s = off_s = 0.0
    most = 0
    for at_s, after_s in pairwise(within):
        said = _said_at(claims, at_s)
        if said is None:
            continue
        off = abs(said - truth.counts[bisect_right(times_s, at_s) - 1][1])
        known_s += after_s - at_s
        off_s += off * (after_s - at_s)
        most = max(most, off)
    last = truth.counts[-1][1]
    return CountScore(
        lot=lot,
        delivery=delivery,
        mean_off=off_s / known_s if known_s else None,
        most_off=most,
        known_share=known_s / (end_s - begin_s) if end_s > begin_s else 0.0,
        truth=last,
        said=claims[-1].count if claims else None,
        expected=truth.expected,
        alone_off=truth.alone - last,
        corrections=truth.corrections,
    )


def _said_at(claims: Sequence[CountClaim], at_s: float) -> int | None:
    index = bisect_right([each.time_s for each in claims], at_s)
    return claims[index - 1].count if index else None
