"""Edits of calibrations that come as jobs: what a box takes, refuses, and does once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calibration import Bay, Calibration, Mask, load_calibration, save_calibration, seal
from calibration.reference_files import load_reference, store_reference
from calibration.succession import format_calibration
from edge_app.calibration_edits import CalibrationEdits
from edge_app.delivery.slots import RolloutError
from edge_app.http.pictures import drawing_ground
from telemetry import CameraError, ConfigError, TelemetryError
from telemetry.aws import CalibrationEdit, JobDocument, JobKind
from telemetry.packing import MAX_TEXT_BYTES, pack, unpack
from vision.privacy import PrivacySettings

IMAGE = np.random.default_rng(3).integers(0, 255, (480, 1280, 3)).astype(np.uint8)
A1 = Bay(id="a1", polygon=((0.1, 0.2), (0.3, 0.2), (0.3, 0.6), (0.1, 0.6)))
B1 = Bay(id="b1", polygon=((0.6, 0.2), (0.8, 0.2), (0.8, 0.6), (0.6, 0.6)))
DOOR = Mask(name="door", polygon=((0.0, 0.7), (0.2, 0.7), (0.2, 1.0), (0.0, 1.0)))


class Cameras:
    """One camera; what the service would do is written down."""

    def __init__(self, file: Path) -> None:
        self.file, self.used = file, list[int]()
        self.fault: Exception | None = None

    def calibration_file(self, camera: str) -> Path:
        if camera != "north":
            msg = f"expected one of the cameras north, but got {camera}"
            raise ConfigError(msg)
        return self.file

    def check_layout(self, calibration: Calibration) -> None:
        if "taken" in calibration.bay_ids:
            msg = "bay 'taken' is in the calibrations of two cameras"
            raise ConfigError(msg)

    def reload_calibration(self, camera: str) -> Calibration:
        assert camera == "north"
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        found = load_calibration(self.file)
        self.used.append(found.revision)
        return found


@pytest.fixture
def cameras(tmp_path: Path) -> Cameras:
    return Cameras(tmp_path / "north.json")


@pytest.fixture
def edits(cameras: Cameras) -> CalibrationEdits:
    return CalibrationEdits(cameras, lambda _camera: IMAGE, allowed=True)


def drawn(*bays: Bay, **more: Any) -> Calibration:
    facts = {"image_wh": (1280, 480), "masks": (DOOR,), "author": "ina@example.org", **more}
    return Calibration(camera="north", bays=bays, **facts)


def job(given: Calibration | str, base: int, camera: str = "north") -> JobDocument:
    text = given if isinstance(given, str) else format_calibration(seal(given))
    edit = CalibrationEdit(base_revision=base, packed=pack(text))
    return JobDocument(
        kind=JobKind.CALIBRATION, target="x.json", version="x", camera=camera, edit=edit
    )


def at_box(cameras: Cameras, *bays: Bay) -> Calibration:
    reference = store_reference(cameras.file, IMAGE)
    return save_calibration(cameras.file, drawn(*bays, reference=reference), author="box")


def test_the_first_calibration_takes_its_reference_at_the_box(
    cameras: Cameras, edits: CalibrationEdits
) -> None:
    # It was drawn on an image that was scaled down for privacy.
    first = job(drawn(A1, image_wh=(640, 240)), 0)
    assert edits.run(first) == "camera north: revision 1 is in use"
    saved = load_calibration(cameras.file)
    assert (saved.image_wh, saved.author) == ((1280, 480), "ina@example.org")
    reference = load_reference(cameras.file, saved)
    assert reference[-1, 0].max() < 16, "what is masked is in no reference image"
    assert edits.run(first) == "camera north: revision 1 is in use", "given again: a power cut"
    assert cameras.used == [1, 1]
    cameras.file.unlink()
    blind = replace(edits, newest=lambda _camera: None)
    assert blind.run(job(drawn(A1), 0)).endswith("without a reference image")


def test_an_edit_keeps_the_reference_and_hides_more(
    cameras: Cameras, edits: CalibrationEdits
) -> None:
    before = at_box(cameras, A1)
    window = Mask(name="window", polygon=((0.5, 0.0), (0.6, 0.0), (0.6, 0.1), (0.5, 0.1)))
    given = drawn(A1, B1, masks=(DOOR, window), reference=before.reference)
    edits.run(job(given, 1))
    saved = load_calibration(cameras.file)
    assert saved.reference != before.reference
    assert load_reference(cameras.file, saved)[:40, 650:760].max() < 16
    edits.run(job(drawn(B1, masks=(DOOR, window), reference=saved.reference), 2))
    assert load_calibration(cameras.file).retired_ids == ("a1",)
    edits.run(job(drawn(A1, masks=(DOOR, window), reference=saved.reference), 3))
    assert load_calibration(cameras.file).retired_ids == ("b1",), "a roll back revives"


Wrong = Callable[[], JobDocument]
CROSSED = A1.model_copy(update={"polygon": ((0.1, 0.2), (0.3, 0.6), (0.3, 0.2), (0.1, 0.6))})
TAKEN = B1.model_copy(update={"id": "taken"})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        pytest.param(lambda: job(drawn(A1, B1), 3), "the box has revision 1", id="base"),
        pytest.param(lambda: job(drawn(A1, masks=()), 1), "door", id="mask gone"),
        pytest.param(lambda: job(drawn(CROSSED), 1), "a1", id="crossed"),
        pytest.param(lambda: job(drawn(TAKEN), 1), "two cameras", id="another camera's bay"),
        pytest.param(lambda: job(drawn(A1), 1, "south"), "expected the calib", id="camera"),
        pytest.param(lambda: job("{", 1), "calibration of north", id="no JSON"),
        pytest.param(
            lambda: job(format_calibration(seal(drawn(A1))).replace("0.1,", "0.2,", 1), 1),
            "checksum",
            id="tampered with",
        ),
    ],
)
def test_what_is_wrong_changes_nothing(
    cameras: Cameras, edits: CalibrationEdits, wrong: Wrong, says: str
) -> None:
    at_box(cameras, A1)
    before = cameras.file.read_bytes()
    with pytest.raises(RolloutError, match=says):
        edits.run(wrong())
    assert cameras.file.read_bytes() == before


def test_what_the_box_decides(cameras: Cameras, edits: CalibrationEdits) -> None:
    at_box(cameras, A1)
    with pytest.raises(RolloutError, match="may not change"):
        replace(edits, allowed=False).run(job(drawn(A1, B1), 1))
    cameras.fault = ConfigError("no room")
    with pytest.raises(RolloutError, match="no room"):
        edits.run(job(drawn(A1, B1), 1))
    assert load_calibration(cameras.file).bay_ids == ("a1",)
    signed = JobDocument(kind=JobKind.CALIBRATION, target="x.json", version="x")
    with pytest.raises(RolloutError, match="rollout"):
        edits.run(signed)


def test_what_leaves_the_box_to_be_drawn_on(cameras: Cameras) -> None:
    privacy = PrivacySettings()
    with pytest.raises(CameraError, match="no image yet"):
        drawing_ground(cameras.file, None, privacy)
    at_box(cameras, A1)
    jpeg, is_reference = drawing_ground(cameras.file, None, privacy)
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert is_reference
    assert shown is not None
    assert shown.shape == IMAGE.shape
    assert shown[-40:, :200].max() < 16
    fine, coarse = (np.abs(np.diff(each.astype(int), axis=1)).mean() for each in (IMAGE, shown))
    assert coarse < fine / 4, "no finer than [privacy] allows"


def test_a_packed_text_is_bounded() -> None:
    assert unpack(pack("Stellplatz 7 Ü")) == "Stellplatz 7 Ü"
    for wrong, says in (
        ("@", "expected a packed text"),
        (pack("a")[:-4], "expected a"),
        (pack("a" * (MAX_TEXT_BYTES + 1)), "at most"),
    ):
        with pytest.raises(TelemetryError, match=says):
            unpack(wrong)
