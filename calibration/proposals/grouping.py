"""Rows of vehicles on the ground, and the bays that their regularity implies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from calibration.geometry import Doubles
from calibration.proposals.camera import PITCH_M, along_and_depth, half_turn
from calibration.proposals.orientation import mean_yaw

BAY_DEPTH_M = 5.0
_LEAST_PITCH_M, _MOST_PITCH_M = 2.2, 3.1
_MOST_TURN_RAD = np.radians(25)
_LINK_BAYS = 4
"""Vehicles so many bays apart are linked directly; farther ones through those between."""
_GAP_BAYS = 5
"""So many empty bays between two vehicles of a row are filled; more may be an aisle."""
_OUT_OF_LINE_M = 1.5


@dataclass(frozen=True, slots=True)
class GroundBay:
    """A bay on the ground.

    Attributes:
        corners_m: shape (4, 2).
        confidence: 0 to 1.
        is_gap: whether no vehicle stands in it, but its neighbours imply it.
        row: number of its row.
        place: its place along the row.
        row_length: how many vehicles the row has.
    """

    corners_m: Doubles
    confidence: float
    is_gap: bool
    row: int
    place: int
    row_length: int


def group_rows(places_m: Doubles, yaws_rad: Doubles) -> list[list[int]]:
    """Vehicles that stand side by side, in groups; each vehicle is in one, maybe alone."""
    group = list(range(len(places_m)))

    def root(index: int) -> int:
        while group[index] != index:
            index = group[index]
        return index

    for first, second in combinations(range(len(places_m)), 2):
        if _are_of_one_row(places_m[[first, second]], yaws_rad[[first, second]]):
            group[root(first)] = root(second)
    found: dict[int, list[int]] = {}
    for index in range(len(places_m)):
        found.setdefault(root(index), []).append(index)
    return list(found.values())


def _are_of_one_row(places_m: Doubles, yaws_rad: Doubles) -> bool:
    turn = half_turn(float(yaws_rad[1] - yaws_rad[0]))
    if abs(turn) > _MOST_TURN_RAD:
        return False
    along, depth = along_and_depth(places_m, float(yaws_rad[0]) + turn / 2)
    apart, out = abs(float(along[1] - along[0])), abs(float(depth[1] - depth[0]))
    count = max(1, round(apart / PITCH_M))
    is_even = abs(apart / count - PITCH_M) < 0.55  # noqa: PLR2004 - a fifth of a bay
    # Neighbours of angled rows stand up to half a bay deeper; far ones must be in line.
    slack = 1.2 + (0.5 if count == 1 else 0.15) * apart
    return count <= _LINK_BAYS and is_even and out < slack


def bays_of_row(
    places_m: Doubles, yaws_rad: Doubles, weights: Doubles, row: int
) -> list[GroundBay]:
    """The bays of one row: under its vehicles and in the gaps between them.

    The row is a line, or a gentle curve; bays stand on it at even steps, so a car that is parked
    askew moves its bay less than its neighbours hold it.

    Args:
        places_m: where the row's vehicles stand, shape (K, 2).
        yaws_rad: shape (K,).
        weights: how sure they are, shape (K,).
        row: the row's number.
    """
    yaw = mean_yaw(yaws_rad, weights)
    along, depth = along_and_depth(places_m, yaw)
    order = np.argsort(along)
    along, depth, weights = along[order], depth[order], weights[order]
    curve = _row_curve(along, depth, weights)
    in_line = np.abs(depth - np.polyval(curve, along)) < _OUT_OF_LINE_M
    along, weights = along[in_line], weights[in_line]
    if not len(along):
        return []
    pitch_m = _row_pitch(along)
    steps = np.maximum(1, np.round(np.diff(along) / pitch_m)).astype(int)
    marks = np.concatenate([[0], np.cumsum(steps)])
    bays: list[tuple[int, float, float, bool]] = []
    parts = np.split(np.arange(len(along)), np.flatnonzero(steps > _GAP_BAYS + 1) + 1)
    for part in parts:
        even = _evened(along[part], marks[part], weights[part], pitch_m)
        bays += _with_gaps(even, marks[part], weights[part])
    return [
        GroundBay(_corners(at, pitch_m, yaw, curve), confidence, is_gap, row, place, len(along))
        for place, at, confidence, is_gap in bays
    ]


def _row_curve(along: Doubles, depth: Doubles, weights: Doubles) -> Doubles:
    """Depth along the row as a polynomial, vehicles that stand out counting less (IRLS)."""
    if len(along) < 2 or np.ptp(along) < 1:  # noqa: PLR2004 - one vehicle is no line
        return np.array([0.0, depth.mean()])
    degree = 2 if len(along) >= 6 else 1  # noqa: PLR2004 - fewer cannot tell a curve from noise
    trust = weights
    curve = np.zeros(degree + 1)
    for _ in range(5):
        curve = np.polyfit(along, depth, degree, w=np.sqrt(trust))
        trust = weights / (1 + ((depth - np.polyval(curve, along)) / 0.6) ** 2)
    return np.asarray(curve, np.float64)


def _row_pitch(along: Doubles) -> float:
    """Distance of neighbouring bays, drawn towards the usual one where there is little to see."""
    gaps = np.diff(along)
    pitch_m = PITCH_M
    for _ in range(4):
        counts = np.maximum(1, np.round(gaps / pitch_m))
        near = counts <= _GAP_BAYS + 1
        pitch_m = float((gaps[near].sum() + PITCH_M * 1.5) / (counts[near].sum() + 1.5))
        pitch_m = min(max(pitch_m, _LEAST_PITCH_M), _MOST_PITCH_M)
    return pitch_m


def _evened(along: Doubles, marks: Doubles, weights: Doubles, pitch_m: float) -> Doubles:
    """Where bays are along the row: a line through their numbers, fitted near each vehicle."""
    even = np.empty(len(along))
    for index, mark in enumerate(marks):
        near = weights * np.exp(-0.5 * ((marks - mark) / 2.0) ** 2)
        middle, at = np.average(marks, weights=near), np.average(along, weights=near)
        spread = np.average((marks - middle) ** 2, weights=near)
        rise = np.average((marks - middle) * (along - at), weights=near)
        even[index] = at + (rise + pitch_m * 0.8) / (spread + 0.8) * (mark - middle)
    return even


def _with_gaps(
    even: Doubles, marks: Doubles, weights: Doubles
) -> list[tuple[int, float, float, bool]]:
    """(place, position along the row, confidence, is it a gap) of all bays of a part of a row."""
    bays = [
        (int(mark), float(at), float(weight), False)
        for mark, at, weight in zip(marks, even, weights, strict=True)
    ]
    for index in range(len(even) - 1):
        count = int(marks[index + 1] - marks[index])
        confidence = 0.5 * float(min(weights[index], weights[index + 1])) / count**0.5
        for step in range(1, count):
            at = even[index] + (even[index + 1] - even[index]) * step / count
            bays.append((int(marks[index]) + step, float(at), confidence, True))
    return sorted(bays)


def _corners(at: float, pitch_m: float, yaw: float, curve: Doubles) -> Doubles:
    """A bay's corners: sides along the vehicles, front and back along the row."""
    axis = np.array([np.cos(yaw), np.sin(yaw)])
    across = np.array([-axis[1], axis[0]])
    middle = across * at + axis * np.polyval(curve, at)
    run = (across + axis * np.polyval(np.polyder(curve), at)) * pitch_m / 2
    deep = axis * BAY_DEPTH_M / 2
    return np.array(
        [middle - run - deep, middle + run - deep, middle + run + deep, middle - run + deep]
    )


def rows_to_refine(rows: Sequence[list[int]], least: int = 3) -> list[list[int]]:
    """Rows long enough to say something about the camera."""
    return [row for row in rows if len(row) >= least]
