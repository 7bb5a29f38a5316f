"""Where a vehicle stands on the ground, from its box and a camera.

A vehicle is taken as a cuboid. For a camera and a direction of its long axis there is one place on
the ground whose cuboid has the box's middle; how well the cuboid's box fits in size says how good
that direction, and that camera, is.
"""

from __future__ import annotations

import cv2
import numpy as np

from calibration.geometry import Doubles
from calibration.pose import GroundCamera
from vision.types import ImageBgr

# A mid-size car: length, width, height, metres. Bays are sized by the same cars everywhere.
CAR_M = (4.4, 1.8, 1.5)
_CORNERS: Doubles = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0, 1)])
# What a box costs whose cuboid cannot be placed before the horizon; squared log ratios are below.
NO_PLACE = 9.0
_CROP_PX = 48
_CUE_PX = 24
_LEAST_CROP_PX = 6


def _cuboids(places_m: Doubles, yaws_rad: Doubles) -> Doubles:
    """Corners of cuboids: places (N, T, 2) and yaws (T,) to (N, T, 8, 3)."""
    x, y, z = (_CORNERS * CAR_M).T
    cos, sin = np.cos(yaws_rad)[:, None], np.sin(yaws_rad)[:, None]
    turned = np.stack([x * cos - y * sin, x * sin + y * cos, np.broadcast_to(z, (len(cos), 8))], -1)
    ground = np.concatenate([places_m, np.zeros((*places_m.shape[:-1], 1))], -1)
    return np.asarray(ground[:, :, None] + turned[None], np.float64)


def place_vehicles(
    camera: GroundCamera, boxes_px: Doubles, yaws_rad: Doubles, steps: int = 3
) -> tuple[Doubles, Doubles]:
    """Put a cuboid under each box for each direction.

    Args:
        camera: the camera.
        boxes_px: shape (N, 4).
        yaws_rad: directions of the long axis, shape (T,).
        steps: of the fixed-point iteration that brings the middles together; 3 are within a pixel.

    Returns:
        Places on the ground, shape (N, T, 2), metres, NaN where there is none; and the width and
        height of the cuboid's box there, shape (N, T, 2), pixels.
    """
    middles = (boxes_px[:, :2] + boxes_px[:, 2:])[:, None] / 2
    aim = np.repeat(middles, len(yaws_rad), 1)
    places = sizes = np.empty(0)
    for _ in range(steps):
        places = camera.to_plane(aim, CAR_M[2] / 2)
        corners = camera.project(_cuboids(places, yaws_rad))
        low, high = corners.min(2), corners.max(2)
        sizes = high - low
        aim = aim + (middles - (low + high) / 2)
    return places, sizes


def box_costs(
    camera: GroundCamera, boxes_px: Doubles, yaws_rad: Doubles, steps: int = 2
) -> tuple[Doubles, Doubles]:
    """How badly cuboids fit boxes: squared log ratios of width and height, summed, shape (N, T).

    Returns:
        The costs, and the places on the ground, shape (N, T, 2).
    """
    places, sizes = place_vehicles(camera, boxes_px, yaws_rad, steps)
    seen = (boxes_px[:, 2:] - boxes_px[:, :2])[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        costs = (np.log(sizes / seen) ** 2).sum(-1)
    return np.where(np.isfinite(costs), costs, NO_PLACE), places


def edge_cues(
    image_bgr: ImageBgr,
    camera: GroundCamera,
    boxes_px: Doubles,
    places_m: Doubles,
    yaws_rad: Doubles,
) -> Doubles:
    """How much more structure the image has within a cuboid's outline than in the box around it.

    A box fits a car that points left as well as one that points right; but a car has edges, and the
    asphalt in the box's free corners has few.

    Returns:
        Shape (N, T), centred on 0 for each box.
    """
    grey = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY).astype(np.float32)
    outlines = camera.project(_cuboids(places_m, yaws_rad))
    cues = np.zeros(places_m.shape[:2])
    for index, box in enumerate(boxes_px):
        left, top, right, bottom = np.round(box).astype(int)
        crop = grey[max(top, 0) : bottom, max(left, 0) : right]
        if min(crop.shape) < _LEAST_CROP_PX:
            continue
        edges = _edge_energy(crop)
        for turn, outline in enumerate(outlines[index]):
            if np.isfinite(outline).all():
                cues[index, turn] = _contrast(edges, outline, box)
    return np.asarray(cues - cues.mean(1, keepdims=True), np.float64)


def _edge_energy(crop: cv2.typing.MatLike) -> Doubles:
    small = cv2.resize(crop, (_CROP_PX, _CROP_PX), interpolation=cv2.INTER_AREA)
    energy = np.hypot(cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1))
    coarse = cv2.resize(energy, (_CUE_PX, _CUE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(coarse / (coarse.mean() + 1e-6), np.float64)


def _contrast(edges: Doubles, outline_px: Doubles, box: Doubles) -> float:
    points = (outline_px - box[:2]) / (box[2:] - box[:2]) * _CUE_PX
    mask = np.zeros(edges.shape, np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    inside = mask.astype(bool)
    if inside.all() or not inside.any():
        return 0.0
    return float(edges[inside].mean() - edges[~inside].mean())
