"""Intervals that follow how wrong forecasts of the same horizon were of late.

Bounds are quantiles of a lot's errors of the last weeks, each relative to its expected size
(`difficulty`; split conformal prediction, Lei et al., JASA 113, 2018). Which quantiles follows from
day to day what the intervals really held (adaptive conformal inference; Gibbs and Candes, NeurIPS
2021), so that a change of season widens them instead of breaking them. Within a day they widen or
narrow by what that day's forecasts of all lots, as far as they came due, missed: a strange day is
strange from the morning on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from cloud_app.analytics.demand import MINUTES_A_DAY, Slots
from cloud_app.analytics.forecast.difficulty import Difficulty
from cloud_app.analytics.forecast.features import Places, Rows
from cloud_app.analytics.forecast.regression import Floats

ERROR_DAYS = 28
FOLLOWED_DAYS = 14
# Errors of all lots weigh as much as so many of a lot's own.
_COMMON_ERRORS = 30
_STEP = 0.3
_SMALLEST, _LARGEST = 0.002, 0.45
# Of the logarithm of the width, for each hour in which all was missed that need not have been.
_WIDENED_AN_HOUR = 1.0
_WIDEST = float(np.log(2.0))

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
        return np.stack([np.minimum(made[:, 0], 0.0), np.maximum(made[:, 1], 0.0)], axis=1)


def widened(missed: float) -> float:
    """By how much an interval is wider, a factor, on a day whose intervals missed so much so far.

    Args:
        missed: hours' worth of forecasts that came due and were missed, less those that may be:
            the sum over the day of `share missed - (1 - coverage)`, times hours.
    """
    wider = _WIDENED_AN_HOUR * missed
    return float(np.exp(np.clip(wider, -_WIDEST, _WIDEST)))


def follow(
    errors: Errors, first: int, last: int, coverage: float, step_min: int
) -> tuple[Floats, dict[int, Tails]]:
    """Give out intervals from day to day, and learn from those that came due.

    Args:
        errors: all of them; for the intervals of a day only those that had come due count.
        first: day with which it begins.
        last: day after the last one.
        coverage: that is asked for.
        step_min: length of a slot.

    Returns:
        Bounds of each error, (n, 2), NaN where its origin is before `first`; and by kind of
        day the tails that `Errors.bounds` needs for `last`.
    """
    wanted = np.full(2, (1 - coverage) / 2)
    tails = {int(kind): wanted for kind in np.unique(errors.kind)}
    given = np.full((len(errors.error), 2), np.nan)
    for day in range(first, last + 1):
        for kind, own in tails.items():
            is_kind = errors.kind == kind
            came = is_kind & (errors.due == day - 1) & np.isfinite(given[:, 0])
            if came.any():
                missed = _missed(errors.error[came], given[came])
                tails[kind] = np.clip(own + _STEP * (wanted - missed), _SMALLEST, _LARGEST)
            today = is_kind & (errors.day == day)
            if day < last and today.any():
                bounds = errors.before(day, kind).bounds(tails[kind])
                given[today] = bounds[errors.lot[today]]
        if day < last:
            _widen(errors, given, day, (coverage, step_min))
    return given, tails


def _widen(errors: Errors, given: Floats, day: int, asked: tuple[float, int]) -> None:
    """Widen or narrow the intervals of a day, in place, by what it missed before each origin."""
    coverage, step_min = asked
    today = np.flatnonzero(errors.day == day)
    due_today = today[errors.due[today] == day]
    if not len(due_today):
        return
    origins = np.argsort(errors.slot[today], kind="stable")
    due = np.argsort(errors.due_slot[due_today], kind="stable")
    today, due_today = today[origins], due_today[due]
    starts = np.searchsorted(errors.slot[today], np.unique(errors.slot[today]))
    ends = np.searchsorted(errors.due_slot[due_today], np.unique(errors.due_slot[due_today]))
    came = np.split(due_today, ends[1:])
    missed, told = 0.0, 0
    for now in np.split(today, starts[1:]):
        slot = errors.slot[now[0]]
        while told < len(came) and errors.due_slot[came[told][0]] <= slot:
            share = float(_missed(errors.error[came[told]], given[came[told]]).sum())
            missed += (share - (1 - coverage)) * step_min / 60
            told += 1
        given[now] *= widened(missed)


def _missed(error: Floats, bounds: Floats) -> Tails:
    """Share of the truths below, and above, their interval."""
    return np.array([np.mean(error < bounds[:, 0]), np.mean(error > bounds[:, 1])])


def _quantiles(errors: Floats, tails: Tails) -> Floats:
    if not len(errors):
        return np.zeros(2)
    bounds: Floats = np.quantile(errors, (tails[0], 1 - tails[1]))
    return bounds
