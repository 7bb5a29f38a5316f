"""Manifests: what is refused, and how it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models import find_model, load_manifest, sha256_of, verify_file
from telemetry import ModelError
from vision import BoxLayout
from vision.fusion_weights import FusionWeights

GOOD: dict[str, Any] = {
    "schema_version": 1,
    "name": "mine",
    "version": "1.2.0",
    "file": "mine.onnx",
    "sha256": "a" * 64,
    "input": {"width": 960, "height": 736, "stride": 32},
    "classes": {"0": "person", "1": "Car", "2": "truck"},
    "outputs": {"boxes": "yolo_raw"},
    "bay_head": True,
    "licence": "AGPL-3.0",
    "temperature": 1.5,
    "abstain_low": 0.4,
    "abstain_high": 0.6,
}


FUSION = {
    "version": 1, "bias": -0.7, "head": 0.5, "head_sharp": 0.6, "firm": 3.1, "covered": 4.8,
}  # fmt: skip


def write(folder: Path, content: object) -> Path:
    path = folder / "mine.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_spec_carries_what_the_runtime_needs(tmp_path: Path) -> None:
    spec = load_manifest(write(tmp_path, GOOD)).spec()
    assert (spec.name, spec.version, spec.sha256) == ("mine", "1.2.0", "a" * 64)
    assert (spec.input_wh, spec.stride, spec.dynamic_input) == ((960, 736), 32, True)
    assert spec.vehicle_classes == {1, 2}
    assert spec.box_format.layout is BoxLayout.YOLO_RAW
    assert (spec.has_bay_head, spec.temperature) == (True, 1.5)
    assert (spec.abstain_low, spec.abstain_high) == (0.4, 0.6)
    assert spec.fusion is None, "manifests of before and of others: the bay head alone judges"
    fused = load_manifest(write(tmp_path, GOOD | {"fusion": FUSION})).spec()
    assert fused.fusion == FusionWeights(-0.7, head=0.5, head_sharp=0.6, firm=3.1, covered=4.8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"sha256": "xyz"}, r"sha256: .*but got 'xyz'", id="no hash"),
        pytest.param({"surprise": 1}, "surprise: Extra inputs", id="unknown key"),
        pytest.param({"schema_version": 2}, "schema_version: .*but got '2'", id="newer form"),
        pytest.param({"input": {"width": 950, "height": 736}}, "multiples of stride 32", id="size"),
        pytest.param(
            {"classes": {"0": "person"}},
            "expected a class that is a vehicle or a bay",
            id="no vehicle",
        ),
        pytest.param({"classes": {"0": "car", "2": "bus"}}, "numbered 0, 1, 2", id="gap"),
        pytest.param({"file": "../mine.onnx"}, "bare name", id="file elsewhere"),
        pytest.param({"outputs": {"boxes": "ssd"}}, "outputs.boxes", id="unknown layout"),
        pytest.param({"temperature": 0}, "temperature: .*greater than 0", id="temperature"),
        pytest.param({"abstain_low": 0.7}, "abstain_low must not exceed", id="band"),
        pytest.param({"fusion": FUSION | {"firm": -1}}, "fusion.firm: .*got '-1'", id="freer"),
        pytest.param({"fusion": FUSION | {"version": 2}}, "fusion.version", id="other terms"),
        pytest.param({"fusion": {"version": 1}}, "fusion.bias: Field required", id="half"),
        pytest.param(
            {"fusion": FUSION, "bay_head": False}, "but bay_head is false", id="no head to fuse"
        ),
        pytest.param({"name": "a/b"}, "name: String should match", id="name"),
    ],
)
def test_a_wrong_manifest_names_file_and_field(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = write(tmp_path, GOOD | changes)
    with pytest.raises(ModelError, match=message) as caught:
        load_manifest(path)
    assert str(path) in str(caught.value)


def test_both_networks_of_lotsight_weigh_head_and_boxes_alike() -> None:
    both = [find_model(name).manifest.spec().fusion for name in ("lotsight-n", "lotsight-n-int8")]
    assert both[0] is not None
    assert both[0] == both[1]


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, {key: value for key, value in GOOD.items() if key != "licence"})
    with pytest.raises(ModelError, match="licence: Field required"):
        load_manifest(path)


def test_no_json_names_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"mine.json: line 2, column \d+: expected JSON"):
        load_manifest(write(tmp_path, '{\n"name": }'))


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read this model manifest"):
        load_manifest(tmp_path / "none.json")


def test_verify_names_file_expected_and_got(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"weights")
    good = sha256_of(path)
    verify_file(path, good)
    path.write_bytes(b"other weights")
    with pytest.raises(ModelError, match=f"expected sha256 {good}, but got {sha256_of(path)}"):
        verify_file(path, good)
    with pytest.raises(ModelError, match="cannot read this model file"):
        verify_file(tmp_path / "none.onnx", good)
