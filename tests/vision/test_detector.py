"""The detector on real ONNX Runtime sessions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from telemetry import ModelError
from vision.detector import DetectorSettings, OnnxDetector, sigmoid
from vision.input_size import InputPlan
from vision.session import IMAGES, SessionSettings, open_session, run_session, to_tensor
from vision.types import BoxFormat, BoxLayout, Floats, NetworkSpec, as_floats

MakeSpec = Callable[..., NetworkSpec]
NO_BAYS = np.zeros((0, 4, 2), np.float32)
SQUARE = as_floats([[0.25, 0.5], [0.5, 0.5], [0.5, 0.75], [0.25, 0.75]])


@pytest.fixture(scope="module")
def bay_detector(tiny_models: Path, make_spec: MakeSpec) -> OnnxDetector:
    settings = DetectorSettings(SessionSettings(threads=1))
    return OnnxDetector(tiny_models / "tiny_bay_head.onnx", make_spec(), settings)


def logit(prob: Floats) -> Floats:
    return as_floats(np.log(prob / (1 - prob)))


def test_boxes_come_in_pixels_of_the_picture(bay_detector: OnnxDetector) -> None:
    # The picture is twice the input, so that boxes double; the first two boxes are one car.
    found = bay_detector.detect(np.zeros((128, 192, 3), np.uint8), NO_BAYS).detections
    assert found.xyxy_px.tolist() == [[44, 44, 84, 84], [144, 64, 176, 96]]
    assert found.class_id.tolist() == [0, 3]
    assert found.confidence.tolist() == pytest.approx([0.9, 0.8])


def test_boxes_are_cut_at_the_rim(bay_detector: OnnxDetector) -> None:
    plan = InputPlan((192, 20), (96, 64), ((0, 0, 192, 20),), 0, 0)
    found = bay_detector.detect(np.zeros((20, 192, 3), np.uint8), NO_BAYS, plan).detections
    assert (found.xyxy_px[:, [1, 3]] <= 20).all()


@pytest.mark.parametrize("first", range(4))
def test_quads_reach_the_network_canonical_and_letterboxed(
    bay_detector: OnnxDetector, first: int
) -> None:
    # A square picture stands in the middle of the 96 x 64 input, from x = 16.
    plan = InputPlan((64, 64), (96, 64), ((0, 0, 64, 64),), 0, 0)
    quad = np.roll(SQUARE, first, axis=0)
    output = bay_detector.detect(np.zeros((64, 64, 3), np.uint8), quad[None], plan)
    assert output.bay_prob is not None
    assert logit(output.bay_prob)[0] == pytest.approx(10 * (16 + 0.25 * 64) / 96, abs=1e-3)


def test_temperature_divides_logits(tiny_models: Path, make_spec: MakeSpec) -> None:
    detector = OnnxDetector(tiny_models / "tiny_bay_head.onnx", make_spec(temperature=4.0))
    output = detector.detect(np.zeros((64, 96, 3), np.uint8), SQUARE[None])
    assert output.bay_prob is not None
    assert logit(output.bay_prob)[0] == pytest.approx(10 * 0.25 / 4, abs=1e-3)


def test_no_bays_no_probabilities(bay_detector: OnnxDetector) -> None:
    output = bay_detector.detect(np.zeros((64, 96, 3), np.uint8), NO_BAYS)
    assert output.bay_prob is not None
    assert output.bay_prob.shape == (0,)


def test_tiles_judge_their_own_bays_and_merge_boxes(bay_detector: OnnxDetector) -> None:
    plan = InputPlan((192, 64), (96, 64), ((0, 0, 96, 64), (96, 0, 192, 64)), 10, 10)
    quads = np.stack([SQUARE * as_floats([0.5, 1]) + as_floats([0.5 * t, 0]) for t in (0, 1)])
    output = bay_detector.detect(np.zeros((64, 192, 3), np.uint8), quads, plan)
    assert output.bay_prob is not None
    assert logit(output.bay_prob[:1]).tolist() == pytest.approx([2.5], abs=1e-3)
    assert output.bay_prob[1] == pytest.approx(1.0)  # 102.5: the second picture of the pass
    assert len(output.detections) == 4
    assert output.detections.xyxy_px[:, 0].max() == 96 + 72


def test_a_plan_for_another_picture_is_refused(bay_detector: OnnxDetector) -> None:
    plan = InputPlan((200, 64), (96, 64), ((0, 0, 200, 64),), 0, 0)
    with pytest.raises(ValueError, match=r"plan is for images of \(200, 64\)"):
        bay_detector.detect(np.zeros((64, 96, 3), np.uint8), NO_BAYS, plan)


def test_end2end_export(tiny_models: Path, make_spec: MakeSpec) -> None:
    spec = make_spec(
        has_bay_head=False,
        box_format=BoxFormat.usual(BoxLayout.YOLO_END2END),
        classes=dict(enumerate("abcdefgh")),
        vehicle_classes=frozenset({2, 7}),
    )
    detector = OnnxDetector(tiny_models / "tiny_end2end.onnx", spec)
    output = detector.detect(np.zeros((64, 96, 3), np.uint8), NO_BAYS)
    assert output.bay_prob is None
    assert output.detections.class_id.tolist() == [2, 7]


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        pytest.param("missing.onnx", {}, "does not exist", id="missing file"),
        pytest.param("make_tiny_models.py", {}, "cannot open this model", id="no ONNX"),
        pytest.param(
            "tiny_bay_head.onnx",
            {"has_bay_head": False},
            r"expected inputs \['images'\], but got",
            id="unexpected bay head",
        ),
        pytest.param("tiny_fixed.onnx", {}, r"expected inputs \['bay_image'", id="no bay head"),
        pytest.param(
            "tiny_fixed.onnx",
            {"has_bay_head": False},
            r"expected `images` of any size, but got 96x64 px only",
            id="fixed input said to be dynamic",
        ),
        pytest.param(
            "tiny_fixed.onnx",
            {"has_bay_head": False, "dynamic_input": False, "input_wh": (64, 64)},
            r"of 64x64 px only, but got 96x64 px only",
            id="another input size",
        ),
        pytest.param(
            "tiny_bay_head.onnx",
            {"classes": {0: "car"}, "vehicle_classes": frozenset({0})},
            r"expected boxes of 5 numbers each \(yolo_raw\), but got shape",
            id="another number of classes",
        ),
        pytest.param(
            "tiny_bay_head.onnx",
            {"box_format": BoxFormat.usual(BoxLayout.YOLO_END2END)},
            r"expected boxes of 6 numbers each",
            id="another layout",
        ),
    ],
)
def test_a_graph_that_is_not_what_the_manifest_says(
    tiny_models: Path, make_spec: MakeSpec, file: str, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        OnnxDetector(tiny_models / file, make_spec(**changes))
    assert file in str(caught.value)


def test_a_provider_that_is_not_installed_is_named(tiny_models: Path, make_spec: MakeSpec) -> None:
    settings = DetectorSettings(SessionSettings(providers=("NoSuchProvider",)))
    with pytest.raises(ModelError, match=r"but got \['NoSuchProvider'\]"):
        OnnxDetector(tiny_models / "tiny_bay_head.onnx", make_spec(), settings)


def test_a_failing_pass_is_a_model_error(tiny_models: Path) -> None:
    path = tiny_models / "tiny_fixed.onnx"
    session = open_session(path, SessionSettings(threads=1))
    feed = {IMAGES: np.zeros((1, 3, 64, 64), np.float32)}
    with pytest.raises(ModelError, match=r"failed on inputs of shapes .*\(1, 3, 64, 64\)"):
        run_session(session, ["output0"], feed, path)


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        pytest.param(
            "tiny_fixed.onnx",
            {"has_bay_head": False, "dynamic_input": False, "classes": dict(enumerate("abcdefgh"))},
            r"tiny_fixed.onnx: expected an input of 96x64 px, but got 80x64",
            id="fixed",
        ),
        pytest.param(
            "tiny_bay_head.onnx",
            {},
            r"tiny_bay_head.onnx: expected an input of 96x64 px or more, but got 80x64: both sides",
            id="no whole cells",
        ),
    ],
)
def test_a_plan_of_an_input_that_the_network_does_not_take(
    tiny_models: Path, make_spec: MakeSpec, file: str, changes: dict[str, object], message: str
) -> None:
    detector = OnnxDetector(tiny_models / file, make_spec(**changes))
    plan = InputPlan((64, 64), (80, 64), ((0, 0, 64, 64),), 0, 0)
    with pytest.raises(ModelError, match=message):
        detector.detect(np.zeros((64, 64, 3), np.uint8), NO_BAYS, plan)


def test_threads_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="threads must be 0"):
        SessionSettings(threads=-1)


def test_tensor_is_rgb_between_0_and_1() -> None:
    image = np.zeros((2, 3, 3), np.uint8)
    image[0, 0] = (0, 51, 255)
    tensor = to_tensor([image])
    assert tensor.shape == (1, 3, 2, 3)
    assert tensor[0, :, 0, 0].tolist() == pytest.approx([1.0, 0.2, 0.0])


def test_sigmoid_does_not_overflow() -> None:
    assert sigmoid(as_floats([-1e4, 0, 1e4])).tolist() == [0.0, 0.5, 1.0]
