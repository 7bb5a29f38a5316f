"""The entrance of a car park: vehicles drive in and out over a line, and each passage is known.

Lanes run along x, the line crosses them at x = 0, and the lot lies where x is positive. Followers
keep to Newell's simplified car-following model (2002): a car drives as it wants to, but never
nearer to where the one before it was a moment ago than its length and a gap. So queues form, and
nothing touches.
"""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from simulator.camera import Camera, look_at
from simulator.cars import Car, random_car
from simulator.layout import Lane, LotLayout, Post, Tree, Wall
from simulator.light import Weather, make_light
from simulator.people import Person, make_person
from simulator.scenery import lamp_of
from simulator.stage import Actor, Stage
from simulator.weather import Finish, bloom
from telemetry.gates import PassageDirection
from vision.types import Floats, ImageBgr

Track = npt.NDArray[np.float64]

_FROM_M, _TO_M = -34.0, 34.0
_SEEN_M = 24.0
"""Cars farther away are a few pixels, and cost as much to draw as others."""
_LANE_M = 3.4
_STEP_S = 0.05
_REACTION_S = 1.1
_GAP_M = 1.7
_LONGEST_S = 400.0
_LAMP_BGR = (34.0, 46.0, 52.0)
_FRAME_HZ = 1000.0


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


@dataclass(frozen=True, slots=True)
class EntranceScene:
    """What to simulate.

    Attributes:
        flow: what happens.
        weather: what the sky does.
        passing: cars that come by.
        image_wh: of the pictures.
        people: whether people walk over the line now and then.
    """

    flow: Flow = Flow.FREE
    weather: Weather = Weather.SUN
    passing: int = 12
    image_wh: tuple[int, int] = (640, 360)
    people: bool = True


class SimulatedEntrance:
    """Pictures and truth of an entrance; the same scene and seed give the same pictures.

    Attributes:
        scene: what is simulated.
        drives: all cars, by the time they come.
        duration_s: when the last of them is gone.
    """

    def __init__(self, scene: EntranceScene, seed: int, detail: int = 1) -> None:
        """Draw the empty entrance and plan all cars.

        Args:
            scene: what to simulate.
            seed: of cars, camera, textures and noise.
            detail: 1 draws the ground coarsely and fast, 2 finely.
        """
        self.scene = scene
        rng = np.random.default_rng(seed)
        layout = _layout(scene.flow)
        lamps = tuple(lamp_of(post, _LAMP_BGR) for post in layout.posts)
        light = make_light(scene.weather, float(rng.uniform(190, 350)), 48.0, lamps)
        self.camera = _camera(rng, scene.image_wh)
        self._stage = Stage(layout, self.camera, light, seed, detail)
        self._finish = Finish(scene.image_wh, light, seed)
        self.drives = _plan(scene, rng)
        self._last: dict[float, tuple[Car, float, Actor | None]] = {}
        self.duration_s = max(drive.ends_s for drive in self.drives)
        self._people = _walkers(rng, self.duration_s) if scene.people else []

    @property
    def line_norm(self) -> Floats:
        """The line in the picture, shape (2, 2), fractions; the lot lies left of it."""
        ends = np.array([(0.0, -_LANE_M - 0.4, 0.0), (0.0, _LANE_M + 0.4, 0.0)])
        pixels, _ = self.camera.project(ends)
        points = self.camera.to_norm(pixels)
        # The camera looks out of the lot or into it: left is told from right by a point inside.
        inside, _ = self.camera.project(np.array([[0.6, 0.0, 0.0]]))
        along, to = pixels[1] - pixels[0], inside[0] - pixels[0]
        is_left = along[1] * to[0] - along[0] * to[1] > 0
        return points if is_left else points[::-1].copy()

    def crossings(self) -> list[Crossing]:
        """All true passages, by time."""
        found = [each for drive in self.drives for each in drive.crossings()]
        return sorted(found, key=lambda each: each.time_s)

    def nearest_m(self, time_s: float) -> float:
        """How far the nearest car's middle is from the line; infinite while there is none."""
        there = (drive for drive in self.drives if drive.begins_s <= time_s <= drive.ends_s)
        return min((abs(drive.x_at(time_s)) for drive in there), default=math.inf)

    def frame(self, time_s: float) -> ImageBgr:
        """The picture at a time, shape (H, W, 3), uint8, a new array."""
        stage = self._stage
        actors = [*self._cars(time_s), *self._walking(time_s)]
        image, _ = stage.compose(actors)
        return self._finish.apply(bloom(image, stage.light), round(time_s * _FRAME_HZ))

    def _cars(self, time_s: float) -> list[Actor]:
        actors = []
        for drive in self.drives:
            if not drive.begins_s <= time_s <= drive.ends_s:
                continue
            x, before = drive.x_at(time_s), drive.x_at(time_s - 0.2)
            if abs(x) > _SEEN_M:
                continue
            ahead = (x - before) * (1 if drive.forward else -1)
            slows = 2 * before - drive.x_at(time_s - 0.4)
            braking = abs(x - before) < 0.02 or abs(x - before) < abs(slows - before) - 0.02
            lit = replace(
                drive.car, lights_on=self._stage.light.headlights, braking=braking and ahead >= 0
            )
            actors.append(self._painted(drive, lit, round(x, 3)))
        return [actor for actor in actors if actor is not None]

    def _painted(self, drive: Drive, car: Car, x_m: float) -> Actor | None:
        """A car that stands still is painted once."""
        known = self._last.get(drive.begins_s + drive.y_m)
        if known is None or known[:2] != (car, x_m):
            heading = 0.0 if drive.forward else math.pi
            known = (car, x_m, self._stage.paint_car(car, (x_m, drive.y_m), heading))
            self._last[drive.begins_s + drive.y_m] = known
        return known[2]

    def _walking(self, time_s: float) -> list[Actor]:
        found = [person.paint(self._stage, time_s) for person in self._people]
        return [actor for actor in found if actor is not None]


def _layout(flow: Flow) -> LotLayout:
    """Two lanes between kerbs, trees and a house; no bays."""
    between = () if flow is Flow.ABREAST else ((-9.0, -0.2, -3.5, 0.2), (3.5, -0.2, 9.0, 0.2))
    return LotLayout(
        bays=(),
        lanes=(Lane(0.0, 2 * _LANE_M, _FROM_M, _TO_M),),
        paved_m=(-60.0, -_LANE_M - 0.8, 60.0, _LANE_M + 0.8),
        islands_m=((-60.0, _LANE_M + 0.8, 60.0, _LANE_M + 2.2), *between),
        trees=(Tree((-16.0, 8.0), 6.2, 2.1), Tree((14.0, 8.4), 6.8, 2.3), Tree((-9, -9), 5.8, 2.0)),
        posts=(Post((-5.0, 6.2), 6.5, -math.pi / 2), Post((8.0, 6.2), 6.5, -math.pi / 2)),
        walls=(Wall((-26.0, 12.0, 6.0, 22.0), 7.0, (0.42, 0.50, 0.56)),),
        line_bgr=(0.78, 0.80, 0.80),
        line_style="sides",
    )


def _camera(rng: np.random.Generator, image_wh: tuple[int, int]) -> Camera:
    """On a mast or a gate house beside the lanes, some metres up, looking along them."""
    side = float(rng.choice((-1.0, 1.0)))
    place = (
        side * float(rng.uniform(8.5, 13.0)),
        float(rng.uniform(-5.5, 5.5)),
        float(rng.uniform(3.8, 6.5)),
    )
    target = (-side * float(rng.uniform(0.5, 3.0)), float(rng.uniform(-0.6, 0.6)))
    return look_at(place, target, image_wh, float(rng.uniform(60, 80)))


def _walkers(rng: np.random.Generator, duration_s: float) -> list[Person]:
    """People who walk along the kerb, over the line."""
    people = []
    at_s = float(rng.uniform(2, 8))
    while at_s < duration_s:
        y = float(rng.choice((-1, 1))) * float(rng.uniform(_LANE_M - 0.2, _LANE_M + 0.5))
        ends = (-6.0, y), (6.0, y + float(rng.uniform(-0.3, 0.3)))
        start, end = ends if rng.random() < 0.5 else ends[::-1]
        people.append(make_person(rng, start, end, at_s))
        at_s += float(rng.exponential(25.0)) + 4.0
    return people


# -- who drives when -------------------------------------------------------------------------------

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
            way = _until(way, _TO_M - _FROM_M)
        x = _FROM_M + way if self.forward else _TO_M - way
        drive = Drive(car, self.y_m, self.forward, begins_s, x)
        self.before = drive
        self.drives.append(drive)

    def _came(self, drive: Drive, times_s: Track) -> Track:
        """How far the car before had come; beyond its end it is gone."""
        steps = drive.begins_s + np.arange(len(drive.x_m)) * _STEP_S
        came = drive.x_m - _FROM_M if self.forward else _TO_M - drive.x_m
        return np.asarray(np.interp(times_s, steps, came, right=math.inf), np.float64)


def _plan(scene: EntranceScene, rng: np.random.Generator) -> tuple[Drive, ...]:
    same_way = scene.flow is Flow.ABREAST
    lanes = [_LaneOfCars(-_LANE_M / 2, True), _LaneOfCars(_LANE_M / 2, same_way)]
    begins = [0.0, 0.0] if same_way else [0.0, float(rng.uniform(0, 6))]
    stop_go = [_stop_and_go(rng) for _ in lanes]
    for number in range(scene.passing):
        # Mostly one after the other on either lane; at an entrance more come in than go out.
        which = number % 2 if scene.flow in {Flow.ABREAST, Flow.QUEUE} else _pick(rng)
        lane, car = lanes[which], random_car(rng)
        begins_s = begins[which]
        wish, is_alone = _wish(scene.flow, rng, stop_go[which], is_first=lane.before is None)
        if is_alone and lane.before is not None:
            begins_s = max(begins_s, lane.before.ends_s)
        lane.add(car, begins_s, wish)
        longest_s = lane.drives[-1].ends_s if is_alone else begins_s
        begins[which] = longest_s + _headway(scene.flow, rng)
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
    far = _TO_M - _FROM_M
    speed = float(rng.uniform(2.5, 6.5))
    if flow is Flow.QUEUE:
        # The first car of each lane sets the pace; the others press on behind it.
        wish = stop_go if is_first else (lambda time_s: 6.0 * time_s)
        return _sampled(wish), False
    if flow is Flow.ABREAST:
        return _sampled(lambda time_s: 4.0 * time_s), False
    draw = rng.random()
    if flow is Flow.REVERSES and draw < 0.5:
        turns = -_FROM_M + float(rng.uniform(4.5, 9.0))
        if draw < 0.15:
            turns = -_FROM_M - float(rng.uniform(3.6, 6.0))  # before it reaches the line
        return _there_and_back(turns, speed, float(rng.uniform(1.0, 4.0))), True
    if flow is Flow.STANDS and draw < 0.6:
        stop = -_FROM_M + float(rng.uniform(-0.8, 0.8))
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
    while ways[-1] < 2 * (_TO_M - _FROM_M):
        halt_s, move_m = float(rng.uniform(1.0, 6.0)), float(rng.uniform(2.0, 9.0))
        times += [times[-1] + halt_s, times[-1] + halt_s + move_m / 2.4]
        ways += [ways[-1], ways[-1] + move_m]
    stops, places = np.array(times), np.array(ways)
    return lambda time_s: float(np.interp(time_s, stops, places))


def scenes_of(passing: int, image_wh: tuple[int, int] = (640, 360)) -> Sequence[EntranceScene]:
    """The conditions that counting is measured on: weathers in free flow, then what is hard."""
    skies = (Weather.SUN, Weather.OVERCAST, Weather.RAIN, Weather.DUSK, Weather.NIGHT)
    hard = (Flow.QUEUE, Flow.ABREAST, Flow.REVERSES, Flow.STANDS)
    plain = EntranceScene(passing=passing, image_wh=image_wh)
    return (
        *(replace(plain, weather=sky) for sky in skies),
        *(replace(plain, flow=flow) for flow in hard),
        replace(plain, flow=Flow.QUEUE, weather=Weather.NIGHT),
    )
