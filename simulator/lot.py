"""A lot that lives: give it a time in seconds and it gives the picture and the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from simulator.camera import Camera, look_at
from simulator.drift import Drift, through, turn_map, widened
from simulator.driving import Pose
from simulator.garage import garage_camera, garage_layout, garage_light
from simulator.layout import LotLayout, demo_layout
from simulator.light import Light, Weather, make_light
from simulator.misplaced import Misplaced
from simulator.scenery import lamp_of
from simulator.stage import Actor, Stage
from simulator.traffic import Activity, Traffic, TruthChange
from simulator.truth import Labels, boxes_of, label_pixels
from simulator.weather import Finish, bloom
from vision.types import Floats, ImageBgr

_LAMP_BGR = (34.0, 46.0, 52.0)
_DEMO_GARAGE = 5
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
        drift: how the camera turns over time; None when it hangs still.
        misplaced: cars that stand as they should not.
    """

    layout: LotLayout
    camera: Camera
    weather: Weather = Weather.SUN
    sun_azimuth_deg: float = 215.0
    sun_height_deg: float = 48.0
    activity: Activity = field(default_factory=Activity)
    drift: Drift | None = None
    misplaced: tuple[Misplaced, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a sky under a ceiling, and no sky without one."""
        if (self.weather is Weather.INDOOR) != (self.layout.ceiling_m is not None):
            msg = (
                f"expected weather {Weather.INDOOR.value!r} under a ceiling and only there, but "
                f"got {self.weather.value!r} with a ceiling of {self.layout.ceiling_m} m"
            )
            raise ValueError(msg)


def demo_scene(weather: Weather = Weather.SUN, image_wh: tuple[int, int] = (1280, 720)) -> Scene:
    """The scene of `lotsight demo`: a camera at 7.4 m looks along two rows of bays.

    Indoors it is a level of a car park, seen from under its ceiling.
    """
    if weather is Weather.INDOOR:
        layout = garage_layout(np.random.default_rng(_DEMO_GARAGE))
        camera = garage_camera(np.random.default_rng(_DEMO_GARAGE), layout, image_wh)
        return Scene(layout, camera, weather)
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
        light = _light_of(scene)
        drift = scene.drift
        seen = scene.camera if drift is None else widened(scene.camera, drift.widest_deg())
        self.stage = Stage(scene.layout, seen, light, seed, detail)
        self._lookup: tuple[Camera, npt.NDArray[np.float32]] | None = None
        plan = scene.layout.plan or scene.layout
        self.traffic = Traffic(plan, seed, scene.activity, scene.misplaced)
        self._finish = Finish(scene.camera.image_wh, light, seed)
        self._parked: dict[tuple[str, float], Actor | None] = {}
        self._base_key: frozenset[tuple[str, float]] | None = None
        self._base: tuple[ImageBgr, npt.NDArray[np.float32]] | None = None
        quads = self._all_quads(scene.camera)
        inside = ((quads > 0.0) & (quads < 1.0)).all((1, 2))
        self._inside = inside
        self.bays = tuple(scene.layout.bays[int(index)] for index in np.flatnonzero(inside))
        self._quads = quads[inside]
        self.bay_ids = tuple(bay.id for bay in self.bays)

    def _all_quads(self, camera: Camera) -> Floats:
        corners = np.stack([bay.corners() for bay in self.scene.layout.bays])
        flat = np.concatenate([corners, np.zeros((*corners.shape[:2], 1))], -1)
        pixels, visible = camera.project(flat)
        norm = camera.to_norm(pixels)
        norm[~visible.all(1)] = -1.0
        return norm

    def quads_norm(self, time_s: float | None = None) -> Floats:
        """Bays as fractions of width and height, shape (M, 4, 2), in the order of `bay_ids`.

        Args:
            time_s: as the camera hangs then; None: as it was aimed, that is as calibrated.
        """
        if time_s is None or self.scene.drift is None:
            return self._quads.copy()
        return self._all_quads(self.camera_at(time_s))[self._inside]

    def camera_at(self, time_s: float) -> Camera:
        """The camera as it hangs at a time."""
        drift = self.scene.drift
        return self.scene.camera if drift is None else drift.turned(self.scene.camera, time_s)

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
        self.stage.lay(image, nearest, self._moving_cars(time_s) + self._people(time_s))
        light = self.stage.light
        if self.scene.drift is not None:
            image = through(image, self._lookup_at(time_s))
        return self._finish.apply(bloom(image, light), round(time_s * _FRAME_HZ))

    def pixels(self, time_s: float) -> Labels:
        """Which car or person each pixel shows, shape (H, W), parked and moving ones alike."""
        cars = [a for a in self._parked_actors(time_s).values() if a is not None]
        cars += self._moving_cars(time_s)
        labels = label_pixels(self.stage.nearest_m, cars, self._people(time_s))
        if self.scene.drift is None:
            return labels
        lookup = np.round(self._lookup_at(time_s)).astype(int)
        height, width = labels.shape
        seen = labels[lookup[..., 1].clip(0, height - 1), lookup[..., 0].clip(0, width - 1)]
        return np.asarray(seen, np.int32)

    def boxes_px(self, time_s: float, min_px: int = 40) -> Floats:
        """Boxes of what is seen of the cars, x_min, y_min, x_max, y_max, shape (N, 4).

        Args:
            time_s: when.
            min_px: cars of which fewer pixels are seen are left out.
        """
        return boxes_of(self.pixels(time_s), min_px)

    def _lookup_at(self, time_s: float) -> npt.NDArray[np.float32]:
        camera = self.camera_at(time_s)
        if self._lookup is None or self._lookup[0] != camera:
            self._lookup = (camera, turn_map(self.stage.camera, camera))
        return self._lookup[1]

    def _parked_actors(self, time_s: float) -> dict[tuple[str, float], Actor | None]:
        parked = {(stay.bay, stay.parked_from_s): stay for stay in self.traffic.parked(time_s)}
        for key in self._parked.keys() - parked.keys():
            del self._parked[key]
        for key, stay in parked.items():
            if key not in self._parked:
                pose = self._on_lot(stay.resting)
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

    def _moving_cars(self, time_s: float) -> list[Actor]:
        actors = []
        for car, planned in self.traffic.moving(time_s):
            pose = self._on_lot(planned)
            lit = replace(car, lights_on=self.stage.light.headlights, braking=pose.braking)
            heading = math.remainder(pose.heading_rad, 2 * math.pi)
            actors.append(self.stage.paint_car(lit, pose.position_m, heading))
        return [actor for actor in actors if actor is not None]

    def _people(self, time_s: float) -> list[Actor]:
        bend, walking = self.scene.layout.bend, self.traffic.people(time_s)
        actors = [person.paint(self.stage, time_s, bend) for person in walking]
        return [actor for actor in actors if actor is not None]

    def _on_lot(self, planned: Pose) -> Pose:
        """A pose of the traffic's plan where it is on the ground."""
        bend = self.scene.layout.bend
        if bend is None:
            return planned
        place, heading = bend.place(planned.position_m, planned.heading_rad)
        return replace(planned, position_m=place, heading_rad=heading)


def _light_of(scene: Scene) -> Light:
    if scene.layout.ceiling_m is not None:
        return garage_light(scene.layout)
    lamps = tuple(lamp_of(post, _LAMP_BGR) for post in scene.layout.posts)
    return make_light(scene.weather, scene.sun_azimuth_deg, scene.sun_height_deg, lamps)
