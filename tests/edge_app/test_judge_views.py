"""`lotsight judge` on the pictures and clips that lied: each is right now, or refused."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from calibration import load_calibration, save_calibration
from calibration.reference_files import store_reference
from edge_app.cli.calibration import app as calibration_app
from edge_app.cli.judge import app
from edge_app.judging import ClipWriter
from edge_app.judging.calibrations import read_bays
from telemetry import CalibrationError, CameraError, LotsightError
from vision.image_file import decode_image
from vision.types import ImageBgr

PICTURES = Path(__file__).parents[1] / "pictures"
LOT = PICTURES / "lot.jpg"
OCCUPIED = 9
"""Of the 18 bays; 9 are free."""


def lot() -> ImageBgr:
    return decode_image(LOT.read_bytes(), "lot.jpg")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Bays without a reference picture."""
    path = tmp_path / "plain.json"
    save_calibration(path, read_bays(PICTURES / "lot.bays.json", (1280, 720)), author="test")
    return path


@pytest.fixture
def referenced(tmp_path: Path) -> Path:
    """Bays with the picture that they were drawn on."""
    path = tmp_path / "lot.json"
    bays = read_bays(PICTURES / "lot.bays.json", (1280, 720))
    bays = bays.model_copy(update={"reference": store_reference(path, lot())})
    save_calibration(path, bays, author="test")
    return path


def invoke(source: Path, calibration: Path, *more: str) -> Result:
    out = calibration.parent / "out"
    arguments = [str(source), "-c", str(calibration), "-o", str(out), *more]
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def judged(source: Path, calibration: Path, *more: str) -> dict[str, Any]:
    result = invoke(source, calibration, *more)
    assert result.exit_code == 0, (result.output, result.exception)
    found: dict[str, Any] = json.loads(
        (calibration.parent / "out" / f"{source.stem}.judged.json").read_text()
    )
    return found


def refused(source: Path, calibration: Path) -> LotsightError:
    error = invoke(source, calibration).exception
    assert isinstance(error, LotsightError), error
    return error


def picture(path: Path, image: ImageBgr) -> Path:
    cv2.imwrite(str(path), np.ascontiguousarray(image))
    return path


def counts(found: dict[str, Any]) -> tuple[int, int, int]:
    return tuple(found["counts"][word] for word in ("occupied", "free", "unknown"))


def test_a_cut_picture_is_an_error(tmp_path: Path, plain: Path) -> None:
    cut = tmp_path / "cut35.jpg"
    cut.write_bytes(LOT.read_bytes()[:85606])
    error = refused(cut, plain)
    assert isinstance(error, CameraError)
    assert "cut35.jpg: expected a whole image, but got 85606 bytes" in str(error)


@pytest.mark.parametrize("name", ["picture", "lot.mp4", "lot.JPG~", "lot.jpg.part"])
def test_a_picture_is_one_whatever_it_is_called(tmp_path: Path, plain: Path, name: str) -> None:
    path = tmp_path / name
    shutil.copyfile(LOT, path)
    assert counts(judged(path, plain)) == (OCCUPIED, 18 - OCCUPIED, 0)


def test_a_clip_is_one_whatever_it_is_called(tmp_path: Path, plain: Path) -> None:
    path = tmp_path / "clip.mp4"
    with ClipWriter(path, (1280, 720), Fraction(2)) as writer:
        for step in range(3):
            writer.write(step / 2, lot())
    named = path.rename(tmp_path / "clip.jpg")
    assert judged(named, plain)["frames"] == 3


def test_a_view_upside_down_is_refused(tmp_path: Path, referenced: Path) -> None:
    turned = picture(tmp_path / "r180.png", lot()[::-1, ::-1])
    error = refused(turned, referenced)
    assert isinstance(error, CalibrationError)
    assert "view_moved: the view is rotated by 180 degrees" in str(error)
    assert judged(turned, referenced, "--any-view")["view"]["reason"] is None


def test_without_a_reference_picture_it_is_told_that_the_view_is_not_checked(plain: Path) -> None:
    assert "the view was not checked" in invoke(LOT, plain).output


def test_the_calibrated_view_is_judged(referenced: Path) -> None:
    result = invoke(LOT, referenced)
    assert result.exit_code == 0
    assert "not checked" not in result.output


@pytest.mark.parametrize("size", [(704, 576), (640, 480), (640, 360)])
def test_a_squeezed_picture_is_judged_by_its_content(
    tmp_path: Path, referenced: Path, size: tuple[int, int]
) -> None:
    squeezed = cv2.resize(lot(), size, interpolation=cv2.INTER_AREA)
    path = picture(tmp_path / "squeezed.png", np.asarray(squeezed))
    assert counts(judged(path, referenced)) == (OCCUPIED, 18 - OCCUPIED, 0)


@pytest.mark.parametrize("cut", [np.s_[:, 160:1120], np.s_[:, 437:842]], ids=["4:3", "portrait"])
def test_a_cut_view_is_refused_with_and_without_a_reference(
    tmp_path: Path, plain: Path, referenced: Path, cut: tuple[slice, ...]
) -> None:
    path = picture(tmp_path / "cut.png", lot()[cut])
    for calibration in (plain, referenced):
        assert "expected an image with the aspect ratio of 1280x720" in str(
            refused(path, calibration)
        )


def test_a_clip_of_another_view_is_an_error(tmp_path: Path, referenced: Path) -> None:
    path = tmp_path / "turned.mp4"
    with ClipWriter(path, (1280, 720), Fraction(2)) as writer:
        for step in range(3):
            writer.write(step / 2, np.ascontiguousarray(lot()[::-1, ::-1]))
    error = refused(path, referenced)
    assert "no frame could be judged: the view is rotated by 180 degrees" in str(error)


def test_a_reference_picture_is_taken_on_the_installers_word(tmp_path: Path, plain: Path) -> None:
    def take(*more: str) -> Result:
        return CliRunner().invoke(calibration_app, ["reference", str(plain), *more])

    portrait = picture(tmp_path / "portrait.png", lot()[:, 437:842])
    assert "repeat with --squeezed" in str(take(str(portrait)).exception)
    dark = picture(tmp_path / "dark.png", lot() // 20)
    assert "expected a usable image, but got dark" in str(take(str(dark)).exception)
    assert take(str(LOT)).exit_code == 0
    assert load_calibration(plain).reference is not None
    assert "expected no reference image" in str(take(str(LOT)).exception)
    assert take(str(LOT), "--replace").exit_code == 0
    turned = picture(tmp_path / "r180.png", lot()[::-1, ::-1])
    assert "rotated by 180 degrees" in str(refused(turned, plain))
