"""Vehicles that stand, from detections over many frames: driving ones are seen once at a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.geometry import Doubles
from calibration.proposals.camera import Vehicles
from vision.types import Detections


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """When boxes of several frames are one standing vehicle.

    Attributes:
        least_overlap: two boxes of one vehicle have at least this much in common (IoU).
        least_share: it is seen in at least this share of the frames; low, since in a clip of a day
            a bay may be used for an hour.
        least_sightings: and at least so often, if there are that many frames.
    """

    least_overlap: float = 0.6
    least_share: float = 0.08
    least_sightings: int = 3


def standing_vehicles(
    frames: Sequence[Detections], settings: ClusterSettings | None = None
) -> Vehicles:
    """One box for each place where a vehicle stood.

    Returns:
        Mean boxes; a weight rises with the detections' confidence and with how often it was seen.
    """
    settings = settings or ClusterSettings()
    sums: list[Doubles] = []
    weights: list[float] = []
    seen: list[int] = []
    last: list[int] = []
    best_seen: list[tuple[float, int]] = []
    for number, frame in enumerate(frames):
        for index in np.argsort(-frame.confidence):
            box, weight = frame.xyxy_px[index].astype(np.float64), float(frame.confidence[index])
            known = np.array([s / w for s, w in zip(sums, weights, strict=True)]).reshape(-1, 4)
            overlaps = box_overlaps(box, known)
            free = np.array([number != frame_number for frame_number in last], bool)
            overlaps = np.where(free, overlaps, 0.0) if len(overlaps) else overlaps
            best = int(overlaps.argmax()) if len(overlaps) else -1
            if best >= 0 and overlaps[best] >= settings.least_overlap:
                sums[best] = sums[best] + box * weight
                weights[best] += weight
                seen[best] += 1
                last[best] = number
                best_seen[best] = max(best_seen[best], (weight, number))
            else:
                sums.append(box * weight)
                weights.append(weight)
                seen.append(1)
                last.append(number)
                best_seen.append((weight, number))
    least = min(
        max(settings.least_sightings, settings.least_share * len(frames)), float(len(frames))
    )
    kept = [index for index, count in enumerate(seen) if count >= least]
    boxes = np.array([sums[i] / weights[i] for i in kept], np.float64).reshape(-1, 4)
    # Seen in a third of the frames is as sure as the network is; rarer is less so.
    sure = [weights[i] / seen[i] * min(1.0, 3 * seen[i] / len(frames)) for i in kept]
    frames_of = np.array([best_seen[i][1] for i in kept], np.int64)
    vehicles = Vehicles(boxes, np.array(sure, np.float64), frames_of)
    return without_doubles(vehicles, settings.least_overlap)


def box_overlaps(box: Doubles, others: Doubles) -> Doubles:
    """Intersection over union of one box with others, shape (N,)."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    common = np.clip(high - low, 0, None).prod(1)
    areas = (others[:, 2:] - others[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
    return np.asarray(common / np.maximum(areas - common, 1e-9), np.float64)


def without_doubles(vehicles: Vehicles, most_overlap: float = 0.6) -> Vehicles:
    """Of boxes that have more than `most_overlap` in common, the surest one."""
    kept: list[int] = []
    for index in np.argsort(-vehicles.weights):
        if not kept or (
            box_overlaps(vehicles.boxes_px[index], vehicles.boxes_px[kept]).max() <= most_overlap
        ):
            kept.append(int(index))
    return vehicles.pick(np.array(kept, int))
