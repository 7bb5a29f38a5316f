"""What moves before a camera: people and passing vehicles, but no weather, light, or parked car."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from simulator import SimulatedLot, Weather, demo_scene
from vision.background import BackgroundModel, Moving
from vision.types import Floats, as_floats
from vision.view_match import small_grey

Grey = npt.NDArray[np.uint8]
WH = (640, 360)
PERSON_WH, CAR_WH = (12, 30), (56, 80)
BAYS: list[Floats] = [
    as_floats([[x, 200], [x + 64, 200], [x + 64, 300], [x, 300]]) / as_floats(WH)
    for x in range(60, 572, 64)
]
LANE_Y = 100
Picture = Callable[..., Grey]


@pytest.fixture(scope="module")
def asphalt() -> Grey:
    """A lot without anybody: patches of brightness 60 to 160, and lines round the bays."""
    coarse = np.random.default_rng(4).integers(60, 160, (12, 20), dtype=np.uint8)
    made = np.asarray(cv2.resize(coarse, WH, interpolation=cv2.INTER_CUBIC), np.uint8)
    lines = [np.round(bay * as_floats(WH)).astype(np.int32) for bay in BAYS]
    cv2.polylines(made, lines, isClosed=True, color=(220,), thickness=3)
    return made


@pytest.fixture
def picture(asphalt: Grey) -> Picture:
    """`picture(noise, *things)`: the lot with things of (x, y), (w, h), brightness on it."""
    rng = np.random.default_rng(5)

    def make(noise: float = 2.0, *things: tuple[tuple[int, int], tuple[int, int], int]) -> Grey:
        made = asphalt.astype(np.float32)
        for (x, y), (wide, high), level in things:
            made[y : y + high, x : x + wide] = level
        return np.clip(made + rng.normal(0, noise, made.shape), 0, 255).astype(np.uint8)

    return make


def settled(scene: BackgroundModel, picture: Picture, noise: float = 2.0) -> float:
    """Let a scene see the empty lot for half a minute; the time of the next picture."""
    for second in range(30):
        scene.look(picture(noise), float(second), BAYS)
    return 30.0


def covered(moving: Moving, x: int, y: int, wide: int, high: int) -> float:
    """Share of a rectangle, pixels of `WH`, that is told to be people."""
    people = cv2.resize(moving.people, WH, interpolation=cv2.INTER_NEAREST)
    return float((people[y : y + high, x : x + wide] > 0).mean())


@pytest.mark.parametrize("noise", [1.0, 6.0])
def test_who_walks_is_found_and_nothing_else(picture: Picture, noise: float) -> None:
    scene = BackgroundModel()
    begin_s = settled(scene, picture, noise)
    for step in range(12):
        place = (100 + 20 * step, LANE_Y)
        moving = scene.look(picture(noise, (place, PERSON_WH, 230)), begin_s + step, BAYS)
        assert covered(moving, *place, *PERSON_WH) > 0.8
        assert (moving.people > 0).mean() < 0.02
        assert not len(moving.vehicles_norm)


def test_neither_light_nor_noise_moves(picture: Picture) -> None:
    scene = BackgroundModel()
    begin_s = settled(scene, picture, 6.0)
    for second in range(40):
        light = 0.7 + 0.3 * np.cos(second / 4)  # a cloud, or the camera's exposure
        dimmed = np.clip(picture(6.0) * light + 10, 0, 255).astype(np.uint8)
        moving = scene.look(dimmed, begin_s + second, BAYS)
        assert (moving.people > 0).mean() < 0.005
        assert not len(moving.vehicles_norm)


def test_a_camera_that_sways_moves_little() -> None:
    """Without being followed a tenth of this picture would move all the time."""
    lot = SimulatedLot(demo_scene(Weather.OVERCAST, image_wh=(1280, 720)), seed=3, detail=1)
    still, quads = small_grey(lot.frame(20.0), 640), list(lot.quads_norm())
    rng, scene, shares = np.random.default_rng(6), BackgroundModel(), []
    for second in range(40):
        by_px = (1.5 * np.sin(1.3 * second), np.cos(0.9 * second))
        matrix = as_floats([[1, 0, by_px[0]], [0, 1, by_px[1]]])
        swayed = cv2.warpAffine(still, matrix, WH, borderMode=cv2.BORDER_REPLICATE)
        noisy = np.clip(swayed + rng.normal(0, 2, swayed.shape), 0, 255).astype(np.uint8)
        moving = scene.look(noisy, float(second), quads)
        shares.append(float((moving.people > 0).mean()))
    assert np.mean(shares[5:]) < 0.01


def test_a_passing_vehicle_is_a_box_and_its_place_is_nobody_afterwards(picture: Picture) -> None:
    scene = BackgroundModel()
    begin_s = settled(scene, picture)
    for step in range(5):
        x = 60 + 90 * step
        car = ((x, LANE_Y), CAR_WH, 235)
        moving = scene.look(picture(2.0, car), begin_s + step, BAYS)
        boxes = moving.vehicles_norm * as_floats([*WH, *WH])
        expected = [x, LANE_Y, x + CAR_WH[0], LANE_Y + CAR_WH[1]]
        assert np.abs(boxes - expected).max(1).min() < 9
        assert covered(moving, x, LANE_Y, *CAR_WH) == 0
    moving = scene.look(picture(), begin_s + 5, BAYS)
    assert (moving.people > 0).mean() < 0.01


def test_a_car_that_parks_stays_as_it_is_and_becomes_part_of_the_scene(picture: Picture) -> None:
    scene = BackgroundModel()
    begin_s = settled(scene, picture)
    parked = ((128, 210), CAR_WH, 235)
    for second in range(75):
        moving = scene.look(picture(2.0, parked), begin_s + second, BAYS)
        assert covered(moving, 128, 210, *CAR_WH) < 0.02
    place = (140, 230)
    person = (place, PERSON_WH, 30)  # walks in front of it
    moving = scene.look(picture(2.0, parked, person), begin_s + 75, BAYS)
    assert covered(moving, *place, *PERSON_WH) > 0.8


def test_who_stands_still_is_found_for_most_of_a_minute_and_lost_then(picture: Picture) -> None:
    scene = BackgroundModel()
    begin_s = settled(scene, picture)
    person = ((300, LANE_Y), PERSON_WH, 230)
    shares = [
        covered(scene.look(picture(2.0, person), begin_s + s, BAYS), 300, LANE_Y, *PERSON_WH)
        for s in range(70)
    ]
    assert min(shares[:55]) > 0.8
    assert max(shares[65:]) == 0


@pytest.mark.parametrize("change", ["gap", "size", "view", "bays", "lamps"])
def test_another_scene_begins_anew(picture: Picture, change: str) -> None:
    """Everything would be moving, or the wrong things would."""
    scene = BackgroundModel()
    begin_s = settled(scene, picture)
    grey, bays = picture(2.0, ((300, LANE_Y), PERSON_WH, 230)), BAYS
    if change == "gap":
        begin_s += 100
    elif change == "size":
        grey = np.asarray(cv2.resize(grey, (480, 270)), np.uint8)
    elif change == "view":
        bays = [bay + np.float32(0.02) for bay in BAYS]
    elif change == "bays":
        bays = BAYS[:-1]
    else:
        grey = np.asarray(255 - grey, np.uint8)
    moving = scene.look(grey, begin_s, bays)
    assert not moving.people.any()
    assert not len(moving.vehicles_norm)
    moving = scene.look(grey, begin_s + 1, bays)
    assert not moving.people.any(), "it is part of the new scene"


def test_without_bays_all_that_moves_is_people(picture: Picture) -> None:
    scene = BackgroundModel()
    for second in range(20):
        scene.look(picture(), float(second), [])
    moving = scene.look(picture(2.0, ((100, LANE_Y), CAR_WH, 235)), 20.0, [])
    assert covered(moving, 100, LANE_Y, *CAR_WH) > 0.9


def test_what_is_found_cannot_be_changed() -> None:
    moving = Moving(np.zeros((2, 3), np.uint8), np.zeros((0, 4), np.float32))
    with pytest.raises(ValueError, match="read-only"):
        moving.people[0, 0] = 1
    with pytest.raises(ValueError, match="shapes"):
        Moving(np.zeros((2, 3), np.uint8), np.zeros((1, 2), np.float32))


@pytest.mark.parametrize("weather", [Weather.OVERCAST, Weather.RAIN])
def test_people_by_the_bays_of_a_rendered_lot_are_covered(weather: Weather) -> None:
    """A rush, a look a second. Who walks right beside a moving vehicle is bounded as that is; away
    from the bays all is a mosaic anyway."""
    lot = SimulatedLot(demo_scene(weather, image_wh=(1280, 720)), seed=3, detail=1)
    scene, shares, found, still = BackgroundModel(), [], [], []
    quads = list(lot.quads_norm())
    hull = cv2.convexHull(np.round(np.concatenate(quads) * WH).astype(np.int32))
    by_bays = np.zeros(WH[::-1], np.uint8)
    cv2.fillConvexPoly(by_bays, hull, (1,))
    for time_s in range(20, 80):
        moving = scene.look(small_grey(lot.frame(time_s), 640), time_s, quads)
        people = cv2.resize(moving.people, WH, interpolation=cv2.INTER_NEAREST) > 0
        truth = (lot.pixels(time_s)[::2, ::2] < 0) & (by_bays > 0)
        if time_s < 35:
            continue
        bounded = people.copy()
        for left, top, right, bottom in np.round(moving.vehicles_norm * [*WH, *WH]).astype(int):
            bounded[top:bottom, left:right] = True
        if truth.sum() > 60:
            shares.append(float(people[truth].mean()))
            found.append(float(bounded[truth].mean()))
        near = cv2.dilate((lot.pixels(time_s)[::2, ::2] != 0).astype(np.uint8), np.ones((9, 9))) > 0
        still.append(float((people & ~near).mean()))
    assert len(shares) > 5
    assert np.mean(shares) > 0.35
    assert np.mean(found) > 0.6
    assert np.mean(still) < 0.01
