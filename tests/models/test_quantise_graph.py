"""The INT8 graph: smaller, close to the float one, and float where it must be."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

if importlib.util.find_spec("torch"):
    import onnx
    import onnxruntime as ort

    from models.export import export_onnx
    from models.quantise import Feed, QuantiseOptions, float_nodes, quantise
    from tests.models.lively import lively_net

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("train_extra"), pytest.mark.slow]


def _feed(seed: int) -> Feed:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0.1, 0.8, (6, 1, 2))
    corners = np.array([[0, 0], [0.1, 0], [0.1, 0.1], [0, 0.1]])
    return {
        "images": rng.random((1, 3, 224, 256), np.float32),
        "bay_quads": (low + corners).astype(np.float32),
        "bay_image": np.zeros(6, np.int64),
    }


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder: Path = tmp_path_factory.mktemp("quantise")
    export_onnx(lively_net(5), folder / "float.onnx")
    quantise(folder / "float.onnx", folder / "int8.onnx", [_feed(s) for s in range(3)])
    return folder / "float.onnx", folder / "int8.onnx"


def _run(path: Path, feed: Feed) -> list[np.ndarray]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return list(session.run(["boxes", "bay_logits"], feed))


def test_int8_is_smaller_and_close(graphs: tuple[Path, Path]) -> None:
    source, target = graphs
    assert target.stat().st_size < 0.4 * source.stat().st_size
    feed = _feed(99)
    before, after = _run(source, feed)[1], _run(target, feed)[1]
    assert np.abs(before - after).max() < 0.3 * np.ptp(before) + 0.05
    assert np.corrcoef(before, after)[0, 1] > 0.9


def test_convolutions_are_int8_and_the_bays_part_is_float(graphs: tuple[Path, Path]) -> None:
    graph = onnx.load(graphs[1]).graph
    made_by = {output: node.op_type for node in graph.node for output in node.output}
    convolutions = [n for n in graph.node if n.op_type == "Conv"]
    int8 = [n for n in convolutions if made_by.get(n.input[0]) == "DequantizeLinear"]
    assert len(int8) > 0.9 * len(convolutions)
    for node in graph.node:
        if node.name.startswith(("/bay_head/patch", "/bay_head/bay", "/bay_head/logit")):
            assert made_by.get(node.input[0]) != "DequantizeLinear", node.name


def test_scopes_decide_what_stays_float(graphs: tuple[Path, Path]) -> None:
    graph = onnx.load(graphs[0]).graph
    names = float_nodes(graph)
    assert any("/attn/" in name for name in names)
    assert any(name.startswith("/trunk/layers.0/") for name in names)
    assert not any(name.startswith("/trunk/layers.3/") for name in names)
    more = float_nodes(graph, keep_float=("/trunk/layers.3/",))
    assert any(name.startswith("/trunk/layers.3/") for name in more)


def test_calibration_needs_frames(graphs: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one calibration frame"):
        quantise(graphs[0], tmp_path / "x.onnx", [], QuantiseOptions())
