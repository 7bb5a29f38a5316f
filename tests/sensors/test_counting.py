"""The count of a lot: its ledger, its figure from several sources, its nights."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.counting import (
    Balance,
    BayEvidence,
    BayRule,
    Capacity,
    CountSource,
    NightRule,
    figure,
)
from sensors.errors import SensorError
from telemetry import PassageDirection

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
IN, OUT = PassageDirection.IN, PassageDirection.OUT

passages = st.lists(
    st.tuples(st.sampled_from([IN, OUT]), st.integers(0, 400), st.integers(-500, 5_000)),
    max_size=40,
)


def _taken(balance: Balance, some: list[tuple[PassageDirection, int, int]]) -> Balance:
    for direction, count, after_s in some:
        balance = balance.passed(direction, count, NOON + timedelta(seconds=after_s))
    return balance


def _s(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_last_true_count_plus_in_minus_out() -> None:
    balance = _taken(Balance(NOON, 10), [(IN, 5, 1), (OUT, 2, 2)])
    assert balance.raw == balance.shown(100) == 13


def test_what_passed_before_the_true_count_is_in_it() -> None:
    assert _taken(Balance(NOON, 10), [(IN, 5, -1), (OUT, 3, 0)]).raw == 10


def test_the_balance_is_kept_where_the_count_ends() -> None:
    below = _taken(Balance(NOON, 2), [(OUT, 5, 1)])
    assert (below.raw, below.shown(100)) == (-3, 0)
    above = _taken(Balance(NOON, 98), [(IN, 5, 1)])
    assert (above.raw, above.shown(100)) == (103, 100)
    # One that comes after one too many left is still one more than before.
    assert below.passed(IN, 4, NOON + timedelta(seconds=9)).shown(100) == 1


def test_zeroing_tells_the_drift_and_leaves_no_error() -> None:
    drifted = _taken(Balance(NOON, 0), [(IN, 20, 1), (OUT, 13, 2)])
    balance, drift = drifted.zeroed(NOON + timedelta(hours=12), 0)
    assert (drift, balance.raw) == (7, 0)


@pytest.mark.parametrize(
    ("raw", "since_s", "truth"),
    [
        pytest.param(5, 300, 4, id="drifted"),
        pytest.param(None, 300, 4, id="never-known"),
        pytest.param(5, None, 4, id="nothing-ever-passed"),
        pytest.param(4, 300, None, id="right-already"),
        pytest.param(5, 299, None, id="somebody-drives-about"),
    ],
)
def test_bays_set_the_count_once_it_is_quiet(
    raw: int | None, since_s: int | None, truth: int | None
) -> None:
    last = None if since_s is None else NOON - timedelta(seconds=since_s)
    assert BayRule().truth(NOON, raw, BayEvidence(4, 6), last) == truth


def test_bays_cover_a_lot_if_all_its_places_are_known() -> None:
    assert BayEvidence(4, 6).covers(10)
    assert not BayEvidence(4, 6).covers(11)
    assert not BayEvidence(4, 6, unknown=1).covers(10)
    assert not BayEvidence().covers(0)


@settings(deadline=None)
@given(passages, st.integers(0, 2_000), st.integers(0, 2_000))
def test_a_count_never_leaves_nought_to_the_capacity(
    some: list[tuple[PassageDirection, int, int]], start: int, capacity: int
) -> None:
    balance = Balance(NOON, start)
    for each in some:
        balance = _taken(balance, [each])
        assert 0 <= balance.shown(capacity) <= capacity


@settings(deadline=None)
@given(passages.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_the_order_of_passages_does_not_matter(
    both: tuple[
        list[tuple[PassageDirection, int, int]],
        list[tuple[PassageDirection, int, int]],
    ],
) -> None:
    assert _taken(Balance(NOON, 3), both[0]) == _taken(Balance(NOON, 3), both[1])


@pytest.mark.parametrize(
    ("raw", "bays", "expected"),
    [
        pytest.param(40, BayEvidence(), (40, CountSource.GATES, 0, 100), id="gates alone"),
        pytest.param(-4, BayEvidence(), (0, CountSource.GATES, 0, 100), id="negative"),
        pytest.param(140, BayEvidence(), (100, CountSource.GATES, 0, 100), id="over-full"),
        pytest.param(
            40, BayEvidence(occupied=31, free=69), (31, CountSource.BAYS, 31, 31), id="all known"
        ),
        pytest.param(
            40,
            BayEvidence(occupied=31, free=68, unknown=1),
            (32, CountSource.BOTH, 31, 32),
            id="one bay unknown",
        ),
        pytest.param(
            10, BayEvidence(occupied=25, free=5), (25, CountSource.BOTH, 25, 95), id="too few"
        ),
        pytest.param(
            50, BayEvidence(occupied=25, free=5), (50, CountSource.GATES, 25, 95), id="within"
        ),
        pytest.param(None, BayEvidence(), (None, CountSource.GATES, 0, 100), id="nothing known"),
        pytest.param(
            None, BayEvidence(occupied=100), (100, CountSource.BAYS, 100, 100), id="gates silent"
        ),
    ],
)
def test_one_figure_from_gates_and_bays(
    raw: int | None, bays: BayEvidence, expected: tuple[int | None, CountSource, int, int]
) -> None:
    found = figure(raw, 100, bays)
    assert (found.count, found.source, found.low, found.high) == expected


@settings(deadline=None)
@given(
    st.none() | st.integers(-5_000, 5_000),
    st.integers(0, 500),
    st.builds(BayEvidence, st.integers(0, 600), st.integers(0, 600), st.integers(0, 600)),
)
def test_a_figure_stays_within_its_bounds(raw: int | None, offered: int, bays: BayEvidence) -> None:
    found = figure(raw, offered, bays)
    assert 0 <= found.low <= found.high <= offered
    assert found.count is None or found.low <= found.count <= found.high
    if raw is None and found.source is not CountSource.BAYS:
        assert found.count is None


def test_count_and_free_places_have_one_basis() -> None:
    assert Capacity(100, closed=10, held_back=30).offered == 60
    assert Capacity(10, closed=8, held_back=5).offered == 0


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(lambda: Capacity(-1), id="places"),
        pytest.param(lambda: Balance(NOON, -1), id="count"),
        pytest.param(lambda: Balance(NOON.replace(tzinfo=None)), id="no zone"),
    ],
)
def test_a_value_that_cannot_be_is_refused(bad: type) -> None:
    with pytest.raises(SensorError, match="expected"):
        bad()


RULE = NightRule(time(3), BERLIN, quiet_s=1_800, within_s=7_200)


@pytest.mark.parametrize(
    ("now", "last_passage", "last_zero", "due"),
    [
        pytest.param("2026-06-02T03:00+02:00", "2026-06-01T23:00+02:00", None, True, id="at it"),
        pytest.param("2026-06-02T02:59+02:00", "2026-06-01T23:00+02:00", None, False, id="early"),
        pytest.param(
            "2026-06-02T03:00+02:00", "2026-06-02T02:40+02:00", None, False, id="not quiet"
        ),
        pytest.param(
            "2026-06-02T03:10+02:00", "2026-06-02T02:40+02:00", None, True, id="quiet later"
        ),
        pytest.param("2026-06-02T05:00+02:00", "2026-06-01T23:00+02:00", None, False, id="late"),
        pytest.param(
            "2026-06-02T04:00+02:00",
            "2026-06-01T23:00+02:00",
            "2026-06-02T03:00+02:00",
            False,
            id="done this night",
        ),
        pytest.param(
            "2026-06-03T03:00+02:00",
            "2026-06-02T23:00+02:00",
            "2026-06-02T03:00+02:00",
            True,
            id="done last night",
        ),
        pytest.param("2026-06-02T03:00+02:00", None, None, True, id="nothing ever passed"),
    ],
)
def test_the_lot_is_empty_at_night(
    now: str, last_passage: str | None, last_zero: str | None, *, due: bool
) -> None:
    last = None if last_passage is None else _s(last_passage)
    zero = None if last_zero is None else _s(last_zero)
    assert RULE.due(_s(now), last, zero) is due


def test_a_window_goes_past_midnight() -> None:
    late = NightRule(time(23, 30), BERLIN, within_s=3_600)
    assert late.due(_s("2026-06-02T00:15+02:00"), None, None)
    assert not late.due(_s("2026-06-02T00:15+02:00"), None, _s("2026-06-01T23:40+02:00"))


@pytest.mark.parametrize(
    ("day", "first"),
    [
        # 2:30 does not exist: clocks jump from 2:00 to 3:00.
        pytest.param("2026-03-29", "2026-03-29T03:30+02:00", id="spring"),
        # 2:30 comes twice: the first time, still in summer time.
        pytest.param("2026-10-25", "2026-10-25T02:30+02:00", id="autumn"),
    ],
)
def test_a_night_in_which_the_clocks_change_has_one_zeroing(day: str, first: str) -> None:
    rule = NightRule(time(2, 30), BERLIN, within_s=3_600)
    zero: datetime | None = None
    zeroings = []
    now = _s(f"{day}T00:00+01:00")
    for _ in range(30 * 12):
        if rule.due(now, None, zero):
            zero = now
            zeroings.append(now)
        now += timedelta(minutes=5)
    assert zeroings[0] == _s(first)
    # And the next night has its own.
    assert len(zeroings) == 2
    assert (zeroings[1] - zeroings[0]).total_seconds() / 3600 == pytest.approx(
        23 if day.endswith("29") else 25, abs=1.01
    )
