"""Pictures for training: any lot, any view, any light, with exact truth."""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from simulator.camera import Camera, look_at
from simulator.cars import random_car
from simulator.curved import curved_layout
from simulator.garage import garage_camera, garage_layout, garage_light
from simulator.layout import BaySpot, LotLayout, random_layout
from simulator.light import Lamp, Light, Weather, make_light
from simulator.people import random_person
from simulator.scenery import lamp_of
from simulator.stage import Actor, Stage
from simulator.truth import Labels, label_pixels
from simulator.weather import finish
from telemetry.vocabulary import BayAngle
from vision.types import Floats, ImageBgr

_MIN_BAYS = 4
_MIN_BAY_PX = 9.0
_TRIES = 40
_MIN_SIGHT = 0.22
"""Share of a bay or its car that must be seen for it to count."""


class LotKind(StrEnum):
    """What kind of lot."""

    OPEN = "open"
    """Straight rows under the sky: perpendicular, angled, parallel."""
    CURVED = "curved"
    """Rows round a bend."""
    GARAGE = "garage"
    """A level of a multi-storey car park."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A rendered picture and its truth.

    Attributes:
        image_bgr: shape (H, W, 3).
        kind: of the lot.
        quads_norm: bays that can be judged, shape (M, 4, 2), fractions of width and height:
            lane side left, lane side right, far right, far left of one who drives in.
        occupied: shape (M,).
        boxes_px: boxes of the cars, hidden parts too, x_min, y_min, x_max, y_max, shape (N, 4).
        pixels: which car or person each pixel shows, shape (H, W); see `label_pixels`.
        camera: that took it; it projects metres and has the ground's homography.
        weather: what the sky did.
    """

    image_bgr: ImageBgr
    kind: LotKind
    quads_norm: Floats
    occupied: npt.NDArray[np.bool_]
    boxes_px: Floats
    pixels: Labels
    camera: Camera
    weather: Weather


def render_sample(
    seed: int, image_wh: tuple[int, int] = (1280, 720)
) -> tuple[ImageBgr, Floats, npt.NDArray[np.bool_]]:
    """One training picture: the same seed gives the same picture.

    Args:
        seed: chooses lot, camera, light, weather and cars.
        image_wh: width and height in pixels.

    Returns:
        The picture (H, W, 3) uint8, quads (M, 4, 2) float32 as fractions of width and height, and
        whether each bay is occupied (M,) bool.
    """
    sample = make_sample(seed, image_wh)
    return sample.image_bgr, sample.quads_norm, sample.occupied


def make_sample(
    seed: int, image_wh: tuple[int, int] = (1280, 720), kind: LotKind = LotKind.OPEN
) -> Sample:
    """As `render_sample`, of any kind of lot, with all that is known of it."""
    rng = np.random.default_rng(seed)
    layout, camera, light = _scene(rng, kind, image_wh)
    stage = Stage(layout, camera, light, int(rng.integers(1 << 31)), detail=1)
    parked = _fill(rng, stage)
    taken = np.array([occupied for occupied, _ in parked])
    actors = [actor for _, actor in parked if actor is not None]
    cars = list(actors)
    actors += _passers(rng, stage, cars)
    people = [p for _ in range(int(rng.integers(0, 5))) for p in random_person(rng, stage)]
    actors += people
    image, nearest = stage.compose(actors)
    quads, seen = _seen_bays(layout, camera)
    seen &= np.array([_in_sight(quads[i], actor, nearest) for i, (_, actor) in enumerate(parked)])
    boxes = np.array([_box(actor) for actor in cars], np.float32).reshape(-1, 4)
    finished = finish(image, light, rng)
    return Sample(
        image_bgr=_lens(finished, rng),
        kind=kind,
        quads_norm=quads[seen],
        occupied=taken[seen],
        boxes_px=boxes,
        pixels=label_pixels(stage.nearest_m, cars, people),
        camera=camera,
        weather=light.weather,
    )


def _scene(
    rng: np.random.Generator, kind: LotKind, image_wh: tuple[int, int]
) -> tuple[LotLayout, Camera, Light]:
    if kind is LotKind.GARAGE:
        layout = garage_layout(rng)
        return layout, garage_camera(rng, layout, image_wh), garage_light(layout)
    layout = random_layout(rng) if kind is LotKind.OPEN else curved_layout(rng)
    return layout, _random_camera(rng, layout, image_wh), random_light(rng, layout)


def random_light(rng: np.random.Generator, layout: LotLayout) -> Light:
    """Any light: sun in four cases of ten, night in less than two."""
    kinds = (Weather.SUN, Weather.OVERCAST, Weather.RAIN, Weather.SNOW, Weather.DUSK, Weather.NIGHT)
    weather = kinds[int(rng.choice(6, p=[0.40, 0.20, 0.12, 0.04, 0.09, 0.15]))]
    power = float(rng.uniform(25, 75))
    warm = float(rng.uniform(0.35, 1.0))
    lamp_bgr = (power * warm * 0.9, power * (0.6 + 0.4 * warm), power)
    lamps: tuple[Lamp, ...] = tuple(lamp_of(post, lamp_bgr) for post in layout.posts)
    if not lamps:
        spots = rng.uniform((-18, -4), (18, 22), (4, 2))
        lamps = tuple(Lamp((float(x), float(y), 7.0), lamp_bgr) for x, y in spots)
    azimuth, height = float(rng.uniform(0, 360)), float(rng.uniform(12, 68))
    light = make_light(weather, azimuth, height, lamps)
    return replace(light, exposure=light.exposure * float(np.exp(rng.normal(0, 0.28))))


def _random_camera(
    rng: np.random.Generator, layout: LotLayout, image_wh: tuple[int, int]
) -> Camera:
    """A pole or a house front, 4 to 14 m high, that sees at least a few bays."""
    corners = np.concatenate([bay.corners() for bay in layout.bays])
    low, high = corners.min(0), corners.max(0)
    camera = look_at((0.0, -14.0, 7.0), (0.0, 4.0), image_wh, 70.0)
    for _ in range(_TRIES):
        height = float(np.exp(rng.uniform(math.log(4.0), math.log(14.0))))
        away = float(rng.uniform(0.4, 2.3)) * height
        x = float(rng.uniform(low[0] * 0.8, high[0] * 0.8))
        target = (float(x + rng.normal(0, 6)), float(rng.uniform(low[1], high[1])))
        y = float(rng.uniform(low[1] - away, min(target[1] - 1.0, low[1] + 2.0)))
        camera = look_at((x, y, height), target, image_wh, float(rng.uniform(45, 100)))
        tilted = replace(camera, roll_rad=float(rng.normal(0, 0.035)))
        camera = replace(tilted, k1=float(rng.choice([0.0, rng.uniform(-0.28, 0.02)])))
        quads, seen = _seen_bays(layout, camera)
        size = np.sqrt(_areas(quads[seen] * np.array(image_wh, np.float32)))
        if seen.sum() >= _MIN_BAYS and np.median(size) > 2 * _MIN_BAY_PX:
            break
    return camera


def _seen_bays(layout: LotLayout, camera: Camera) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Quads of all bays, (B, 4, 2) normalised, and which lie in the picture and are big enough."""
    corners = np.stack([bay.corners(0.05) for bay in layout.bays])
    flat = np.concatenate([corners, np.zeros((*corners.shape[:2], 1))], -1)
    pixels, visible = camera.project(flat)
    width, height = camera.image_wh
    inside = (pixels > (-2, -2)).all((1, 2)) & (pixels < (width + 2, height + 2)).all((1, 2))
    centre = pixels.mean(1)
    inside |= (np.abs(centre / camera.image_wh - 0.5) < 0.47).all(1) & (
        np.abs(pixels / camera.image_wh - 0.5) < 0.56
    ).all((1, 2))
    big = np.sqrt(_areas(pixels.astype(np.float32))) > _MIN_BAY_PX
    return camera.to_norm(pixels), inside & visible.all(1) & big


def _areas(quads: Floats) -> Floats:
    x, y = quads[..., 0], quads[..., 1]
    cross = x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)
    return np.asarray(np.abs(cross.sum(1)) / 2, np.float32)


def _fill(rng: np.random.Generator, stage: Stage) -> list[tuple[bool, Actor | None]]:
    """Park cars; each bay is taken with the lot's own share, and its car painted if in view."""
    share = float(rng.beta(1.6, 1.4))
    parked: list[tuple[bool, Actor | None]] = []
    for bay in stage.layout.bays:
        occupied = bool(rng.random() < share)
        actor = None
        if occupied:
            position, heading = parked_pose(rng, bay)
            actor = stage.paint_car(random_car(rng), position, heading)
        parked.append((occupied, actor))
    return parked


def _in_sight(quad_norm: Floats, actor: Actor | None, nearest_m: Floats) -> bool:
    """Whether enough of a bay, or of the car in it, is seen for anybody to judge it."""
    height, width = nearest_m.shape
    if actor is not None:
        cover = actor.sprite.cover > 0.5
        own = np.isclose(nearest_m[actor.sprite.window()], actor.sprite.distance_m)
        return bool((own & cover).sum() > _MIN_SIGHT * max(cover.sum(), 1))
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, np.round(quad_norm * (width, height)).astype(np.int32), (1,))
    inside = mask > 0
    return bool(np.isinf(nearest_m[inside]).sum() > _MIN_SIGHT * max(inside.sum(), 1))


def parked_pose(rng: np.random.Generator, bay: BaySpot) -> tuple[tuple[float, float], float]:
    """Where a driver leaves the car: about the middle, a little askew, some tail first."""
    backed = bay.angle is not BayAngle.PARALLEL and rng.random() < 0.3
    heading = bay.heading_rad + math.pi * backed + float(rng.normal(0, 0.025))
    along, across = float(rng.normal(0, 0.18)), float(rng.normal(0, 0.13))
    sin, cos = math.sin(bay.heading_rad), math.cos(bay.heading_rad)
    x = bay.centre_m[0] + cos * along - sin * across
    y = bay.centre_m[1] + sin * along + cos * across
    return (x, y), heading


def _passers(rng: np.random.Generator, stage: Stage, cars: list[Actor]) -> list[Actor]:
    """Cars that drive along the lanes: they occupy nothing."""
    actors = []
    for lane in stage.layout.lanes:
        for _ in range(int(rng.integers(0, 3))):
            ahead = bool(rng.random() < 0.5)
            y = lane.y_m + (-1 if ahead else 1) * lane.width_m * 0.22
            x = float(rng.uniform(-22, 22))
            car = replace(random_car(rng), lights_on=stage.light.headlights)
            heading = (0.0 if ahead else math.pi) + float(rng.normal(0, 0.05))
            place, bend = (x, y), stage.layout.bend
            if bend is not None:
                place, heading = bend.place(place, heading)
            actor = stage.paint_car(car, place, heading)
            if actor is not None:
                actors.append(actor)
                cars.append(actor)
    return actors


def _box(actor: Actor) -> tuple[float, float, float, float]:
    rows, columns = np.nonzero(actor.sprite.cover > 0.3)
    if not len(rows):
        return (0.0, 0.0, 0.0, 0.0)
    left, top = actor.sprite.left_px, actor.sprite.top_px
    return (
        float(left + columns.min()),
        float(top + rows.min()),
        float(left + columns.max() + 1),
        float(top + rows.max() + 1),
    )


def _lens(image: ImageBgr, rng: np.random.Generator) -> ImageBgr:
    """Softness and compression of a cheap camera."""
    softness = float(rng.uniform(0.0, 1.1))
    if softness > 0.35:
        image = cv2.GaussianBlur(image, (0, 0), softness).astype(np.uint8)
    quality = int(rng.integers(45, 96))
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
