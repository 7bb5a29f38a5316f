"""Bays for `lotsight judge`: ours, or another tool's, with what is left out told."""

from __future__ import annotations

import json
import logging
import pickle
from pathlib import Path

import pytest

from calibration import Calibration, save_calibration
from edge_app.judging.calibrations import read_bays
from telemetry.errors import CalibrationError

WH = (1280, 720)


def test_another_tools_bays_are_told_where_some_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "lot 1 (north).json"
    points = [[1, 1], [90, 1], [90, 90]]
    path.write_bytes(json.dumps([{"points": points}, {"points": []}]).encode("utf-16"))
    with caplog.at_level(logging.WARNING):
        bays = read_bays(path, WH)
    assert (bays.camera, bays.bay_ids, bays.image_wh) == ("lot_1_north", ("B001",), WH)
    assert "1 skipped: it has no points" in caplog.text


def test_a_file_is_read_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "CarParkPos.json"
    path.write_bytes(pickle.dumps([(1, 1)]))
    assert len(read_bays(path, WH).bays) == 1
    own = tmp_path / "own.json"
    save_calibration(own, Calibration(camera="n", image_wh=WH), author="a")
    own.write_bytes(own.read_text().encode("utf-16"))
    assert read_bays(own, WH).camera == "n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"{", "expected JSON", id="broken"),
        pytest.param(b"hello", "expected one of these forms", id="none"),
        pytest.param(b'{"width": 3, "height": 3, "bays": []}', "image_wh", id="tiny picture"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(CalibrationError, match=said):
        read_bays(path, WH)
