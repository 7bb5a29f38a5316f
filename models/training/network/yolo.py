"""The trunk and the vehicle head, taken from an Ultralytics detection model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules import Conv, Detect
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.tal import dist2bbox, make_anchors
from ultralytics.utils.torch_utils import fuse_conv_and_bn

# COCO index -> ours, in the order of our classes: car, motorcycle, bus, truck.
COCO_VEHICLES = (2, 3, 5, 7)
VEHICLE_NAMES = ("car", "motorcycle", "bus", "truck")
COCO_CLASSES = 80
KEPT_ANCHORS = 600
"""Anchors whose boxes an exported graph decodes: the most confident ones. Decoding all 14,490 of a
960x736 input took a sixth of an INT8 pass (a softmax over 16 bins for each side of each box), and
no lot view holds 600 vehicles."""


class Trunk(nn.Module):
    """Backbone and neck of a YOLO model.

    Args:
        layers: All layers of the Ultralytics model but its head, in order.
        taps: Indices of the layers that feed the head (strides 8, 16, 32).
    """

    def __init__(self, layers: list[nn.Module], taps: list[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.taps = list(taps)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the features at stride 8, 16 and 32 of images `(N, 3, H, W)`, float 0-1 RGB."""
        outputs: list[Tensor] = []
        x = images
        for layer in self.layers:
            source: Any = layer.f
            if isinstance(source, int):
                x = layer(x if source == -1 else outputs[source])
            else:
                x = layer([x if index == -1 else outputs[index] for index in source])
            outputs.append(x)
        return [outputs[index] for index in self.taps]


def build_yolo(arch: str = "yolo11n.yaml") -> tuple[Trunk, Detect]:
    """Build an untrained trunk and a vehicle head of an Ultralytics architecture."""
    return _split(DetectionModel(arch, nc=COCO_CLASSES, verbose=False))


def load_yolo(weights: Path) -> tuple[Trunk, Detect]:
    """Load an Ultralytics COCO checkpoint and keep its vehicle classes."""
    # weights_only=False: Ultralytics checkpoints are pickled modules; only trusted local files come
    # here.
    checkpoint = torch.load(weights, map_location="cpu", weights_only=False)  # nosec B614
    return _split((checkpoint.get("ema") or checkpoint["model"]).float())


def _split(model: DetectionModel) -> tuple[Trunk, Detect]:
    *layers, detect = model.model
    for name, parameter in model.named_parameters():
        # The box decoding's "weights" are the numbers 0 to 15; checkpoints come frozen as a whole.
        parameter.requires_grad_(".dfl." not in name)
    keep_vehicles(detect)
    return Trunk(layers, detect.f), detect


def keep_vehicles(detect: Detect) -> None:
    """Cut the last class convolutions of a COCO head to the four vehicle classes, in place."""
    if detect.nc != COCO_CLASSES:
        message = f"expected a COCO head with {COCO_CLASSES} classes, got {detect.nc}"
        raise ValueError(message)
    keep = list(COCO_VEHICLES)
    for branch in detect.cv3:
        old = branch[-1]
        new = nn.Conv2d(old.in_channels, len(keep), 1)
        new.weight.data = old.weight.data[keep].clone()
        new.bias.data = old.bias.data[keep].clone()
        branch[-1] = new
    detect.nc = len(keep)
    detect.no = detect.nc + 4 * detect.reg_max


def decode_top(detect: Detect, features: list[Tensor]) -> Tensor:
    """Run the vehicle head and decode its most confident anchors.

    Args:
        detect: The head.
        features: The trunk's output; the input must have `KEPT_ANCHORS` anchors, see
            `vision.input_size.min_cells`.

    Returns:
        Shape `(N, 4 + classes, KEPT_ANCHORS)`: centre x, centre y, width, height in input pixels,
        then the classes' confidences; most confident first. Ultralytics' layout with fewer anchors.
    """
    raw = detect.forward_head(features, **detect.one2many)
    anchors, strides = make_anchors(raw["feats"], detect.stride, 0.5)
    _, index = raw["scores"].amax(1).topk(KEPT_ANCHORS, dim=1)
    sides = raw["boxes"].gather(2, index[:, None].expand(-1, 4 * detect.reg_max, -1))
    scores = raw["scores"].gather(2, index[:, None].expand(-1, detect.nc, -1))
    points = anchors[index].transpose(1, 2)
    boxes = dist2bbox(detect.dfl(sides), points, xywh=True, dim=1) * strides[index].transpose(1, 2)
    return torch.cat([boxes, scores.sigmoid()], 1)


def fuse_batch_norm(module: nn.Module) -> None:
    """Fold each batch norm into its convolution, in place (evaluation only)."""
    for child in module.modules():
        if isinstance(child, Conv) and hasattr(child, "bn"):
            child.conv = fuse_conv_and_bn(child.conv, child.bn)
            del child.bn
            child.forward = child.forward_fuse
