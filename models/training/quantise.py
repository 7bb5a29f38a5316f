"""INT8 version of an exported graph, by ONNX Runtime's static quantisation.

Convolutions and what stands between them run on 8-bit integers. Left in float are the parts that
cost little and lose much: attention (softmax of products), box decoding, and the per-bay part of
the bay head. What counts is the bay F1 afterwards; `models.training.promote` gates on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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
INT8_SCOPES = ("/trunk/", "/bay_head/map/", "/detect/cv", "/cv2.", "/cv3.")
"""Names of nodes begin with the module that they come from (those of the vehicle head's branches
with the branch, since `decode_top` calls these); nodes of other scopes stay float."""
FLOAT_SCOPES = ("/trunk/layers.10/m/m.0/attn/", "/trunk/layers.0/")
"""Within those, attention, and the first layer: a convolution of three channels is three times as
slow in ONNX Runtime's INT8 as in float."""


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


def float_nodes(graph: onnx.GraphProto, keep_float: tuple[str, ...] = ()) -> list[str]:
    """Names of the nodes that stay float."""
    return sorted(
        node.name
        for node in graph.node
        if not node.name.startswith(INT8_SCOPES)
        or node.name.startswith((*FLOAT_SCOPES, *keep_float))
    )


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
            nodes_to_exclude=float_nodes(graph, options.keep_float),
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=method,
            extra_options=extra,
        )
