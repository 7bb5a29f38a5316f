"""Running totals: wrap and reset told apart, order and repetition without effect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.gates import Total
from sensors.totals import Counter, Step, StepKind, step, steps

START = datetime(2026, 6, 1, tzinfo=UTC)


def _at(minutes: float, total: int, *, restarted: bool = False) -> Total:
    return Total(None, total, START + timedelta(minutes=minutes), restarted)


@pytest.mark.parametrize(
    ("before", "after", "minutes", "expected"),
    [
        pytest.param(1706, 1712, 10, Step(6, StepKind.COUNTED), id="counted"),
        pytest.param(1706, 1706, 10, Step(0, StepKind.COUNTED), id="nothing passed"),
        pytest.param(65_530, 3, 10, Step(9, StepKind.WRAPPED), id="wrapped"),
        pytest.param(65_535, 0, 10, Step(1, StepKind.WRAPPED), id="wrapped to 0"),
        pytest.param(40_000, 7, 10, Step(7, StepKind.RESET), id="reset"),
        pytest.param(1_000, 50, 1_440, Step(50, StepKind.RESET), id="reset within a day"),
        pytest.param(100, 60_000, 10, Step(0, StepKind.IMPLAUSIBLE), id="jump"),
        pytest.param(50_000, 30_000, 10, Step(0, StepKind.IMPLAUSIBLE), id="fall to nowhere"),
    ],
)
def test_what_happened_between_two_readings(
    before: int, after: int, minutes: float, expected: Step
) -> None:
    assert step(_at(0, before), _at(minutes, after), Counter()) == expected


def test_a_counter_that_never_wraps_was_reset() -> None:
    never = Counter(modulus=None)
    assert step(_at(0, 65_530), _at(10, 3), never) == Step(3, StepKind.RESET)


def test_a_device_that_says_so_was_reset() -> None:
    reset = step(_at(0, 65_530), _at(10, 3, restarted=True), Counter())
    assert reset == Step(3, StepKind.RESET)
    # Even where the number has grown.
    grown = step(_at(0, 2), _at(10, 3, restarted=True), Counter())
    assert grown == Step(3, StepKind.RESET)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 15)), min_size=1, max_size=30),
    st.integers(0, 65_535),
    st.data(),
)
def test_order_and_repetition_of_totals_do_not_matter(
    gaps: list[tuple[int, int]], start: int, data: st.DataObject
) -> None:
    minutes, total, passed = 0, start, 0
    readings = [_at(0, start)]
    for gap, count in gaps:
        minutes, total, passed = minutes + gap, (total + count) % 65_536, passed + count
        readings.append(_at(minutes, total))
    shuffled = data.draw(st.permutations(readings + readings[::2]))
    found = steps(shuffled, Counter())
    assert found == steps(readings, Counter())
    assert sum(each.count for _, each in found) == passed


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 2**53), st.booleans()), max_size=20)
)
def test_no_readings_count_more_than_can_pass(some: list[tuple[int, int, bool]]) -> None:
    counter = Counter()
    ordered = sorted({each[0] for each in some})
    for index, (_, found) in enumerate(
        steps([_at(m, total, restarted=r) for m, total, r in some], counter)
    ):
        elapsed_s = 60 * (ordered[index + 1] - ordered[index])
        assert 0 <= found.count <= counter.most(elapsed_s)
