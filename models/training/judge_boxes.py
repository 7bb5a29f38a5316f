"""Judge the vehicle head: average precision of vehicles, whatever their class, at an IoU of 0.5."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from models.training.records import Bools, Floats, Sample
from telemetry.errors import ModelError
from vision.boxes import pairwise_iou
from vision.judge import Detector

MATCH_IOU = 0.5


def average_precision(detector: Detector, samples: Iterable[Sample]) -> float:
    """Average precision over a set of pictures with vehicle boxes.

    Args:
        detector: opened with a `min_confidence` near zero, or its tail is missing from the curve.
        samples: labelled pictures.

    Returns:
        Area under the precision envelope over recall, 0 to 1.
    """
    confidence: list[Floats] = []
    hits: list[Bools] = []
    vehicles = 0
    for sample in samples:
        image = cv2.imread(str(sample.path), cv2.IMREAD_COLOR)
        if image is None:
            msg = f"cannot read the picture {sample.path}"
            raise ModelError(msg)
        found = detector.detect(
            np.asarray(image, np.uint8), np.zeros((0, 4, 2), np.float32)
        ).detections
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
