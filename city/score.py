"""What the API said of each lot against the truth, and whether every event arrived."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from city.count_score import CountScore
from city.part import BayPart, Delivery
from city.plan import PlannedLot
from edge_app.demo import Claim, Score, score_claims

SETTLE_S = 30.0
"""After a run of this length every lot must have been seen."""


@dataclass(frozen=True, slots=True)
class LotScore:
    """How one lot did.

    Attributes:
        lot: which.
        score: of what the API said.
        delivery: of its box's events.
        accuracy: share right of what was said; None where nothing was.
        least_right: the share below which it failed.
    """

    lot: PlannedLot
    score: Score
    delivery: Delivery
    accuracy: float | None
    least_right: float

    @property
    def right(self) -> float:
        """Share of settled bay-seconds in which the API said the truth."""
        return self.score.settled_share

    @property
    def unknown(self) -> float:
        """Share in which it said that it does not know."""
        return self.score.settled_unknown_share

    @property
    def wrong(self) -> float:
        """Share in which it said what was not so."""
        return max(0.0, 1.0 - self.right - self.unknown) if self.is_seen else 0.0

    @property
    def is_seen(self) -> bool:
        """Whether the API said anything of it."""
        return self.score.bay_seconds > 0


@dataclass(frozen=True, slots=True)
class CityScore:
    """How the city did.

    Attributes:
        lots: each of which the bays are known.
        run_s: how long it was watched.
        counted: each of which only the count is known.
    """

    lots: tuple[LotScore, ...]
    run_s: float
    counted: tuple[CountScore, ...] = ()

    @property
    def delivery(self) -> Delivery:
        """Of all lots."""
        every = [lot.delivery for lot in self.lots] + [lot.delivery for lot in self.counted]
        columns = [(each.published, each.taken, each.lost) for each in every]
        return Delivery(*(sum(column) for column in zip(*columns, strict=True)))

    @property
    def delays_s(self) -> tuple[float, ...]:
        """From each true change to the API, of all lots."""
        return tuple(delay for lot in self.lots for delay in lot.score.delays_s)

    def faults(self) -> list[str]:
        """Why it failed, in sentences; empty: it did not."""
        found = []
        if self.delivery.lost:
            found.append(f"{self.delivery.lost} events were lost")
        for lot in self.lots:
            if lot.accuracy is None:
                if self.run_s >= SETTLE_S:
                    found.append(f"nothing was seen of {lot.lot.spec.name}")
            elif lot.accuracy < lot.least_right:
                found.append(
                    f"{lot.lot.spec.name} was right in {lot.accuracy:.1%} of what was said, less "
                    f"than {lot.least_right:.1%}"
                )
        for counted in self.counted:
            found += counted.faults(is_settled=self.run_s >= SETTLE_S)
        return found


def quantile_s(delays_s: Sequence[float], share: float) -> float | None:
    """A quantile of delays; None without any."""
    if not delays_s:
        return None
    if len(delays_s) == 1:
        return delays_s[0]
    cuts = statistics.quantiles(delays_s, n=100, method="inclusive")
    return cuts[min(max(round(share * 100) - 1, 0), 98)]


def score_lot(
    part: BayPart, lot: PlannedLot, claims: Iterable[Claim], delivery: Delivery, end_s: float
) -> LotScore:
    """Score one lot.

    Args:
        part: whose lot, with the truth.
        lot: which.
        claims: what the API said, by the clock's monotonic time, in order.
        delivery: of its box's events.
        end_s: the end, by the clock's monotonic time.
    """
    own = [replace(claim, time_s=part.time_s(lot, claim.time_s)) for claim in claims]
    own_end_s = part.time_s(lot, end_s)
    score = score_claims(
        own,
        lambda time_s: part.truth(lot, time_s),
        part.changes(lot, own_end_s),
        own_end_s,
        part.limit_s,
    )
    if part.ends_still:
        accuracy = last_accuracy(own, part.truth(lot, own_end_s))
    else:
        said = 1.0 - score.settled_unknown_share
        accuracy = score.settled_share / said if score.bay_seconds and said else None
    return LotScore(lot, score, delivery, accuracy, part.least_right)


def last_accuracy(claims: Iterable[Claim], truth: Mapping[str, bool]) -> float | None:
    """Share right of the last states that are known; None without any."""
    last = {claim.bay: claim.occ for claim in claims}
    right = [occ is truth[bay] for bay, occ in last.items() if occ is not None]
    return sum(right) / len(right) if right else None
