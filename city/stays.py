"""Who stood where: the truth of a lot over weeks, drawn from its demand."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from city.demand import DEMANDS, Demand
from city.plan import TIME_ZONE, PlannedLot
from telemetry import BayKind

_STEP_S = 600.0
# Of so many free bays that somebody sees, the nearest is taken.
_SEEN = 4
_LESS_WANTED = {
    BayKind.STANDARD: 0.0,
    BayKind.EV: 0.35,
    BayKind.DISABLED: 0.9,
    BayKind.LOADING: 0.6,
    BayKind.RESERVED: 0.8,
}
# More than the demand by this share of the bays is let be.
_SPARE = 0.03
# How often somebody leaves before they meant to, while the lot empties.
_HASTE = 0.5


Taken = Mapping[str, Mapping[str, float]]
"""By lot: the bays that are occupied in the end, and since when (seconds since 1970)."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A vehicle in a bay; times in seconds since 1970.

    Attributes:
        bay: index of the bay in the lot.
        begin_s: when it came.
        end_s: when it left, or will leave.
    """

    bay: int
    begin_s: float
    end_s: float


@dataclass(slots=True)
class _Lot:
    """The bays of a lot, and who leaves when."""

    wants: Sequence[float]
    free: list[int]
    leaving: list[tuple[float, int, float]] = field(default_factory=list)

    @property
    def taken(self) -> int:
        return len(self.leaving)

    def leave(self, before_s: float) -> Iterator[Stay]:
        """Those whose time is over."""
        while self.leaving and self.leaving[0][0] < before_s:
            end_s, bay, begin_s = heapq.heappop(self.leaving)
            self.free.append(bay)
            yield Stay(bay, begin_s, end_s)

    def come(self, begin_s: float, stay_s: float, rng: random.Random) -> None:
        """Somebody takes the best of the free bays that they see."""
        seen = [rng.randrange(len(self.free)) for _ in range(_SEEN)]
        place = min(seen, key=lambda index: self.wants[self.free[index]])
        self.free[place], self.free[-1] = self.free[-1], self.free[place]
        heapq.heappush(self.leaving, (begin_s + stay_s, self.free.pop(), begin_s))


def stays_of(lot: PlannedLot, begin: datetime, end: datetime, seed: int) -> list[Stay]:
    """All stays of a lot that begin in a span, in order of their end; some end after it.

    The same lot, span and seed give the same stays. The bays of one vehicle and the next are never
    taken at once.

    Args:
        lot: whose.
        begin: of the span; the lot is filled to its demand at once.
        end: of the span.
        seed: of it all.
    """
    rng = random.Random(f"{seed} {lot.key}")  # noqa: S311 - a simulation
    demand, zone = DEMANDS[lot.spec.use], ZoneInfo(TIME_ZONE)
    count = len(lot.bays)
    spare = round(count * _SPARE)
    state = _Lot(_wants(lot, rng), list(range(count)))
    days: dict[date, float] = {}
    found: list[Stay] = []
    now_s, end_s = begin.timestamp(), end.timestamp()
    while now_s < end_s:
        # Bays that are left in a step are taken in the next one at the earliest.
        left = list(state.leave(now_s))
        found += left
        local = datetime.fromtimestamp(now_s, zone)
        day = days.setdefault(local.date(), rng.gauss(1.0, demand.day_sd))
        wanted = _wanted(demand, local, day, count)
        step_s = min(_STEP_S, end_s - now_s)
        for _ in range(max(0, min(wanted - state.taken, len(state.free)))):
            at_s = now_s + rng.uniform(0, step_s)
            state.come(at_s, demand.draw_stay_s(local, rng), rng)
        _hurry(state, state.taken - wanted - spare, now_s + step_s, rng)
        now_s += _STEP_S
    found += (Stay(bay, since_s, until_s) for until_s, bay, since_s in state.leaving)
    return sorted(found, key=lambda stay: (stay.end_s, stay.bay))


def _wants(lot: PlannedLot, rng: random.Random) -> list[float]:
    """How far each bay is from being everybody's choice: near first, special kinds last."""
    count = max(1, len(lot.bays))
    return [
        index / count + _LESS_WANTED[bay.said.kind] + rng.uniform(0, 0.5)
        for index, bay in enumerate(lot.bays)
    ]


def _wanted(demand: Demand, local: datetime, day: float, count: int) -> int:
    share = demand.share_at(local) * day
    return round(min(1.0, max(0.0, share)) * count)


def _hurry(state: _Lot, too_many: int, from_s: float, rng: random.Random) -> None:
    """While a lot empties, some leave before their time: in a step half of those too many."""
    for _ in range(math.ceil(max(0, too_many) * _HASTE) if state.leaving else 0):
        index = rng.randrange(state.taken)
        until_s, bay, since_s = state.leaving[index]
        soon_s = from_s + rng.uniform(0, _STEP_S)
        state.leaving[index] = (min(until_s, max(soon_s, since_s + 60)), bay, since_s)
    heapq.heapify(state.leaving)


def first_monday(now: datetime, weeks: int) -> datetime:
    """The beginning of the history: local midnight of a Monday, at least so many weeks ago."""
    zone = ZoneInfo(TIME_ZONE)
    local = now.astimezone(zone) - timedelta(weeks=weeks)
    day = local.date() - timedelta(days=local.weekday())
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
