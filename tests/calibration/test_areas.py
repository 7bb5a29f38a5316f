"""Watched areas of a calibration: drawn by command, checked, and absent from files without any."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from calibration import Area, Calibration, check_calibration, load_calibration, save_calibration
from calibration.canonical import canonical_bytes
from calibration.cli import app


def test_a_file_without_areas_keeps_the_form_and_checksum_it_always_had(
    make_calibration: Callable[..., Calibration], tmp_path: Path
) -> None:
    calibration = make_calibration()
    assert b"areas" not in canonical_bytes(calibration)
    path = tmp_path / "north.json"
    save_calibration(path, calibration, author="test")
    assert "areas" not in json.loads(path.read_text())


def test_an_area_is_drawn_kept_replaced_and_deleted(
    make_calibration: Callable[..., Calibration], tmp_path: Path
) -> None:
    path = tmp_path / "north.json"
    save_calibration(path, make_calibration(), author="test")

    def run(*arguments: str) -> int:
        return CliRunner().invoke(app, ["area", str(path), *arguments]).exit_code

    assert run("lane", "--polygon", "0.1,0.6 0.9,0.6 0.9,0.7 0.1,0.7") == 0
    (lane,) = load_calibration(path).areas
    assert (lane.name, len(lane.polygon), lane.polygon[2]) == ("lane", 4, (0.9, 0.7))
    assert run("lane", "--polygon", "0.1,0.6 0.9,0.6 0.5,0.9") == 0
    assert [len(each.polygon) for each in load_calibration(path).areas] == [3]
    assert run("lane") == 0
    assert load_calibration(path).areas == ()
    assert run("lane") != 0


def test_an_area_that_crosses_itself_is_a_fault(
    make_calibration: Callable[..., Calibration],
) -> None:
    crossed = Area(name="lane", polygon=((0.1, 0.6), (0.9, 0.9), (0.9, 0.6), (0.1, 0.9)))
    (finding,) = [
        each for each in check_calibration(make_calibration(areas=(crossed,))) if each.bay is None
    ]
    assert "watched area 'lane'" in finding.message
