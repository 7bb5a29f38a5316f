"""The INT8 graph: smaller, close to the float one, and float where it must be."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from models.registry import WEIGHTS

if importlib.util.find_spec("torch"):
    import onnx

    from models.training.quantise import Feed, QuantiseOptions, float_nodes, quantise
    from vision.runtime import ort

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("train_extra"), pytest.mark.slow]


def _feed(seed: int) -> Feed:
    """A drawn lot: grey ground, three bays with a bright car and three without."""
    rng = np.random.default_rng(seed)
    image = rng.normal(0.35, 0.02, (1, 3, 256, 320)).astype(np.float32)
    corners = []
    for number, (x, y) in enumerate((x, y) for y in (40, 150) for x in (30, 130, 230)):
        corners.append([[x, y], [x + 60, y], [x + 60, y + 70], [x, y + 70]])
        if number % 2:
            image[0, :, y + 6 : y + 64, x + 8 : x + 52] = rng.uniform(0.1, 0.9, (3, 1, 1))
            image[0, :, y + 20 : y + 30, x + 12 : x + 48] = 0.05
    return {
        "images": image.clip(0, 1),
        "bay_quads": (np.array(corners) / [320, 256]).astype(np.float32),
        "bay_image": np.zeros(6, np.int64),
    }


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The committed float graph, and a quantised version of it made here."""
    source = WEIGHTS / "lotsight-n.onnx"
    target: Path = tmp_path_factory.mktemp("quantise") / "int8.onnx"
    quantise(source, target, [_feed(s) for s in range(3)])
    return source, target


def _run(path: Path, feed: Feed) -> list[np.ndarray]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return list(session.run(["boxes", "bay_logits"], feed))


def test_int8_is_smaller_and_close(graphs: tuple[Path, Path]) -> None:
    source, target = graphs
    assert target.stat().st_size < 0.4 * source.stat().st_size
    feed = _feed(99)
    before, after = _run(source, feed)[1], _run(target, feed)[1]
    assert np.ptp(before) > 2  # the float graph tells these bays apart
    # The picture is like none that the network knows: what must hold is the order of the bays.
    assert (np.sign(before) == np.sign(after)).all()
    assert np.corrcoef(before, after)[0, 1] > 0.95


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
