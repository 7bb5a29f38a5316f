"""The trunk and the vehicle head, taken from an Ultralytics detection model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules import Conv, Detect
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.torch_utils import fuse_conv_and_bn

# COCO index -> ours, in the order of our classes: car, motorcycle, bus, truck.
COCO_VEHICLES = (2, 3, 5, 7)
VEHICLE_NAMES = ("car", "motorcycle", "bus", "truck")
COCO_CLASSES = 80


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
    # weights_only=False: Ultralytics checkpoints are pickled modules; only trusted local files come here.
    checkpoint = torch.load(weights, map_location="cpu", weights_only=False)
    return _split((checkpoint.get("ema") or checkpoint["model"]).float())


def _split(model: DetectionModel) -> tuple[Trunk, Detect]:
    *layers, detect = model.model
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    keep_vehicles(detect)
    return Trunk(layers, detect.f), detect


def keep_vehicles(detect: Detect) -> None:
    """Slice the last class convolutions of a COCO head down to the four vehicle classes, in place."""
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


def fuse_batch_norm(module: nn.Module) -> None:
    """Fold each batch norm into its convolution, in place (evaluation only)."""
    for child in module.modules():
        if isinstance(child, Conv) and hasattr(child, "bn"):
            child.conv = fuse_conv_and_bn(child.conv, child.bn)
            del child.bn
            child.forward = child.forward_fuse
