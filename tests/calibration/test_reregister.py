"""Re-registration of a moved camera: exact on known moves, honest where it cannot know."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from calibration import Bay, Calibration, load_calibration, save_calibration
from calibration.cli import app
from calibration.reference_files import store_reference
from calibration.reregister import move_polygons, reregister, shift_px
from telemetry import CalibrationError
from vision.types import ImageBgr, as_floats

WH = (960, 540)
BAYS = [
    as_floats([[x, y], [x + 0.07, y], [x + 0.07, y + 0.2], [x, y + 0.2]])
    for y in (0.2, 0.6)
    for x in np.arange(0.1, 0.85, 0.08)
]


def scene(seed: int = 3) -> ImageBgr:
    """Ground with lines, kerbs and patches that can be told apart."""
    rng = np.random.default_rng(seed)
    image = np.full((WH[1], WH[0], 3), 110, np.uint8)
    for _ in range(400):
        x, y, size = rng.integers(0, WH[0]), rng.integers(0, WH[1]), rng.integers(4, 40)
        shade = rng.integers(40, 220, 3).tolist()
        end = (int(x + size), int(y + rng.integers(3, 30)))
        cv2.rectangle(image, (int(x), int(y)), end, shade, -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.0), np.uint8)


def with_cars(image: ImageBgr, seed: int) -> ImageBgr:
    rng = np.random.default_rng(seed)
    image = image.copy()
    for bay in BAYS:
        if rng.random() < 0.5:
            box = np.round(bay * WH).astype(np.int32)
            cv2.fillPoly(image, [box], rng.integers(0, 255, 3).tolist())
    return image


def homography(degrees: float, scale: float, shift: tuple[float, float], tilt: float) -> Any:
    turn = np.vstack([cv2.getRotationMatrix2D((480, 270), degrees, scale), [0, 0, 1]])
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]], [tilt, tilt / 2, 1]])
    return move @ turn


@pytest.mark.parametrize(
    ("degrees", "scale", "shift", "tilt"),
    [
        pytest.param(0, 1.0, (0, 0), 0, id="not moved"),
        pytest.param(0, 1.0, (40, -22), 0, id="shifted"),
        pytest.param(6, 1.0, (10, 5), 0, id="turned"),
        pytest.param(-3, 1.15, (-30, 12), 0, id="zoomed"),
        pytest.param(2, 0.95, (15, 15), 8e-5, id="tilted"),
    ],
)
def test_known_move_is_found_though_cars_and_light_changed(
    degrees: float, scale: float, shift: tuple[float, float], tilt: float
) -> None:
    ground = scene()
    matrix = homography(degrees, scale, shift, tilt)
    new = cv2.warpPerspective(with_cars(ground, 2), matrix, WH, borderMode=cv2.BORDER_REFLECT)
    darker = np.clip(new.astype(np.float32) * 0.55 + 12, 0, 255).astype(np.uint8)
    found = reregister(with_cars(ground, 1), darker, BAYS)
    assert found.usable, found.verdict
    assert found.error_px < 1.0
    expected = move_polygons(BAYS, matrix, WH, WH)
    moved = move_polygons(BAYS, found.homography, WH, WH)
    worst = max(np.abs((a - b) * WH).max() for a, b in zip(expected, moved, strict=True))
    assert worst < 1.0


def test_other_resolution_is_taken_in_stride() -> None:
    ground = scene()
    large = np.asarray(cv2.resize(ground, (1920, 1080), interpolation=cv2.INTER_CUBIC), np.uint8)
    found = reregister(ground, large, BAYS)
    moved = move_polygons(BAYS, found.homography, WH, (1920, 1080))
    assert found.usable
    assert max(np.abs((a - b) * WH).max() for a, b in zip(BAYS, moved, strict=True)) < 1.0


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_another_view_is_never_sure(seed: int) -> None:
    """Scenes with nothing in common: an error, or a result that says it is no good."""
    with suppress(CalibrationError):
        found = reregister(scene(3), scene(seed), BAYS)
        assert not found.usable
        assert "Unsure" in found.verdict


def test_dark_picture_is_refused() -> None:
    with pytest.raises(CalibrationError, match="too dark"):
        reregister(scene(), np.zeros((540, 960, 3), np.uint8), BAYS)


def test_agreement_away_from_the_bays_does_not_count() -> None:
    """Only the left edge can be seen: what lies under the bays on the right is a guess."""
    ground = scene()
    covered = ground.copy()
    covered[:, 240:] = 90
    found = reregister(ground, covered, BAYS)
    assert not found.usable
    assert "of the bays, expected at least" in found.verdict


def test_shift_is_the_median_move_of_centres() -> None:
    before = [np.array([[0.0, 0], [2, 0], [2, 2]])] * 3
    after = [before[0] + (3, 4), before[0] + (3, 4), before[0] + (300, 400)]
    assert shift_px(before, after) == pytest.approx(5.0)
    assert shift_px([], []) == 0.0


def test_align_command_moves_the_bays_and_takes_the_reference(tmp_path: Path) -> None:
    path = tmp_path / "north.json"
    ground = scene()
    bays = tuple(
        Bay(id=f"A{i:02d}", polygon=tuple((float(x), float(y)) for x, y in bay))
        for i, bay in enumerate(BAYS)
    )
    reference = store_reference(path, ground)
    save_calibration(
        path,
        Calibration(camera="north", image_wh=WH, bays=bays, reference=reference),
        author="ina",
    )
    matrix = homography(2, 1.0, (20, -10), 0)
    picture = tmp_path / "now.png"
    cv2.imwrite(str(picture), cv2.warpPerspective(ground, matrix, WH))
    run = CliRunner().invoke(app, ["align", str(path), str(picture), "--dry-run"])
    assert run.exit_code == 0, run.output
    assert load_calibration(path).revision == 1
    run = CliRunner().invoke(app, ["align", str(path), str(picture), "--author", "otto"])
    assert run.exit_code == 0, run.output
    saved = load_calibration(path)
    expected = move_polygons(BAYS, matrix, WH, WH)
    for bay, polygon in zip(saved.bays, expected, strict=True):
        assert np.abs((bay.polygon_norm() - polygon) * WH).max() < 1.0
    assert saved.bay_ids == tuple(f"A{i:02d}" for i in range(len(BAYS)))
    assert (saved.author, saved.reference != reference) == ("otto", True)
    # An unsure match is not saved unless asked for.
    cv2.imwrite(str(picture), np.hstack([ground[:, :240], np.full((540, 720, 3), 90, np.uint8)]))
    run = CliRunner().invoke(app, ["align", str(path), str(picture)])
    assert isinstance(run.exception, CalibrationError)
    assert load_calibration(path).revision == 2
