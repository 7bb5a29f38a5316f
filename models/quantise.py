"""INT8 version of an exported graph: ONNX Runtime static quantisation, gated on what it is for.

Convolutions and what stands between them run on 8-bit integers. Left in float are the parts that
cost little and lose
much: attention (softmax of products), box decoding, and the per-bay part of the bay head.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

Feed = dict[str, npt.NDArray[Any]]

QUANTISED_OPS = ("Conv", "Sigmoid", "Mul", "Add", "Concat", "MaxPool", "Resize", "Split", "Slice")
# Name prefixes of nodes that stay float.
FLOAT_PREFIXES = ("/trunk/layers.10/m/m.0/attn/", "/detect/dfl/")
# In these scopes only the convolutions with their activations are quantised.
CONV_ONLY_SCOPES = ("/detect/", "/bay_head/")
MAX_F1_LOSS = 0.001  # 0.1 point


class _Frames(CalibrationDataReader):  # type: ignore[misc,unused-ignore]
    """Hands calibration inputs to ONNX Runtime one at a time."""

    def __init__(self, feeds: list[Feed]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> Feed | None:
        """Return the next feed, or None at the end."""
        return next(self._feeds, None)


@dataclass(frozen=True, slots=True)
class QuantiseOptions:
    """How to quantise.

    Attributes:
        percentile: Clip activations at this percentile of their histogram; None takes the observed
            minimum and maximum.
        keep_float: Further node name prefixes to leave float.
    """

    percentile: float | None = None
    keep_float: tuple[str, ...] = ()


def float_nodes(graph: onnx.GraphProto, keep_float: tuple[str, ...] = ()) -> Iterator[str]:
    """Names of the nodes that stay float."""
    for node in graph.node:
        if node.name.startswith((*FLOAT_PREFIXES, *keep_float)):
            yield node.name
        elif node.name.startswith(CONV_ONLY_SCOPES):
            activation = "/act/" in node.name or "/mix/" in node.name
            if node.op_type != "Conv" and not activation:
                yield node.name


def quantise(
    source: Path, target: Path, feeds: list[Feed], options: QuantiseOptions | None = None
) -> None:
    """Write the INT8 version of a float graph.

    Args:
        source: The exported float graph.
        target: The file to write.
        feeds: Inputs of the graph on frames of the lots it was trained on, letterboxed as at run
            time.
        options: How to quantise.
    """
    options = options or QuantiseOptions()
    if not feeds:
        message = "quantisation needs at least one calibration frame, got none"
        raise ValueError(message)
    logging.getLogger().setLevel(logging.WARNING)
    with TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        graph = onnx.load(prepared).graph
        method = (
            CalibrationMethod.MinMax if options.percentile is None else CalibrationMethod.Percentile
        )
        extra: dict[str, Any] = {"CalibTensorRangeSymmetric": False}
        if options.percentile is not None:
            extra["CalibPercentile"] = options.percentile
        quantize_static(
            prepared,
            target,
            _Frames(feeds),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED_OPS),
            nodes_to_exclude=sorted(float_nodes(graph, options.keep_float)),
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=method,
            extra_options=extra,
        )


def passes_gate(float_f1: float, int8_f1: float) -> bool:
    """Whether the INT8 graph loses no more bay F1 than is allowed."""
    return float(np.float64(float_f1) - int8_f1) <= MAX_F1_LOSS
