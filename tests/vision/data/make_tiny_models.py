"""Write the tiny ONNX models that the tests open; needs the package onnx (extra `train`).

They compute next to nothing, but have the inputs, outputs and metadata of real exports, so that the
run time's handling of them is tested on a real ONNX Runtime session:

- tiny_bay_head.onnx: 3 raw boxes of 4 classes; each bay's logit is 10 times the x of its first
  corner plus 100 times its picture's index, which shows what the run time fed.
- tiny_end2end.onnx: a stock end-to-end export (`output0`, (N, 4, 6)) with Ultralytics' metadata.
- tiny_fixed.onnx: a stock raw export of a fixed input, 64 x 96.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent
RAW_BOXES = np.array(  # rows: centre x, centre y, width, height, then one score a class
    [
        [32, 34, 80],
        [32, 32, 40],
        [20, 20, 16],
        [20, 20, 16],
        [0.9, 0.6, 0.05],
        [0.0, 0.7, 0.0],
        [0.0, 0.0, 0.0],
        [0.1, 0.0, 0.8],
    ],
    np.float32,
)
END2END = np.array(
    [[8, 8, 24, 24, 0.9, 2], [40, 8, 60, 20, 0.8, 0], [5, 40, 25, 60, 0.3, 7], [0, 0, 0, 0, 0, 0]],
    np.float32,
)
COCO_HEAD = {0: "person", 1: "bicycle", 2: "car", 3: "motorcycle", 4: "airplane", 5: "bus",
             6: "train", 7: "truck"}  # fmt: skip


def save(
    name: str,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: dict[str, np.ndarray],
    facts: dict[str, str],
) -> None:
    """Check and write one model."""
    initialisers = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, name, inputs, outputs, initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, facts)
    onnx.checker.check_model(model)
    onnx.save(model, FOLDER / f"{name}.onnx")


def repeated(constant: str, output: str) -> list[onnx.NodeProto]:
    """Nodes that repeat a constant (1, A, B) for every picture of the batch."""
    return [
        helper.make_node("Shape", ["images"], ["n"], start=0, end=1),
        helper.make_node("Concat", ["n", "ones"], ["repeats"], axis=0),
        helper.make_node("Tile", [constant, "repeats"], [output]),
    ]


def main() -> None:
    """Write all."""
    float32, int64 = TensorProto.FLOAT, TensorProto.INT64
    images = helper.make_tensor_value_info("images", float32, ["N", 3, "H", "W"])
    ones = np.array([1, 1], np.int64)
    save(
        "tiny_bay_head",
        [
            *repeated("raw", "boxes"),
            helper.make_node("Gather", ["bay_quads", "zero"], ["corner"], axis=1),
            helper.make_node("Gather", ["corner", "zero"], ["x"], axis=1),
            helper.make_node("Mul", ["x", "ten"], ["ten_x"]),
            helper.make_node("Cast", ["bay_image"], ["picture"], to=float32),
            helper.make_node("Mul", ["picture", "hundred"], ["hundreds"]),
            helper.make_node("Add", ["ten_x", "hundreds"], ["bay_logits"]),
        ],
        [
            images,
            helper.make_tensor_value_info("bay_quads", float32, ["M", 4, 2]),
            helper.make_tensor_value_info("bay_image", int64, ["M"]),
        ],
        [
            helper.make_tensor_value_info("boxes", float32, ["N", 8, 3]),
            helper.make_tensor_value_info("bay_logits", float32, ["M"]),
        ],
        {
            "raw": RAW_BOXES[None],
            "ones": ones,
            "zero": np.array(0, np.int64),
            "ten": np.array(10, np.float32),
            "hundred": np.array(100, np.float32),
        },
        {},
    )
    facts = {"task": "detect", "stride": "32", "names": str(COCO_HEAD), "version": "8.4.190",
             "license": "AGPL-3.0 License (https://ultralytics.com/license)"}  # fmt: skip
    save(
        "tiny_end2end",
        repeated("found", "output0"),
        [images],
        [helper.make_tensor_value_info("output0", float32, ["N", 4, 6])],
        {"found": END2END[None], "ones": ones},
        facts | {"imgsz": "[64, 64]", "end2end": "True"},
    )
    fixed = np.zeros((1, 12, 2), np.float32)
    fixed[0, :4, 0], fixed[0, 6, 0] = (48, 32, 20, 10), 0.75
    save(
        "tiny_fixed",
        repeated("raw", "output0"),
        [helper.make_tensor_value_info("images", float32, [1, 3, 64, 96])],
        [helper.make_tensor_value_info("output0", float32, [1, 12, 2])],
        {"raw": fixed, "ones": ones},
        facts | {"imgsz": "[64, 96]"},
    )


if __name__ == "__main__":
    main()
