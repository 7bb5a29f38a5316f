"""Models of a user's own: every usual export is read rightly or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner, Result

from edge_app.cli.judge import app as judge_app
from models import find_model, manifest_of_export, open_detector, parse_hints
from models.cli import app as models_app
from telemetry import ModelError
from tests.onnx_files import ScriptedFile
from vision.detector import OnnxDetector
from vision.input_size import InputPlan
from vision.types import BoxForm, BoxFormat, BoxLayout, Coordinates, Floats, as_floats

EXPORTS = Path(__file__).parent / "exports"
OCCUPIED = {"B002", "B003", "B004", "B005", "B008", "B009", "B010", "B014", "B017"}
"""Bays of lot.bays.json over which the exports give a box."""
NO_BAYS = np.zeros((0, 4, 2), np.float32)
WH = (640, 640)
CARS = as_floats(  # corners, pixels of an input of 640x640
    [[30, 300, 110, 352], [150, 310, 260, 380], [300, 200, 372, 250], [420, 420, 560, 520],
     [520, 250, 600, 300]]
)  # fmt: skip


def rows_of(layout: BoxLayout, form: BoxForm, unit: Coordinates, classes: int = 1) -> Floats:
    """`CARS`, all of class 0 and one of the last class, as a network writes them."""
    box = CARS.copy()
    if form is BoxForm.CENTRE:
        box = np.concatenate([(CARS[:, :2] + CARS[:, 2:]) / 2, CARS[:, 2:] - CARS[:, :2]], 1)
    if unit is Coordinates.FRACTIONS:
        box /= as_floats([*WH, *WH])
    index = np.zeros(len(CARS), np.int64)
    index[-1] = classes - 1
    sure = np.linspace(0.9, 0.5, len(CARS), dtype=np.float32)[:, None]
    scores = as_floats(np.eye(classes)[index] * sure)
    columns: dict[BoxLayout, list[npt.NDArray[Any]]] = {
        BoxLayout.YOLO_RAW: [box, scores],
        BoxLayout.YOLOV5: [box, np.full_like(sure, 0.99), scores],
        BoxLayout.YOLO_END2END: [box, sure, index[:, None]],
        BoxLayout.YOLOV7_END2END: [np.zeros_like(sure), box, index[:, None], sure],
    }
    rows = as_floats(np.concatenate(columns[layout], 1))
    if layout is BoxLayout.YOLOV7_END2END:
        return rows
    return np.concatenate([rows, np.zeros((100 - len(rows), rows.shape[1]), np.float32)])


def batch_of(rows: Floats, axis: int) -> Floats:
    if axis == 0:
        return rows
    return rows.T[None] if axis == 2 else rows[None]


def found_by(
    path: Path, layout: str | None = None, names: str | None = None
) -> tuple[Floats, BoxFormat]:
    """Boxes in a picture as large as the input."""
    detector = open_detector(find_model(path, parse_hints(layout, names)), threads=1)
    found = detector.detect(np.full((640, 640, 3), 90, np.uint8), NO_BAYS).detections
    order = np.lexsort(found.xyxy_px.T)
    return found.xyxy_px[order], detector.spec.box_format


def names(count: int) -> dict[str, str]:
    return {"names": str({index: "car" if index == 0 else f"van{index}" for index in range(count)})}


def invoke(app: Any, *arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "300"})


def judged(tmp_path: Path, model: Path, *more: str) -> dict[str, bool | None]:
    """States of the bays of exports/lot.bays.json; the exports give the same for any picture.

    This one is plain grey, which a camera's view never is.
    """
    picture = tmp_path / "lot.png"
    cv2.imwrite(str(picture), np.full((720, 1280, 3), 90, np.uint8))
    result = invoke(judge_app, picture, "-c", EXPORTS / "lot.bays.json", "-m", model,
                    "-o", tmp_path / "out", "--any-view", *more)  # fmt: skip
    assert result.exit_code == 0, result.output
    bays = json.loads((tmp_path / "out" / "lot.judged.json").read_text())["bays"]
    return {bay["bay"]: bay["occ"] for bay in bays}


@pytest.mark.parametrize("name", ["v5_1", "v5_80dyn", "e2e_norm", "fp16", "batch4", "v8_cars"])
def test_exports_that_were_read_wrongly_or_refused(tmp_path: Path, name: str) -> None:
    states = judged(tmp_path, EXPORTS / f"{name}.onnx")
    assert states == {bay: bay in OCCUPIED for bay in states}


def test_a_network_of_bay_states_judges_by_its_boxes_of_bays(tmp_path: Path) -> None:
    states = judged(tmp_path, EXPORTS / "v8_space.onnx")
    assert states == {bay: True if bay in OCCUPIED else None for bay in states}
    found = json.loads((tmp_path / "out" / "lot.judged.json").read_text())
    assert found["method"] == "bay_boxes"


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("unit", Coordinates)
@pytest.mark.parametrize("form", BoxForm)
@pytest.mark.parametrize("layout", BoxLayout)
@pytest.mark.parametrize("classes", [1, 2, 3])
def test_every_layout_is_found_out(
    tmp_path: Path, layout: BoxLayout, form: BoxForm, unit: Coordinates, axis: int, classes: int
) -> None:
    if layout in {BoxLayout.YOLO_END2END, BoxLayout.YOLOV7_END2END}:
        axis = BoxFormat.usual(layout).boxes_axis
    boxes = batch_of(rows_of(layout, form, unit, classes), axis)
    facts = names(classes)
    hints = [f"{name}=vehicle" for name in ("0", *map(str, range(1, classes)))]
    path = ScriptedFile(boxes, facts=facts).write(tmp_path / "own.onnx")
    detector = open_detector(find_model(path, parse_hints(roles=hints)), threads=1)
    assert detector.spec.box_format == BoxFormat(layout, form, unit, axis)
    found = detector.detect(np.full((640, 640, 3), 90, np.uint8), NO_BAYS).detections
    np.testing.assert_allclose(found.xyxy_px, CARS, atol=1e-3)
    assert found.class_id.tolist() == [0, 0, 0, 0, classes - 1]


RAW = rows_of(BoxLayout.YOLO_RAW, BoxForm.CENTRE, Coordinates.PIXELS)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"input_kind": "float16"}, id="float16 in"),
        pytest.param({"input_kind": "float16", "output_kind": "float16"}, id="float16 in and out"),
        pytest.param({"input_kind": "uint8"}, id="bytes in"),
        pytest.param({"input_shape": (1, 640, 640, 3)}, id="channels last"),
        pytest.param({"input_shape": (8, 3, 640, 640), "boxes": np.repeat(RAW.T[None], 8, 0)},
                     id="batch of eight"),
        pytest.param({"output_shape": ("N", "numbers", "boxes")}, id="output of any size"),
        pytest.param({"names": ("input.1", "output")}, id="other names"),
        pytest.param({"facts": {"names": '["car"]'}}, id="names in JSON"),
        pytest.param({"facts": {"names": '{"0": "car"}'}}, id="names in a JSON object"),
        pytest.param({"facts": {"names": "['car']", "stride": "[8, 16, 32]"}}, id="strides"),
        pytest.param({"facts": {"names": "{0: 'car'}", "stride": "?", "imgsz": "no"}}, id="junk"),
    ],
)  # fmt: skip
def test_exports_of_other_forms(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = ScriptedFile(**({"boxes": RAW.T[None]} | changes)).write(tmp_path / "own.onnx")
    xyxy_px, _ = found_by(path)
    np.testing.assert_allclose(xyxy_px, CARS[np.lexsort(CARS.T)], atol=0.3)


def test_a_fixed_batch_serves_any_number_of_tiles(tmp_path: Path) -> None:
    boxes = np.repeat(RAW.T[None], 2, 0)
    path = ScriptedFile(boxes, (2, 3, 640, 640)).write(tmp_path / "own.onnx")
    detector = open_detector(find_model(path), threads=1)
    tiles = tuple((640 * i, 0, 640 * (i + 1), 640) for i in range(3))
    plan = InputPlan((1920, 640), (640, 640), tiles, 0, 0)
    found = detector.detect(np.full((640, 1920, 3), 90, np.uint8), NO_BAYS, plan)
    of_tile = found.detections.xyxy_px[:, 0] // 640
    assert [int((of_tile == i).sum()) for i in range(3)] == [5, 5, 5]


SHORT = rows_of(BoxLayout.YOLO_END2END, BoxForm.CORNERS, Coordinates.PIXELS)[:1] * 1.0
NOTHING = np.zeros((1, 100, 6), np.float32)


@pytest.mark.parametrize(
    ("boxes", "facts", "message"),
    [
        pytest.param(NOTHING, names(1), "finds nothing in the test image, and can be read as "
                     r".*yolo_end2end.*say which it is \(--layout", id="list without a box"),
        pytest.param(np.concatenate([SHORT, NOTHING[0]])[None], names(1),
                     "can be read as .*centre, pixels.* or as .*corners", id="one box alone"),
        pytest.param(np.full((1, 84, 100), 0.1, np.float32), names(1), r"for 1 classes, one of "
                     r"these many numbers a box: 5 \(yolo_raw\), 6 \(yolov5\), 6", id="names"),
        pytest.param(RAW.T[None] * 9, names(1), "its scores go from 4.5 to 8.1", id="logits"),
        pytest.param(RAW.T[None] * np.nan, names(1), "contains NaN or infinity", id="NaN"),
        pytest.param(RAW.T[None] + as_floats([[2000], [0], [0], [0], [0]]), names(1),
                     "its boxes lie outside the input of 640x640 px", id="another size"),
        pytest.param(RAW.T[None], {}, "class names in its metadata.*--names", id="no names"),
        pytest.param(RAW.T[None], {"names": "{0: 'cup'}"}, "0 'cup'; map them with --class",
                     id="no vehicle"),
        pytest.param(RAW.T[None], names(1) | {"task": "obb"}, "expected a model for the task 'det",
                     id="task"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_refused_with_the_remedy(
    tmp_path: Path, boxes: Floats, facts: dict[str, str], message: str
) -> None:
    path = ScriptedFile(boxes, facts=facts).write(tmp_path / "own.onnx")
    with pytest.raises(ModelError, match=message) as caught:
        find_model(path)
    assert str(path) in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_the_makers_word_settles_a_list_without_a_box(tmp_path: Path) -> None:
    facts = names(1) | {"author": "Ultralytics"}
    path = ScriptedFile(NOTHING, facts=facts).write(tmp_path / "own.onnx")
    assert found_by(path)[1] == BoxFormat.usual(BoxLayout.YOLO_END2END)


@pytest.mark.parametrize(
    "words", ["yolo_end2end,corners,fractions", " FRACTIONS , yolo_end2end, corners"]
)
def test_the_users_word_settles_it(tmp_path: Path, words: str) -> None:
    path = ScriptedFile(NOTHING).write(tmp_path / "own.onnx")
    _, read = found_by(path, words)
    assert (read.form, read.coordinates) == (BoxForm.CORNERS, Coordinates.FRACTIONS)


@pytest.mark.parametrize(
    ("name", "layout", "message"),
    [
        ("v5_1", "yolo_end2end", r"as specified .*its class column holds no whole numbers"),
        ("v5_1", "yolo_raw", "with 1 classes can only be yolo_end2end, yolov5"),
        ("e2e_norm", "pixels", r"as specified .*boxes only reach 0\.85, as fractions do"),
        ("fp16", "corners", "the second corner of its boxes precedes the first"),
    ],
)  # fmt: skip
def test_a_word_that_cannot_be_true_is_refused(name: str, layout: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        find_model(EXPORTS / f"{name}.onnx", parse_hints(layout))


def test_a_manifest_that_cannot_be_true_is_refused(tmp_path: Path) -> None:
    path = ScriptedFile(RAW.T[None]).write(tmp_path / "own.onnx")
    facts = manifest_of_export(path).model_dump(mode="json")
    facts["outputs"] = {"boxes": "yolo_raw", "coordinates": "fractions"}
    (tmp_path / "own.json").write_text(json.dumps(facts))
    with pytest.raises(ModelError, match=r"expected boxes as specified .*as pixels do"):
        open_detector(find_model(path))
    facts["outputs"] = {"boxes": "yolo_raw"}
    (tmp_path / "own.json").write_text(json.dumps(facts))
    assert len(found_by(path)[0]) == len(CARS)


def test_boxes_that_turn_out_otherwise_are_an_error_and_no_free_bay(tmp_path: Path) -> None:
    """Nothing was in the test picture, the user's word was taken, and then a car comes."""
    rows = rows_of(BoxLayout.YOLO_END2END, BoxForm.CORNERS, Coordinates.FRACTIONS)
    path = ScriptedFile(rows[None]).write(tmp_path / "own.onnx")
    spec = find_model(path).manifest.spec()
    wrong = BoxFormat.usual(BoxLayout.YOLO_END2END)
    detector = OnnxDetector(path, replace(spec, box_format=wrong))
    with pytest.raises(ModelError, match=r"own.onnx: its boxes cannot be read as .*as fractions"):
        detector.detect(np.zeros((640, 640, 3), np.uint8), NO_BAYS)


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [
        pytest.param((1, 1, 640, 640), "float32", r"images of shape \(N, 3, H, W\)", id="grey"),
        pytest.param((1, 3, 640, "width"), "float32", "images of shape", id="half open"),
    ],
)
def test_inputs_that_no_picture_fits(
    tmp_path: Path, shape: Sequence[int | str], kind: str, message: str
) -> None:
    path = ScriptedFile(RAW.T[None], shape, input_kind=kind).write(tmp_path / "own.onnx")
    with pytest.raises(ModelError, match=message):
        find_model(path)


def test_names_that_the_file_lacks_are_told(tmp_path: Path) -> None:
    path = ScriptedFile(RAW.T[None], facts={}).write(tmp_path / "own.onnx")
    xyxy_px, _ = found_by(path, None, "voiture")
    assert len(xyxy_px) == len(CARS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layout", "ssd"], "layout: expected words among yolo_raw,"),
        (["--layout", "pixels,fractions"], "layout: expected one word of each kind"),
        (["--class", "car"], "class: expected NAME=ROLE"),
        (["--class", "car=lorry"], "class: expected NAME=ROLE with a role of vehicle,"),
        (["--class", "van=vehicle"], "a class of the model, one of 0 'cars', but got 'van'"),
        (["--names", "car,,van"], "names: expected comma-separated names"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_read(tmp_path: Path, options: list[str], message: str) -> None:
    result = invoke(judge_app, tmp_path / "a.png", "-c", EXPORTS / "lot.bays.json",
                    "-m", EXPORTS / "v8_cars.onnx", *options)  # fmt: skip
    assert isinstance(result.exception, ModelError)
    assert message in str(result.exception)


def test_a_model_is_added_with_what_was_found_out(tmp_path: Path) -> None:
    boxes = rows_of(BoxLayout.YOLOV5, BoxForm.CENTRE, Coordinates.FRACTIONS, 2)[None]
    facts = {"names": "{0: 'belegt', 1: 'blau'}"}
    path = ScriptedFile(boxes, facts=facts).write(tmp_path / "mine.onnx")
    refused = invoke(models_app, "add", path)
    assert isinstance(refused.exception, ModelError)
    assert "expected class names for occupied and for free bays" in str(refused.exception)
    hints = ("--class", "belegt=occupied_bay", "--class", "1=free_bay", "--name", "my-lot")
    result = invoke(models_app, "add", path, *hints)
    assert result.exit_code == 0, result.exception
    assert "belegt = occupied bay; blau = free bay" in result.output
    entry = find_model(path)
    assert entry.name == "my-lot"
    assert entry.manifest.spec().method == "bay_boxes"
    kept = json.loads(path.with_suffix(".json").read_text())
    assert kept["roles"] == {"belegt": "occupied_bay", "blau": "free_bay"}
    assert kept["outputs"] == {"boxes": "yolov5", "form": "centre", "coordinates": "fractions"}
    again = invoke(models_app, "add", path, *hints)
    assert "use --force" in str(again.exception)
    assert invoke(models_app, "add", path, *hints, "--force").exit_code == 0
