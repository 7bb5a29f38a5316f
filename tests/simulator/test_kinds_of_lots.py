"""Curved lots, levels of car parks, and cameras that turn: the truth still is what is seen."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from simulator import (
    Bend,
    Camera,
    Drift,
    LotKind,
    Scene,
    SimulatedLot,
    Weather,
    boxes_of,
    curved_layout,
    demo_layout,
    demo_scene,
    look_at,
    make_sample,
    multi_storey,
    turn_homography,
)
from simulator.driving import share_in_bay
from simulator.traffic import Stay

WH = (480, 270)


def test_a_bend_keeps_the_line_through_the_middle_and_turns_what_lies_beside_it() -> None:
    bend = Bend(30.0)
    assert bend.point((0.0, 5.0)) == pytest.approx((0.0, 5.0))
    quarter = bend.point((30.0 * math.pi / 2, 0.0))
    assert quarter == pytest.approx((30.0, -30.0))
    assert bend.heading(30.0 * math.pi / 2, 0.0) == pytest.approx(-math.pi / 2)
    points = np.random.default_rng(0).uniform((-40, -9), (40, 20), (50, 2))
    assert bend.plan_y(bend.points(points)) == pytest.approx(points[:, 1])
    with pytest.raises(ValueError, match="at least 10 m"):
        Bend(4.0)


@pytest.mark.parametrize("seed", range(4))
def test_bays_of_a_curved_lot_do_not_overlap(seed: int) -> None:
    layout = curved_layout(np.random.default_rng(seed))
    assert layout.bend is not None
    assert layout.plan is not None
    assert [bay.id for bay in layout.bays] == [bay.id for bay in layout.plan.bays]
    corners = [bay.corners(0.05).astype(np.float32) for bay in layout.bays]
    for index, one in enumerate(corners):
        for other in corners[index + 1 :]:
            shared, _ = cv2.intersectConvexConvex(one, other)
            assert shared < 0.05


@pytest.fixture(scope="module")
def curved() -> SimulatedLot:
    layout = curved_layout(np.random.default_rng(2))
    camera = look_at((0.0, -14.0, 9.0), (0.0, 4.0), WH, 75.0)
    return SimulatedLot(Scene(layout, camera), seed=3, detail=1)


def test_cars_of_a_curved_lot_stand_in_their_bent_bays(curved: SimulatedLot) -> None:
    time_s = 30.0
    labels = curved.pixels(time_s)
    seen = {}
    for bay, quad in zip(curved.bay_ids, curved.quads_norm(), strict=True):
        mask = np.zeros(labels.shape, np.uint8)
        cv2.fillConvexPoly(mask, np.round(quad * WH).astype(np.int32), (1,))
        seen[bay] = (labels[mask > 0] > 0).mean()
    near = [bay for bay in curved.bay_ids if bay.startswith("A")]  # hidden by nothing
    truth = curved.truth(time_s)
    assert {truth[bay] for bay in near} == {True, False}
    for bay in near:
        assert (seen[bay] > 0.35) == truth[bay], (bay, seen[bay])


def test_traffic_of_a_curved_lot_keeps_its_truth(curved: SimulatedLot) -> None:
    plan = curved.scene.layout.plan
    assert plan is not None
    stays = [stay for stay in curved.traffic.parked(90.0) if isinstance(stay, Stay)]
    arrived = [(stay, stay.arrives) for stay in stays if stay.arrives is not None]
    assert arrived
    by_id = {bay.id: bay for bay in plan.bays}
    for stay, trip in arrived:
        assert share_in_bay(trip, stay.car, by_id[stay.bay])[-1] > 0.8


def test_levels_of_a_car_park_are_alike_but_for_their_ids() -> None:
    low, high = multi_storey(7, 2)
    assert {bay.id[:3] for bay in low.bays} == {"P1-"}
    assert {bay.id[:3] for bay in high.bays} == {"P2-"}
    assert [bay.centre_m for bay in low.bays] == [bay.centre_m for bay in high.bays]
    assert low.ceiling_m is not None
    with pytest.raises(ValueError, match="at least one level"):
        multi_storey(7, 0)


def test_a_sky_under_a_ceiling_is_refused() -> None:
    (level,) = multi_storey(1, 1)
    camera = look_at((0.0, 0.0, 2.2), (6.0, 2.0), WH, 90.0)
    with pytest.raises(ValueError, match="under a ceiling"):
        Scene(level, camera, Weather.SUN)
    with pytest.raises(ValueError, match="under a ceiling"):
        Scene(demo_layout(), camera, Weather.INDOOR)


@pytest.mark.parametrize("kind", [LotKind.CURVED, LotKind.GARAGE])
def test_samples_of_every_kind_repeat_and_tell_the_truth(kind: LotKind) -> None:
    samples = [make_sample(seed, WH, kind) for seed in range(3)]
    again = make_sample(0, WH, kind)
    assert np.array_equal(again.image_bgr, samples[0].image_bgr)
    assert np.array_equal(again.pixels, samples[0].pixels)
    for sample in samples:
        assert sample.kind is kind
        assert sample.quads_norm.shape == (len(sample.occupied), 4, 2)
        boxes = boxes_of(sample.pixels)
        assert len(boxes) <= len(sample.boxes_px)
        for box in boxes:  # what is seen of a car lies inside the car's whole box
            inside = (box[:2] >= sample.boxes_px[:, :2] - 2) & (
                box[2:] <= sample.boxes_px[:, 2:] + 2
            )
            assert inside.all(1).any()
    assert sum(len(sample.occupied) for sample in samples) > 8


DRIFT = Drift(
    swing_deg=(0.6, 0.4, 0.8), swing_period_s=400.0, knock_deg=(2.0, 0, 0), knock_at_s=200
)


@pytest.fixture(scope="module")
def drifting() -> SimulatedLot:
    scene = demo_scene(image_wh=WH)
    return SimulatedLot(Scene(scene.layout, scene.camera, drift=DRIFT), seed=7, detail=1)


def moved_by(camera: Camera, turned: Camera, points_px: np.ndarray) -> np.ndarray:
    matrix = turn_homography(camera, turned)
    return cv2.perspectiveTransform(points_px.reshape(-1, 1, 2).astype(np.float64), matrix)[:, 0]


def test_a_turning_camera_starts_as_aimed_swings_and_stays_knocked(drifting: SimulatedLot) -> None:
    aimed = drifting.scene.camera
    assert drifting.camera_at(0.0) == aimed
    assert drifting.camera_at(100.0).yaw_rad - aimed.yaw_rad == pytest.approx(math.radians(0.6))
    later = drifting.camera_at(400.0)
    assert later.yaw_rad - aimed.yaw_rad == pytest.approx(math.radians(2.0), abs=1e-9)
    assert np.array_equal(drifting.quads_norm(), drifting.quads_norm(0.0))


def test_the_turned_bays_are_where_the_homography_puts_them(drifting: SimulatedLot) -> None:
    time_s = 260.0
    turned = drifting.camera_at(time_s)
    corners = drifting.quads_norm().reshape(-1, 2) * WH
    carried = moved_by(drifting.scene.camera, turned, corners)
    assert carried == pytest.approx(drifting.quads_norm(time_s).reshape(-1, 2) * WH, abs=0.01)
    assert np.linalg.norm(carried - corners, axis=1).mean() > 5


def test_the_picture_turns_with_the_camera() -> None:
    """Turned back, what two cameras saw that turned opposite ways is the same."""
    scene, time_s = demo_scene(image_wh=WH), 100.0
    back = []
    for way in (1.0, -1.0):
        drift = Drift(swing_deg=(0.9 * way, 0.5 * way, 1.2 * way), swing_period_s=400.0)
        lot = SimulatedLot(Scene(scene.layout, scene.camera, drift=drift), seed=7, detail=1)
        matrix = turn_homography(lot.camera_at(time_s), scene.camera)
        frame = cv2.GaussianBlur(lot.frame(time_s), (0, 0), 1.5)  # the noise is not turned
        back.append((frame, cv2.warpPerspective(frame, matrix, WH)))
        assert (lot.pixels(time_s) > 0).any()
    inner = (slice(30, -30), slice(30, -30))
    apart, together = (
        np.abs(back[0][i][inner].astype(int) - back[1][i][inner]).mean() for i in (0, 1)
    )
    assert together < 0.25 * apart


def test_a_turn_that_is_no_drift_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 20 degrees"):
        Drift(swing_deg=(0.0, 30.0, 0.0))
