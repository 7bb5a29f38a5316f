"""Local days and hours: whatever the zone, nothing is lost and nothing counted twice."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_app.analytics.reports.figures import Figure, Mark
from cloud_app.analytics.reports.period import (
    HOUR_MS,
    LocalHours,
    Period,
    hour_of_week,
    local_day,
)
from cloud_app.analytics.reports.stays import LENGTHS_MIN, length_class, quantile_min
from cloud_app.analytics.reports.summing import Hours, Kept, shown
from cloud_app.storage.steps import QUARTER_MS

ZONES = [
    "Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC",
    "Africa/Casablanca", "America/Sao_Paulo", "Asia/Beirut",
]  # fmt: skip
ZONE = st.sampled_from(ZONES).map(ZoneInfo)
DAY = st.dates(date(2015, 1, 1), date(2035, 1, 1))
FAR_MS = 10**15


@given(ZONE, DAY, st.integers(1, 12))
def test_each_quarter_lies_in_the_local_hour_that_its_clock_shows(
    zone: ZoneInfo, first: date, days: int
) -> None:
    period = Period(first, first + timedelta(days=days - 1))
    segments = period.segments(zone)
    assert segments[0].window.start_ms == period.window(zone).start_ms
    assert segments[-1].window.end_ms == period.window(zone).end_ms
    hours = LocalHours.of(segments, FAR_MS)
    of_quarter, slots = hours.hours[hours.place].tolist(), hours.week_slots.tolist()
    count = 0
    for segment, after in zip(segments, [*segments[1:], None], strict=True):
        assert after is None or segment.window.end_ms == after.window.start_ms
        for start_ms in range(segment.window.start_ms, segment.window.end_ms, QUARTER_MS):
            local = datetime.fromtimestamp(start_ms / 1000, zone)
            hour = (start_ms + segment.offset_ms) // HOUR_MS
            assert local_day(hour) == local.date()
            assert of_quarter[count] == hour
            assert slots[count] == (local.weekday() * 24 + local.hour) * 4 + local.minute // 15
            count += 1
    assert count * QUARTER_MS == period.window(zone).end_ms - period.window(zone).start_ms
    assert hours.quarters.sum() == count
    assert hours.window == period.window(zone)
    assert (hour_of_week(hours.hours)[hours.place] == hours.week_slots // 4).all()


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 5, 1), 24)]
)
def test_the_days_on_which_clocks_change(day: date, hours: int) -> None:
    local = LocalHours.of(Period(day, day).segments(ZoneInfo("Europe/Berlin")), FAR_MS)
    assert local.quarters.sum() == 4 * hours
    by_hour = dict(zip((local.hours % 24).tolist(), local.quarters.tolist(), strict=True))
    assert by_hour.get(2) == {23: None, 25: 8, 24: 4}[hours]
    # A lot of ten bays that is always half full is half full on each of these days.
    half = np.repeat([[5], [5], [0]], 4 * hours, axis=1) * QUARTER_MS
    [figure] = Hours.of(local, Kept.of(local, half), 10).days()
    assert figure.occupancy == Figure(value=0.5, observed=1.0, mark=Mark.WHOLE)


@pytest.mark.parametrize(
    ("period", "before"),
    [
        (("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
        (("2024-01-01", "2024-12-31"), ("2023-01-01", "2023-12-31")),
        (("2026-03-02", "2026-03-08"), ("2026-02-23", "2026-03-01")),
    ],
    ids=["month", "year", "week"],
)
def test_the_period_before(period: tuple[str, str], before: tuple[str, str]) -> None:
    first, last = map(date.fromisoformat, period)
    found = Period(first, last).before
    assert (found.first.isoformat(), found.last.isoformat()) == before
    assert Period(first, last).year_before.first.weekday() == first.weekday()


@given(st.lists(st.floats(0, 3e6), min_size=1, max_size=60), st.floats(0.05, 0.95))
def test_quantiles_lie_within_the_class_of_the_true_one(dwell_s: list[float], share: float) -> None:
    lengths = [0] * (len(LENGTHS_MIN) - 1)
    for each in dwell_s:
        lengths[length_class(each)] += 1
    true_s = sorted(dwell_s)[max(0, -(-int(share * len(dwell_s) * 10**6) // 10**6) - 1)]
    found = quantile_min(lengths, share)
    place = length_class(true_s)
    if found is None:
        assert place >= len(lengths) - 2
    else:
        near = {length_class(found * 60), length_class(max(0.0, found * 60 - 1e-3))}
        assert min(abs(place - each) for each in near) <= 1 or sum(lengths[min(near) : place]) <= 1
    assert sum(shown(lengths)) == len(dwell_s)


@given(st.floats(-1, 2), st.floats(0, 1))
def test_a_figure_of_little_is_refused(value: float, observed: float) -> None:
    figure = Figure.of(value, observed)
    assert (figure.value is None) == (figure.mark is Mark.REFUSED) == (round(observed, 4) < 0.5)
