"""The alarm about lanes that are not counted, or too slowly."""

from __future__ import annotations

import pytest

from edge_app.alarms import AlarmKind, Alarms
from edge_app.counting import LaneWatch
from edge_app.live_state import LaneStatus, LiveState
from telemetry import ManualClock


def lane(rate_hz: float, fault: str = "") -> LaneStatus:
    return LaneStatus("main", "ramp", "p1", None, 0, 0, 0, 0, rate_hz, 5.0, fault)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (lane(2.1), "looked at too seldom (main)"),
        (lane(5.0, "the view has moved"), "stand still (main)"),
    ],
)
def test_it_is_raised_only_when_it_lasts_and_ends(bad: LaneStatus, text: str) -> None:
    live_state, alarms, clock = LiveState(), Alarms(), ManualClock()
    watch = LaneWatch(["ramp", "north"], live_state, alarms, clock, slow_after_s=60)
    for seconds, status, expected in (
        (0, bad, False),
        (59, bad, False),
        (60, lane(4.0), False),  # good again before its time: the wait begins anew
        (61, bad, False),
        (120, bad, False),
        (121, bad, True),
        (122, lane(5.0), False),
    ):
        clock.advance(seconds - clock.mono_s())
        live_state.set_lanes("ramp", [status])
        watch.look()
        standing = alarms.standing()
        assert bool(standing) is expected, seconds
        for alarm in standing:
            assert (alarm.kind, alarm.camera) == (AlarmKind.COUNTING, "ramp")
            assert text in alarm.text
