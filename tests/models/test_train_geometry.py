"""Pictures, bays and boxes are warped alike."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.frames import LotFrame
from models.training.config import AugmentConfig
from models.training.geometry import Warp, letterbox_matrix, random_warp, warp_boxes
from models.training.samples import Sample

SIZE_WH = (320, 256)


def _sample(near_vertical: bool = False) -> Sample:
    return Sample(
        frame=LotFrame("made", "train", Path("one.png"), (), (), ()),
        quads_px=np.zeros((0, 4, 2), np.float32),
        occupied=np.zeros(0, np.bool_),
        boxes_px=np.zeros((0, 4), np.float32),
        classes=np.zeros(0, np.int64),
        near_vertical=near_vertical,
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("barrel_share", [0.0, 1.0], ids=["straight", "fisheye"])
def test_points_follow_the_picture(seed: int, barrel_share: float) -> None:
    """A white disc drawn at a point is found where the point is warped to."""
    rng = np.random.default_rng(seed)
    config = AugmentConfig(barrel_share=barrel_share)
    warp = random_warp(_sample(), (640, 480), SIZE_WH, config, rng)
    points = rng.uniform(60, 420, (40, 2)).astype(np.float32)
    warped = warp.points(points)
    margin = 14
    inside = ((warped > margin) & (warped < np.array(SIZE_WH) - margin)).all(1)
    assert inside.any()
    for point, expected in zip(points[inside][:4], warped[inside][:4], strict=True):
        image = np.zeros((480, 640, 3), np.uint8)
        centre = (round(float(point[0]) * 16), round(float(point[1]) * 16))
        cv2.circle(image, centre, 8 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
        # The border is grey, the picture black: only the disc is brighter than the border.
        bright = np.argwhere(warp.image(image)[..., 0] > 128)
        found = bright.mean(0)[::-1]
        assert np.abs(found - expected).max() < 1.0


def test_letterbox_fits_and_centres() -> None:
    warp = Warp(letterbox_matrix((1600, 1200), (960, 736)), 0.0, (960, 736))
    corners = warp.points(np.array([[0, 0], [1600, 1200]], np.float32))
    assert np.allclose(corners, [[0, 8], [960, 728]], atol=1e-3)


def test_boxes_are_cut_at_the_border_and_dropped_when_hardly_seen() -> None:
    warp = Warp(np.eye(3), 0.0, (100, 100))
    boxes = np.array([[10, 10, 30, 20], [90, 40, 110, 60], [97, 40, 117, 60]], np.float32)
    kept, which = warp_boxes(warp, boxes)
    assert which.tolist() == [True, True, False]
    assert np.allclose(kept, [[10, 10, 30, 20], [90, 40, 100, 60]])


def test_a_quarter_turn_swaps_the_sides_of_a_box() -> None:
    turn = np.array([[0, -1, 100], [1, 0, 0], [0, 0, 1]], np.float64)
    kept, _ = warp_boxes(Warp(turn, 0.0, (100, 100)), np.array([[10, 20, 50, 40]], np.float32))
    assert np.allclose(kept, [[60, 10, 80, 50]], atol=1e-3)


def test_near_vertical_pictures_are_seen_from_every_side() -> None:
    config = AugmentConfig(rotation_sd_deg=0, shear_sd=0, aspect_sd=0, perspective_sd=0)
    turns = set()
    for seed in range(40):
        warp = random_warp(
            _sample(near_vertical=True), (640, 640), (320, 320), config, np.random.default_rng(seed)
        )
        axis = warp.points(np.array([[0, 0], [100, 0]], np.float32))
        step = axis[1] - axis[0]
        turns.add(round(float(np.degrees(np.arctan2(step[1], step[0])))) % 360)
    assert {0, 90, 180, 270} == {round(t / 90) * 90 % 360 for t in turns}
