"""Forecasts: what they know, how good they are, and when they are refused."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.forecast import birmingham
from cloud_app.analytics.demand import DemandGrid, ForecastError, Slots
from cloud_app.analytics.forecast import ForecastModel, fit
from cloud_app.analytics.forecast.backtest import backtest
from cloud_app.analytics.forecast.features import Past
from cloud_app.analytics.forecast.intervals import Tracker
from cloud_app.analytics.forecast.regression import fit_absolute

MONDAY = date(2026, 3, 2)
SLOTS = Slots(60, 0, 24)
DAYS = 63
HORIZONS_MIN = (60, 240, 1440)


def grid_of(lot: str, seed: int, days: int = DAYS) -> DemandGrid:
    """A day of its own each weekday, and a difference from it that fades within hours."""
    random = np.random.default_rng(seed)
    hours = np.arange(24)
    shape = 0.15 + 0.5 * np.exp(-(((hours - 13) / 4.0) ** 2))
    shares = np.empty((days, 24))
    off = 0.0
    for day in range(days):
        scale = 1.0 + 0.05 * (day % 7) - (0.5 if day % 7 >= 5 else 0.0)
        for hour in range(24):
            off = 0.9 * off + random.normal(0, 0.03)
            shares[day, hour] = np.clip(shape[hour] * scale + off, 0, 1)
    return DemandGrid(lot, MONDAY, SLOTS, shares)


@pytest.fixture(scope="module")
def grids() -> list[DemandGrid]:
    return [grid_of(f"lot-{seed}", seed) for seed in range(4)]


@pytest.fixture(scope="module")
def model(grids: list[DemandGrid]) -> ForecastModel:
    return fit(grids, HORIZONS_MIN)


def test_it_beats_what_anybody_could_say(grids: list[DemandGrid]) -> None:
    for score in backtest(grids, 14, HORIZONS_MIN):
        assert score.error < min(score.persistence, score.weekday)
        assert score.error < 1.05 * score.carried
        assert 0.7 < score.covered < 0.9
        assert set(score.by_lot) == {grid.lot for grid in grids}


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-3, 3)), min_size=300, max_size=300))
@settings(max_examples=8, deadline=None)
def test_intervals_hold_as_often_as_they_are_meant_to(told: list[tuple[int, float]]) -> None:
    """Whatever comes: the share that is missed is the wanted one, but for where a width stops."""
    tracker, lots, tails = Tracker(60, np.zeros((1, 2))), 1, np.array([0.1, 0.1])
    missed = np.zeros(2)
    for day, (level, error) in enumerate(told):
        bounds = tracker.factors[0] * [-1.0, 1.0]
        # A demand that grows wilder, up to what the widest interval still holds.
        wild = error * (1.0 + level * day / len(told))
        is_missed = np.array([[wild < bounds[0], wild > bounds[1]]])
        missed += is_missed[0]
        tracker.learn(np.array([0]), is_missed, tails, lots)
    # Each step moves both logarithms by 0.3 in all; they end within log(64) of where they began.
    assert (missed / len(told) <= tails + np.log(64) / (0.3 * len(told)) + 1e-9).all()


def test_an_interval_widens_for_the_lot_that_missed_and_less_for_its_neighbours() -> None:
    tracker, tails = Tracker(60, np.zeros((3, 2))), np.array([0.1, 0.1])
    none, low = [False, False], [True, False]
    for _ in range(5):
        tracker.learn(np.array([0, 1, 2]), np.array([low, none, low]), tails, lots=2)
    (own, _), (neighbour, _), (zone, _) = tracker.factors.tolist()
    assert own == pytest.approx(np.exp(5 * (0.1 * 0.9 + 0.2 * 0.4)))
    assert neighbour == pytest.approx(np.exp(5 * (-0.1 * 0.1 + 0.2 * 0.4)))
    assert zone == own, "a zone tells nothing of the site"
    slower = Tracker(4 * 480, np.zeros((1, 2)))
    slower.learn(np.array([0]), np.array([low]), tails, lots=1)
    assert slower.factors[0, 0] == pytest.approx(np.exp(0.5 * 0.3 * 0.9))


def test_fewer_rows_tell_much_the_same(grids: list[DemandGrid], model: ForecastModel) -> None:
    thin = fit(grids, HORIZONS_MIN, rows_every=4)
    for grid in grids:
        dense, coarse = (each.forecast(grid, 12, [1, 4, 24]) for each in (model, thin))
        for one, two in zip(dense, coarse, strict=True):
            assert one.share == pytest.approx(two.share, abs=0.03)


@pytest.mark.data
def test_birmingham(shared_data: Path) -> None:
    """The figures to reach of the car parks of Birmingham, last 14 days held out."""
    most = {30: 0.0140, 60: 0.0200, 120: 0.0305, 240: 0.0445}
    lots = birmingham(shared_data / "demand")
    scores = {score.horizon_min: score for score in backtest(lots, 14, [*most])}
    for horizon_min, error in most.items():
        assert scores[horizon_min].error <= error
        assert scores[horizon_min].error < scores[horizon_min].carried
    # Two lots whose readings had stopped are not judged.
    assert len(scores[30].by_lot) == 28


@given(slot=st.integers(0, 22), ahead=st.integers(1, 30), later=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_nothing_after_the_origin_is_looked_at(slot: int, ahead: int, later: float) -> None:
    known = grid_of("lot", 1, 30)
    day = 27
    changed = known.shares.copy()
    changed[day, slot + 1 :] = later
    changed[day + 1 :] = later
    one, two = (
        Past(DemandGrid("lot", MONDAY, SLOTS, shares)).rows(
            ahead, range(day, day + 1), range(slot, slot + 1)
        )
        for shares in (known.shares, changed)
    )
    assert np.array_equal(one.inputs, two.inputs)
    assert np.array_equal(one.usual, two.usual)


def test_a_forecast_has_its_time_and_an_interval_within_the_lot(
    grids: list[DemandGrid], model: ForecastModel
) -> None:
    today = grids[0].shares.copy()
    today[-1, 12:] = np.nan
    past = DemandGrid("lot-0", MONDAY, SLOTS, today)
    soon, tomorrow = model.forecast(past, 11, [1, 24])
    last = datetime.combine(MONDAY, datetime.min.time()) + timedelta(days=DAYS - 1)
    assert (soon.at, tomorrow.at) == (last.replace(hour=12), last + timedelta(hours=35))
    for each in (soon, tomorrow):
        assert 0 <= each.low <= each.share <= each.high <= 1
    assert soon.high - soon.low < tomorrow.high - tomorrow.low


def test_a_late_reading_stands_for_now(grids: list[DemandGrid], model: ForecastModel) -> None:
    today = grids[0].shares.copy()
    today[-1, 11:] = np.nan
    past = DemandGrid("lot-0", MONDAY, SLOTS, today)
    assert model.forecast(past, 12, [1])[0].at.hour == 13


def test_a_lot_that_the_fit_did_not_see_leans_on_the_others(model: ForecastModel) -> None:
    [forecast] = model.forecast(grid_of("new", 9), 12, [1])
    assert (forecast.low, forecast.high) == (0, 1), "nothing is known of its errors"


def test_no_figures_are_made_up(grids: list[DemandGrid], model: ForecastModel) -> None:
    stopped = grids[0].shares.copy()
    stopped[-1, 6:] = np.nan
    with pytest.raises(ForecastError, match="lot lot-0: expected a reading in the last 120 min"):
        model.forecast(DemandGrid("lot-0", MONDAY, SLOTS, stopped), 12, [1])
    with pytest.raises(ForecastError, match="more than 21 days of data, got 20"):
        model.forecast(grids[0].until(20), 12, [1])
    gone = grids[0].shares.copy()
    gone[-22:-1] = np.nan
    with pytest.raises(ForecastError, match="too little was known"):
        model.forecast(DemandGrid("lot-0", MONDAY, SLOTS, gone), 12, [1])
    with pytest.raises(ForecastError, match="no lot has more than 21 days"):
        fit([grids[0].until(15)], HORIZONS_MIN)
    other = DemandGrid("x", MONDAY, Slots(30, 0, 48), np.zeros((30, 48)))
    with pytest.raises(ForecastError, match="same slots"):
        fit([grids[0], other], HORIZONS_MIN)


def test_readings_are_laid_on_the_clock_of_the_wall() -> None:
    # On 25 October 2026 half past two comes twice in Berlin.
    night = datetime.combine(date(2026, 10, 25), datetime.min.time())
    at = [(60, 0.1), (142, 0.2), (129, 0.3), (155, 0.4), (1430, 1.7)]
    readings = [(night + timedelta(minutes=minutes), share) for minutes, share in at]
    grid = DemandGrid.of("lot", readings, Slots(30, 0, 48))
    assert np.flatnonzero(np.isfinite(grid.shares[0])).tolist() == [2, 4, 5]
    assert grid.shares[0, [2, 4, 5]].tolist() == [0.1, 0.3, 0.4]
    assert DemandGrid.of("lot", [(night, 1.7)], SLOTS).shares[0, 0] == 1
    with pytest.raises(ForecastError, match="lot lot: no readings"):
        DemandGrid.of("lot", [], SLOTS)
    with pytest.raises(ForecastError, match="end by midnight"):
        Slots(30, 480, 40)


def test_one_wild_day_bends_nothing() -> None:
    random = np.random.default_rng(3)
    inputs = random.normal(size=(400, 2))
    target = inputs @ [0.7, -0.2]
    target[:20] += 5.0
    fitted = fit_absolute(inputs, target, np.ones(400), ridge=0.001)
    assert fitted == pytest.approx([0.7, -0.2], abs=0.01)
    prior = np.array([0.1, 0.1])
    held = fit_absolute(inputs, target, np.ones(400), ridge=1e9, prior=prior)
    assert held == pytest.approx(prior, abs=0.01)
