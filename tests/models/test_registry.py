"""The registry: committed models, the user's own, stock exports, and refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner

from models import (
    DEFAULT_MODEL,
    default_model,
    find_model,
    list_models,
    load_manifest,
    manifest_of_export,
    open_detector,
    sha256_of,
)
from models.cli import app
from models.registry import WEIGHTS
from telemetry import ModelError
from vision import BoxLayout, InputPlan
from vision.input_size import min_cells
from vision.session import (
    BAY_IMAGE,
    BAY_LOGITS,
    BAY_QUADS,
    IMAGES,
    SessionSettings,
    open_session,
    run_session,
)

TINY = Path(__file__).parent.parent / "vision" / "data"
NO_BAYS = np.zeros((0, 4, 2), np.float32)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with a copy of the default model under another name."""
    entry = default_model()
    manifest = json.loads(entry.path.with_suffix(".json").read_text())
    shutil.copy(entry.path, tmp_path / "own.onnx")
    manifest |= {"name": "own", "file": "own.onnx"}
    (tmp_path / "own.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("LOTSIGHT_MODELS", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("path", sorted(WEIGHTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_committed_model_is_what_its_manifest_says(path: Path) -> None:
    entry = find_model(path)
    assert entry.name == path.stem
    detector = open_detector(entry, threads=1)
    image = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    quads = np.array([[[0.2, 0.2], [0.5, 0.2], [0.5, 0.6], [0.2, 0.6]]], np.float32)
    output = detector.detect(image, quads)
    assert (output.bay_prob is not None) == entry.manifest.bay_head
    assert detector.probed is not None
    assert detector.probed.shown == 12
    assert detector.probed.found >= 10, "of the vehicles in the picture that all are shown"


@pytest.mark.parametrize("name", ["lotsight-n", "lotsight-n-int8"])
def test_the_smallest_input_is_the_smallest_that_runs(name: str) -> None:
    """29 cells are enough for ONNX Runtime itself, and 28 are not."""
    detector = open_detector(find_model(name), threads=1)
    assert (detector.spec.fixed_boxes, min_cells(detector.spec)) == (600, 29)
    session = open_session(find_model(name).path, SessionSettings(threads=1))
    for width, fails in ((29 * 32, False), (28 * 32, True)):
        feed: dict[str, npt.NDArray[Any]] = {
            IMAGES: np.zeros((1, 3, 32, width), np.float32),
            BAY_QUADS: NO_BAYS,
            BAY_IMAGE: np.zeros(0, np.int64),
        }
        whole = InputPlan((width, 32), (width, 32), ((0, 0, width, 32),), 0, 0)
        picture = np.zeros((32, width, 3), np.uint8)
        if fails:
            with pytest.raises(ModelError, match="TopK"):
                run_session(session, [BAY_LOGITS, "boxes"], feed, Path(name))
            with pytest.raises(ModelError, match=r"of 928x32 px or more, but got 896x32: it gives"):
                detector.detect(picture, NO_BAYS, whole)
        else:
            run_session(session, [BAY_LOGITS, "boxes"], feed, Path(name))
            detector.detect(picture, NO_BAYS, whole)


def test_a_usual_input_that_is_too_small_is_refused_with_one_that_works(own_folder: Path) -> None:
    manifest = json.loads((own_folder / "own.json").read_text())
    manifest["input"] |= {"width": 224, "height": 128}
    (own_folder / "own.json").write_text(json.dumps(manifest))
    message = (
        r"own\.onnx: usual input of own 1\.2\.0: expected an input of 256x128 px or more, "
        r"but got 224x128: it gives 600 boxes for every image, so it needs 29 cells of 32x32 px"
    )
    with pytest.raises(ModelError, match=message):
        open_detector(find_model("own"))
    result = CliRunner().invoke(app, ["verify", "own"], env={"COLUMNS": "400"})
    assert (result.exit_code, "256x128 px or more" in result.output) == (1, True)
    manifest["input"]["width"] = 256
    (own_folder / "own.json").write_text(json.dumps(manifest))
    picture = np.zeros((480, 640, 3), np.uint8)
    assert open_detector(find_model("own"), threads=1).detect(picture, NO_BAYS).bay_prob is not None


def test_default_model_is_listed() -> None:
    assert default_model().name == DEFAULT_MODEL
    assert DEFAULT_MODEL in [entry.name for entry in list_models()]


def test_own_models_are_found_by_name_and_by_path(own_folder: Path) -> None:
    assert find_model("own").path == own_folder / "own.onnx"
    assert find_model(own_folder / "own.json") == find_model(own_folder / "own.onnx")
    assert [entry.name for entry in list_models()] == sorted(
        entry.name for entry in [*list_models([WEIGHTS]), find_model("own")]
    )


def test_an_own_model_goes_before_a_committed_one_of_the_same_name(own_folder: Path) -> None:
    manifest = json.loads((own_folder / "own.json").read_text())
    (own_folder / "own.json").write_text(json.dumps(manifest | {"name": DEFAULT_MODEL}))
    assert find_model(DEFAULT_MODEL).path == own_folder / "own.onnx"
    assert default_model().path.parent == WEIGHTS


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(ModelError, match=f"Did you mean '{DEFAULT_MODEL}'"):
        find_model(DEFAULT_MODEL + "x")


def test_a_missing_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOTSIGHT_MODELS", str(tmp_path / "none"))
    with pytest.raises(ModelError, match="none: folder of models not found"):
        list_models()


def test_a_changed_file_is_not_opened(own_folder: Path) -> None:
    entry = find_model("own")
    with entry.path.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelError, match=r"own.onnx: expected sha256 [0-9a-f]{64}, but got"):
        open_detector(entry)


def test_negative_threads_are_refused() -> None:
    with pytest.raises(ModelError, match="threads must be 0"):
        open_detector(default_model(), threads=-2)


def test_a_stock_end2end_export_needs_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / "my yolo.onnx"
    shutil.copy(TINY / "tiny_end2end.onnx", path)
    entry = find_model(path)
    assert entry.name == "my-yolo"
    assert entry.manifest.outputs.boxes is BoxLayout.YOLO_END2END
    assert entry.manifest.spec().vehicle_classes == {2, 3, 5, 7}
    assert entry.manifest.input.dynamic
    assert entry.manifest.sha256 == sha256_of(path)
    found = open_detector(entry).detect(np.zeros((64, 64, 3), np.uint8), NO_BAYS).detections
    assert found.class_id.tolist() == [2, 7], "person is no vehicle"


def test_a_stock_export_of_fixed_input() -> None:
    entry = find_model(TINY / "tiny_fixed.onnx")
    size = entry.manifest.input
    assert (size.width, size.height, size.dynamic) == (96, 64, False)
    assert entry.manifest.outputs.boxes is BoxLayout.YOLO_RAW
    found = open_detector(entry).detect(np.zeros((128, 192, 3), np.uint8), NO_BAYS).detections
    assert found.xyxy_px.tolist() == [[76, 54, 116, 74]]


def test_an_onnx_file_that_does_not_describe_itself_is_refused() -> None:
    with pytest.raises(ModelError, match=r"expected class names in its metadata.*own-model\.md"):
        manifest_of_export(TINY / "tiny_bay_head.onnx")


def test_a_manifest_beside_an_onnx_file_goes_before_its_metadata(tmp_path: Path) -> None:
    shutil.copy(TINY / "tiny_end2end.onnx", tmp_path / "a.onnx")
    facts = load_manifest(WEIGHTS / f"{DEFAULT_MODEL}.json").model_dump(mode="json")
    (tmp_path / "a.json").write_text(json.dumps(facts | {"name": "said", "file": "a.onnx"}))
    assert find_model(tmp_path / "a.onnx").name == "said"


def test_list_shows_names_and_marks_the_default() -> None:
    result = CliRunner().invoke(app, ["list"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert f"{DEFAULT_MODEL} *" in result.output


def test_verify_tells_good_from_bad(own_folder: Path) -> None:
    assert CliRunner().invoke(app, ["verify", "own"]).exit_code == 0
    (own_folder / "own.onnx").write_bytes(b"junk")
    result = CliRunner().invoke(app, ["verify"], env={"COLUMNS": "400"})
    assert result.exit_code == 1
    assert "✗ own" in result.output
    assert f"✓ {DEFAULT_MODEL}" in result.output
