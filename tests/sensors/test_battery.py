"""How long a battery lasts: with an interval that holds, and nothing where nobody can know."""

from __future__ import annotations

import random

import pytest

from sensors.battery import DAY_S, FAR_D, forecast_battery


def falling(
    days: int, per_day: float, start: float = 100.0, noise: float = 0.0, seed: int = 1
) -> list[tuple[float, float]]:
    source = random.Random(seed)
    return [
        (day * DAY_S + hour * 3600.0, start - per_day * (day + hour / 24) + source.gauss(0, noise))
        for day in range(days)
        for hour in (0, 8, 16)
    ]


def test_a_straight_fall_is_followed_to_its_end() -> None:
    found = forecast_battery(falling(60, 0.5), 60 * DAY_S)
    # 70 % on day 60, empty at 5 %: 130 days.
    assert found.days == pytest.approx(130, abs=2)
    assert found.low == pytest.approx(130, abs=3)
    assert found.high == pytest.approx(130, abs=3)


def test_the_interval_holds_the_truth_nine_times_in_ten() -> None:
    held = 0
    for seed in range(60):
        found = forecast_battery(falling(40, 0.3, 90.0, noise=3.0, seed=seed), 40 * DAY_S)
        assert found.days is not None
        truth = (90 - 0.3 * 40 - 5) / 0.3
        held += (found.low or 0) <= truth <= (found.high or FAR_D)
    assert held >= 50


def test_a_wrong_reading_and_frost_hardly_move_it() -> None:
    readings = falling(60, 0.5)
    readings += [(30 * DAY_S, 0.0), (31 * DAY_S, 255.0), (32 * DAY_S, float("nan"))]
    readings = [(at, level - 8 if 20 <= at / DAY_S < 24 else level) for at, level in readings]
    found = forecast_battery(readings[::-1], 60 * DAY_S)
    assert found.days == pytest.approx(130, abs=8)


def test_a_new_battery_starts_anew() -> None:
    readings = falling(50, 1.5) + [(at + 50 * DAY_S, level) for at, level in falling(30, 0.5)]
    found = forecast_battery(readings, 80 * DAY_S)
    assert found.days == pytest.approx((85 - 5) / 0.5, abs=4)


def test_an_empty_one_has_no_days_left() -> None:
    found = forecast_battery(falling(50, 2.0), 50 * DAY_S)
    assert (found.days, found.low, found.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("readings", "words"),
    [
        pytest.param([], "but got 0 over 0", id="none"),
        pytest.param(falling(9, 0.5), "but got 9 over 8", id="few"),
        pytest.param([(d * 7 * DAY_S, 90.0 - d) for d in range(9)], "but got 9 over 56", id="thin"),
        pytest.param([*falling(20, 1.5), (21 * DAY_S, 100.0)], "but got 1 over 0", id="new"),
        pytest.param(falling(60, 0.0), "does not fall", id="flat"),
        pytest.param(falling(60, -0.2, 50.0), "does not fall", id="solar"),
    ],
)
def test_what_nobody_can_know_is_not_said(readings: list[tuple[float, float]], words: str) -> None:
    found = forecast_battery(readings, 60 * DAY_S)
    assert found.days is None
    assert words in found.why


def test_an_end_that_is_far_away_is_only_that() -> None:
    found = forecast_battery(falling(90, 0.001, noise=0.0), 90 * DAY_S)
    assert (found.days, found.low, found.high) == (FAR_D, None, None)
