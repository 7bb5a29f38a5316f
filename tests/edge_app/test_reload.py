"""Files that are replaced while the service runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from calibration import save_calibration
from edge_app.reload import CalibrationKeeper, FileWatch
from telemetry import CalibrationError
from tests.edge_app.drawn import calibration


def test_a_watch_tells_new_content_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    watch = FileWatch(path)
    assert not watch.changed()
    path.write_text("one")
    assert watch.changed()
    assert not watch.changed()
    os.utime(path, (1, 1))
    assert not watch.changed(), "touched, but the same"
    path.write_text("two")
    assert watch.changed()
    path.unlink()
    assert watch.changed()


def test_the_keeper_keeps_the_last_good_calibration(tmp_path: Path) -> None:
    path = tmp_path / "north.json"
    save_calibration(path, calibration("north", "a"), author="test")
    keeper = CalibrationKeeper("north", path, tmp_path / "kept")
    assert keeper.last_good() is None
    assert keeper.load().bay_ids == ("a",)
    path.write_text("{")
    assert keeper.changed()
    with pytest.raises(CalibrationError, match=r"north\.json"):
        keeper.load()
    kept = CalibrationKeeper("north", path, tmp_path / "kept").last_good()
    assert kept is not None
    assert kept.bay_ids == ("a",)
    (tmp_path / "kept" / "north.json").write_text("{")
    assert keeper.last_good() is None


def test_the_calibration_of_another_camera_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "north.json"
    save_calibration(path, calibration("south", "a"), author="test")
    keeper = CalibrationKeeper("north", path, tmp_path / "kept")
    with pytest.raises(CalibrationError, match="expected the calibration of camera 'north'"):
        keeper.load()
