"""How good forecasts would have been: the last days held out, against what anybody could do.

Weights are learned of the days before the held-out ones only. Intervals follow what came due before
each origin, as those of a service do that puts its forecasts down every hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cloud_app.analytics.demand import DemandGrid, ForecastError
from cloud_app.analytics.forecast.features import DayKind, Past, by_weekend
from cloud_app.analytics.forecast.intervals import COLUMNS, FOLLOWED_DAYS, Days, Errors, follow
from cloud_app.analytics.forecast.model import COVERAGE, LEAST_DAYS, Fit, learn, shares
from cloud_app.analytics.forecast.regression import Floats

_CARRIED_SHARE = 0.9
"""Of today's difference from usual, in the usual simple forecast."""


@dataclass(frozen=True, slots=True)
class Score:
    """Forecasts of one horizon against the truth.

    Attributes:
        horizon_min: how far ahead.
        count: forecasts that were judged.
        error: mean absolute error, share of the capacity.
        by_lot: the same of each lot.
        covered: share of the truths that lay within the interval.
        width: mean width of the interval, share of the capacity.
        persistence: error if all stayed as it is.
        weekday: error of the mean of the last three same weekdays.
        carried: error of that, with nine tenths of today's difference from it.
    """

    horizon_min: int
    count: int
    error: float
    by_lot: Mapping[str, float]
    covered: float
    width: float
    persistence: float
    weekday: float
    carried: float


def backtest(
    grids: Sequence[DemandGrid],
    held_out_days: int,
    horizons_min: Sequence[int],
    *,
    coverage: float = COVERAGE,
    kind: DayKind = by_weekend,
) -> list[Score]:
    """Score forecasts of the last days, made with what was known before.

    Lots whose data stop before the held-out days are not judged: nothing is forecast for them.

    Raises:
        ForecastError: too little is left to learn from.
    """
    slots = grids[0].slots
    newest = max(grid.days for grid in grids)
    first = newest - held_out_days
    before = [Past(grid.until(first), kind) for grid in grids]
    pasts = [Past(grid, kind) for grid in grids]
    scores = []
    for horizon_min in horizons_min:
        ahead = max(1, round(horizon_min / slots.step_min))
        learned = learn(before, ahead, coverage)
        if learned is None:
            msg = f"no lot has more than {LEAST_DAYS} days before the {held_out_days} held out"
            raise ForecastError(msg)
        scores.append(_score(pasts, learned, ahead, (first, newest), coverage))
    return scores


def _score(
    pasts: Sequence[Past],
    learned: tuple[Fit, Errors],
    ahead: int,
    days: tuple[int, int],
    coverage: float,
) -> Score:
    (fit, before), (first, newest) = learned, days
    judged = {past.grid.lot: past.rows(ahead, range(first, past.grid.days)).known for past in pasts}
    judged = {lot: rows for lot, rows in judged.items() if len(rows)}
    error = {lot: each.actual - shares(each, fit.weights(lot)) for lot, each in judged.items()}
    kinds = max(pasts, key=lambda past: past.grid.days).kinds
    slots = pasts[0].grid.slots
    ours = Errors.of(judged, error, Days(slots, kinds), ahead, fit.difficulty)
    errors = _after(before, ours)
    span = (first - FOLLOWED_DAYS, newest)
    bounds = follow(errors, span, coverage, slots, ahead * slots.step_min)
    is_judged = errors.day >= first
    size = errors.size[is_judged]
    off, (low, high) = size * errors.error[is_judged], size * bounds[is_judged].T
    shares_now = {past.grid.lot: past.grid.shares for past in pasts}
    now = [shares_now[lot][each.day, each.slot] - each.actual for lot, each in judged.items()]
    usual = np.concatenate([each.usual - each.actual for each in judged.values()])
    carried = np.concatenate([each.inputs[:, 0] for each in judged.values()])
    return Score(
        horizon_min=ahead * pasts[0].grid.slots.step_min,
        count=len(off),
        error=_mean_size(off),
        by_lot={lot: _mean_size(each) for lot, each in error.items()},
        covered=float(np.mean((off >= low) & (off <= high))),
        width=float(np.mean(high - low)),
        persistence=_mean_size(np.concatenate(now)),
        weekday=_mean_size(usual),
        carried=_mean_size(usual + _CARRIED_SHARE * carried),
    )


def _after(earlier: Errors, later: Errors) -> Errors:
    """Errors of both, of the lots of the later ones."""
    places = {name: place for place, name in enumerate(later.lots)}
    place = np.array([places.get(name, -1) for name in earlier.lots], np.int64)[earlier.lot]
    kept = place >= 0
    return Errors(
        later.lots,
        np.concatenate([place[kept], later.lot]),
        *(
            np.concatenate([getattr(earlier, name)[kept], getattr(later, name)])
            for name in COLUMNS[1:]
        ),
    )


def _mean_size(errors: Floats) -> float:
    return float(np.mean(np.abs(errors)))
