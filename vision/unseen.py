"""Bays that an image does not show well enough to be judged: too dark, or hidden.

The network says something of every bay, also of one in which nothing can be seen, and then it says
"free". Such a bay has no evidence, and becomes unknown with its reason while its neighbours go on
being judged. Thresholds are from `benchmarks/unseen.py`, on the sets that may be trained on.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import shapely

from telemetry.vocabulary import UnknownReason
from vision.assignment import OverlapRule
from vision.geometry import extents, to_pixels
from vision.types import BayEvidence, Detections, Floats, ImageBgr

Bools = npt.NDArray[np.bool]

DARK_LEVEL = 8
"""Brightness, 0 to 255, that nearly all of a dark bay stays below. Darkened images of the sets that
may be trained on are judged as well as by day down to there; below, a car in four is missed."""
_DARK_SHARE = 0.95
_WORK_SIDE_PX = 320
"""Averaging over so coarse an image takes away the sensor's noise, of which a dark one is full."""

HIDDEN_SHARE = 0.8
"""Of the place that a car in the bay would take up in the image, covered by vehicles before it."""
SURE_PROB = 0.03
"""What is hidden may still be seen in part: a network that is as sure as this is right as often as
it is elsewhere."""
_BEFORE = 0.08
"""A vehicle stands before a bay when its box ends lower by this share of the bay's size."""
_MIN_CONFIDENCE = 0.4
_USUAL_BOX = (0.0, -0.35, 0.0, 0.0)
"""Sides of a car's box beyond those of its bay, in sizes of the bay, where too few cars show it."""
_CARS = 3


def seen_evidence(
    evidence: BayEvidence,
    image_bgr: ImageBgr,
    detections: Detections,
    polygons_norm: Sequence[Floats],
) -> BayEvidence:
    """The evidence without what is said of bays that cannot be seen.

    Args:
        evidence: of M bays.
        image_bgr: the image, shape (H, W, 3), uint8.
        detections: vehicles, pixels.
        polygons_norm: M outlines, each (K, 2), fractions of width and height.
    """
    if not len(polygons_norm):
        return evidence
    image_wh = (image_bgr.shape[1], image_bgr.shape[0])
    polygons_px = [to_pixels(polygon, image_wh) for polygon in polygons_norm]
    dark = dark_bays(image_bgr, polygons_norm)
    hidden = hidden_bays(evidence.prob, detections, polygons_px) & ~dark
    reasons = {**dict.fromkeys(np.flatnonzero(dark).tolist(), UnknownReason.DARK)}
    reasons |= dict.fromkeys(np.flatnonzero(hidden).tolist(), UnknownReason.OCCLUDED)
    return evidence.without(reasons)


def dark_bays(image_bgr: ImageBgr, polygons_norm: Sequence[Floats]) -> Bools:
    """Which bays are too dark in themselves, shape (M,)."""
    height, width = image_bgr.shape[:2]
    scale = min(1.0, _WORK_SIDE_PX / max(height, width))
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    # A quarter of the pixels is enough to average over, and reads a quarter of the memory.
    step = 2 if scale < 0.5 else 1  # noqa: PLR2004 - two pixels for each that is left
    small = cv2.resize(image_bgr[::step, ::step], size_wh, interpolation=cv2.INTER_AREA)
    black = (cv2.cvtColor(small, cv2.COLOR_BGR2GRAY) < DARK_LEVEL).astype(np.uint8)
    if not black.any():
        return np.zeros(len(polygons_norm), np.bool)
    sums = cv2.integral(black)
    corners = extents([to_pixels(polygon, size_wh) for polygon in polygons_norm])
    low = np.clip(np.floor(corners[:, :2]).astype(int), 0, np.array(size_wh) - 1)
    high = np.clip(np.ceil(corners[:, 2:]).astype(int), low + 1, size_wh)
    (left, top), (right, bottom) = low.T, high.T
    dark = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.asarray(dark >= _DARK_SHARE * (right - left) * (bottom - top), np.bool)


def hidden_bays(prob: Floats, detections: Detections, polygons_px: Sequence[Floats]) -> Bools:
    """Which bays stand behind vehicles, and are not judged surely either, shape (M,).

    What is before what follows from the perspective: of two things on the ground the nearer one
    ends lower in the image. How tall a car is there follows from the cars in other bays.

    Args:
        prob: probability that each bay is occupied, shape (M,).
        detections: vehicles, pixels.
        polygons_px: M outlines, each (K, 2), pixels.
    """
    hidden = np.zeros(len(polygons_px), np.bool)
    doubtful = np.flatnonzero((prob > SURE_PROB) & (prob < 1 - SURE_PROB))
    if not len(doubtful) or not len(detections):
        return hidden
    bays, sizes = extents(polygons_px), _sizes(polygons_px)
    given = OverlapRule().assign(detections, polygons_px)
    firm = detections.confidence >= _MIN_CONFIDENCE
    boxes = detections.xyxy_px
    shown = (given.vehicle >= 0) & (given.overlap > 0.3)  # noqa: PLR2004 - surely this bay's
    shown &= firm[given.vehicle]
    beyond = np.asarray(_USUAL_BOX)
    if shown.sum() >= _CARS:
        cars = boxes[given.vehicle[shown]] - bays[shown]
        beyond = np.median(cars / sizes[shown, None], axis=0)
    places = bays + beyond * sizes[:, None]
    for bay in doubtful:
        place = shapely.box(*places[bay].tolist())
        before = firm & (boxes[:, 3] > places[bay, 3] + _BEFORE * sizes[bay])
        before &= np.arange(len(boxes)) != given.vehicle[bay]
        before &= (boxes[:, :2] < places[bay, 2:]).all(1) & (boxes[:, 2:] > places[bay, :2]).all(1)
        if before.any() and place.area > 0:
            cover = shapely.union_all(shapely.box(*boxes[before].T.astype(np.float64)))
            hidden[bay] = shapely.intersection(cover, place).area >= HIDDEN_SHARE * place.area
    return hidden


def _sizes(polygons_px: Sequence[Floats]) -> Floats:
    areas = [cv2.contourArea(polygon) for polygon in polygons_px]
    return np.sqrt(np.maximum(areas, 1.0)).astype(np.float32)
