"""Forecasts of how full lots will be, each with an interval.

For each horizon the difference from the usual day is a weighted sum of what is known at the origin
(`features`). The weights are fitted over all lots together, then again for each lot, held to the
common ones: a lot with little past leans on the others. `intervals` says how far off one may be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from cloud_app.analytics.demand import DemandGrid, ForecastError, Slots
from cloud_app.analytics.forecast.difficulty import Difficulty
from cloud_app.analytics.forecast.features import DayKind, Past, Rows, by_weekend
from cloud_app.analytics.forecast.intervals import (
    ERROR_DAYS,
    Days,
    Errors,
    tails_of,
)
from cloud_app.analytics.forecast.regression import Floats, fit_absolute

HORIZONS_MIN = (15, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320, 7200, 10_080)
COVERAGE = 0.8
"""Of the truths that are to lie within an interval."""
LEAST_DAYS = 21
"""Three same weekdays."""
_HALF_LIFE_DAYS = 14.0
_RIDGE_ALL, _RIDGE_LOT = 3.0, 100.0
_LOT_ROWS_MIN = 20
# A lot whose last reading is older says nothing of now.
STALE_AFTER_MIN = 120
_UNSURE = (-1.0, 1.0)
# Beyond so many standard deviations lies a tenth of a normal distribution.
_TENTH = 1.2816
_LEAST_WIDTH = 1e-3

Bounds: TypeAlias = tuple[float, float]
"""How far below (negative) and above a forecast."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What was learned for one horizon.

    Attributes:
        common: weights for lots that have none of their own.
        own: by lot.
        bounds: how far below and above a forecast the truth lies, by kind of day and lot, in
            expected sizes of an error.
        difficulty: what size an error is expected to have.
    """

    common: Floats
    own: Mapping[str, Floats]
    bounds: Mapping[int, Mapping[str, Bounds]]
    difficulty: Difficulty

    def weights(self, lot: str) -> Floats:
        """For a lot."""
        return self.own.get(lot, self.common)

    def interval(self, lot: str, kind: int, size: float) -> Bounds:
        """Of a lot on a day of a kind: as wide as may be where that is not known.

        Args:
            lot: which.
            kind: of the target's day.
            size: expected of the error.
        """
        of_kind = self.bounds.get(kind, {}).get(lot)
        others = [each[lot] for each in self.bounds.values() if lot in each]
        bounds = others if of_kind is None else [of_kind]
        if not bounds:
            return _UNSURE
        return size * min(low for low, _ in bounds), size * max(high for _, high in bounds)


@dataclass(frozen=True, slots=True)
class Forecast:
    """How full a lot will be.

    Attributes:
        at: local time.
        share: of the capacity that will be occupied.
        low: the truth lies between `low` and `high` with the coverage asked for.
        high: as `low`.
    """

    at: datetime
    share: float
    low: float
    high: float

    def chance_below(self, share: float) -> float:
        """How likely at most so much will be occupied, 0 to 1.

        Errors below and above the forecast are taken to be halves of normal distributions, whose
        tails beyond the interval are 10 % each.
        """
        width = (self.high if share >= self.share else self.low) - self.share
        spread = max(abs(width), _LEAST_WIDTH) / _TENTH
        return 0.5 * math.erfc((self.share - share) / spread / math.sqrt(2))


@dataclass(frozen=True, slots=True, eq=False)
class ForecastModel:
    """What a nightly fit learned.

    Attributes:
        slots: of a day.
        fits: by slots ahead.
        kind: which days are alike.
        widths: by slots ahead and lot, factors of how far below and above an interval reaches
            (`Tracker` of `intervals`).
    """

    slots: Slots
    fits: Mapping[int, Fit]
    kind: DayKind = field(default=by_weekend)
    widths: Mapping[int, Mapping[str, Bounds]] = field(default_factory=dict)

    def _widths(self, lot: str, ahead: int) -> Bounds:
        """Of the nearest horizon that something is said of."""
        told = [each for each, lots in self.widths.items() if lot in lots]
        if not told:
            return 1.0, 1.0
        return self.widths[min(told, key=lambda each: abs(math.log(each / max(ahead, 1))))][lot]

    def knows(self, lot: str) -> bool:
        """Whether something of this lot's own was learned."""
        return any(lot in each.own for each in self.fits.values())

    def forecast(self, grid: DemandGrid, origin: int, ahead: Sequence[int]) -> list[Forecast]:
        """Forecast a lot from the last day of its grid.

        Args:
            grid: the past; its last day is today, unknown after the origin.
            origin: slot of now; the newest known one within two hours before it is used.
            ahead: slots from the origin, each of a horizon between those that were fitted.

        Raises:
            ForecastError: the past is too short, or its data stopped.
        """
        newest = self._newest(grid, origin)
        past = Past(grid, self.kind)
        return [self._one(past, newest, origin - newest + each) for each in ahead]

    def _newest(self, grid: DemandGrid, origin: int) -> int:
        if grid.days <= LEAST_DAYS:
            msg = f"lot {grid.lot}: expected more than {LEAST_DAYS} days of data, got {grid.days}"
            raise ForecastError(msg)
        last_few = STALE_AFTER_MIN // self.slots.step_min
        for slot in range(origin, max(origin - last_few, 0) - 1, -1):
            if np.isfinite(grid.shares[-1, slot]):
                return slot
        msg = f"lot {grid.lot}: expected a reading in the last {STALE_AFTER_MIN} minutes, got none"
        raise ForecastError(msg)

    def _one(self, past: Past, origin: int, ahead: int) -> Forecast:
        grid, day = past.grid, past.grid.days - 1
        rows = past.rows(ahead, range(day, day + 1), range(origin, origin + 1))
        if not len(rows):
            msg = f"lot {grid.lot}: too little was known at this time of day in the last weeks"
            raise ForecastError(msg)
        fit = self.fits[min(self.fits, key=lambda each: abs(each - ahead))]
        share = float(shares(rows, fit.weights(grid.lot))[0])
        at = self.slots.begins(grid.first_day, origin + ahead) + timedelta(days=day)
        size = float(fit.difficulty.of(rows, self.slots)[0])
        low, high = fit.interval(grid.lot, self.kind(at.date()), size)
        wider_below, wider_above = self._widths(grid.lot, ahead)
        low, high = share + wider_below * low, share + wider_above * high
        return Forecast(at, share, max(low, 0.0), min(high, 1.0))


def fit(
    grids: Sequence[DemandGrid],
    horizons_min: Sequence[int] = HORIZONS_MIN,
    kind: DayKind = by_weekend,
    *,
    coverage: float = COVERAGE,
    rows_every: int = 1,
) -> ForecastModel:
    """Learn from the past of several lots; all their days are used.

    Args:
        grids: the past.
        horizons_min: to learn.
        kind: which days are alike.
        coverage: of the intervals.
        rows_every: weights are fitted to every so many slots' rows: neighbours tell much the same.

    Raises:
        ForecastError: no lot has data enough, or the lots' slots differ.
    """
    if len({grid.slots for grid in grids}) != 1:
        msg = f"expected lots with the same slots, but got {sorted({str(g.slots) for g in grids})}"
        raise ForecastError(msg)
    slots = grids[0].slots
    pasts = [Past(grid, kind) for grid in grids]
    ahead = sorted({max(1, round(each / slots.step_min)) for each in horizons_min})
    learned = {each: learn(pasts, each, coverage, rows_every) for each in ahead}
    fits = {each: made[0] for each, made in learned.items() if made is not None}
    if not fits:
        msg = f"no lot has more than {LEAST_DAYS} days of data"
        raise ForecastError(msg)
    return ForecastModel(slots, MappingProxyType(fits), kind)


def learn(
    pasts: Sequence[Past], ahead: int, coverage: float, rows_every: int = 1
) -> tuple[Fit, Errors] | None:
    """Learn one horizon.

    Args:
        pasts: of the lots.
        ahead: slots from origin to target.
        coverage: of the intervals.
        rows_every: weights are fitted to every so many slots' rows.

    Returns:
        What was learned, and the errors of the last weeks' forecasts that the intervals are made
        of; None where no lot has data enough.
    """
    rows = {
        past.grid.lot: past.rows(ahead, range(LEAST_DAYS, past.grid.days)).known for past in pasts
    }
    if not any(map(len, rows.values())):
        return None
    newest = max(past.grid.days for past in pasts)
    common, own = _weights(rows, newest, rows_every)
    # Honest errors: of days that the weights they are made with have not seen.
    cut = newest - ERROR_DAYS
    earlier = {lot: each.where(each.due < cut) for lot, each in rows.items()}
    if any(map(len, earlier.values())):
        then_common, then_own = _weights(earlier, cut, rows_every)
        rows = {lot: each.where(each.day >= cut) for lot, each in rows.items()}
    else:
        then_common, then_own = common, own
    error = {
        lot: each.actual - shares(each, then_own.get(lot, then_common))
        for lot, each in rows.items()
    }
    longest = max(pasts, key=lambda past: past.grid.days)
    slots = longest.grid.slots
    difficulty = Difficulty.learn(rows, error, slots)
    errors = Errors.of(rows, error, Days(slots, longest.kinds), ahead, difficulty)
    bounds = {
        int(kind): _by_lot(errors.lots, errors.before(newest, int(kind)).bounds(tails_of(coverage)))
        for kind in np.unique(errors.kind)
    }
    return Fit(common, own, bounds, difficulty), errors


def _by_lot(lots: Sequence[str], bounds: Floats) -> dict[str, Bounds]:
    return {lot: (float(low), float(high)) for lot, (low, high) in zip(lots, bounds, strict=True)}


def _weights(rows: Mapping[str, Rows], newest: int, every: int) -> tuple[Floats, dict[str, Floats]]:
    """Common weights, and each lot's own."""
    some = {lot: each.where(each.slot % every == 0) for lot, each in rows.items()}
    common = fit_absolute(
        np.concatenate([each.inputs for each in some.values()]),
        np.concatenate([each.actual - each.usual for each in some.values()]),
        np.concatenate([_recency(each, newest) for each in some.values()]),
        ridge=_RIDGE_ALL / every,
    )
    own = {
        lot: fit_absolute(
            each.inputs,
            each.actual - each.usual,
            _recency(each, newest),
            ridge=_RIDGE_LOT / every,
            prior=common,
        )
        for lot, each in some.items()
        if len(each) >= _LOT_ROWS_MIN
    }
    return common, own


def _recency(rows: Rows, newest: int) -> Floats:
    weights: Floats = 0.5 ** ((newest - rows.day) / _HALF_LIFE_DAYS)
    return weights


def shares(rows: Rows, weights: Floats) -> Floats:
    """The forecast of each row, (n,)."""
    forecast: Floats = np.clip(rows.usual + rows.inputs @ weights, 0.0, 1.0)
    return forecast
