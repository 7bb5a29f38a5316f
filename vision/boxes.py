"""From the box output of a YOLO network to vehicles: decoding and non-maximum suppression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vision.types import (
    BayBoxes,
    BoxForm,
    BoxFormat,
    BoxLayout,
    Coordinates,
    Detections,
    Floats,
    Ints,
    as_floats,
)

MAX_CANDIDATES = 1500
"""Only so many boxes, the surest ones, are compared pairwise: a lot of 500 cars gives fewer."""


def box_area(xyxy: Floats) -> Floats:
    """Areas of boxes, shape (N, 4); an inverted box has none."""
    return as_floats(np.clip(xyxy[:, 2:] - xyxy[:, :2], 0, None).prod(1))


def pairwise_iou(a_xyxy: Floats, b_xyxy: Floats) -> Floats:
    """Intersection over union of every box of `a` with every box of `b`.

    Args:
        a_xyxy: shape (N, 4).
        b_xyxy: shape (M, 4).

    Returns:
        Shape (N, M), float32, 0 to 1; 0 where both boxes are empty.
    """
    low = np.maximum(a_xyxy[:, None, :2], b_xyxy[None, :, :2])
    high = np.minimum(a_xyxy[:, None, 2:], b_xyxy[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    union = box_area(a_xyxy)[:, None] + box_area(b_xyxy)[None] - shared
    return as_floats(shared / np.maximum(union, 1e-9))


def suppress(xyxy: Floats, confidence: Floats, max_iou: float) -> Ints:
    """Greedy non-maximum suppression, blind to the class: a van seen as car and truck is one.

    Args:
        xyxy: shape (N, 4).
        confidence: shape (N,).
        max_iou: a box that overlaps a surer one by more than this is dropped.

    Returns:
        Indices of the boxes kept, surest first, shape (K,), int64.
    """
    order = np.argsort(-confidence, kind="stable")[:MAX_CANDIDATES]
    clash = pairwise_iou(xyxy[order], xyxy[order]) > max_iou
    alive = np.ones(len(order), bool)
    for row in range(len(order)):
        if alive[row]:
            alive[row + 1 :] &= ~clash[row, row + 1 :]
    return order[alive].astype(np.int64)


def rows_of(output: Floats, pictures: int, reading: BoxFormat) -> list[Floats]:
    """The boxes of each image, as rows.

    Args:
        output: of the network: (N, A, B), or (K, 7) for YOLOV7_END2END.
        pictures: how many of the batch count.
        reading: which axis the boxes lie along.

    Returns:
        For each image shape (K, numbers); those of YOLOV7_END2END as YOLO_END2END has them.
    """
    if reading.layout is BoxLayout.YOLOV7_END2END:
        batch = output[:, 0]
        return [output[batch == index][:, [1, 2, 3, 4, 6, 5]] for index in range(pictures)]
    return [rows.T if reading.boxes_axis == 2 else rows for rows in output[:pictures]]  # noqa: PLR2004


def class_scores(rows: Floats, layout: BoxLayout, classes: Sequence[int]) -> Floats:
    """How sure each box is of some classes.

    Args:
        rows: shape (K, numbers), see `rows_of`.
        layout: which numbers.
        classes: class indices.

    Returns:
        Shape (K, classes), float32, 0 to 1.
    """
    wanted = np.asarray(classes, np.int64)
    if layout is BoxLayout.YOLO_RAW:
        return rows[:, 4 + wanted]
    if layout is BoxLayout.YOLOV5:
        return as_floats(rows[:, 4:5] * rows[:, 5 + wanted])
    return as_floats((np.rint(rows[:, 5:6]) == wanted) * rows[:, 4:5])


def to_corners_px(four: Floats, reading: BoxFormat, input_wh: tuple[int, int]) -> Floats:
    """The first four numbers of boxes, shape (K, 4), as corners in pixels of the input."""
    scale = input_wh if reading.coordinates is Coordinates.FRACTIONS else (1, 1)
    scaled = four * as_floats([*scale, *scale])
    if reading.form is BoxForm.CORNERS:
        return as_floats(scaled)
    centre, half = scaled[:, :2], scaled[:, 2:] / 2
    return as_floats(np.concatenate([centre - half, centre + half], 1))


@dataclass(frozen=True, slots=True)
class BoxReader:
    """Reads the boxes of one image.

    Attributes:
        reading: how the output is laid out.
        input_wh: size of the network's input, pixels.
        min_confidence: boxes less sure than this are dropped.
        max_iou: see `suppress`; end-to-end networks have suppressed already, but not across
            classes, so it runs for all.
    """

    reading: BoxFormat
    input_wh: tuple[int, int]
    min_confidence: float
    max_iou: float

    def vehicles(self, rows: Floats, classes: frozenset[int]) -> Detections:
        """Vehicles, surest first, boxes in pixels of the network's input.

        Args:
            rows: boxes of one image, see `rows_of`.
            classes: class indices that are vehicles.
        """
        if not classes:
            return Detections.empty()
        wanted = np.array(sorted(classes), np.int64)
        scores = class_scores(rows, self.reading.layout, wanted.tolist())
        boxes, scores = self._sure(rows, scores)
        best = scores.max(1)
        keep = suppress(boxes, best, self.max_iou)
        return Detections(boxes[keep], best[keep], wanted[scores[keep].argmax(1)])

    def bays(self, rows: Floats, occupied: frozenset[int], free: frozenset[int]) -> BayBoxes:
        """Bays, surest first, boxes in pixels of the network's input.

        Two boxes of one bay, one for each state, become one with both confidences: that the network
        wavers must not be lost.

        Args:
            rows: boxes of one image, see `rows_of`.
            occupied: class indices that are a bay with a vehicle in it.
            free: class indices that are an empty bay.
        """
        pair = [
            class_scores(rows, self.reading.layout, sorted(classes)).max(1, initial=0.0)
            for classes in (occupied, free)
        ]
        boxes, scores = self._sure(rows, as_floats(np.stack(pair, 1)))
        return _join_bays(boxes, scores, self.max_iou)

    def sure_rows(self, rows: Floats, classes: frozenset[int]) -> Floats:
        """The rows that are sure enough to say something."""
        scores = class_scores(rows, self.reading.layout, sorted(classes))
        return as_floats(rows[~(scores.max(1, initial=0.0) < self.min_confidence)])

    def _sure(self, rows: Floats, scores: Floats) -> tuple[Floats, Floats]:
        keep = scores.max(1, initial=0.0) >= self.min_confidence
        boxes = to_corners_px(rows[keep, :4], self.reading, self.input_wh)
        return boxes, as_floats(scores[keep])


def merge_vehicles(
    parts: Sequence[Detections], shifts: Sequence[Floats], max_iou: float
) -> Detections:
    """Vehicles of several crops in one image.

    Args:
        parts: vehicles of each crop, pixels of the crop.
        shifts: where each crop lies: x, y, x, y, shape (4,).
        max_iou: see `suppress`.
    """
    boxes = np.concatenate([p.xyxy_px + shift for p, shift in zip(parts, shifts, strict=True)])
    confidence = np.concatenate([part.confidence for part in parts])
    class_id = np.concatenate([part.class_id for part in parts])
    keep = suppress(boxes, confidence, max_iou)
    return Detections(boxes[keep], confidence[keep], class_id[keep])


def merge_bays(parts: Sequence[BayBoxes], shifts: Sequence[Floats], max_iou: float) -> BayBoxes:
    """Bays of several crops in one image; see `merge_vehicles`."""
    boxes = np.concatenate([p.xyxy_px + shift for p, shift in zip(parts, shifts, strict=True)])
    scores = np.concatenate([np.stack([part.occupied, part.free], 1) for part in parts])
    return _join_bays(as_floats(boxes), scores, max_iou)


def _join_bays(boxes: Floats, scores: Floats, max_iou: float) -> BayBoxes:
    keep = suppress(boxes, scores.max(1, initial=0.0), max_iou)
    alike = pairwise_iou(boxes[keep], boxes) > max_iou
    joined = np.where(alike[..., None], scores[None], 0.0).max(1, initial=0.0)
    both = as_floats(np.maximum(joined, scores[keep]))
    return BayBoxes(boxes[keep], both[:, 0], both[:, 1])
