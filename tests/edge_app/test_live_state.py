"""What the box sees right now."""

from __future__ import annotations

from edge_app.live_state import (
    CameraCondition,
    CameraStatus,
    LiveState,
    LiveView,
    RecentEvent,
)
from telemetry import BayState, Cause, ManualClock, UnknownReason


def test_it_wakes_who_waits_and_forgets_old_events() -> None:
    live_state = LiveState(event_limit=2)
    view = LiveView("north", None, None, (), CameraStatus())
    assert live_state.wait_newer("north", 0, 0.01) == (None, 0)
    live_state.publish(view)
    assert live_state.wait_newer("north", 0, 5.0) == (view, 1)
    assert live_state.wait_newer("north", 1, 0.01) == (view, 1)
    assert live_state.cameras() == ("north",)
    utc = ManualClock().utc()
    for bay in "abc":
        state = BayState(bay, None, UnknownReason.STARTING, 0.0, utc)
        live_state.add_events([RecentEvent("north", state, Cause.STARTUP, utc)])
    assert [event.state.bay for event in live_state.events()] == ["c", "b"]
    live_state.remove("north")
    assert live_state.latest("north") is None
    assert CameraStatus().condition is CameraCondition.STARTING
