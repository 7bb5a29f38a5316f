"""`lotsight calibration import` tells what it took, changed and left out."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from calibration import load_calibration
from calibration.cli import app
from telemetry.errors import CalibrationError
from tests.calibration.importers.forms import CASES, FORMS


def run(*arguments: object) -> Result:
    return CliRunner().invoke(
        app, [str(argument) for argument in arguments], env={"COLUMNS": "200"}
    )


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "north.json"


def begin(into: Path, source: Path, *more: object) -> str:
    result = run("import", source, "--into", into, "--camera", "n", "--size", "1280x720", *more)
    assert result.exception is None, result.output
    return result.output


@pytest.mark.parametrize("name", list(FORMS))
def test_every_form_is_imported_and_what_is_left_out_is_printed(
    name: str, into: Path, tmp_path: Path
) -> None:
    form = next(FORMS[key] for key in FORMS if key == name)
    source = tmp_path / "file"
    source.write_bytes(form.content)
    shown = begin(into, source, "--box", "100x100")
    assert load_calibration(into).bay_ids == form.ids
    assert "imported 2 bays" in shown
    if form.left_out is not None:
        assert form.left_out in shown
        assert "1 skipped: " in shown


def test_categories_are_chosen_by_the_user(into: Path) -> None:
    shown = begin(into, CASES / "coco_car.json")
    assert "'car' is not a bay" in shown
    assert "'road' is not a bay" in shown
    begin(into.with_name("b.json"), CASES / "coco_car.json", "--category", "car")
    assert len(load_calibration(into.with_name("b.json")).bays) == 1


def test_another_shape_is_refused_unless_told(into: Path) -> None:
    refused = run("import", CASES / "coco_1920.json", "--into", into, "--camera", "n", "--size",
                  "1280x720")  # fmt: skip
    assert isinstance(refused.exception, CalibrationError)
    assert not into.exists()
    assert "were scaled to the image's 1280x720" in begin(
        into, CASES / "coco_1920.json", "--stretch"
    )


def test_the_size_of_bays_that_a_list_of_corners_lacks(into: Path, tmp_path: Path) -> None:
    source = tmp_path / "CarParkPos"
    source.write_bytes(pickle.dumps([(128, 72), (400, 72)]))
    begin(into, source, "--box", "128x72")
    assert load_calibration(into).bays[0].polygon == (
        (0.1, 0.1),
        (0.2, 0.1),
        (0.2, 0.2),
        (0.1, 0.2),
    )


def test_names_that_look_like_markup_are_printed_as_they_are(into: Path, tmp_path: Path) -> None:
    points = [[0, 0], [100, 0], [100, 100]]
    source = tmp_path / "file"
    source.write_text(json.dumps([{"id": "[/red] \ud800", "points": points}]))
    assert "'[/red] \\ud800' became 'red'" in begin(into, source)


def test_ids_that_the_form_has_no_place_for_are_told(into: Path, tmp_path: Path) -> None:
    begin(into, CASES / "labelme.json")
    result = run("export", into, "--format", "roboflow", "--out", tmp_path / "out.txt")
    assert "without ids" in result.output
    assert "without ids" not in run("export", into, "-f", "coco", "-o", tmp_path / "c").output
