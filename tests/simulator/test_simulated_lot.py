"""The simulator: same seed, same picture; the truth is what the picture shows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from simulator import (
    Camera,
    Scene,
    SimulatedLot,
    Weather,
    demo_layout,
    demo_scene,
    look_at,
    make_sample,
    render_sample,
)
from vision.types import Floats

WH = (640, 360)


@pytest.fixture(scope="module")
def lot() -> SimulatedLot:
    return SimulatedLot(demo_scene(image_wh=WH), seed=7, detail=1)


def share_covered(quad_norm: Floats, cars: np.ndarray) -> float:
    """Share of a bay's pixels that show a car."""
    mask = np.zeros(cars.shape, np.uint8)
    cv2.fillConvexPoly(mask, np.round(quad_norm * WH).astype(np.int32), (1,))
    return float((cars[mask > 0] > 0).mean())


def test_same_seed_gives_the_same_picture_whatever_was_asked_before(lot: SimulatedLot) -> None:
    other = SimulatedLot(demo_scene(image_wh=WH), seed=7, detail=1)
    later = other.frame(31.0)
    assert np.array_equal(other.frame(4.0), lot.frame(4.0))
    assert np.array_equal(lot.frame(31.0), later)


def test_another_seed_gives_other_traffic(lot: SimulatedLot) -> None:
    other = SimulatedLot(demo_scene(image_wh=WH), seed=8, detail=1)
    assert other.changes(0, 60) != lot.changes(0, 60)


@pytest.mark.parametrize("time_s", [0.0, 25.0, 55.0])
def test_a_bay_is_occupied_exactly_when_a_car_covers_its_ground(
    lot: SimulatedLot, time_s: float
) -> None:
    cars = lot.pixels(time_s)
    truth = lot.truth(time_s)
    busy = {c.bay for c in lot.changes(time_s - 6, time_s + 6)}
    near = [bay for bay in lot.bay_ids if bay.startswith("A") and bay not in busy]
    covered = {
        bay: share_covered(quad, cars)
        for bay, quad in zip(lot.bay_ids, lot.quads_norm(), strict=True)
    }
    assert near
    for bay in near:  # the near row is hidden by nothing
        assert (covered[bay] > 0.4) == truth[bay], (bay, covered[bay])


def test_cars_cover_what_differs_from_the_empty_lot(lot: SimulatedLot) -> None:
    picture, empty = lot.frame(12.0), lot.stage.background_bgr
    differs = np.abs(picture.astype(int) - empty).sum(2) > 60
    cars = lot.pixels(12.0) > 0
    assert differs[cars].mean() > 0.8
    assert differs[~cars].mean() < 0.06  # shadows


def test_changes_agree_with_the_truth_before_and_after(lot: SimulatedLot) -> None:
    changes = lot.changes(0, 120)
    assert len(changes) > 10
    for change in changes:
        assert lot.truth(change.time_s - 0.01)[change.bay] is not change.occupied
        assert lot.truth(change.time_s + 0.01)[change.bay] is change.occupied


def test_moving_cars_never_touch_each_other(lot: SimulatedLot) -> None:
    for time_s in np.arange(0, 120, 0.5):
        spots = [np.array(pose.position_m) for _, pose in lot.traffic.moving(float(time_s))]
        for index, spot in enumerate(spots):
            for other in spots[index + 1 :]:
                assert np.linalg.norm(spot - other) > 2.0, time_s


@pytest.mark.parametrize("weather", list(Weather), ids=str)
def test_every_weather_renders_a_picture_with_contrast(weather: Weather) -> None:
    lot = SimulatedLot(demo_scene(weather, (320, 180)), seed=3, detail=1)
    picture = lot.frame(2.0)
    assert picture.shape == (180, 320, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 12
    assert lot.bay_ids


def test_night_is_darker_than_day() -> None:
    def mean(weather: Weather) -> float:
        return float(SimulatedLot(demo_scene(weather, (320, 180)), 3, detail=1).frame(1.0).mean())

    assert mean(Weather.NIGHT) < mean(Weather.DUSK) < mean(Weather.SUN)


@pytest.mark.parametrize("k1", [0.0, -0.2], ids=["pinhole", "barrel"])
def test_rays_go_where_points_are_projected_from(k1: float) -> None:
    plain = look_at((1.0, -12.0, 6.0), (0.0, 4.0), (320, 240), 70.0)
    camera = Camera(
        plain.position_m, plain.yaw_rad, plain.pitch_rad, plain.focal_px, (320, 240), 0.05, k1
    )
    rays = camera.rays()
    for row, column in ((20, 30), (120, 160), (220, 300)):
        point = np.array(camera.position_m) + rays[row, column].astype(float) * 9.0
        pixel, visible = camera.project(point[None])
        assert visible[0]
        assert pixel[0] == pytest.approx((column + 0.5, row + 0.5), abs=0.05)


def test_ground_homography_agrees_with_projection() -> None:
    camera = look_at((2.0, -15.0, 8.0), (0.0, 3.0), (640, 480), 60.0)
    ground = np.array([[0.0, 0.0, 0.0], [4.0, 9.0, 0.0], [-6.0, 2.0, 0.0]])
    pixels, _ = camera.project(ground)
    carried = np.c_[ground[:, :2], np.ones(3)] @ camera.ground_homography().T
    assert carried[:, :2] / carried[:, 2:] == pytest.approx(pixels, abs=1e-6)


def test_a_camera_without_height_is_refused() -> None:
    with pytest.raises(ValueError, match="height above 0 m"):
        look_at((0.0, -5.0, 0.0), (0.0, 3.0), (320, 240), 60.0)


def test_a_moved_camera_sees_the_same_traffic_elsewhere(lot: SimulatedLot) -> None:
    camera = look_at((-2.2, -17.0, 7.4), (0.9, 3.4), WH, 66.0)
    moved = SimulatedLot(Scene(demo_layout(), camera), seed=7, detail=1)
    shared = set(moved.bay_ids) & set(lot.bay_ids)
    assert {b: moved.truth(20.0)[b] for b in shared} == {b: lot.truth(20.0)[b] for b in shared}
    index = {bay: i for i, bay in enumerate(moved.bay_ids)}
    mine = {bay: i for i, bay in enumerate(lot.bay_ids)}
    shift = [np.abs(moved.quads_norm()[index[b]] - lot.quads_norm()[mine[b]]).max() for b in shared]
    assert min(shift) > 0.005


@pytest.mark.parametrize("seed", [2, 5, 12])
def test_samples_are_deterministic_and_well_formed(seed: int) -> None:
    image, quads, occupied = render_sample(seed, (480, 270))
    again, same_quads, same = render_sample(seed, (480, 270))
    assert np.array_equal(image, again)
    assert np.array_equal(quads, same_quads)
    assert np.array_equal(occupied, same)
    assert image.shape == (270, 480, 3)
    assert quads.shape == (len(occupied), 4, 2)
    assert occupied.dtype == bool
    assert ((quads > -0.1) & (quads < 1.1)).all()


def test_samples_vary() -> None:
    samples = [make_sample(seed, (320, 180)) for seed in range(8)]
    assert len({sample.weather for sample in samples}) >= 3
    heights = [sample.camera.position_m[2] for sample in samples]
    assert max(heights) / min(heights) > 1.5
    assert any(s.occupied.any() for s in samples)
    assert any((~s.occupied).any() for s in samples)
