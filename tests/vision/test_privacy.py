"""What is left of people and plates: counted on rendered lots whose truth is exact."""

from __future__ import annotations

import numpy as np
import pytest

from simulator import SimulatedLot, demo_scene
from vision.background import Moving
from vision.privacy import (
    MOSAIC_CELLS,
    VEHICLE_PX,
    PrivacySettings,
    PrivateScene,
    cell_map,
    obscure,
)
from vision.types import Floats, ImageBgr, as_floats

WH = (1920, 1080)
SQUARE = as_floats([[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]])
NOISE: ImageBgr = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)


@pytest.fixture(scope="module")
def lot() -> SimulatedLot:
    return SimulatedLot(demo_scene(image_wh=WH), seed=3)


def sharpness(image: ImageBgr, place: tuple[slice, slice]) -> float:
    """Mean step between neighbours: noise keeps it, one sample for many pixels loses it."""
    part = image[place].astype(np.float32)
    return float(np.abs(np.diff(part, axis=1)).mean())


def test_people_are_told_but_not_recognised(lot: SimulatedLot) -> None:
    """EN 62676-4: 25 px/m tell that somebody is there, 125 recognise one who is known."""
    native, left = [], []
    quads = list(lot.quads_norm())
    cells = cell_map(quads, WH, PrivacySettings().bay_px)
    for time_s in range(0, 300, 15):
        labels = lot.pixels(float(time_s))
        for person in np.unique(labels[labels < 0]):
            rows, columns = np.nonzero(labels == person)
            height_px = float(np.ptp(rows)) + 1
            if height_px < 45:  # cut off by a car or the picture's edge
                continue
            middle = (np.median(rows) / WH[1], np.median(columns) / WH[0])
            cell = cells[int(middle[0] * cells.shape[0]), int(middle[1] * cells.shape[1])]
            native.append(height_px / 1.75)
            left.append(height_px / 1.75 / max(float(cell), 1.0))
    assert len(left) >= 10
    assert max(native) > 50
    assert max(left) < 40


def test_no_vehicle_keeps_more_than_its_samples(lot: SimulatedLot) -> None:
    """1.4 m or more in VEHICLE_PX samples: less than 2 for a character of 75 mm."""
    assert VEHICLE_PX / 1.4 * 0.075 < 2
    noise = np.random.default_rng(2).integers(0, 256, (WH[1], WH[0], 3), np.uint8)
    boxes = lot.boxes_px(40.0)
    settings = PrivacySettings(outside=False)
    shown = obscure(noise, PrivateScene(list(lot.quads_norm()), (), boxes), settings)
    large = [box for box in boxes.astype(int) if min(box[2:] - box[:2]) > 1.5 * VEHICLE_PX]
    assert len(large) >= 5
    for x_min, y_min, x_max, y_max in large:
        place = (slice(y_min, y_max), slice(x_min, x_max))
        cell = min(x_max - x_min, y_max - y_min) / VEHICLE_PX
        assert sharpness(shown.image_bgr, place) < 1.1 * sharpness(noise, place) / cell
    assert shown.vehicles >= len(large)


def test_a_bay_keeps_what_the_network_needs() -> None:
    small = SQUARE * 0.1
    shown = obscure(NOISE, PrivateScene([small]), PrivacySettings(outside=False))
    assert shown.share == 0
    assert (shown.image_bgr == NOISE).all()


def test_a_near_bay_is_coarser_than_a_far_one() -> None:
    cells = cell_map([SQUARE * as_floats([1, 0.3]), SQUARE], (4000, 3000), 40.0)
    height, width = cells.shape
    assert cells[height // 2, width // 2] == pytest.approx(np.sqrt(800 * 600) / 40)
    assert cells[int(height * 0.15), width // 2] == pytest.approx(np.sqrt(800 * 180) / 40)


def test_outside_the_bays_surroundings_is_a_mosaic() -> None:
    shown = obscure(NOISE, PrivateScene([SQUARE]), PrivacySettings(bay_px=0))
    assert (shown.image_bgr[140:160, 180:220] == NOISE[140:160, 180:220]).all()
    corner = shown.image_bgr[:60, :60].reshape(-1, 3)
    assert len(np.unique(corner, axis=0)) <= (60 / 400 * MOSAIC_CELLS + 2) ** 2
    assert 0.7 < shown.share < 0.95


def test_without_bays_there_is_no_measure() -> None:
    shown = obscure(NOISE, PrivateScene([]))
    assert shown.share == 1


def _moving(people: slice, boxes: list[list[float]]) -> Moving:
    found = np.zeros((30, 40), np.uint8)
    found[:, people] = 255
    return Moving(found, as_floats(boxes).reshape(-1, 4))


def test_who_moves_is_a_mosaic_wherever_that_is() -> None:
    scene = PrivateScene([SQUARE], moving=_moving(slice(18, 22), []))
    shown = obscure(NOISE, scene, PrivacySettings(outside=False, bay_px=0))
    person = shown.image_bgr[:, 180:220].reshape(-1, 3)
    assert len(np.unique(person, axis=0)) <= (40 / 400 * MOSAIC_CELLS + 2) * MOSAIC_CELLS
    assert (shown.image_bgr[:, :180] == NOISE[:, :180]).all()
    assert (shown.image_bgr[:, 220:] == NOISE[:, 220:]).all()
    assert shown.share == pytest.approx(0.1)


def test_a_vehicle_that_passes_has_no_more_samples_than_one_that_was_detected() -> None:
    box = [0.1, 0.1, 0.9, 0.9]
    settings = PrivacySettings(outside=False, bay_px=4000)
    found = obscure(NOISE, PrivateScene([SQUARE], moving=_moving(slice(0), [box])), settings)
    boxes = as_floats([box]) * as_floats([400, 300, 400, 300])
    detected = obscure(NOISE, PrivateScene([SQUARE], (), boxes), settings)
    assert found.vehicles == detected.vehicles == 1
    assert (found.image_bgr == detected.image_bgr).all()


def test_what_moves_may_be_shown_where_nobody_can_be_seen() -> None:
    scene = PrivateScene([SQUARE], moving=_moving(slice(18, 22), [[0, 0, 1, 1]]))
    shown = obscure(NOISE, scene, PrivacySettings(outside=False, bay_px=0, moving=False))
    assert shown.share == 0


def test_masks_are_black_and_come_last() -> None:
    shown = obscure(NOISE, PrivateScene([SQUARE], [SQUARE]), PrivacySettings(bay_px=0))
    assert (shown.image_bgr[125:175, 165:235] == 0).all()


def test_bays_that_left_the_picture_are_no_fault() -> None:
    gone: list[Floats] = [SQUARE + 2]
    assert obscure(NOISE, PrivateScene(gone)).share == 1


def test_the_original_stays() -> None:
    before = NOISE.copy()
    obscure(NOISE, PrivateScene([SQUARE], [SQUARE], as_floats([[0, 0, 200, 200]])))
    assert (before == NOISE).all()


@pytest.mark.parametrize(("share", "bay_px"), [(1.5, 40.0), (0.1, -1.0)])
def test_settings_without_sense_are_refused(share: float, bay_px: float) -> None:
    with pytest.raises(ValueError, match="expected surroundings_share"):
        PrivacySettings(surroundings_share=share, bay_px=bay_px)
