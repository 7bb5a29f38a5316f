"""The alarm about a box that is too slow: once, how far, and ended by itself."""

from __future__ import annotations

import pytest

from edge_app.alarms import Alarms
from edge_app.overload import OverloadWatch
from edge_app.schedule import Load
from telemetry import ManualClock


def test_a_lasting_overload_is_told_once_with_how_far_and_ends_by_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, alarms, load = ManualClock(), Alarms(), [Load()]
    watch = OverloadWatch(lambda: load[0], alarms, clock)

    def run(seconds: int, now: Load) -> list[str]:
        load[0] = now
        for _ in range(seconds):
            clock.advance(1)
            watch.look()
        return [each.detail for each in alarms.standing()]

    assert run(50, Load(0.3)) == [], "a start or a gust may be late for a moment"
    assert run(5, Load(0.95)) == []
    assert run(55, Load(0.3)) == [], "it counts anew"
    assert run(10, Load(0.41, 3, 7.2)) == [
        "cameras are judged at 41 % of their rate; 3 passes of the network queued, for up to 7 s"
    ]
    assert run(100, Load(0.85)) != [], "neither here nor there"
    assert run(25, Load(1.0)) != []
    assert run(10, Load(1.0)) == []
    assert caplog.text.count("alarm overloaded: ") == 1
    assert "rate_hz" not in caplog.text, "the remedy is for the pages"
