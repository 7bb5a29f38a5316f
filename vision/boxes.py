"""From the box output of a YOLO network to vehicles: decoding and non-maximum suppression."""

from __future__ import annotations

import numpy as np

from vision.types import BoxLayout, Detections, Floats, Ints, as_floats

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


def decode_boxes(
    output: Floats,
    layout: BoxLayout,
    vehicle_classes: frozenset[int],
    min_confidence: float,
    max_iou: float,
) -> Detections:
    """Read one picture's box output.

    Args:
        output: `(4 + classes, anchors)` for YOLO_RAW, `(K, 6)` for YOLO_END2END.
        layout: which of the two it is.
        vehicle_classes: class indices to keep.
        min_confidence: boxes less sure than this are dropped.
        max_iou: see `suppress`; end-to-end networks have suppressed already, but not across
            classes, so it runs for both.

    Returns:
        Vehicles, surest first, boxes in pixels of the network's input.
    """
    if layout is BoxLayout.YOLO_RAW:
        found = _decode_raw(output, vehicle_classes, min_confidence)
    else:
        found = _decode_end2end(output, vehicle_classes, min_confidence)
    keep = suppress(found.xyxy_px, found.confidence, max_iou)
    return Detections(found.xyxy_px[keep], found.confidence[keep], found.class_id[keep])


def _decode_raw(
    output: Floats, vehicle_classes: frozenset[int], min_confidence: float
) -> Detections:
    classes = np.array(sorted(vehicle_classes), np.int64)
    scores = output[4 + classes]
    best = scores.max(0)
    keep = np.flatnonzero(best >= min_confidence)
    centre, half = output[:2, keep].T, output[2:4, keep].T / 2
    boxes = np.concatenate([centre - half, centre + half], 1).astype(np.float32)
    return Detections(boxes, best[keep].astype(np.float32), classes[scores[:, keep].argmax(0)])


def _decode_end2end(
    output: Floats, vehicle_classes: frozenset[int], min_confidence: float
) -> Detections:
    class_id = output[:, 5].round().astype(np.int64)
    keep = (output[:, 4] >= min_confidence) & np.isin(class_id, sorted(vehicle_classes))
    return Detections(
        output[keep, :4].astype(np.float32), output[keep, 4].astype(np.float32), class_id[keep]
    )
