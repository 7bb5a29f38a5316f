"""A view that stands still is told from one that moved by two pixels, in any weather."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from simulator import SimulatedLot, Weather, demo_scene
from vision.types import ImageBgr
from vision.view_match import small_grey
from vision.view_still import Sight, compare, fine_edges, seems_moved, thumbnail


@pytest.fixture(scope="module", params=[Weather.SUN, Weather.RAIN, Weather.NIGHT])
def lot(request: pytest.FixtureRequest) -> SimulatedLot:
    return SimulatedLot(demo_scene(request.param), 1, detail=1)


def seen(image: ImageBgr, seed: int) -> ImageBgr:
    """As a camera gives it: with noise, and coded."""
    noise = np.random.default_rng(seed).normal(0, 3, image.shape)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def warped(
    image: ImageBgr, shift_px: tuple[float, float] = (0, 0), roll: float = 0, zoom: float = 1
) -> ImageBgr:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), roll, zoom)
    matrix[:, 2] += np.array(shift_px)
    moved = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.uint8)


def test_what_stands_and_what_moved(lot: SimulatedLot) -> None:
    before = lot.frame(100.0)
    known = fine_edges(small_grey(seen(before, 0)))
    assert compare(known, fine_edges(small_grey(seen(before, 1)))) is Sight.STILL
    later = fine_edges(small_grey(seen(lot.frame(110.0), 2)))
    assert compare(known, later) is Sight.STILL, "cars drive"
    shifted = fine_edges(small_grey(seen(warped(before, (10, 0)), 4)))
    assert compare(known, shifted) is Sight.MOVED
    for image in (
        warped(before, (3, 0)),
        warped(before, (0, 3)),
        warped(before, (40, 0)),
        warped(before, roll=0.4),
        warped(before, zoom=1.01),
        np.asarray(before[:, ::-1], np.uint8),
        np.full_like(before, 90),
    ):
        assert compare(known, fine_edges(small_grey(seen(image, 3)))) is not Sight.STILL


def test_a_glance_sees_a_hundredth_of_the_width(lot: SimulatedLot) -> None:
    before = lot.frame(100.0)
    known = thumbnail(small_grey(before))
    assert not seems_moved(known, thumbnail(small_grey(seen(before, 1))))
    assert seems_moved(known, thumbnail(small_grey(seen(warped(before, (20, 0)), 2))))


def test_pictures_of_different_shapes_are_not_still(lot: SimulatedLot) -> None:
    before = fine_edges(small_grey(lot.frame(100.0)))
    assert compare(before, before[:-10]) is Sight.UNCLEAR
