"""A lot that lives: give it a time in seconds and it gives the picture and the truth."""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from vision.simulator.camera import Camera, look_at
from vision.simulator.layout import LotLayout, demo_layout
from vision.simulator.light import Weather, make_light
from vision.simulator.scenery import lamp_of
from vision.simulator.stage import Actor, Stage
from vision.simulator.traffic import Activity, Traffic, TruthChange
from vision.simulator.weather import Finish, bloom
from vision.types import Floats, ImageBgr

_LAMP_BGR = (34.0, 46.0, 52.0)
_FRAME_HZ = 1000.0
"""Times are told apart to the millisecond when noise is drawn."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What to simulate.

    Attributes:
        layout: the lot.
        camera: that watches it.
        weather: what the sky does.
        sun_azimuth_deg: from +x towards +y.
        sun_height_deg: above the horizon.
        activity: how busy it is.
    """

    layout: LotLayout
    camera: Camera
    weather: Weather = Weather.SUN
    sun_azimuth_deg: float = 215.0
    sun_height_deg: float = 48.0
    activity: Activity = field(default_factory=Activity)


def demo_scene(weather: Weather = Weather.SUN, image_wh: tuple[int, int] = (1280, 720)) -> Scene:
    """The scene of `lotsight demo`: a camera at 7.4 m looks along two rows of bays."""
    camera = look_at((-2.2, -17.0, 7.4), (0.2, 3.0), image_wh, 66.0)
    return Scene(demo_layout(), camera, weather)


class SimulatedLot:
    """Pictures and truth of a simulated lot.

    The same scene and seed give the same picture at the same time. Not safe between threads: the
    picture of parked cars is kept from call to call.

    Attributes:
        scene: what is simulated.
        traffic: who drives when.
        stage: how it is drawn.
        bays: those that lie in the picture, in the layout's order.
        bay_ids: their ids.
    """

    def __init__(self, scene: Scene, seed: int, detail: int = 2) -> None:
        """Draw the empty lot and plan the first cars.

        Args:
            scene: what to simulate.
            seed: of traffic, textures and noise.
            detail: 1 draws the ground coarsely and fast, 2 finely.
        """
        self.scene = scene
        lamps = tuple(lamp_of(post, _LAMP_BGR) for post in scene.layout.posts)
        light = make_light(scene.weather, scene.sun_azimuth_deg, scene.sun_height_deg, lamps)
        self.stage = Stage(scene.layout, scene.camera, light, seed, detail)
        self.traffic = Traffic(scene.layout, seed, scene.activity)
        self._finish = Finish(scene.camera.image_wh, light, seed)
        self._parked: dict[tuple[str, float], Actor | None] = {}
        self._base_key: frozenset[tuple[str, float]] | None = None
        self._base: tuple[ImageBgr, npt.NDArray[np.float32]] | None = None
        quads = self._all_quads()
        inside = ((quads > 0.0) & (quads < 1.0)).all((1, 2))
        self.bays = tuple(scene.layout.bays[int(index)] for index in np.flatnonzero(inside))
        self._quads = quads[inside]
        self.bay_ids = tuple(bay.id for bay in self.bays)

    def _all_quads(self) -> Floats:
        corners = np.stack([bay.corners() for bay in self.scene.layout.bays])
        flat = np.concatenate([corners, np.zeros((*corners.shape[:2], 1))], -1)
        pixels, visible = self.scene.camera.project(flat)
        norm = self.scene.camera.to_norm(pixels)
        norm[~visible.all(1)] = -1.0
        return norm

    def quads_norm(self) -> Floats:
        """Bays as fractions of width and height, shape (M, 4, 2), in the order of `bay_ids`."""
        return self._quads.copy()

    def truth(self, time_s: float) -> dict[str, bool]:
        """Whether each bay in the picture is occupied, by id."""
        everything = self.traffic.truth(time_s)
        return {bay: everything[bay] for bay in self.bay_ids}

    def changes(self, from_s: float, to_s: float) -> list[TruthChange]:
        """True changes of the bays in the picture with `from_s` < time <= `to_s`."""
        return [c for c in self.traffic.changes(from_s, to_s) if c.bay in self.bay_ids]

    def frame(self, time_s: float) -> ImageBgr:
        """The picture at a time, shape (H, W, 3), uint8, a new array."""
        image, nearest = self._still(time_s)
        self.stage.lay(image, nearest, self._movers(time_s))
        light = self.stage.light
        return self._finish.apply(bloom(image, light), round(time_s * _FRAME_HZ))

    def car_pixels(self, time_s: float) -> npt.NDArray[np.int32]:
        """Which car each pixel shows, shape (H, W): 0 none, else its rank from far to near + 1.

        Parked cars and driving ones alike; what hides a car hides its pixels.
        """
        actors = [a for a in self._parked_actors(time_s).values() if a is not None]
        actors += self._movers(time_s)
        actors.sort(key=lambda actor: -actor.sprite.distance_m)
        nearest = self.stage.nearest_m.copy()
        labels = np.zeros(nearest.shape, np.int32)
        for rank, actor in enumerate(actors):
            window = actor.sprite.window()
            shows = (actor.sprite.cover > 0.5) & (nearest[window] > actor.sprite.distance_m)
            labels[window][shows] = rank + 1
            nearest[window][shows] = actor.sprite.distance_m
        return labels

    def _parked_actors(self, time_s: float) -> dict[tuple[str, float], Actor | None]:
        parked = {(stay.bay, stay.parked_from_s): stay for stay in self.traffic.parked(time_s)}
        for key in self._parked.keys() - parked.keys():
            del self._parked[key]
        for key, stay in parked.items():
            if key not in self._parked:
                pose = stay.resting
                actor = self.stage.paint_car(stay.car, pose.position_m, pose.heading_rad)
                self._parked[key] = actor
        # In the plan's order, whatever was asked before: shadows that overlap round in order.
        return {key: self._parked[key] for key in parked}

    def _still(self, time_s: float) -> tuple[ImageBgr, npt.NDArray[np.float32]]:
        """The lot with its parked cars: picture and distances, copies."""
        actors = self._parked_actors(time_s)
        key = frozenset(actors)
        if self._base is None or key != self._base_key:
            self._base = self.stage.compose([a for a in actors.values() if a is not None])
            self._base_key = key
        image, nearest = self._base
        return image.copy(), nearest.copy()

    def _movers(self, time_s: float) -> list[Actor]:
        actors = []
        for car, pose in self.traffic.moving(time_s):
            lit = replace(car, lights_on=self.stage.light.headlights, braking=pose.braking)
            heading = math.remainder(pose.heading_rad, 2 * math.pi)
            actors.append(self.stage.paint_car(lit, pose.position_m, heading))
        actors += [person.paint(self.stage, time_s) for person in self.traffic.people(time_s)]
        return [actor for actor in actors if actor is not None]
