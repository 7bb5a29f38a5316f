"""Vehicle boxes for lot frames whose labels are bays, so that the vehicle head learns on them too.

A COCO model misses most cars seen from above, so its boxes alone would teach the student to miss
them. The known occupancy of the bays corrects the teacher in both ways: weak boxes are kept where a
bay is known to be occupied, and an occupied bay without any box gets the rectangle around itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.training.network.yolo import fuse_batch_norm, load_yolo
from models.training.samples import Sample, read_rgb
from vision.boxes import box_area, pairwise_iou
from vision.types import Floats

# Two sizes: the larger finds far cars, the smaller near ones that fill the image.
TEACHER_WIDTHS_PX = (1280, 1920)
SURE = 0.35  # kept wherever it stands
WEAK = 0.06  # kept only on an occupied bay
IOU_SAME = 0.55
IOU_NEAR = 0.3  # an occupied bay needs no separate box if one overlaps it by this much
ON_BAY_SHARE = 0.35


class Teacher(nn.Module):
    """The stock model with its vehicle classes, decoded boxes out."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.trunk, self.detect = load_yolo(weights)
        self.detect.dynamic, self.detect.export, self.detect.format = True, True, "onnx"
        fuse_batch_norm(self)
        self.eval()

    @torch.no_grad()
    def boxes(
        self, image_rgb: npt.NDArray[np.uint8]
    ) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
        """Return xyxy in pixels `(K, 4)`, scores `(K,)` and classes `(K,)` before suppression."""
        found: list[Floats] = []
        height, width = image_rgb.shape[:2]
        for target in TEACHER_WIDTHS_PX:
            size = (round(target / 32) * 32, round(target * height / width / 32) * 32)
            resized = cv2.resize(image_rgb, size, interpolation=cv2.INTER_AREA)
            tensor = torch.from_numpy(resized).permute(2, 0, 1)[None].float() / 255
            raw = self.detect(self.trunk(tensor))[0].numpy().T
            raw = raw[raw[:, 4:].max(1) > WEAK]
            raw[:, :4] *= np.tile([width / size[0], height / size[1]], 2)
            found.append(raw)
        rows = np.concatenate(found)
        half = rows[:, 2:4] / 2
        xyxy = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], 1)
        return xyxy.astype(np.float32), rows[:, 4:].max(1), rows[:, 4:].argmax(1)


def correct(
    xyxy: Floats, scores: Floats, classes: npt.NDArray[np.int64], sample: Sample
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Suppress doubles and let the bays' occupancy decide about weak and missing boxes."""
    if not len(xyxy):
        xyxy, scores, classes = (
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.float32),
            np.zeros(0, np.int64),
        )
    bays = np.concatenate([sample.quads_px.min(1), sample.quads_px.max(1)], 1)
    # A car's foot stands in its bay; its roof may cover the bay behind.
    foot = xyxy.copy()
    foot[:, 1] += 0.4 * (foot[:, 3] - foot[:, 1])
    share = _overlap(bays, foot) / np.maximum(box_area(bays)[:, None], 1)
    share_of_box = _overlap(bays, foot) / np.maximum(box_area(foot)[None], 1)
    on_bay = np.maximum(share, share_of_box) * np.minimum(share, share_of_box) ** 0.5
    best = on_bay.argmax(0) if len(bays) else np.zeros(len(xyxy), np.int64)
    supported = np.array(
        [
            len(bays) > 0 and sample.occupied[b] and on_bay[b, k] > ON_BAY_SHARE**1.5
            for k, b in enumerate(best)
        ],
        bool,
    )
    order = np.argsort(-(scores + 0.3 * supported))
    kept: list[int] = []
    for k in order:
        if not (scores[k] >= SURE or supported[k]):
            continue
        if kept and (pairwise_iou(xyxy[k : k + 1], xyxy[kept]) > IOU_SAME).any():
            continue
        kept.append(int(k))
    boxes, labels = xyxy[kept], classes[kept]
    covered = {int(best[k]) for k in kept if supported[k]}
    missing = [b for b in np.flatnonzero(sample.occupied) if int(b) not in covered]
    missing = [
        b
        for b in missing
        if not len(boxes) or pairwise_iou(bays[b : b + 1], boxes).max() < IOU_NEAR
    ]
    boxes = np.concatenate([boxes, bays[missing]]).astype(np.float32)
    return boxes, np.concatenate([labels, np.zeros(len(missing), np.int64)])


def _overlap(a: Floats, b: Floats) -> Floats:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.prod(np.clip(high - low, 0, None), 2)


def write_pseudo_boxes(samples: Iterable[Sample], weights: Path, target: Path) -> None:
    """Run the teacher over lot samples and write `{key: {boxes_px, classes}}` as JSON."""
    teacher = Teacher(weights)
    table: dict[str, dict[str, list[object]]] = {}
    for sample in samples:
        xyxy, scores, found = teacher.boxes(read_rgb(sample.frame))
        boxes, classes = correct(xyxy, scores, found, sample)
        table[sample.frame.key] = {"boxes_px": boxes.round(1).tolist(), "classes": classes.tolist()}
    target.write_text(json.dumps(table))
