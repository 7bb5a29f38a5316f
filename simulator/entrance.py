"""The entrance of a car park: vehicles drive in and out over a line, and each passage is known.

Lanes run along x, the line crosses them at x = 0, and the lot lies where x is positive.
"""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulator.camera import Camera, look_at
from simulator.cars import Car
from simulator.layout import Lane, LotLayout, Post, Tree, Wall
from simulator.light import Weather, make_light
from simulator.passing import FROM_M, LANE_M, TO_M, Crossing, Drive, Flow, plan_drives
from simulator.people import Person, make_person
from simulator.scenery import lamp_of
from simulator.stage import Actor, Stage
from simulator.weather import Finish, bloom
from vision.types import Floats, ImageBgr

_SEEN_M = 24.0
"""Cars farther away are a few pixels, and cost as much to draw as others."""
_LAMP_BGR = (34.0, 46.0, 52.0)
_FRAME_HZ = 1000.0


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
        self.drives = plan_drives(scene.flow, scene.passing, rng)
        self._last: dict[float, tuple[Car, float, Actor | None]] = {}
        self.duration_s = max(drive.ends_s for drive in self.drives)
        self._people = _walkers(rng, self.duration_s) if scene.people else []

    @property
    def line_norm(self) -> Floats:
        """The line in the picture, shape (2, 2), fractions; the lot lies left of it."""
        ends = np.array([(0.0, -LANE_M - 0.4, 0.0), (0.0, LANE_M + 0.4, 0.0)])
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
        lanes=(Lane(0.0, 2 * LANE_M, FROM_M, TO_M),),
        paved_m=(-60.0, -LANE_M - 0.8, 60.0, LANE_M + 0.8),
        islands_m=((-60.0, LANE_M + 0.8, 60.0, LANE_M + 2.2), *between),
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
        y = float(rng.choice((-1, 1))) * float(rng.uniform(LANE_M - 0.2, LANE_M + 0.5))
        ends = (-6.0, y), (6.0, y + float(rng.uniform(-0.3, 0.3)))
        start, end = ends if rng.random() < 0.5 else ends[::-1]
        people.append(make_person(rng, start, end, at_s))
        at_s += float(rng.exponential(25.0)) + 4.0
    return people


def scenes_of(passing: int, image_wh: tuple[int, int] = (640, 360)) -> Sequence[EntranceScene]:
    """The conditions that counting is measured on: each flow in each weather."""
    skies = (Weather.SUN, Weather.OVERCAST, Weather.RAIN, Weather.DUSK, Weather.NIGHT)
    plain = EntranceScene(passing=passing, image_wh=image_wh)
    return tuple(replace(plain, flow=flow, weather=sky) for flow in Flow for sky in skies)
