"""The chores of a running service: each comes in turn, at its pace, whatever the others do."""

from __future__ import annotations

import threading

import pytest

from edge_app.maintenance import Maintenance, every
from telemetry import ManualClock


def test_a_chore_that_fails_keeps_no_other_from_its_turn(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def fails() -> None:
        done.append("fails")
        msg = "broken"
        raise RuntimeError(msg)

    maintenance = Maintenance([fails, lambda: done.append("next")])
    maintenance.look()
    maintenance.look()
    assert done == ["fails", "next"] * 2
    assert [record.exc_text for record in caplog.records if "broken" in (record.exc_text or "")]


def test_its_thread_works_until_it_is_stopped() -> None:
    came = threading.Event()
    maintenance = Maintenance([came.set], period_s=0.01)
    maintenance.start()
    assert came.wait(60)
    maintenance.stop()
    assert "maintenance" not in {thread.name for thread in threading.enumerate()}


def test_a_rare_chore_waits_for_its_time() -> None:
    clock, done = ManualClock(), []
    chore = every(10.0, lambda: done.append(clock.mono_s()), clock)
    for _ in range(25):
        chore()
        clock.advance(1.0)
    assert [time_s - done[0] for time_s in done] == [0.0, 10.0]
