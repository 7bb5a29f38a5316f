"""Who drives when at an entrance: cars in lanes along x, each at every moment of its drive.

Followers keep to Newell's simplified car-following model (2002): a car drives as it wants to, but
never nearer to where the one before it was a moment ago than its length and a gap. So queues form,
and nothing touches.
"""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from simulator.cars import Car, random_car
from telemetry.gates import PassageDirection

Track = npt.NDArray[np.float64]

FROM_M, TO_M = -34.0, 34.0
LANE_M = 3.4
_STEP_S = 0.05
_REACTION_S = 1.1
_GAP_M = 1.7
_LONGEST_S = 400.0
_PRESSING_MPS = 6.0
"""How fast cars drive where nothing holds them up in a queue, or out of sight."""


class Flow(StrEnum):
    """What happens at an entrance."""

    FREE = "free"
    """Cars in and out, one by one."""
    QUEUE = "queue"
    """Stop and go in both lanes, bumper to bumper."""
    ABREAST = "abreast"
    """Two lanes the same way, cars side by side."""
    REVERSES = "reverses"
    """Some drive in and back out again, some turn back before the line."""
    STANDS = "stands"
    """Some stop on the line for a while, then go on."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """The middle of a car passes over the line.

    Attributes:
        time_s: when.
        direction: which way.
        shape: kind of car, a name of `simulator.cars.SHAPES`.
        touches_s: from when to when some part of the car is over the line.
    """

    time_s: float
    direction: PassageDirection
    shape: str
    touches_s: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Drive:
    """One car's way through the entrance.

    Attributes:
        car: that drives.
        y_m: middle of its lane.
        forward: whether it faces +x, into the lot.
        begins_s: when it comes into being, out of sight.
        x_m: middle of the car at steps of `_STEP_S` from `begins_s` on, shape (N,).
    """

    car: Car
    y_m: float
    forward: bool
    begins_s: float
    x_m: Track = field(repr=False)

    @property
    def ends_s(self) -> float:
        """When it is out of sight."""
        return self.begins_s + _STEP_S * (len(self.x_m) - 1)

    def x_at(self, time_s: float) -> float:
        """Its middle at a time within the drive."""
        steps = np.arange(len(self.x_m)) * _STEP_S
        return float(np.interp(time_s - self.begins_s, steps, self.x_m))

    def crossings(self) -> list[Crossing]:
        """When its middle passes x = 0, in order."""
        clear = np.flatnonzero(np.abs(self.x_m) > self.car.length_m / 2)
        found = []
        for index in np.flatnonzero(np.diff(self.x_m > 0)).tolist():
            before, after = float(self.x_m[index]), float(self.x_m[index + 1])
            time_s = self.begins_s + _STEP_S * (index + before / (before - after))
            way = PassageDirection.IN if after > before else PassageDirection.OUT
            first, last = clear[clear <= index].max(), clear[clear > index].min()
            touches_s = self.begins_s + first * _STEP_S, self.begins_s + last * _STEP_S
            found.append(Crossing(time_s, way, self.car.shape.name, touches_s))
        return found


Wish = Callable[[float], float]
"""How far a car would have come, metres, so many seconds after its start, were it alone."""


@dataclass(slots=True)
class _LaneOfCars:
    """Cars that follow each other on one lane, planned one after the other."""

    y_m: float
    forward: bool
    before: Drive | None = None
    drives: list[Drive] = field(default_factory=list)

    def add(self, car: Car, begins_s: float, wish: Track) -> None:
        """A car that would like to be at `wish` metres from the lane's beginning."""
        way = wish
        if self.before is not None:
            times = np.asarray(begins_s - _REACTION_S + np.arange(len(wish)) * _STEP_S, np.float64)
            ahead = self._came(self.before, times)
            room = (self.before.car.length_m + car.length_m) / 2 + _GAP_M
            way = np.minimum(wish, ahead - room)
        if wish[-1] > wish[0]:
            way = _until(way, TO_M - FROM_M)
        x = FROM_M + way if self.forward else TO_M - way
        drive = Drive(car, self.y_m, self.forward, begins_s, x)
        self.before = drive
        self.drives.append(drive)

    def _came(self, drive: Drive, times_s: Track) -> Track:
        """How far the car before had come.

        Out of sight it drives on, and those behind it are held up as before: were it gone at once,
        they would leap forward one after the other. One that came back has left the lane.
        """
        steps = drive.begins_s + np.arange(len(drive.x_m)) * _STEP_S
        came = drive.x_m - FROM_M if self.forward else TO_M - drive.x_m
        since_s = np.maximum(0.0, times_s - drive.ends_s)
        beyond = math.inf if came[-1] < TO_M - FROM_M else _PRESSING_MPS
        further = np.multiply(beyond, since_s, where=since_s > 0, out=np.zeros_like(since_s))
        return np.asarray(np.interp(times_s, steps, came) + further, np.float64)


def plan_drives(flow: Flow, passing: int, rng: np.random.Generator) -> tuple[Drive, ...]:
    """The drives of so many cars, by the time they begin."""
    same_way = flow is Flow.ABREAST
    lanes = [_LaneOfCars(-LANE_M / 2, True), _LaneOfCars(LANE_M / 2, same_way)]
    begins = [0.0, 0.0] if same_way else [0.0, float(rng.uniform(0, 6))]
    stop_go = [_stop_and_go(rng) for _ in lanes]
    for number in range(passing):
        # Mostly one after the other on either lane; at an entrance more come in than go out.
        which = number % 2 if flow in {Flow.ABREAST, Flow.QUEUE} else _pick(rng)
        lane, car = lanes[which], random_car(rng)
        begins_s = begins[which]
        wish, is_alone = _wish(flow, rng, stop_go[which], is_first=lane.before is None)
        if is_alone and lane.before is not None:
            begins_s = max(begins_s, lane.before.ends_s)
        lane.add(car, begins_s, wish)
        longest_s = lane.drives[-1].ends_s if is_alone else begins_s
        begins[which] = longest_s + _headway(flow, rng)
    drives = [drive for lane in lanes for drive in lane.drives]
    return tuple(sorted(drives, key=lambda drive: drive.begins_s))


def _pick(rng: np.random.Generator) -> int:
    return int(rng.random() < 0.4)


def _headway(flow: Flow, rng: np.random.Generator) -> float:
    if flow is Flow.QUEUE:
        return float(rng.uniform(2.2, 3.0))
    if flow is Flow.ABREAST:
        return 6.0 + float(rng.uniform(-0.25, 0.25))
    return 2.4 + float(rng.exponential(2.5))


def _wish(
    flow: Flow, rng: np.random.Generator, stop_go: Wish, *, is_first: bool
) -> tuple[Track, bool]:
    """Where a car wants to be over time, and whether nobody may follow until it is gone."""
    far = TO_M - FROM_M
    speed = float(rng.uniform(2.5, 6.5))
    if flow is Flow.QUEUE:
        # The first car of each lane sets the pace; the others press on behind it.
        wish = stop_go if is_first else (lambda time_s: _PRESSING_MPS * time_s)
        return _sampled(wish), False
    if flow is Flow.ABREAST:
        return _sampled(lambda time_s: 4.0 * time_s), False
    draw = rng.random()
    if flow is Flow.REVERSES and draw < 0.5:
        turns = -FROM_M + float(rng.uniform(4.5, 9.0))
        if draw < 0.15:
            turns = -FROM_M - float(rng.uniform(3.6, 6.0))  # before it reaches the line
        return _there_and_back(turns, speed, float(rng.uniform(1.0, 4.0))), True
    if flow is Flow.STANDS and draw < 0.6:
        stop = -FROM_M + float(rng.uniform(-0.8, 0.8))
        return _with_stop(stop, speed, float(rng.uniform(5.0, 15.0)), far), False
    return _sampled(lambda time_s: speed * time_s), False


def _sampled(wish: Wish) -> Track:
    """A wish, for longer than anything holds a car up."""
    return np.array([wish(float(time_s)) for time_s in np.arange(0.0, _LONGEST_S, _STEP_S)])


def _until(way: Track, far_m: float) -> Track:
    gone = np.flatnonzero(way >= far_m)
    return way if not gone.size else way[: gone[0] + 1]


def _eased(start: float, end: float, speed: float) -> Track:
    """From one place to another, speeding up and slowing down as drivers do."""
    count = max(int(1.4 * abs(end - start) / speed / _STEP_S), 2)
    share = np.linspace(0.0, 1.0, count)
    return start + (end - start) * (share - np.sin(2 * math.pi * share) / (2 * math.pi) * 0.9)


def _there_and_back(turns_m: float, speed: float, pause_s: float) -> Track:
    out = _eased(0.0, turns_m, speed)
    back = _eased(turns_m, 0.0, min(speed, 2.5))
    return np.concatenate([out, np.full(int(pause_s / _STEP_S), turns_m), back])


def _with_stop(stop_m: float, speed: float, pause_s: float, far_m: float) -> Track:
    on = _eased(stop_m, far_m, speed)
    way = [_eased(0.0, stop_m, speed), np.full(int(pause_s / _STEP_S), stop_m), on]
    # Held up by others, it comes to its end later than it wanted.
    return np.concatenate([*way, np.full(int(60.0 / _STEP_S), far_m)])


def _stop_and_go(rng: np.random.Generator) -> Wish:
    """The way of a queue's first car: moves of a few metres with halts between."""
    times, ways = [0.0], [0.0]
    while ways[-1] < 2 * (TO_M - FROM_M):
        halt_s, move_m = float(rng.uniform(1.0, 6.0)), float(rng.uniform(2.0, 9.0))
        times += [times[-1] + halt_s, times[-1] + halt_s + move_m / 2.4]
        ways += [ways[-1], ways[-1] + move_m]
    stops, places = np.array(times), np.array(ways)
    return lambda time_s: float(np.interp(time_s, stops, places))
