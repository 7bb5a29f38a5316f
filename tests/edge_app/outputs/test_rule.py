"""A barrier is open as long as an alarm lasts, and a while longer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_app.outputs.rule import BarrierWish, HoldRule, step, wait_s
from telemetry.outputs import OutputState

CLOSES, LETS_GO = HoldRule(10.0, close_after_alarm=True), HoldRule(10.0, close_after_alarm=False)


@pytest.mark.parametrize(
    ("rule", "end"),
    [
        pytest.param(CLOSES, OutputState.CLOSED, id="closes"),
        pytest.param(LETS_GO, OutputState.RELEASED, id="lets-go"),
    ],
)
def test_an_alarm_opens_and_its_end_is_held(rule: HoldRule, end: OutputState) -> None:
    wish, turn = step(rule, BarrierWish(), (), 0.0)
    assert turn is None
    wish, turn = step(rule, wish, ("fire",), 1.0)
    assert (wish.held, wish.inputs, turn) == (True, ("fire",), OutputState.OPEN)
    wish, turn = step(rule, wish, ("fire", "button"), 2.0)
    assert (wish.inputs, turn) == (("button", "fire"), None), "it is open already"
    wish, turn = step(rule, wish, (), 3.0)
    assert (wish.held, turn, wait_s(rule, wish, 3.0)) == (True, None, 10.0)
    wish, turn = step(rule, wish, (), 12.9)
    assert turn is None
    wish, turn = step(rule, wish, (), 13.0)
    assert (wish.held, turn) == (False, end)
    assert wish.inputs == ("button", "fire"), "who asked for it is told at its end too"
    assert step(rule, wish, (), 99.0) == (wish, None)


def test_an_alarm_within_the_hold_begins_it_anew() -> None:
    wish, _ = step(CLOSES, BarrierWish(), ("fire",), 0.0)
    wish, _ = step(CLOSES, wish, (), 1.0)
    wish, turn = step(CLOSES, wish, ("fire",), 10.0)
    assert turn is None
    wish, turn = step(CLOSES, wish, (), 11.5)
    assert turn is None
    assert wait_s(CLOSES, wish, 11.5) == 10.0


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 30.0)), min_size=1, max_size=60))
def test_it_is_never_closed_under_an_alarm_nor_before_its_hold(
    looks: list[tuple[bool, float]],
) -> None:
    wish, now_s, over_s, is_open = BarrierWish(), 0.0, -1.0e9, False
    for alarm, pause_s in looks:
        now_s += pause_s
        wish, turn = step(CLOSES, wish, ("fire",) if alarm else (), now_s)
        if turn is OutputState.OPEN:
            is_open = True
        if turn is OutputState.CLOSED:
            is_open = False
            assert not alarm
            assert now_s - over_s >= CLOSES.hold_s
        if alarm:
            over_s = now_s
            assert is_open
