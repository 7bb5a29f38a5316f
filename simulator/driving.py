"""How a car drives: along the lane, round an arc into its bay, and out again.

A trip is the path of the rear axle, since that is the point which follows the wheels' circle, with
a time at each point from speed limits and a comfortable acceleration.
"""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.camera import Points
from simulator.cars import Car
from simulator.layout import BaySpot, Lane
from telemetry.vocabulary import BayAngle

_STEP_M = 0.15
_LANE_MPS = 5.2
_TURN_MPS = 2.3
_BACK_MPS = 1.7
_ACCELERATION_MPS2 = 1.6
_GEAR_S = 0.7
"""A driver's pause between forward and reverse."""
_REAR_AXLE = 0.305
"""From the rear axle to the middle of the car, share of its length."""
_LANE_SIDE = 0.27
"""How far a driver keeps from the lane's middle, away from the bay, share of the lane's width."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a car is: middle of its footprint, heading, and whether its brake lights are on."""

    position_m: tuple[float, float]
    heading_rad: float
    braking: bool = False


@dataclass(frozen=True, slots=True)
class Trip:
    """A drive, as samples over time.

    Attributes:
        times_s: rising, shape (N,).
        centres_m: middle of the car, shape (N, 2).
        headings_rad: unwrapped, shape (N,).
        braking: shape (N,).
    """

    times_s: npt.NDArray[np.float64]
    centres_m: Points
    headings_rad: npt.NDArray[np.float64]
    braking: npt.NDArray[np.bool_]

    @property
    def begins_s(self) -> float:
        """When it sets off."""
        return float(self.times_s[0])

    @property
    def ends_s(self) -> float:
        """When it is over."""
        return float(self.times_s[-1])

    def pose(self, time_s: float) -> Pose:
        """The pose at a time; the first or last one outside the drive."""
        x, y = (float(np.interp(time_s, self.times_s, axis)) for axis in self.centres_m.T)
        heading = float(np.interp(time_s, self.times_s, self.headings_rad))
        index = min(int(np.searchsorted(self.times_s, time_s)), len(self.times_s) - 1)
        return Pose((x, y), heading, bool(self.braking[index]))

    def shifted(self, delay_s: float) -> Trip:
        """The same drive, later."""
        return Trip(self.times_s + delay_s, self.centres_m, self.headings_rad, self.braking)


def way_in(bay: BaySpot, lane: Lane, resting: Pose, car: Car, *, backed: bool) -> list[Points]:
    """Legs of the rear axle from the lane's entrance to rest; rows are x, y, heading.

    A leg is driven in one gear; between legs the driver changes it.
    """
    side = 1.0 if bay.centre_m[1] > lane.y_m else -1.0
    keep_y = lane.y_m - side * lane.width_m * _LANE_SIDE
    if bay.angle is BayAngle.PARALLEL:
        return [_swing_in(lane, resting, car, keep_y)]
    turn = abs(bay.heading_rad)
    heading = side * turn
    reach = abs(bay.centre_m[1] - keep_y) - bay.length_m / 2 * math.sin(turn)
    radius = (
        max(reach / (1 - math.cos(turn)), 4.0) if turn < math.pi / 2 - 0.01 else max(reach, 4.2)
    )
    end = _rear_axle(resting, car)
    mirror_x = bay.centre_m[0]
    if backed:
        end = np.array([2 * mirror_x - end[0], end[1]])
    y_arc = keep_y + side * radius * (1 - math.cos(turn))
    x_arc = end[0] + (y_arc - end[1]) / math.tan(heading)
    x_turn = x_arc - radius * math.sin(turn)
    angles = np.linspace(0.0, turn, max(int(radius * turn / _STEP_M), 4))
    arc = np.stack(
        [
            x_turn + radius * np.sin(angles),
            keep_y + side * radius * (1 - np.cos(angles)),
            side * angles,
        ],
        1,
    )
    final = _straight((arc[-1, 0], arc[-1, 1]), (float(end[0]), float(end[1])), heading)
    swing = np.concatenate([arc, final])
    if not backed:
        return [np.concatenate([_straight((lane.x_min_m, keep_y), (x_turn, keep_y), 0.0), swing])]
    back = np.stack([2 * mirror_x - swing[:, 0], swing[:, 1], -swing[:, 2]], 1)
    past = _straight((lane.x_min_m, keep_y), (float(back[0, 0]), keep_y), 0.0)
    return [past, back]


def _swing_in(lane: Lane, resting: Pose, car: Car, keep_y: float) -> Points:
    """Into a parallel bay, forwards, along half a cosine."""
    end = _rear_axle(resting, car)
    run = 9.0
    along = np.linspace(0, 1, int(run / _STEP_M))
    x = end[0] - run + run * along
    y = keep_y + (end[1] - keep_y) * (0.5 - 0.5 * np.cos(math.pi * along))
    heading = np.arctan2(np.gradient(y), np.gradient(x))
    lead = _straight((lane.x_min_m, keep_y), (float(x[0]), keep_y), 0.0)
    return np.concatenate([lead, np.stack([x, y, heading], 1)])


def way_out(legs_in: list[Points], lane: Lane) -> list[Points]:
    """Legs from rest to the lane's end: the way in, backwards, up to the lane, then on."""
    last = legs_in[-1]
    if len(legs_in) > 1:
        out = last[::-1]
        onward = _straight((float(out[-1, 0]), float(out[-1, 1])), (lane.x_max_m, out[-1, 1]), 0.0)
        return [np.concatenate([out, onward])]
    on_lane = np.flatnonzero(np.abs(last[:, 2]) > 1e-6)[0]
    out = last[on_lane:][::-1]
    onward = _straight((float(out[-1, 0]), float(out[-1, 1])), (lane.x_max_m, out[-1, 1]), 0.0)
    return [out, onward]


def way_through(lane: Lane) -> list[Points]:
    """The leg of a car that only drives by."""
    y = lane.y_m - lane.width_m * _LANE_SIDE * 0.6
    return [_straight((lane.x_min_m, y), (lane.x_max_m, y), 0.0)]


def timed(legs: list[Points], car: Car, begins_s: float) -> Trip:
    """Put times on legs.

    Args:
        legs: rows x, y, heading of the rear axle.
        car: that drives.
        begins_s: when it sets off.
    """
    times, rows, braking = [], [], []
    clock = begins_s
    for index, leg in enumerate(legs):
        first, last = index == 0, index == len(legs) - 1
        speed = _speeds(
            leg, rolling_in=first and _on_lane(leg[0]), rolling_out=last and _on_lane(leg[-1])
        )
        step = np.linalg.norm(np.diff(leg[:, :2], axis=0), axis=1)
        pace = np.maximum((speed[:-1] + speed[1:]) / 2, 0.12)
        passed = clock + np.concatenate([[0.0], np.cumsum(step / pace)])
        slowing = np.concatenate([np.diff(speed) < -0.01, [True]])
        times.append(passed)
        rows.append(leg)
        braking.append(slowing)
        clock = float(passed[-1]) + _GEAR_S
    path = np.concatenate(rows)
    headings = np.unwrap(path[:, 2])
    ahead = np.stack([np.cos(headings), np.sin(headings)], 1) * (_REAR_AXLE * car.length_m)
    stamps = np.maximum.accumulate(np.concatenate(times))
    return Trip(stamps, path[:, :2] + ahead, headings, np.concatenate(braking))


def _on_lane(row: Points) -> bool:
    return bool(abs(row[2]) < 1e-9)


def _speeds(leg: Points, *, rolling_in: bool, rolling_out: bool) -> Points:
    """Speed at each point: limits by curvature and gear, then by acceleration both ways."""
    motion = np.gradient(leg[:, :2], axis=0)
    ahead = np.stack([np.cos(leg[:, 2]), np.sin(leg[:, 2])], 1)
    backwards = (motion * ahead).sum(1) < 0
    limit = np.where(np.abs(leg[:, 2]) > 1e-6, _TURN_MPS, _LANE_MPS)
    limit = np.where(backwards, _BACK_MPS, limit).astype(np.float64)
    limit[0] = limit[0] if rolling_in else 0.0
    limit[-1] = limit[-1] if rolling_out else 0.0
    step = np.linalg.norm(np.diff(leg[:, :2], axis=0), axis=1)
    for index, length in enumerate(step):
        reachable = math.sqrt(limit[index] ** 2 + 2 * _ACCELERATION_MPS2 * length)
        limit[index + 1] = min(limit[index + 1], reachable)
    for index in range(len(step) - 1, -1, -1):
        reachable = math.sqrt(limit[index + 1] ** 2 + 2 * _ACCELERATION_MPS2 * step[index])
        limit[index] = min(limit[index], reachable)
    return limit


def _rear_axle(pose: Pose, car: Car) -> Points:
    ahead = np.array([math.cos(pose.heading_rad), math.sin(pose.heading_rad)])
    return np.asarray(pose.position_m) - ahead * (_REAR_AXLE * car.length_m)


def _straight(start: tuple[float, float], end: tuple[float, float], heading: float) -> Points:
    count = max(int(math.dist(start, end) / _STEP_M), 2)
    share = np.linspace(0, 1, count)[:, None]
    spots = np.asarray(start) * (1 - share) + np.asarray(end) * share
    return np.concatenate([spots, np.full((count, 1), heading)], 1)


def share_in_bay(trip: Trip, car: Car, bay: BaySpot) -> npt.NDArray[np.float64]:
    """Share of the car's footprint inside the bay at each sample of a trip, shape (N,), 0 to 1."""
    half_l, half_w = car.length_m / 2 * 0.96, car.width_m / 2 * 0.94
    local = np.array(
        list(itertools.product(np.linspace(-half_l, half_l, 9), np.linspace(-half_w, half_w, 5)))
    )
    sin, cos = np.sin(trip.headings_rad)[:, None], np.cos(trip.headings_rad)[:, None]
    x = trip.centres_m[:, :1] + local[:, 0] * cos - local[:, 1] * sin - bay.centre_m[0]
    y = trip.centres_m[:, 1:] + local[:, 0] * sin + local[:, 1] * cos - bay.centre_m[1]
    bay_sin, bay_cos = math.sin(bay.heading_rad), math.cos(bay.heading_rad)
    along, across = x * bay_cos + y * bay_sin, y * bay_cos - x * bay_sin
    inside = (np.abs(along) <= bay.length_m / 2) & (np.abs(across) <= bay.width_m / 2)
    return np.asarray(inside.mean(1), np.float64)
