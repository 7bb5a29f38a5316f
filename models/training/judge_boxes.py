"""Judge the vehicle head: average precision of vehicles, whatever their class, at an IoU of 0.5."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from datasets.frames import Bools, LotFrame
from models.training.samples import Sample
from vision.boxes import pairwise_iou
from vision.judge import NO_BAYS, Detector
from vision.types import Floats

MATCH_IOU = 0.5


def average_precision(detector: Detector, frames: Iterable[LotFrame]) -> float:
    """Average precision over a set of images with vehicle boxes.

    Args:
        detector: opened with a `min_confidence` near zero, or its tail is missing from the curve.
        frames: labelled images.

    Raises:
        DatasetError: an image cannot be read.

    Returns:
        Area under the precision envelope over recall, 0 to 1.
    """
    confidence: list[Floats] = []
    hits: list[Bools] = []
    vehicles = 0
    for frame in frames:
        sample = Sample.of(frame)
        found = detector.detect(frame.read(), NO_BAYS.quads_norm).detections
        confidence.append(found.confidence)
        hits.append(matched(found.xyxy_px, sample.boxes_px))
        vehicles += len(sample.boxes_px)
    return area_under_curve(np.concatenate(confidence), np.concatenate(hits), vehicles)


def matched(found_xyxy: Floats, true_xyxy: Floats) -> Bools:
    """Which boxes, surest first, are the first to find a vehicle; shape `(N,)`."""
    result = np.zeros(len(found_xyxy), np.bool_)
    if not len(true_xyxy):
        return result
    iou = pairwise_iou(found_xyxy, true_xyxy)
    free = np.ones(len(true_xyxy), np.bool_)
    for row in range(len(found_xyxy)):
        best = int(np.where(free, iou[row], 0).argmax())
        if free[best] and iou[row, best] >= MATCH_IOU:
            free[best], result[row] = False, True
    return result


def area_under_curve(confidence: Floats, hits: Bools, vehicles: int) -> float:
    """Average precision of ranked hits among so many vehicles."""
    if not vehicles:
        msg = "average precision needs at least one labelled vehicle, but got none"
        raise ValueError(msg)
    ranked = hits[np.argsort(-confidence, kind="stable")]
    found = np.cumsum(ranked)
    precision = found / np.arange(1, len(ranked) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((envelope * ranked).sum() / vehicles)
