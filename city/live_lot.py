"""A scripted lot as it goes on now, livelier than in earnest, so that one sees something."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from city.demand import DEMANDS, Use
from city.plan import PlannedLot
from simulator import TruthChange

# Mean time until a bay changes. In earnest it is an hour or a day, and nobody would see anything.
_LASTS_S = {Use.KERB: 180.0, Use.SHOPPING: 300.0, Use.VISITORS: 300.0, Use.LEISURE: 400.0}
_OTHERS_LAST_S = 900.0
# How strongly a lot pulls back to its demand: a tenth too full makes departures so much likelier.
_PULL = 3.0
_LEAST, _MOST = 0.05, 0.95
# A bay that has just changed is left alone for so long: nobody parks for a few seconds.
_RESTS_S = 20.0


class LiveLot:
    """Who stands where, and every change of it. Times are seconds since the lot's beginning.

    Args:
        lot: whose.
        occupied: bays that are occupied at the beginning.
        seed: of what happens.
        lasts_s: mean time until a bay changes; None for what is usual here with its use.
    """

    def __init__(
        self, lot: PlannedLot, occupied: Iterable[str], seed: int, lasts_s: float | None = None
    ) -> None:
        self.lot = lot
        self._lasts_s = lasts_s or _LASTS_S.get(lot.spec.use, _OTHERS_LAST_S)
        self._demand = DEMANDS[lot.spec.use]
        self._rng = random.Random(f"live {seed} {lot.key}")  # noqa: S311 - a simulation
        ids = [bay.said.bay for bay in lot.bays]
        first = set(occupied)
        self._times_s: dict[str, list[float]] = {bay: [-math.inf] for bay in ids}
        self._occupied: dict[str, list[bool]] = {bay: [bay in first] for bay in ids}
        self._changes: list[TruthChange] = []

    @property
    def rate_hz(self) -> float:
        """How many changes a second there are on average."""
        return len(self._times_s) / self._lasts_s

    def step(self, from_s: float, to_s: float, wanted: float) -> list[TruthChange]:
        """What happens in a span.

        Args:
            from_s: its begin.
            to_s: its end.
            wanted: share of the bays that the demand would fill.
        """
        news: list[TruthChange] = []
        at_s = from_s + self._rng.expovariate(self.rate_hz)
        while at_s < to_s:
            news += self._change(at_s, wanted)
            at_s += self._rng.expovariate(self.rate_hz)
        return news

    def _change(self, at_s: float, wanted: float) -> Iterator[TruthChange]:
        share = sum(states[-1] for states in self._occupied.values()) / len(self._occupied)
        leaves = self._rng.random() < min(max(0.5 + _PULL * (share - wanted), _LEAST), _MOST)
        bays = [
            bay
            for bay, states in self._occupied.items()
            if states[-1] is leaves and self._times_s[bay][-1] <= at_s - _RESTS_S
        ]
        if not bays:
            return
        change = TruthChange(self._rng.choice(bays), not leaves, at_s)
        self._times_s[change.bay].append(at_s)
        self._occupied[change.bay].append(change.occupied)
        self._changes.append(change)
        yield change

    def truth(self, time_s: float) -> Mapping[str, bool]:
        """Whether each bay was occupied at a time."""
        return _Then(self._times_s, self._occupied, time_s)

    def changes(self, to_s: float) -> Sequence[TruthChange]:
        """All changes up to a time."""
        after = bisect_right(self._changes, to_s, key=lambda change: change.time_s)
        return self._changes[:after]


class _Then(Mapping[str, bool]):
    """The state of each bay at a time, looked up when it is asked for."""

    def __init__(
        self, times_s: Mapping[str, list[float]], states: Mapping[str, list[bool]], time_s: float
    ) -> None:
        self._times_s, self._states, self._time_s = times_s, states, time_s

    def __getitem__(self, bay: str) -> bool:
        return self._states[bay][max(0, bisect_right(self._times_s[bay], self._time_s) - 1)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)
