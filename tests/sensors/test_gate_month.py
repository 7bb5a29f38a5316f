"""The benchmark of a month, over three weeks: a wrap, a reset, clocks that go forward."""

from __future__ import annotations

from datetime import timedelta

from benchmarks.gate_month import Plan, count_month
from sensors.totals import StepKind


def test_a_count_with_misses_a_wrap_and_a_reset() -> None:
    plan = Plan(days=21, capacity=120, vehicles=300, every=timedelta(minutes=10))
    month = count_month(plan)
    assert month.kinds == {StepKind.COUNTED, StepKind.WRAPPED, StepKind.RESET}
    assert len(month.drifts) == 21
    assert set(month.zeroing_errors) == {0}
    assert all(0 <= each.shown <= plan.capacity for each in month.minutes)
    # In minus out has left that range, and is further off on the whole.
    assert not all(0 <= each.naive <= plan.capacity for each in month.minutes)
    assert month.error("shown") < month.error("naive") < month.error("totals")
