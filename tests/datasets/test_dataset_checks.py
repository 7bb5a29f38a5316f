"""`lotsight dataset`: overview and faults."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from datasets.checks import check_frame
from datasets.cli import app
from datasets.lots import read_lot

GOOD = [[0.1, 0.1], [0.4, 0.1], [0.4, 0.6], [0.1, 0.6]]
BESIDE = [[0.5, 0.1], [0.8, 0.1], [0.8, 0.6], [0.5, 0.6]]


def make(root: Path, bays: list[list[list[float]]], ids: list[str] | None = None) -> Path:
    folder = root / "mine"
    (folder / "images").mkdir(parents=True)
    cv2.imwrite(str(folder / "images" / "a.png"), np.zeros((100, 200, 3), np.uint8))
    table: dict[str, object] = {
        "file_names": ["a.png"],
        "rois_list": [bays],
        "occupancy_list": [[True] * len(bays)],
    }
    if ids is not None:
        table["bay_ids"] = [ids]
    (folder / "annotations.json").write_text(json.dumps({"train": table}))
    return folder


@pytest.mark.parametrize(
    ("bay", "message"),
    [
        pytest.param([[0.5, 0.1], [0.8, 0.6], [0.8, 0.1], [0.5, 0.6]], "sides cross", id="crossed"),
        pytest.param([[0.5, 0.5], [0.51, 0.5], [0.51, 0.51]], "expected a side of 6", id="tiny"),
        pytest.param([[0.5, 0.1], [1.4, 0.1], [1.4, 0.6]], "0.100 to 1.400", id="outside"),
        pytest.param(GOOD[::-1], "bays 0 and 1 overlap", id="twice"),
    ],
)
def test_faults_name_the_bay(tmp_path: Path, bay: list[list[float]], message: str) -> None:
    [frame] = read_lot(make(tmp_path, [GOOD, bay]), "train")
    [fault] = check_frame(frame)
    assert message in fault
    assert "1" in fault


def test_sound_frames_have_no_faults(tmp_path: Path) -> None:
    [frame] = read_lot(make(tmp_path, [GOOD, BESIDE]), "train")
    assert check_frame(frame) == []


def test_double_ids_and_missing_pictures(tmp_path: Path) -> None:
    folder = make(tmp_path, [GOOD, BESIDE], ["x", "x"])
    [frame] = read_lot(folder, "train")
    assert "distinct bay ids" in check_frame(frame)[0]
    (folder / "images" / "a.png").unlink()
    assert "a.png: cannot read the image: No such file" in check_frame(frame)[0]


def test_commands(tmp_path: Path) -> None:
    make(tmp_path, [GOOD, BESIDE])
    run = CliRunner()
    shown = run.invoke(app, ["info", "--data", str(tmp_path)])
    assert "mine:train" in shown.output
    assert "100 %" in shown.output
    assert run.invoke(app, ["check", "all", "--data", str(tmp_path)]).exit_code == 0
    (tmp_path / "mine" / "images" / "a.png").write_bytes(b"junk")
    failed = run.invoke(app, ["check", "mine", "--data", str(tmp_path)])
    assert failed.exit_code == 1
    assert "1 faults" in failed.output
