"""A model of the user's own in the configuration: what its file does not say is told there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_app.config import load_config
from edge_app.config.reading import parse_config
from edge_app.network import ModelFiles
from telemetry import ConfigError, ModelError
from tests.onnx_files import ScriptedFile
from vision.types import BoxForm, BoxFormat, BoxLayout, Coordinates

HEAD = """
[edge]
site = "a"
edge = "b"
[[camera]]
id = "north"
source = "north.mp4"
calibration_file = "north.json"
"""
LIST_OF_NOTHING = np.zeros((1, 100, 6), np.float32)


def test_layout_names_and_roles_are_told(tmp_path: Path) -> None:
    ScriptedFile(LIST_OF_NOTHING, facts={}).write(tmp_path / "own.onnx")
    file = tmp_path / "lotsight.toml"
    model = (
        '[model]\nmanifest_file = "own.onnx"\nlayout = "yolo_end2end,corners,fractions"\n'
        'class_names = ["leeg", "blauw"]\n'
        'class_roles = { 0 = "free_bay", blauw = "occupied_bay" }\n'
    )
    file.write_text(HEAD + model)
    spec = ModelFiles(load_config(file).model).load().spec
    assert spec.method == "bay_boxes"
    assert sorted(spec.free_classes) + sorted(spec.occupied_classes) == [0, 1]
    assert spec.box_format == BoxFormat(
        BoxLayout.YOLO_END2END, BoxForm.CORNERS, Coordinates.FRACTIONS
    )
    assert spec.abstain_low < 0.5 < spec.abstain_high


def test_a_model_that_is_not_certain_is_not_loaded(tmp_path: Path) -> None:
    ScriptedFile(LIST_OF_NOTHING).write(tmp_path / "own.onnx")
    config = parse_config(HEAD + '[model]\nmanifest_file = "own.onnx"\n', tmp_path / "l.toml")
    with pytest.raises(ModelError, match=r"own\.onnx: .*say which it is"):
        ModelFiles(config.model).load()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('layout = "ssd"', "layout: expected words among yolo_raw"),
        ('class_roles = { car = "lorry" }', "expected NAME=ROLE with a role of vehicle"),
    ],
)
def test_words_that_are_not_known(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_config(f"{HEAD}[model]\n{line}\n", tmp_path / "lotsight.toml")
    assert "pydantic" not in str(caught.value)


def test_nothing_is_told_of_the_default_model(tmp_path: Path) -> None:
    config = parse_config(HEAD + '[model]\nlayout = "yolov5"\n', tmp_path / "lotsight.toml")
    with pytest.raises(ModelError, match="apply to your own model, but none is given"):
        ModelFiles(config.model).load()
