"""The view guard on pictures made here, and on a real camera that moves over days."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from telemetry import UnknownReason
from vision.types import Floats, Frame, ImageBgr, as_floats
from vision.view_guard import GuardSettings, ViewGuard, ViewReport, for_one_picture
from vision.view_match import apply_matrix, fingerprint, match, small_grey

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WH = (640, 480)
BAY = as_floats([[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]])


def scene(seed: int = 5) -> ImageBgr:
    """A picture with plenty of structure: blocks of many sizes and shades."""
    rng = np.random.default_rng(seed)
    image = np.full((WH[1] + 160, WH[0] + 160, 3), 120, np.uint8)
    for _ in range(420):
        x, y = rng.integers(0, WH[0] + 160), rng.integers(0, WH[1] + 160)
        w, h = rng.integers(6, 70, 2)
        shade = tuple(int(v) for v in rng.integers(20, 235, 3))
        cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), shade, cv2.FILLED)
    return image


def view(dx: float = 0, dy: float = 0, degrees: float = 0, seed: int = 5) -> ImageBgr:
    """What the camera sees when it is turned a little; moves the scene by (dx, dy) pixels."""
    turn = cv2.getRotationMatrix2D((WH[0] / 2 + 80, WH[1] / 2 + 80), degrees, 1.0)
    turn[:, 2] += np.array([dx - 80, dy - 80])
    return np.asarray(cv2.warpAffine(scene(seed), turn, WH), np.uint8)


def noisy(image: ImageBgr, seed: int) -> ImageBgr:
    noise = np.random.default_rng(seed).normal(0, 2.5, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


class Camera:
    """Feeds a guard a picture every half second."""

    def __init__(self, guard: ViewGuard) -> None:
        self.guard, self.now_s, self.count = guard, 0.0, 0

    def show(self, image: ImageBgr, for_s: float, *, still: bool = False) -> ViewReport:
        end_s = self.now_s + for_s
        while True:
            self.count += 1
            seen = image if still else noisy(image, self.count)
            report = self.guard.look(Frame("c", seen, self.now_s, NOW, self.count))
            self.now_s += 0.5
            if self.now_s > end_s:
                return report


@pytest.fixture
def camera() -> Camera:
    return Camera(ViewGuard(view(), [BAY]))


def test_the_calibrated_view_is_fine(camera: Camera) -> None:
    report = camera.show(view(), 30)
    assert (report.reason, report.detail, report.homography) == (None, "", None)
    assert report.is_usable
    assert report.shift_px is not None
    assert report.shift_px < 0.6


def test_a_small_movement_is_followed(camera: Camera) -> None:
    camera.show(view(), 2)
    report = camera.show(view(11, -7), 5)
    assert report.reason is None
    assert report.homography is not None
    moved = apply_matrix(BAY, report.homography.astype(np.float64))
    np.testing.assert_allclose((moved - BAY) * WH, [[11, -7]] * 4, atol=0.6)
    assert report.shift_px == pytest.approx(np.hypot(11, 7), abs=0.6)
    assert "the bays follow" in report.detail


def test_a_turn_is_followed(camera: Camera) -> None:
    report = camera.show(view(degrees=2), 5)
    assert report.homography is not None
    turn = cv2.getRotationMatrix2D((WH[0] / 2, WH[1] / 2), 2, 1.0)
    truth = (BAY * WH) @ turn[:, :2].T + turn[:, 2]
    moved = apply_matrix(BAY, report.homography.astype(np.float64)) * WH
    np.testing.assert_allclose(moved, truth, atol=0.8)


def test_a_knock_is_noticed_within_two_seconds(camera: Camera) -> None:
    camera.show(view(), 12)
    report = camera.show(view(20, 6), 2)
    assert report.homography is not None


def test_the_search_for_features_may_come_after_the_states_but_not_where_the_view_moved() -> None:
    guard = ViewGuard(view(), [BAY])

    def look(image: ImageBgr, now_s: float) -> ViewReport:
        return guard.look(Frame("c", image, now_s, NOW, 0), may_postpone=True)

    assert look(noisy(view(), 0), 0.0).is_usable
    half = noisy(view(), 1)
    half[:, :380] = noisy(view(seed=9), 2)[:, :380]  # a lorry hides half of it
    before = look(half, 20.0)
    assert before.is_usable
    assert (before.reason, before.homography) == (None, None)
    guard.catch_up()
    moved = look(noisy(view(11, -7), 3), 40.0)
    assert moved.homography is not None, "a movement is measured at once"
    guard.catch_up()


def test_a_large_movement_is_told_and_ends_when_the_view_is_back(camera: Camera) -> None:
    camera.show(view(), 2)
    report = camera.show(view(70, 40), 5)
    assert report.reason is UnknownReason.VIEW_MOVED
    assert not report.is_usable
    assert "more than bays can follow" in report.detail
    back = camera.show(view(), 5)
    assert (back.reason, back.is_usable) == (None, True)


def test_another_place_is_told_after_the_hold_time_and_not_judged_before() -> None:
    camera = Camera(ViewGuard(view(), [BAY], GuardSettings(unsure_hold_s=8)))
    camera.show(view(), 2)
    first = camera.show(view(seed=99), 5)
    assert first.reason is None
    assert not first.is_usable
    later = camera.show(view(seed=99), 5)
    assert later.reason is UnknownReason.VIEW_MOVED
    assert "not been recognised" in later.detail


def test_a_frozen_picture_is_told(camera: Camera) -> None:
    camera.show(view(), 2)
    still = noisy(view(), 1)
    assert camera.show(still, 55, still=True).reason is None
    report = camera.show(still, 10, still=True)
    assert report.reason is UnknownReason.FROZEN
    assert camera.show(view(), 1).reason is None


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        pytest.param((view() * 0.05).astype(np.uint8), UnknownReason.DARK, id="dark"),
        pytest.param(np.full_like(view(), 253), UnknownReason.BLIND, id="overexposed"),
        pytest.param(np.full_like(view(), 90), UnknownReason.BLIND, id="covered"),
        pytest.param(
            np.asarray(cv2.GaussianBlur(view(), (0, 0), 14), np.uint8),
            UnknownReason.BLIND,
            id="out of focus",
        ),
    ],
)
def test_bad_pictures(camera: Camera, image: ImageBgr, reason: UnknownReason) -> None:
    camera.show(view(), 2)
    glimpse = camera.show(image, 1)
    assert glimpse.reason is None, "a headlight is no blind camera"
    assert not glimpse.is_usable
    assert camera.show(image, 4).reason is reason
    assert camera.show(view(), 1).reason is None


def test_a_cloud_and_a_parked_car_move_nothing(camera: Camera) -> None:
    camera.show(view(), 2)
    image = (view() * 0.6).astype(np.uint8)
    image[150:330, 200:440] = (30, 30, 60)
    report = camera.show(image, 20)
    assert report.reason is None
    assert report.is_usable
    assert report.homography is None


def test_without_a_reference_the_first_picture_counts() -> None:
    camera = Camera(ViewGuard(None, [BAY]))
    assert camera.show(view(), 5).homography is None
    assert camera.show(view(15, 0), 5).homography is not None


def test_pictures_without_features_do_not_match() -> None:
    plain = fingerprint(np.full((100, 100), 80, np.uint8))
    assert len(plain.points) == 0
    assert match(plain, fingerprint(small_grey(view()))) is None


@pytest.mark.data
@pytest.mark.slow
def test_a_real_camera_over_five_days(shared_data: Path) -> None:
    """smartlot: rain, sun, hard shadow, half an hour between frames, up to 25 px of movement."""
    folder = shared_data / "smartlot"
    rows = json.loads((folder / "sequence.json").read_text())
    start = next(n for n, row in enumerate(rows) if row["shift_px"] == [0.0, 0.0])
    reference = rows[start]
    polygons: list[Floats] = [as_floats(roi) for roi in reference["rois"]]
    errors, told = [], 0
    guard = ViewGuard(read(folder, reference), polygons, GuardSettings(unsure_hold_s=4000))
    for number, row in enumerate(rows[start::2]):
        image = read(folder, row)
        report = guard.look(Frame("c", image, 3600.0 * number, NOW, number))
        told += report.reason is not None or not report.is_usable
        if row["rois"] is None or report.reason is not None:
            continue
        matrix = np.eye(3) if report.homography is None else report.homography.astype(np.float64)
        moved = apply_matrix(np.stack(polygons), matrix)
        size_wh = (image.shape[1], image.shape[0])
        gap = (moved - np.asarray(row["rois"])) * size_wh
        errors.append(np.linalg.norm(gap, axis=2).mean())
    assert told <= 2
    assert np.mean(errors) < 2.5, "bays are 60 to 160 px"
    assert max(errors) < 8


def read(folder: Path, row: dict[str, str]) -> ImageBgr:
    image = cv2.imread(str(folder / "images" / row["file"]))
    assert image is not None
    return np.asarray(image, np.uint8)


# -- pictures of another shape, and turned ones ----------------------------------------------------


def once(image: ImageBgr, reference: ImageBgr | None) -> ViewReport:
    """One picture by itself, as `lotsight judge` looks at it."""
    guard = ViewGuard(reference, [BAY], for_one_picture(GuardSettings()), WH)
    return guard.look(Frame("c", noisy(image, 1), 0.0, NOW, 1))


@pytest.mark.parametrize("size", [(640, 360), (480, 480), (352, 288), (960, 540)])
def test_a_squeezed_picture_is_the_same_view(size: tuple[int, int]) -> None:
    report = once(
        np.asarray(cv2.resize(view(), size, interpolation=cv2.INTER_AREA), np.uint8), view()
    )
    assert (report.reason, report.is_usable) == (None, True)


@pytest.mark.parametrize(
    "cut",
    [np.s_[:, 80:560], np.s_[:, :480], np.s_[60:420], np.s_[:360], np.s_[:, 200:440]],
    ids=["middle", "left", "band", "top", "narrow"],
)
def test_a_cut_picture_is_not(cut: tuple[slice, ...]) -> None:
    report = once(np.ascontiguousarray(view()[cut]), view())
    assert report.reason is UnknownReason.VIEW_MOVED
    assert not report.is_usable


def test_another_shape_without_a_reference_is_refused_and_told_what_to_do() -> None:
    report = once(np.asarray(cv2.resize(view(), (640, 360)), np.uint8), None)
    assert report.reason is UnknownReason.VIEW_MOVED
    assert "aspect ratio of 640x480" in report.detail
    assert "but got 640x360" in report.detail
    assert "`lotsight calibration reference`" in report.detail


def test_a_camera_on_its_side_is_told_so() -> None:
    side = np.asarray(cv2.rotate(view(), cv2.ROTATE_90_CLOCKWISE), np.uint8)
    for reference in (None, view()):
        assert once(side, reference).detail.endswith("is the camera rotated?")


@pytest.mark.parametrize("degrees", [180, 90, -90, 45, 25])
def test_a_turned_view_is_never_followed(degrees: int) -> None:
    report = once(view(degrees=degrees), view())
    assert report.reason is UnknownReason.VIEW_MOVED


def test_a_view_upside_down_is_told_so() -> None:
    report = once(np.ascontiguousarray(view()[::-1, ::-1]), view())
    assert report.detail == "the view is rotated by 180 degrees"


@pytest.mark.parametrize("mirrored", [np.s_[::-1], np.s_[:, ::-1]], ids=["down", "across"])
def test_a_mirrored_view_is_not_recognised(mirrored: tuple[slice, ...]) -> None:
    report = once(np.ascontiguousarray(view()[mirrored]), view())
    assert report.reason is UnknownReason.VIEW_MOVED


def test_a_stream_that_changes_its_shape_is_noticed_and_comes_back() -> None:
    camera = Camera(ViewGuard(view(), [BAY], None, WH))
    assert camera.show(view(), 3).is_usable
    cut = np.ascontiguousarray(view()[:, 80:560])
    assert not camera.show(cut, 90).is_usable
    assert camera.show(view(), 30).reason is None
