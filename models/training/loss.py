"""The two losses: binary cross entropy per bay, and Ultralytics' detection loss for vehicles."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from ultralytics.nn.modules import Detect
from ultralytics.utils.loss import v8DetectionLoss

from models.training.batches import Batch

# Ultralytics' default gains of its three parts.
BOX_GAIN, CLASS_GAIN, DFL_GAIN = 7.5, 0.5, 1.5


class _AsYolo(nn.Module):
    """The little that Ultralytics' criterion asks of a model: its head, its gains, a parameter."""

    def __init__(self, detect: Detect) -> None:
        super().__init__()
        self.model = nn.ModuleList([detect])
        self.args = SimpleNamespace(box=BOX_GAIN, cls=CLASS_GAIN, dfl=DFL_GAIN)


class VehicleLoss:
    """Detection loss of the vehicle head, per image."""

    def __init__(self, detect: Detect) -> None:
        self._criterion = v8DetectionLoss(_AsYolo(detect))

    def __call__(self, predictions: dict[str, Any], batch: Batch) -> Tensor:
        """Return the mean loss of the batch's images, a scalar."""
        raw = {
            "boxes": predictions["boxes"].float(),
            "scores": predictions["scores"].float(),
            "feats": predictions["feats"],
        }
        targets = {"batch_idx": batch.box_image, "cls": batch.classes, "bboxes": batch.boxes}
        parts, _ = self._criterion(raw, targets)
        return parts.sum() / len(batch.images)


def bay_loss(logits: Tensor, occupied: Tensor, smoothing: float) -> Tensor:
    """Mean binary cross entropy with smoothed labels; zero for a batch without bays."""
    if not len(logits):
        return torch.zeros(())
    target = occupied * (1 - smoothing) + smoothing / 2
    return functional.binary_cross_entropy_with_logits(logits.float(), target)
