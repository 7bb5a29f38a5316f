"""Demand: the curves say what they should at hours that everybody knows, and are continuous."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from city.demand import DEMANDS, Demand, Use
from city.plan import TIME_ZONE

TUESDAY = datetime(2026, 11, 24, tzinfo=ZoneInfo(TIME_ZONE))
SATURDAY = TUESDAY + timedelta(days=4)
SUNDAY = TUESDAY + timedelta(days=5)


def share(use: Use, day: datetime, hour: float) -> float:
    return DEMANDS[use].share_at(day + timedelta(hours=hour))


def test_every_use_has_a_demand() -> None:
    assert set(DEMANDS) == set(Use)


def test_commuters_fill_the_station_on_working_days_only() -> None:
    assert share(Use.COMMUTERS, TUESDAY, 10) > 0.9
    assert share(Use.COMMUTERS, TUESDAY, 4) < 0.1
    assert share(Use.COMMUTERS, SATURDAY, 10) < 0.3
    assert share(Use.COMMUTERS, SUNDAY, 10) < 0.2


def test_shops_are_fullest_on_saturdays_and_the_seafront_on_sundays() -> None:
    assert share(Use.SHOPPING, SATURDAY, 13) > share(Use.SHOPPING, TUESDAY, 13)
    assert share(Use.SHOPPING, TUESDAY, 13) > share(Use.SHOPPING, SUNDAY, 13)
    assert share(Use.LEISURE, SUNDAY, 15) > 0.9 > share(Use.LEISURE, TUESDAY, 15)


def test_residents_are_at_home_when_commuters_are_not() -> None:
    assert share(Use.RESIDENTS, TUESDAY, 23) > 0.85
    assert share(Use.RESIDENTS, TUESDAY, 12) < 0.6


@pytest.mark.parametrize("use", list(Use))
def test_shares_are_shares_and_make_no_jumps_within_a_day(use: Use) -> None:
    for day in (TUESDAY, SATURDAY, SUNDAY):
        shares = [share(use, day, minute / 60) for minute in range(0, 1440, 5)]
        assert all(0 <= each <= 1 for each in shares)
        assert max(abs(a - b) for a, b in pairwise(shares)) < 0.06


def test_between_two_working_days_it_makes_no_jump_either() -> None:
    for use in Use:
        before = share(use, TUESDAY, 24 - 1 / 60)
        assert share(use, TUESDAY + timedelta(days=1), 0) == pytest.approx(before, abs=0.01)


def test_who_comes_in_the_morning_stays_the_day_and_who_comes_at_noon_does_not() -> None:
    rng = random.Random(1)
    demand = DEMANDS[Use.COMMUTERS]
    morning = [demand.draw_stay_s(TUESDAY.replace(hour=8), rng) for _ in range(300)]
    noon = [DEMANDS[Use.KERB].draw_stay_s(TUESDAY.replace(hour=12), rng) for _ in range(300)]
    assert 7.5 < median(morning) / 3600 < 9.5
    assert 1.7 < median(noon) / 3600 < 2.9
    assert min(noon) >= 240


@pytest.mark.parametrize(
    ("knots", "told"),
    [
        (((8, 0.5), (7, 0.2)), "hours must rise"),
        (((8, 0.5), (24, 0.2)), "hours must rise"),
        (((8, 1.5),), "shares must lie in 0..1"),
    ],
)
def test_knots_that_are_none_are_refused(knots: tuple[tuple[float, float], ...], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Demand(knots, ((0, 0.1),), ((0, 0.1),), stay_s=60)
