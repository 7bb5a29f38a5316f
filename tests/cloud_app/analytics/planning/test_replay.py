"""Replays of demand whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_app.analytics.planning.replay import Change, Observed, demand_of, outcome, replay
from cloud_app.analytics.reports.period import ReportError

WEEKS = 12


def a_lot(bays: int, seed: int = 1, level: float = 84.0) -> tuple[Observed, np.ndarray]:
    """Twelve weeks of normal demand by slot of the week, cut off at the capacity; and the truth."""
    random = np.random.default_rng(seed)
    slot = np.tile(np.arange(672), WEEKS)
    usual = level * (0.6 + 0.5 * np.sin((slot % 96) / 96 * 2 * np.pi - 1.5))
    true = np.clip(random.normal(usual, 6.0), 0, None)
    return Observed(slot.astype(np.int64), np.minimum(true, bays), bays), true


def test_demand_above_the_capacity_is_found_again() -> None:
    observed, true = a_lot(90)
    full = observed.is_full
    assert 0.05 < full.mean() < 0.4
    found = demand_of(observed)
    assert found[~full] == pytest.approx(observed.occupied[~full])
    assert (found[full] >= observed.occupied[full]).all()
    unmet_true = outcome(true, 90).unmet_bay_hours_a_day
    unmet_found = outcome(found, 90).unmet_bay_hours_a_day
    assert unmet_found == pytest.approx(unmet_true, rel=0.25)


def test_demand_that_no_week_bounds_is_told_as_a_lower_bound() -> None:
    observed, true = a_lot(60)
    always = observed.is_always_full
    assert 0.1 < always.mean() < observed.is_full.mean()
    assert observed.is_full[always].all()
    found = demand_of(observed)
    slots = np.unique(observed.slot[always])
    means = [(found[observed.slot == s].mean(), true[observed.slot == s].mean()) for s in slots]
    # The bound holds for what is far above the capacity, and it is not above it by chance.
    assert np.mean([is_found <= is_true + 3 for is_found, is_true in means]) > 0.95
    assert not a_lot(200)[0].is_always_full.any()


@pytest.mark.parametrize("bays", [-20, 10, 40])
def test_other_numbers_of_bays_come_out_as_they_would_have(bays: int) -> None:
    observed, true = a_lot(90, seed=3)
    _, planned = replay(observed, Change(bays=bays))
    real = outcome(true, 90 + bays)
    assert planned.occupancy == pytest.approx(real.occupancy, abs=0.02)
    assert planned.full_share == pytest.approx(real.full_share, abs=0.06)


def test_a_higher_price_lets_fewer_come() -> None:
    observed, _ = a_lot(90)
    now, dearer = replay(observed, Change(price=1.5, elasticity=-0.5))
    assert dearer.demand == pytest.approx(now.demand * 1.5**-0.5)
    assert dearer.full_share < now.full_share
    _, same = replay(observed, Change())
    assert same == now


@given(st.integers(0, 1000), st.integers(5, 120), st.integers(-5, 100))
def test_more_bays_never_leave_more_unmet(seed: int, bays: int, more: int) -> None:
    random = np.random.default_rng(seed)
    slot = np.arange(200) % 20
    stood = np.minimum(random.uniform(0, 1.5 * bays, 200), bays)
    now, planned = replay(Observed(slot, stood, bays), Change(bays=more))
    for each in (now, planned):
        assert 0 <= each.occupancy <= 1
        assert each.unmet_bay_hours_a_day >= 0
    if more >= 0:
        assert planned.unmet_bay_hours_a_day <= now.unmet_bay_hours_a_day + 1e-9
        assert planned.served >= now.served - 1e-9


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"price": 0.0}, "0.05 to 20"),
        ({"elasticity": 0.4}, "-3 to 0"),
        ({"bays": 10**6}, "at most"),
    ],
)
def test_what_means_nothing_is_refused(change: dict[str, float], told: str) -> None:
    with pytest.raises(ReportError, match=told):
        Change(**change)  # type: ignore[arg-type]


def test_nothing_is_said_of_nothing() -> None:
    empty = Observed(np.array([], np.int64), np.array([]), 10)
    with pytest.raises(ReportError, match="nothing was observed"):
        replay(empty, Change())
    observed, _ = a_lot(90)
    with pytest.raises(ReportError, match="at most 90 bays"):
        replay(observed, Change(bays=-91))
