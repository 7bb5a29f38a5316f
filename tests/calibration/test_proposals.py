from __future__ import annotations

import numpy as np
import pytest
from shapely import Polygon

from calibration.geometry import Doubles
from calibration.pose import GroundCamera, ground_points
from calibration.proposals import (
    Proposal,
    proposals_to_bays,
    propose_from_frame,
    propose_from_frames,
    standing_vehicles,
)
from calibration.proposals.camera import Vehicles, fit_camera
from calibration.proposals.footprints import CAR_M, place_vehicles
from vision.types import Detections

WH = (1920, 1080)
PITCH_M = 2.5


def camera(**changed: float) -> GroundCamera:
    known = {"focal_px": 0.7 * WH[0], "tilt_rad": np.radians(35), "roll_rad": 0.0, "height_m": 9.0}
    return GroundCamera(WH, **{**known, **changed})


def car_box(view: GroundCamera, place_m: Doubles, yaw: float) -> Doubles:
    """The box of a car-sized cuboid, made apart from the code that is tested."""
    corners = []
    for x in (-CAR_M[0] / 2, CAR_M[0] / 2):
        for y in (-CAR_M[1] / 2, CAR_M[1] / 2):
            turned = (x * np.cos(yaw) - y * np.sin(yaw), x * np.sin(yaw) + y * np.cos(yaw))
            corners += [(*(place_m + turned), z) for z in (0.0, CAR_M[2])]
    points = view.project(np.array(corners))
    return np.concatenate([points.min(0), points.max(0)])


def row_of_bays(start_m: tuple[float, float], count: int) -> Doubles:
    """Middles of bays side by side along x; their cars stand along y."""
    return np.array([(start_m[0] + PITCH_M * i, start_m[1]) for i in range(count)])


def bay_outline(view: GroundCamera, middle_m: Doubles) -> Polygon:
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (PITCH_M / 2, 2.5)
    return Polygon(view.project(ground_points(middle_m + half)))


def detections(boxes: list[Doubles], confidence: float = 0.9) -> Detections:
    count = len(boxes)
    return Detections(
        np.asarray(boxes, np.float32).reshape(-1, 4),
        np.full(count, confidence, np.float32),
        np.zeros(count, np.int64),
    )


def found_of(proposals: tuple[Proposal, ...], bays: list[Polygon]) -> list[bool]:
    """Which bays have a proposal with an IoU of 0.5 or more."""
    shapes = [Polygon(np.asarray(proposal.polygon) * WH) for proposal in proposals]
    return [
        any(s.intersection(bay).area >= 0.5 * s.union(bay).area for s in shapes) for bay in bays
    ]


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(camera(), id="pole"),
        pytest.param(camera(focal_px=0.5 * WH[0], distortion=-0.4), id="wide lens"),
    ],
)
def test_a_row_with_gaps_is_proposed_whole(view: GroundCamera) -> None:
    front, back = row_of_bays((-9, 13), 8), row_of_bays((-9, 24), 8)
    empty = {(0, 3), (0, 4), (1, 5)}
    boxes = [
        car_box(view, middle, np.pi / 2)
        for r, row in enumerate((front, back))
        for i, middle in enumerate(row)
        if (r, i) not in empty
    ]
    proposals = propose_from_frame(detections(boxes), WH)
    bays = [bay_outline(view, middle) for middle in (*front, *back)]
    inside = [Polygon([(0, 0), (WH[0], 0), WH, (0, WH[1])]).contains(bay) for bay in bays]
    found = [hit for hit, whole in zip(found_of(proposals, bays), inside, strict=True) if whole]
    assert sum(found) >= 0.8 * len(found), found
    assert sum(proposal.is_gap for proposal in proposals) >= 2
    assert len(proposals) <= len(bays) + 2


def test_the_camera_is_found_from_boxes_and_places_cars() -> None:
    view = camera()
    middles = [*row_of_bays((-9, 13), 8), *row_of_bays((-9, 24), 8)]
    boxes = np.array([car_box(view, middle, np.pi / 2) for middle in middles])
    found = fit_camera(Vehicles.of_frame(detections(list(boxes))), WH)
    assert np.degrees(found.tilt_rad) == pytest.approx(35, abs=6)
    assert found.height_m == pytest.approx(9, rel=0.25)
    places, sizes = place_vehicles(view, boxes, np.array([np.pi / 2]))
    np.testing.assert_allclose(places[:, 0], middles, atol=0.05)
    np.testing.assert_allclose(sizes[:, 0], boxes[:, 2:] - boxes[:, :2], atol=2)


@pytest.mark.parametrize("distortion", [0.0, -0.3, -0.6])
def test_the_ground_camera_goes_there_and_back(distortion: float) -> None:
    view = camera(roll_rad=0.1, distortion=distortion)
    pixels = np.array([[300, 500], [960, 540], [1700, 1000.0], [5, 1075]])
    back = view.project(ground_points(view.to_plane(pixels)))
    np.testing.assert_allclose(back, pixels, atol=1e-6)
    assert np.isnan(view.to_plane(np.array([[960.0, -2000.0]]))).all(), "above the horizon"
    assert np.isnan(view.project(np.array([0.0, -30.0, 0.0]))).all(), "behind the camera"


def test_few_or_no_vehicles_give_no_proposals() -> None:
    assert propose_from_frame(Detections.empty(), WH) == ()
    one = detections([car_box(camera(), np.array([0, 15.0]), np.pi / 2)])
    assert propose_from_frame(one, WH) == ()
    assert propose_from_frames([Detections.empty()] * 5, WH) == ()


def test_driving_vehicles_are_no_bays() -> None:
    view = camera()
    parked = [car_box(view, middle, np.pi / 2) for middle in row_of_bays((-6, 14), 6)]
    frames = [
        detections([*parked, car_box(view, np.array([-12 + 2.5 * t, 20.0]), 0.0)])
        for t in range(10)
    ]
    standing = standing_vehicles(frames)
    assert len(standing) == 6
    np.testing.assert_allclose(
        standing.boxes_px[standing.boxes_px[:, 0].argsort()],
        np.array(parked)[np.array(parked)[:, 0].argsort()],
        atol=0.01,
    )
    proposals = propose_from_frames(frames, WH)
    assert sum(found_of(proposals, [bay_outline(view, m) for m in row_of_bays((-6, 14), 6)])) >= 5
    assert len(proposals) == 6


def test_bays_used_at_different_times_add_up() -> None:
    view = camera()
    row = row_of_bays((-6, 14), 6)
    boxes = [car_box(view, middle, np.pi / 2) for middle in row]
    frames = [detections([boxes[(t // 4 + k) % 6] for k in range(3)]) for t in range(24)]
    assert len(standing_vehicles(frames)) == 6
    proposals = propose_from_frames(frames, WH)
    assert sum(found_of(proposals, [bay_outline(view, middle) for middle in row])) == 6


def test_nothing_is_proposed_on_bays_that_are_drawn() -> None:
    view = camera()
    row = row_of_bays((-6, 14), 6)
    seen = detections([car_box(view, middle, np.pi / 2) for middle in row])
    everything = propose_from_frame(seen, WH)
    drawn = [proposal.polygon for proposal in everything[:2]]
    rest = propose_from_frame(seen, WH, drawn=drawn)
    assert [proposal.polygon for proposal in rest] == [p.polygon for p in everything[2:]]


def test_proposals_are_clockwise_in_the_picture_and_numbered_along_rows() -> None:
    view = camera()
    seen = detections([car_box(view, middle, np.pi / 2) for middle in row_of_bays((-6, 14), 6)])
    proposals = propose_from_frame(seen, WH)
    bays = proposals_to_bays(proposals, "P07")
    assert [bay.id for bay in bays] == [f"P{7 + i:02d}" for i in range(len(bays))]
    middles = [float(np.mean([x for x, _ in bay.polygon])) for bay in bays]
    assert middles in (sorted(middles), sorted(middles, reverse=True))
    for bay in bays:
        x, y = np.asarray(bay.polygon).T
        assert np.dot(x, np.roll(y, -1)) > np.dot(np.roll(x, -1), y)
        assert 0 <= min(x.min(), y.min()) <= max(x.max(), y.max()) <= 1
