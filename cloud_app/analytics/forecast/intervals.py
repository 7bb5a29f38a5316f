"""Intervals that are corrected by what the past ones of the same lot and horizon really held.

Bounds are quantiles of a lot's errors of the last weeks, each relative to its expected size
(`difficulty`; split conformal prediction, Lei et al., JASA 113, 2018). How wide they are follows
from forecast to forecast: a truth that lay below the interval lowers its lower end, one that did
not raises it a little, and the same above (adaptive conformal inference; Gibbs and Candes, NeurIPS
2021; as quantile tracking: Angelopoulos, Candes and Tibshirani, NeurIPS 2023, equation 2, here on
the logarithm of the width). The share that is missed in the long run is the wanted one, whatever
the demand does, since a width that stays within bounds has been widened as often as narrowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from cloud_app.analytics.demand import MINUTES_A_DAY, Slots
from cloud_app.analytics.forecast.difficulty import Difficulty
from cloud_app.analytics.forecast.features import Places, Rows
from cloud_app.analytics.forecast.regression import Floats

ERROR_DAYS = 28
FOLLOWED_DAYS = 14
PUT_DOWN_EVERY_MIN = 60
"""How often forecasts are put down to be compared with what comes."""
SETTLED_AFTER_MIN = 30
"""So long after a time its quarter of an hour is kept."""
# Errors of all lots weigh as much as so many of a lot's own.
_COMMON_ERRORS = 30
# A bound of 0 could not be widened.
_LEAST_BOUND = 0.1
# Of the logarithm of a width for each miss: of a lot itself, and of the mean of the site's lots.
# Chosen on nine windows of training days of Birmingham and Malaga (docs/forecasts.md).
_OWN_RATE, _SITE_RATE = 0.1, 0.2
# Of longer horizons more is under way that a correction does not reach any more.
_SLOWER_FROM_MIN = 480
_WIDEST = float(np.log(8.0))

Tails: TypeAlias = npt.NDArray[np.float64]
"""(2,), share of the truths below and above an interval."""


COLUMNS = ("lot", "day", "due", "kind", "slot", "due_slot", "error", "size")


@dataclass(frozen=True, slots=True)
class Days:
    """The days of the grids.

    Attributes:
        slots: of each day.
        kinds: of each day.
    """

    slots: Slots
    kinds: Sequence[int]


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Forecasts of one horizon that came due, of all lots.

    Attributes:
        lots: their names.
        lot: (n,), place in `lots`.
        day: (n,), of the origin.
        due: (n,), day of the target.
        kind: (n,), of the target's day: how wrong a forecast is differs more between working days
            and others than between lots.
        slot: (n,), of the origin.
        due_slot: (n,), of the target.
        error: (n,), actual less forecast, in the measure of `size`.
        size: (n,), expected size of the error, share of the capacity.
    """

    lots: tuple[str, ...]
    lot: Places
    day: Places
    due: Places
    kind: Places
    slot: Places
    due_slot: Places
    error: Floats
    size: Floats

    @classmethod
    def of(
        cls,
        rows: Mapping[str, Rows],
        error: Mapping[str, Floats],
        days: Days,
        ahead: int,
        difficulty: Difficulty,
    ) -> Errors:
        """Of rows and their errors in shares of the capacity, by lot."""
        names = tuple(rows)
        slots = days.slots
        due = np.concatenate([each.due for each in rows.values()])
        slot = np.concatenate([each.slot for each in rows.values()])
        size = np.concatenate([difficulty.of(each, slots) for each in rows.values()])
        return cls(
            names,
            np.concatenate([np.full(len(rows[name]), i) for i, name in enumerate(names)]),
            np.concatenate([each.day for each in rows.values()]),
            due,
            np.asarray(days.kinds, np.int64)[due],
            slot,
            (slots.first_min // slots.step_min + slot + ahead) % (MINUTES_A_DAY // slots.step_min)
            - slots.first_min // slots.step_min,
            np.concatenate([error[name] for name in names]) / size,
            size,
        )

    def where(self, mask: npt.NDArray[np.bool_]) -> Errors:
        """Some of them."""
        return Errors(self.lots, *(getattr(self, name)[mask] for name in COLUMNS))

    def before(self, day: int, kind: int) -> Errors:
        """Those that came due in the last weeks before a day; on days of that kind, if any did."""
        lately = (self.due < day) & (self.due >= day - ERROR_DAYS)
        alike = lately & (self.kind == kind)
        return self.where(alike if alike.any() else lately)

    def bounds(self, tails: Tails) -> Floats:
        """Of each lot, (lots, 2): how far below and above a forecast the truth lies, in sizes.

        Args:
            tails: share of the truths to be below, and above.
        """
        common = _quantiles(self.error, tails)
        made = np.empty((len(self.lots), 2))
        for place in range(len(self.lots)):
            own = self.error[self.lot == place]
            share = len(own) / (len(own) + _COMMON_ERRORS)
            made[place] = share * _quantiles(own, tails) + (1 - share) * common
        low, high = np.minimum(made[:, 0], -_LEAST_BOUND), np.maximum(made[:, 1], _LEAST_BOUND)
        return np.stack([low, high], axis=1)


@dataclass(slots=True, eq=False)
class Tracker:
    """By how much the intervals of one horizon are wider than learned, below and above.

    Attributes:
        ahead_min: the horizon.
        own: (n, 2), logarithms of what each lot adds.
        site: (2,), the same of all of them.
    """

    ahead_min: int
    own: Floats
    site: Floats = field(default_factory=lambda: np.zeros(2))

    @property
    def _slower(self) -> float:
        return float(min(1.0, np.sqrt(_SLOWER_FROM_MIN / self.ahead_min)))

    def learn(self, lot: Places, missed: npt.NDArray[np.bool_], tails: Tails, lots: int) -> None:
        """Take in forecasts that came due at one time.

        Args:
            lot: (k,), place of each in `own`.
            missed: (k, 2), whether the truth lay below, and above.
            tails: that are wanted.
            lots: of the site; forecasts of other parts tell nothing of the site.
        """
        off = self._slower * (missed - tails)
        np.add.at(self.own, lot, _OWN_RATE * off)
        np.clip(self.own, -_WIDEST, _WIDEST, out=self.own)
        moved = self.site + _SITE_RATE * off[lot < lots].sum(axis=0) / max(lots, 1)
        self.site = np.clip(moved, -_WIDEST, _WIDEST)

    @property
    def factors(self) -> Floats:
        """(n, 2), of each lot."""
        made: Floats = np.exp(self.own + self.site)
        return made


def follow(
    errors: Errors, days: tuple[int, int], coverage: float, slots: Slots, ahead_min: int
) -> Floats:
    """Give out intervals from day to day, and learn from those that came due, as a service does.

    Args:
        errors: all of them; for an interval only those count that had come due.
        days: the first, and the day after the last.
        coverage: that is asked for.
        slots: of a day.
        ahead_min: the horizon.

    Returns:
        Bounds of each error, (n, 2), NaN where its origin is not within the days.
    """
    tails = tails_of(coverage)
    given = _learned(errors, days, tails)
    minute = slots.first_min + errors.slot * slots.step_min
    origin = errors.day * MINUTES_A_DAY + minute
    due = errors.due * MINUTES_A_DAY + slots.first_min + errors.due_slot * slots.step_min
    is_given = np.isfinite(given[:, 0])
    is_put_down = is_given & (minute % PUT_DOWN_EVERY_MIN == 0)
    waiting = iter(_groups(due, np.flatnonzero(is_put_down)))
    tracker = Tracker(ahead_min, np.zeros((len(errors.lots), 2)))
    came = next(waiting, None)
    for now, some in _groups(origin, np.flatnonzero(is_given)):
        while came is not None and came[0] + SETTLED_AFTER_MIN <= now:
            error, bounds = errors.error[came[1]], given[came[1]]
            missed = np.stack([error < bounds[:, 0], error > bounds[:, 1]], axis=1)
            tracker.learn(errors.lot[came[1]], missed, tails, len(errors.lots))
            came = next(waiting, None)
        given[some] *= tracker.factors[errors.lot[some]]
    return given


def tails_of(coverage: float) -> Tails:
    """As many below as above."""
    return np.full(2, (1 - coverage) / 2)


def _learned(errors: Errors, days: tuple[int, int], tails: Tails) -> Floats:
    """What a fit of the night before says of each error of some days."""
    given = np.full((len(errors.error), 2), np.nan)
    for day in range(*days):
        for kind in np.unique(errors.kind[errors.day == day]):
            today = (errors.day == day) & (errors.kind == kind)
            given[today] = errors.before(day, int(kind)).bounds(tails)[errors.lot[today]]
    return given


def _groups(of: Places, some: Places) -> list[tuple[int, Places]]:
    """Some places by their value, in order of it."""
    order = some[np.argsort(of[some], kind="stable")]
    values, starts = np.unique(of[order], return_index=True)
    return list(zip(values.tolist(), np.split(order, starts[1:]), strict=False))


def _quantiles(errors: Floats, tails: Tails) -> Floats:
    if not len(errors):
        return np.zeros(2)
    bounds: Floats = np.quantile(errors, (tails[0], 1 - tails[1]))
    return bounds
