"""The whole network: one pass over the image, boxes and bay logits out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules import Detect

from models.training.network.bay_head import BayHead
from models.training.network.yolo import Trunk, build_yolo, decode_top, load_yolo


class LotNet(nn.Module):
    """YOLO trunk, vehicle head and bay head.

    Args:
        trunk: Backbone and neck.
        detect: Vehicle head of the same model.
    """

    def __init__(self, trunk: Trunk, detect: Detect) -> None:
        super().__init__()
        self.trunk = trunk
        self.detect = detect
        channels = [branch[0][0].conv.in_channels for branch in detect.cv3]
        self.bay_head = BayHead(channels)

    @classmethod
    def from_coco(cls, weights: Path) -> LotNet:
        """Start from an Ultralytics COCO checkpoint; the bay head is new."""
        return cls(*load_yolo(weights))

    @classmethod
    def from_state(cls, state: dict[str, Any], arch: str = "yolo11n.yaml") -> LotNet:
        """Rebuild a trained network from its state dict."""
        net = cls(*build_yolo(arch))
        net.load_state_dict(state)
        return net

    def forward(self, images: Tensor, bay_quads: Tensor, bay_image: Tensor) -> tuple[Any, Tensor]:
        """Judge images.

        Args:
            images: Shape `(N, 3, H, W)`, float 0-1, RGB, letterboxed; H and W multiples of 32.
            bay_quads: Shape `(M, 4, 2)`, shares of the network input, canonical corner order.
            bay_image: Shape `(M,)`, int64, index into the batch.

        Returns:
            What the vehicle head gives (in training: raw predictions) and the bay logits, shape
            `(M,)`.
        """
        features = self.trunk(images)
        return self.detect(features), self.bay_head(features, bay_quads, bay_image)

    def decoded(
        self, images: Tensor, bay_quads: Tensor, bay_image: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Judge images as the exported graph does.

        Returns:
            Boxes `(N, 8, KEPT_ANCHORS)` as `decode_top` gives them, and bay logits `(M,)`.
        """
        features = self.trunk(images)
        return decode_top(self.detect, features), self.bay_head(features, bay_quads, bay_image)

    @torch.no_grad()
    def bay_logits(self, images: Tensor, bay_quads: Tensor, bay_image: Tensor) -> Tensor:
        """Judge bays without the work of the vehicle head, shape `(M,)`, float32."""
        return self.bay_head(self.trunk(images), bay_quads, bay_image).float()
