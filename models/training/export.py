"""From trained weights to one ONNX graph: images and bays in, boxes and bay logits out."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxslim
import torch
from torch import nn

from models.training.network.net import LotNet
from models.training.network.yolo import fuse_batch_norm
from telemetry.errors import ModelError
from vision.runtime import ort

# 17 has LayerNormalization and all that the graph needs; every ONNX Runtime since 1.12 reads it.
OPSET = 17
# Largest difference between torch and ONNX Runtime that is put down to the order of additions.
BOX_TOLERANCE_PX = 0.2
LOGIT_TOLERANCE = 1e-3
INPUTS = ("images", "bay_quads", "bay_image")
COMPARED_BOXES = 200
OUTPUTS = ("boxes", "bay_logits")
# Images, height, width and bays of the parity check; none is the size that was traced.
PARITY_SHAPES = ((1, 640, 640, 5), (2, 736, 960, 40), (3, 320, 416, 0))

Floats = npt.NDArray[np.float32]


class ExportError(ModelError):
    """The exported graph does not compute what the network computes."""


def export_onnx(net: LotNet, target: Path) -> None:
    """Write the network as a simplified ONNX graph with dynamic batch, bays and input size.

    Args:
        net: A trained network; it is left as it is.
        target: The file to write.

    Raises:
        ExportError: ONNX Runtime and torch disagree on the written graph.
    """
    fused = exportable(net)
    images = torch.rand(2, 3, 736, 960)
    quads, index = torch.rand(7, 4, 2), torch.tensor([0, 0, 0, 1, 1, 1, 1])
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but needs no further package and keeps sizes dynamic.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            fused,
            (images, quads, index),
            str(target),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes={
                "images": {0: "pictures", 2: "height", 3: "width"},
                "bay_quads": {0: "bays"},
                "bay_image": {0: "bays"},
                "boxes": {0: "pictures", 2: "anchors"},
                "bay_logits": {0: "bays"},
            },
        )
    onnx.save(onnxslim.slim(onnx.load(target)), target)
    check_parity(fused, target)


class _Exported(nn.Module):
    """The network with its outputs decoded, as `forward`, which is what the exporter traces."""

    def __init__(self, net: LotNet) -> None:
        super().__init__()
        self.trunk, self.detect, self.bay_head = net.trunk, net.detect, net.bay_head

    forward = LotNet.decoded


def exportable(net: LotNet) -> nn.Module:
    """Return a copy with batch norms folded in that decodes its boxes."""
    fused = copy.deepcopy(net).float().cpu().eval()
    fuse_batch_norm(fused)
    return _Exported(fused).eval()


def check_parity(net: nn.Module, target: Path) -> dict[str, float]:
    """Compare torch and ONNX Runtime on random input of several sizes.

    Returns:
        The largest difference of box coordinates (pixels) and of bay logits.

    Raises:
        ExportError: A difference is above its tolerance, or a shape differs.
    """
    session = ort.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    worst = {"boxes": 0.0, "bay_logits": 0.0}
    for pictures, height, width, bays in PARITY_SHAPES:
        feed: dict[str, npt.NDArray[Any]] = {
            "images": rng.random((pictures, 3, height, width), np.float32),
            "bay_quads": rng.random((bays, 4, 2), np.float32) * 1.2 - 0.1,
            "bay_image": rng.integers(pictures, size=bays),
        }
        with torch.no_grad():
            expected = net(*(torch.from_numpy(feed[name]) for name in INPUTS))
        for name, want, got in zip(
            OUTPUTS, expected, session.run(list(OUTPUTS), feed), strict=True
        ):
            if tuple(want.shape) != got.shape:
                message = f"{name}: torch gives shape {tuple(want.shape)}, ONNX {got.shape}"
                raise ExportError(message)
            if got.size:
                gap = (
                    _boxes_gap(want.numpy(), got) if name == "boxes" else np.abs(want.numpy() - got)
                )
                worst[name] = max(worst[name], float(gap.max()))
    limits = {"boxes": BOX_TOLERANCE_PX, "bay_logits": LOGIT_TOLERANCE}
    if any(worst[name] > limit for name, limit in limits.items()):
        message = f"largest differences {worst} exceed {limits}"
        raise ExportError(message)
    return worst


def _boxes_gap(want: Floats, got: Floats) -> Floats:
    """Distance from each confident box to the nearest one, shape `(N, COMPARED_BOXES)`.

    Not from each to the one in the same place: boxes of equal confidence may swap places.
    """
    first = want[:, :, :COMPARED_BOXES, None]
    return np.asarray(np.abs(first - got[:, :, None]).max(1).min(2), np.float32)
