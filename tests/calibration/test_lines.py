"""Counted lines: by command, checked, tidied, compared, moved, and absent from files without."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from calibration import (
    Calibration,
    Code,
    Line,
    Lot,
    Severity,
    check_calibration,
    compare,
    load_calibration,
    save_calibration,
)
from calibration.canonical import canonical_bytes
from calibration.cli import app
from calibration.draw import draw_calibration
from calibration.reregister import move_calibration
from telemetry.errors import CalibrationError
from vision.lanes import LineSide

Make = Callable[..., Calibration]
ENDS = ((0.1, 0.6), (0.9, 0.6))


def a_line(**fields: Any) -> Line:
    return Line.model_validate({"id": "main", "points": ENDS, **fields})


@pytest.fixture
def north(make_calibration: Make, tmp_path: Path) -> Path:
    path = tmp_path / "north.json"
    save_calibration(path, make_calibration(), author="test")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_file_without_lines_keeps_the_form_and_checksum_it_always_had(
    make_calibration: Make, north: Path
) -> None:
    assert b"lines" not in canonical_bytes(make_calibration())
    assert "lines" not in json.loads(north.read_text())


def test_drawn_kept_replaced_listed_and_deleted_by_command(north: Path) -> None:
    assert "counted: main" in run("line", north, "main", "--points", "0.1,0.6 0.9,0.6").output
    assert load_calibration(north).lines == (a_line(),)
    more = ("--in", "right", "--lot", "annexe", "--classes", "car, bus")
    run("line", north, "main", "--pixels", "--points", "64,72 640,72 640,360", *more)
    (line,) = load_calibration(north).lines
    assert line.points == ((0.05, 0.1), (0.5, 0.1), (0.5, 0.5))
    assert (line.in_side, line.lot, line.classes) == (LineSide.RIGHT, "annexe", ("car", "bus"))
    assert "main" in run("show", north).output
    assert "not counted: main" in run("line", north, "main").output
    assert load_calibration(north).lines == ()
    gone = run("line", north, "main")
    assert f"{north}: lines: expected one of that id, but got 'main'" in str(gone.exception)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        pytest.param("x", ["0,0"], "2 or more, but got 1", id="one point"),
        pytest.param("x", [" ".join(["0,0", "1,1"] * 33)], "at most 64", id="66 points"),
        pytest.param("a/b", ["0,0 1,1"], r"line a/b.*id", id="no id"),
        pytest.param("x", ["0,0 1,1", "--classes", "Lkw!"], r"classes", id="no class"),
        pytest.param("x", ["0,0 1.5,0"], "points between 0 and 1", id="outside"),
        pytest.param("x", ["0.1,0.1 0.101,0.1"], "at least 16 px", id="tiny"),
        pytest.param("x", ["0,0 1,1 1,0 0,1"], "does not cross itself", id="crossing"),
        pytest.param("x", ["0,0 1,1", "--level", "P7"], "one of the lot's levels", id="level"),
    ],
)
def test_a_bad_line_is_one_clear_error_and_changes_nothing(
    north: Path, name: str, arguments: list[str], said: str
) -> None:
    before = north.read_bytes()
    result = run("line", north, name, "--points", *arguments)
    assert isinstance(result.exception, CalibrationError)
    assert re.search(said, str(result.exception))
    assert north.read_bytes() == before


def test_faults_name_the_line(make_calibration: Make) -> None:
    low = a_line(id="low", points=((0.1, 0.98), (0.9, 0.99)))
    findings = check_calibration(make_calibration(lines=(a_line(), a_line(), low)))
    assert [(finding.code, finding.line) for finding in findings] == [
        (Code.DUPLICATE_ID, "main"),
        (Code.CUT_OFF, "low"),
    ]
    assert findings[1].severity is Severity.WARNING
    assert all(finding.to_json()["line"] == finding.line for finding in findings)


def test_a_counted_lane_needs_no_bays_and_a_level_is_one_of_its_lot() -> None:
    lot = Lot(name="garage", levels=("P1",))
    calibration = Calibration(camera="c", image_wh=(640, 360), lot=lot, lines=(a_line(level="P1"),))
    assert check_calibration(calibration) == ()
    elsewhere = a_line(level="L2", lot="annexe")  # whose levels this file does not know
    assert check_calibration(calibration.model_copy(update={"lines": (elsewhere,)})) == ()


def test_saving_tidies_and_a_difference_names_what_changed(
    make_calibration: Make, tmp_path: Path
) -> None:
    drawn = a_line(points=((-0.01, 0.6), (0.4, 0.6), (0.4, 0.6), (1.01, 0.6)))
    saved = save_calibration(tmp_path / "n.json", make_calibration(lines=(drawn,)), author="test")
    assert saved.lines[0].points == ((0, 0.6), (0.4, 0.6), (1, 0.6))
    before = make_calibration(lines=(a_line(), a_line(id="side")))
    after = make_calibration(lines=(a_line(in_side="right", classes=("car",)), a_line(id="new")))
    assert compare(before, after).facts == (
        "line main: in side, classes changed",
        "line new: added",
        "line side: removed",
    )


def test_lines_move_with_the_camera_and_are_cut_at_the_rim(make_calibration: Make) -> None:
    wh = (1280, 720)
    gone = a_line(id="gone", points=((0.95, 0.2), (1.0, 0.3)))
    shift = np.array([[1, 0, 256.0], [0, 1, 0], [0, 0, 1]])
    calibration = make_calibration(lines=(a_line(classes=("car",)), gone))
    (moved,) = move_calibration(calibration, shift, wh, wh).lines
    np.testing.assert_allclose(moved.points, [(0.3, 0.6), (1.0, 0.6)], atol=1e-6)
    assert (moved.id, moved.classes) == ("main", ("car",))


def test_it_is_drawn_with_an_arrow_that_leads_in() -> None:
    image = np.full((360, 640, 3), 90, np.uint8)
    calibrations = [
        Calibration(camera="c", image_wh=(640, 360), lines=(a_line(in_side=side),))
        for side in LineSide
    ]
    left, right = (draw_calibration(image, each)[:360] for each in calibrations)
    # Walking to the right, left is up in the picture.
    above, below = np.s_[190:212, 300:340], np.s_[222:245, 300:340]
    assert (left[above] != 90).any()
    assert (left[below] == 90).all()
    assert (right[above] == 90).all()
    assert (right[below] != 90).any()
