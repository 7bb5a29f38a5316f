"""The mark of life: how long the box was down."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from edge_app.liveness import LivenessFile
from telemetry import ManualClock


def test_the_mark_of_life(tmp_path: Path) -> None:
    clock = ManualClock()
    mark = LivenessFile(tmp_path / "alive", clock)
    assert mark.age_s() is None
    assert not mark.is_younger_than(1e9)
    mark.touch_if_due()
    clock.advance(5)
    mark.touch_if_due()
    assert mark.age_s() == pytest.approx(5)
    assert mark.is_younger_than(6)
    assert not mark.is_younger_than(4)
    clock.advance(6)
    mark.touch_if_due()
    assert mark.age_s() == pytest.approx(0)
    LivenessFile(tmp_path / "gone" / "alive", clock).touch()  # a full or missing disk is no fault


def test_a_mark_of_a_clock_that_went_back_says_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    LivenessFile(tmp_path / "alive", clock).touch()
    earlier = ManualClock(epoch_utc=clock.utc() - timedelta(days=1))
    assert not LivenessFile(tmp_path / "alive", earlier).is_younger_than(1e9)
