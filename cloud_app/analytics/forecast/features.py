"""What a forecast looks at: the usual day, and how today differs from it so far.

At an origin (day d, slot s) only days before d and the slots of d up to s are known. For a target
`ahead` slots later:

* the usual share of the target and of the origin: the mean of the last three same weekdays;
* the recent one: the mean of the last seven days of the same kind (working day, or not);
* how far the origin, the slots before it and the last hours were from usual;
* how far yesterday and the day before were from usual at the same time of day.

The forecast is the usual share plus a weighted sum of the others (`model`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from cloud_app.analytics.demand import MINUTES_A_DAY, DemandGrid, Shares
from cloud_app.analytics.forecast.regression import Floats

Places: TypeAlias = npt.NDArray[np.int64]
DayKind: TypeAlias = Callable[[date], int]
"""Days of one kind are alike: by default working days 0, others 1."""

SAME_WEEKDAYS = 3
_WEEK = 7
_LAST_HOURS_MIN = 240
_INPUTS = 13
# Place of the difference between the usual shares of target and origin.
_MOVE = 8


def by_weekend(day: date) -> int:
    """0 from Monday to Friday, else 1."""
    return int(day.weekday() >= 5)  # noqa: PLR2004


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows for one horizon.

    Attributes:
        inputs: (n, k).
        usual: (n,), of the target: what the weighted sum is added to.
        actual: (n,), NaN where the target is not known.
        day: (n,), of the origin.
        slot: (n,), of the origin.
        due: (n,), day of the target.
    """

    inputs: Floats
    usual: Floats
    actual: Floats
    day: Places
    slot: Places
    due: Places

    def __len__(self) -> int:
        """How many."""
        return len(self.usual)

    def where(self, mask: npt.NDArray[np.bool_]) -> Rows:
        """Some of them."""
        return Rows(*(getattr(self, each.name)[mask] for each in fields(self)))

    @property
    def known(self) -> Rows:
        """Those whose target is known."""
        return self.where(np.isfinite(self.actual))


@dataclass(slots=True, eq=False)
class Past:
    """A lot's past with what is usual on each of its days, worked out once for all horizons.

    Attributes:
        grid: the past; the last day may be today.
        kind: which days are alike.
    """

    grid: DemandGrid
    kind: DayKind = by_weekend
    _usual: dict[int, Shares] = field(default_factory=dict)
    _recent: dict[int, Shares] = field(default_factory=dict)
    _off: Shares = field(init=False)

    def __post_init__(self) -> None:
        """Work out how far each slot was from usual, from two days before the first on."""
        unknown = np.full(2 * self.grid.slots.count, np.nan)
        self._off = np.concatenate([unknown, (self.grid.shares - self.usual(0)).ravel()])

    def rows(self, ahead: int, days: range, slots: range | None = None) -> Rows:
        """A row for each origin from which the lot can be forecast.

        Args:
            ahead: slots from the origin to the target.
            days: of the origins.
            slots: of the origins; all by default.
        """
        of = self.grid.slots
        day, slot = (
            each.ravel()
            for each in np.meshgrid(
                np.asarray(days, np.int64), np.asarray(slots or range(of.count)), indexing="ij"
            )
        )
        later, minute = np.divmod(of.first_min + (slot + ahead) * of.step_min, MINUTES_A_DAY)
        target = (minute - of.first_min) // of.step_min
        inputs = np.full((len(day), _INPUTS), np.nan)
        usual, actual = np.full(len(day), np.nan), np.full(len(day), np.nan)
        for each in np.unique(later):
            part = (later == each) & (target >= 0) & (target < of.count)
            inputs[part], usual[part], actual[part] = self._to(
                day[part], slot[part], int(each), target[part]
            )
        if ahead * of.step_min % MINUTES_A_DAY == 0:
            # At the same time of another day this is noise; what it weighs there must not be
            # applied to other times, for which the nearest horizon stands in.
            inputs[:, _MOVE] *= 0.0
        made = Rows(inputs, usual, actual, day, slot, day + later)
        return made.where(np.isfinite(inputs).all(axis=1) & np.isfinite(usual))

    def _to(
        self, day: Places, slot: Places, later: int, target: Places
    ) -> tuple[Floats, Floats, Floats]:
        """Inputs, usual and actual share of targets that are `later` days after their origins."""
        slots = self.grid.slots
        usual = self.usual(later)[day, target]
        recent = _or(self.recent(later)[day, target], usual)
        usual_now = self.usual(0)[day, slot]
        recent_now = _or(self.recent(0)[day, slot], usual_now)
        off = self._off
        # Two days before the first, which are not known, so that none looks in vain.
        place = (day + 2) * slots.count + slot
        now = off[place]
        one = _or(off[place - 1], now)
        two = _or(off[place - 2], one)
        hours = max(1, _LAST_HOURS_MIN // slots.step_min)
        lately = _or(_mean_of_last(off, place, hours), now)
        then = (day + 2) * slots.count + target
        before = [
            np.nan_to_num(off[at - back * slots.count]) for back in (1, 2) for at in (then, place)
        ]
        angle = 2 * np.pi * (slots.first_min + target * slots.step_min) / MINUTES_A_DAY
        inputs = np.stack(
            [
                now, now - one, one - two, lately, *before, usual - usual_now,
                recent - usual, recent_now - usual_now, now * np.sin(angle), now * np.cos(angle),
            ],
            axis=1,
        )  # fmt: skip
        actual = np.full(len(day), np.nan)
        there = day + later < self.grid.days
        actual[there] = self.grid.shares[day[there] + later, target[there]]
        return inputs, usual, actual

    @property
    def kinds(self) -> list[int]:
        """Of its days."""
        first = self.grid.first_day
        return [self.kind(first + timedelta(days=each)) for each in range(self.grid.days)]

    def usual(self, later: int) -> Shares:
        """For the day `later` days after each day: the mean of the last same weekdays before it."""
        if later not in self._usual:
            nearest = _WEEK * (later // _WEEK + 1) - later
            backs = [nearest + _WEEK * each for each in range(SAME_WEEKDAYS)]
            self._usual[later] = _mean([_shifted(self.grid.shares, back) for back in backs])
        return self._usual[later]

    def recent(self, later: int) -> Shares:
        """The same of those of the seven days before it that are of the later day's kind."""
        if later not in self._recent:
            first, days = self.grid.first_day, self.grid.days
            kinds = [
                self.kind(first + timedelta(days=each)) for each in range(-_WEEK, days + later)
            ]
            wanted = np.array(kinds[_WEEK + later :])
            alike = []
            for back in range(1, _WEEK + 1):
                is_alike = np.array(kinds[_WEEK - back : _WEEK - back + days]) == wanted
                alike.append(np.where(is_alike[:, None], _shifted(self.grid.shares, back), np.nan))
            self._recent[later] = _mean(alike)
        return self._recent[later]


def _shifted(shares: Shares, back: int) -> Shares:
    """For each day the shares of `back` days before."""
    shifted = np.full_like(shares, np.nan)
    if back < len(shares):
        shifted[back:] = shares[: len(shares) - back]
    return shifted


def _mean(several: list[Shares]) -> Shares:
    """The mean of those that are known."""
    with warnings.catch_warnings():
        # A slot that is known on none of the days stays unknown.
        warnings.simplefilter("ignore", RuntimeWarning)
        mean: Shares = np.nanmean(np.stack(several), axis=0)
    return mean


def _or(value: Floats, other: Floats) -> Floats:
    return np.where(np.isfinite(value), value, other)


def _mean_of_last(off: Shares, place: Places, count: int) -> Floats:
    """The mean of the known ones of the `count` values that end at each place."""
    is_known = np.isfinite(off)
    total = np.concatenate([[0.0], np.cumsum(np.where(is_known, off, 0.0))])
    known = np.concatenate([[0], np.cumsum(is_known)])
    end = place + 1
    start = np.maximum(end - count, 0)
    number = known[end] - known[start]
    return np.where(number > 0, (total[end] - total[start]) / np.maximum(number, 1), np.nan)
