"""Which way each vehicle stands: its box, the image in it, and its neighbours vote."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calibration.geometry import Doubles
from calibration.pose import GroundCamera
from calibration.proposals.camera import PITCH_M, Vehicles, half_turn
from calibration.proposals.footprints import box_costs, edge_cues, place_vehicles
from vision.types import ImageBgr

YAWS_RAD = np.radians(np.arange(0, 180, 10))
_SIZE_SPREAD = 0.12
_MOST_AGAINST = 6.0
"""A box is never held more than this many log units against a direction: boxes can be cut."""
_CUE_WEIGHT, _NEIGHBOUR_WEIGHT = 3.0, 2.0
_ROUNDS = 6


def vehicle_yaws(
    camera: GroundCamera, vehicles: Vehicles, pictures: Sequence[ImageBgr]
) -> tuple[Doubles, Doubles]:
    """The direction of each vehicle's long axis.

    Neighbours support each other in directions for which they stand side by side, one pitch apart,
    or end to end; a few rounds of voting settle it (mean field).

    Args:
        camera: the camera.
        vehicles: N of them.
        pictures: one image for all, or one for each frame; they tell left from right. None: none.

    Returns:
        Yaws, shape (N,), radians; and how badly the cuboid fits the box there, shape (N,).
    """
    costs, places = box_costs(camera, vehicles.boxes_px, YAWS_RAD, steps=3)
    scores = -np.minimum((costs - costs.min(1, keepdims=True)) / (2 * _SIZE_SPREAD**2), 6.0)
    if pictures:
        scores = scores + _CUE_WEIGHT * _cues(camera, vehicles, places, pictures)
    support = _support(places)
    belief = _softmax(scores)
    total = scores
    for _ in range(_ROUNDS):
        near = belief + 0.7 * (np.roll(belief, 1, 1) + np.roll(belief, -1, 1))
        votes = np.einsum("ijt,jt,j->it", support, near, np.sqrt(vehicles.weights))
        total = scores + _NEIGHBOUR_WEIGHT * np.minimum(votes, 2.0)
        belief = _softmax(total)
    best = total.argmax(1)
    around = (best[:, None] + np.array([-1, 0, 1])) % len(YAWS_RAD)
    weights = np.take_along_axis(belief, around, 1)
    shift = (weights * np.array([-1, 0, 1])).sum(1) / weights.sum(1)
    yaws = YAWS_RAD[best] + shift * (YAWS_RAD[1] - YAWS_RAD[0])
    return yaws, np.take_along_axis(costs, best[:, None], 1)[:, 0]


def _cues(
    camera: GroundCamera, vehicles: Vehicles, places_m: Doubles, pictures: Sequence[ImageBgr]
) -> Doubles:
    """Each vehicle's cues, from the image that shows it: cars of other frames are gone there."""
    cues = np.zeros(places_m.shape[:2])
    shown = vehicles.frames if len(pictures) > 1 else np.zeros(len(vehicles), np.int64)
    for number in np.unique(shown):
        here = shown == number
        cues[here] = edge_cues(
            pictures[int(number)], camera, vehicles.boxes_px[here], places_m[here], YAWS_RAD
        )
    return cues


def _softmax(scores: Doubles) -> Doubles:
    raised = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True), np.float64)


def _support(places_m: Doubles) -> Doubles:
    """How well each pair stands as neighbours do, for each direction: shape (N, N, T)."""
    apart = places_m[None] - places_m[:, None]
    axes = np.stack([np.cos(YAWS_RAD), np.sin(YAWS_RAD)], -1)
    along = (apart * axes).sum(-1)
    across = apart[..., 1] * axes[:, 0] - apart[..., 0] * axes[:, 1]
    beside = _bell(np.abs(across) - PITCH_M, 0.4)
    side_by_side = beside * np.maximum(_bell(along, 1.0), 0.5 * _bell(along, 2.0))
    end_to_end = 0.6 * _bell(across, 0.5) * _bell(np.abs(along) - 6.0, 0.8)
    support = np.nan_to_num(np.maximum(side_by_side, end_to_end))
    support[np.arange(len(support)), np.arange(len(support))] = 0
    return support


def _bell(values: Doubles, spread: float) -> Doubles:
    return np.asarray(np.exp(-0.5 * (values / spread) ** 2), np.float64)


def ground_places(camera: GroundCamera, vehicles: Vehicles, yaws_rad: Doubles) -> Doubles:
    """Where each vehicle stands, each with its own direction: shape (N, 2), metres."""
    places = [
        place_vehicles(camera, box[None], np.array([yaw]), steps=4)[0][0, 0]
        for box, yaw in zip(vehicles.boxes_px, yaws_rad, strict=True)
    ]
    return np.asarray(places, np.float64).reshape(-1, 2)


def mean_yaw(yaws_rad: Doubles, weights: Doubles) -> float:
    """The mean direction of vehicles that stand about alike."""
    first = float(yaws_rad[int(weights.argmax())])
    turns = [half_turn(float(yaw) - first) for yaw in yaws_rad]
    return first + float(np.average(turns, weights=weights))
