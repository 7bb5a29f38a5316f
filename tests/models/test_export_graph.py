"""The exported graph computes what the network computes, for any batch, bays and input size."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

if importlib.util.find_spec("torch"):
    import onnx

    from models.training.export import (
        BOX_TOLERANCE_PX,
        LOGIT_TOLERANCE,
        ExportError,
        check_parity,
        export_onnx,
        exportable,
    )
    from models.training.network.net import LotNet
    from models.training.network.yolo import KEPT_ANCHORS
    from models.training.torch_detector import TorchDetector, open_trained, trained_spec
    from tests.models.lively import lively_net
    from vision.input_size import InputPlan
    from vision.judge import BayShapes, judge_bays
    from vision.runtime import ort

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("train_extra"), pytest.mark.slow]


@pytest.fixture(scope="module")
def net() -> LotNet:
    return lively_net(3)


@pytest.fixture(scope="module")
def graph(net: LotNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("export") / "net.onnx"
    export_onnx(net, path)
    return path


def test_torch_and_onnx_agree(net: LotNet, graph: Path) -> None:
    worst = check_parity(exportable(net), graph)
    assert worst["boxes"] <= BOX_TOLERANCE_PX
    assert worst["bay_logits"] <= LOGIT_TOLERANCE


def test_torch_and_the_runtime_judge_a_picture_alike(net: LotNet, graph: Path) -> None:
    spec = trained_spec((320, 256), temperature=0.7)
    image = np.random.default_rng(0).integers(0, 255, (200, 300, 3)).astype(np.uint8)
    outline = np.array([[0.1, 0.2], [0.4, 0.2], [0.5, 0.8], [0.1, 0.7]], np.float32)
    bays = BayShapes.of([outline, outline + 0.3], (300, 200))
    plan = InputPlan((300, 200), spec.input_wh, ((0, 0, 300, 200),), 60.0, 0.0)
    torch_prob, onnx_prob = (
        judge_bays(detector, image, bays, plan).evidence.prob
        for detector in (TorchDetector(net, spec), open_trained(graph, spec))
    )
    assert np.allclose(torch_prob, onnx_prob, atol=1e-4)
    assert np.abs(torch_prob - 0.5).max() > 1e-3


def test_parity_fails_for_another_network(graph: Path) -> None:
    with pytest.raises(ExportError, match="exceed"):
        check_parity(exportable(lively_net(4)), graph)


def test_exporting_leaves_the_network_as_it_was(net: LotNet) -> None:
    assert any(name.endswith("bn.weight") for name, _ in net.named_parameters())


def test_inputs_and_outputs_are_named_and_dynamic(graph: Path) -> None:
    session = ort.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    assert [(i.name, i.type) for i in session.get_inputs()] == [
        ("images", "tensor(float)"),
        ("bay_quads", "tensor(float)"),
        ("bay_image", "tensor(int64)"),
    ]
    assert session.get_inputs()[0].shape == ["pictures", 3, "height", "width"]
    assert session.get_inputs()[1].shape == ["bays", 4, 2]
    assert [o.name for o in session.get_outputs()] == ["boxes", "bay_logits"]
    onnx.checker.check_model(onnx.load(graph))


@pytest.mark.parametrize("bays", [0, 1, 200])
def test_any_number_of_bays(graph: Path, bays: int) -> None:
    session = ort.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    boxes, logits = session.run(
        None,
        {
            "images": rng.random((1, 3, 256, 288), np.float32),
            "bay_quads": rng.random((bays, 4, 2), np.float32),
            "bay_image": np.zeros(bays, np.int64),
        },
    )
    assert boxes.shape == (1, 8, KEPT_ANCHORS)
    assert logits.shape == (bays,)
    assert (boxes[:, 4:] >= 0).all()
    assert (boxes[:, 4:] <= 1).all()
