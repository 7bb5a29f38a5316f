"""Published states against the truth: shares of time, changes right, late, missed and false."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simulator import TruthChange

_EARLY_S = 1.5
"""A state may be published so long before half the car is in the bay: it is partly in already."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What was published of a bay, and when it could be read.

    Attributes:
        bay: its id.
        occ: True occupied, False free, None unknown.
        time_s: arrival at the subscriber, the lot's time.
    """

    bay: str
    occ: bool | None
    time_s: float


@dataclass(frozen=True, slots=True)
class Score:
    """How good the published states were.

    Attributes:
        bay_seconds: time of all bays for which there was a published state.
        right_share: share of these in which it was the truth, all delays counted.
        settled_share: the same without the time in which a change may still be on its way.
        unknown_share: share in which unknown was published.
        settled_unknown_share: the same of the time that `settled_share` is of.
        changes: true changes that could be judged.
        right: of these, published in time.
        late: published, but later than the limit.
        missed: never published.
        false: published changes that no true one stands behind.
        delays_s: of the right ones, from half the car in or out to the message's arrival.
        first_state_s: from the first image to the first published state.
    """

    bay_seconds: float
    right_share: float
    settled_share: float
    unknown_share: float
    settled_unknown_share: float
    changes: int
    right: int
    late: int
    missed: int
    false: int
    delays_s: tuple[float, ...]
    first_state_s: float | None

    def delay_s(self, share: float) -> float | None:
        """A quantile of the delays; None without any."""
        if not self.delays_s:
            return None
        if len(self.delays_s) == 1:
            return self.delays_s[0]
        cuts = statistics.quantiles(self.delays_s, n=100, method="inclusive")
        return cuts[min(max(round(share * 100) - 1, 0), 98)]


def score_claims(
    claims: Sequence[Claim],
    truth_at: Callable[[float], Mapping[str, bool]],
    changes: Sequence[TruthChange],
    end_s: float,
    limit_s: float,
) -> Score:
    """Score what was published up to `end_s`.

    Args:
        claims: published states, any order.
        truth_at: the truth at a time.
        changes: true changes from 0 to `end_s`, in order.
        end_s: end of the run, the lot's time.
        limit_s: a change published later than this is late.
    """
    by_bay: dict[str, list[Claim]] = {}
    for claim in sorted(claims, key=lambda c: c.time_s):
        by_bay.setdefault(claim.bay, []).append(claim)
    times = [
        _time_of(bay, mine, truth_at, changes, (end_s, limit_s)) for bay, mine in by_bay.items()
    ]
    total, right, unknown, settled, settled_right, settled_unknown = (
        (sum(column) for column in zip(*times, strict=True)) if times else (0.0,) * 6
    )
    judged = [c for c in changes if _judgeable(c, by_bay, end_s, limit_s)]
    found = [_match(change, by_bay[change.bay], changes) for change in judged]
    delays = tuple(delay for delay in found if delay is not None and delay <= limit_s)
    late = sum(delay is not None and delay > limit_s for delay in found)
    return Score(
        bay_seconds=total,
        right_share=right / total if total else 0.0,
        settled_share=settled_right / settled if settled else 0.0,
        unknown_share=unknown / total if total else 0.0,
        settled_unknown_share=settled_unknown / settled if settled else 0.0,
        changes=len(judged),
        right=len(delays),
        late=late,
        missed=sum(delay is None for delay in found),
        false=sum(_false_claims(mine, changes, limit_s) for mine in by_bay.values()),
        delays_s=delays,
        first_state_s=min((c.time_s for c in claims if c.occ is not None), default=None),
    )


def _judgeable(
    change: TruthChange, by_bay: Mapping[str, list[Claim]], end_s: float, limit_s: float
) -> bool:
    """Whether a change came after its bay's first known state and early enough before the end."""
    known = [c.time_s for c in by_bay.get(change.bay, ()) if c.occ is not None]
    return bool(known) and known[0] < change.time_s <= end_s - limit_s


def _match(
    change: TruthChange, claims: Sequence[Claim], changes: Sequence[TruthChange]
) -> float | None:
    """Delay of the first claim that says it, before the bay truly changes again."""
    again = [c.time_s for c in changes if c.bay == change.bay and c.time_s > change.time_s]
    until_s = again[0] if again else float("inf")
    for claim in claims:
        if claim.occ is change.occupied and change.time_s - _EARLY_S <= claim.time_s < until_s:
            return claim.time_s - change.time_s
    return None


def _false_claims(claims: Sequence[Claim], changes: Sequence[TruthChange], limit_s: float) -> int:
    """Known claims after the first that contradict the one before without a true change behind."""
    count, said = 0, None
    for claim in claims:
        if claim.occ is None:
            continue
        if said is not None and claim.occ is not said:
            behind = any(
                c.bay == claim.bay
                and c.occupied is claim.occ
                and -_EARLY_S <= claim.time_s - c.time_s <= limit_s * 2
                for c in changes
            )
            count += not behind
        said = claim.occ
    return count


def _time_of(
    bay: str,
    claims: Sequence[Claim],
    truth_at: Callable[[float], Mapping[str, bool]],
    changes: Sequence[TruthChange],
    bounds_s: tuple[float, float],
) -> tuple[float, float, float, float, float, float]:
    """Seconds of one bay: all, right, unknown; settled, and right and unknown of these."""
    end_s, limit_s = bounds_s
    known = [claim for claim in claims if claim.occ is not None]
    if not known:
        return (0.0,) * 6
    begin_s = known[0].time_s
    turns = [c.time_s for c in changes if c.bay == bay]
    edges = {begin_s, end_s, *(c.time_s for c in claims), *turns, *(t + limit_s for t in turns)}
    points = sorted(t for t in edges if begin_s <= t <= end_s)
    total = right = unknown = settled = settled_right = settled_unknown = 0.0
    for start, end in itertools.pairwise(points):
        middle, length = (start + end) / 2, end - start
        said = [c.occ for c in claims if c.time_s <= middle][-1]
        is_right = said is truth_at(middle)[bay]
        total += length
        right += length * is_right
        unknown += length * (said is None)
        if not any(t <= middle < t + limit_s for t in turns):
            settled += length
            settled_right += length * is_right
            settled_unknown += length * (said is None)
    return total, right, unknown, settled, settled_right, settled_unknown
