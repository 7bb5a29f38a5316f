from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration import Area, Bay, Calibration, ChangeKind, Lot, Mask, check_calibration, compare
from calibration.draw import FAULT, KIND_COLOURS, draw_calibration
from calibration.edit import (
    add_bays,
    change_bays,
    change_lot,
    put_region,
    remove_bays,
    remove_region,
    taken_ids,
    with_reference,
)
from calibration.pictures import read_picture, spread_frames, write_picture
from telemetry.errors import CalibrationError
from telemetry.vocabulary import BayKind

Make = Callable[..., Calibration]


def test_equal_calibrations_have_no_difference(make_calibration: Make) -> None:
    assert compare(make_calibration(), make_calibration(revision=9, author="bo")).is_empty


def test_each_kind_of_change_is_named(make_calibration: Make) -> None:
    before = make_calibration(4)
    first, second, third, _ = before.bays
    moved = second.model_copy(update={"polygon": tuple((x + 0.01, y) for x, y in second.polygon)})
    new = Bay(id="N1", polygon=((0.8, 0.8), (0.9, 0.8), (0.9, 0.9)), kind=BayKind.EV)
    after = before.model_copy(
        update={
            "bays": (third, first, moved.model_copy(update={"zone": "Z1"}), new),
            "lot": Lot(name="South"),
            "masks": (Mask(name="m", polygon=((0, 0), (1, 0), (1, 1))),),
        }
    )
    difference = compare(before, after)
    assert [(c.kind, c.bay) for c in difference.bays] == [
        (ChangeKind.CHANGED, "A02"),
        (ChangeKind.ADDED, "N1"),
        (ChangeKind.REMOVED, "A04"),
    ]
    changed = difference.bays[0]
    assert changed.moved_px == pytest.approx(12.8, abs=0.1)
    assert changed.details == ("outline moved by up to 12.8 px", "zone: none -> Z1")
    assert difference.order_changed
    assert difference.facts == ("lot name: Station North -> South", "mask m: added")


@given(st.integers(0, 3), st.booleans())
def test_the_same_outline_from_another_corner_has_not_moved(turn: int, backwards: bool) -> None:
    square = ((0.1, 0.1), (0.3, 0.1), (0.3, 0.4), (0.1, 0.4))
    other = square[turn:] + square[:turn]
    other = other[::-1] if backwards else other
    before, after = (
        Calibration(camera="n", image_wh=(640, 480), bays=(Bay(id="a", polygon=polygon),))
        for polygon in (square, other)
    )
    assert all(change.moved_px == 0 for change in compare(before, after).bays)


def test_edits_are_pure_and_refuse_what_makes_no_sense(make_calibration: Make) -> None:
    base = make_calibration(3, retired_ids=("R1",))
    kept = base.model_copy()
    assert change_bays(base, ["A01", "A03"], {"kind": "ev"}).bays[2].kind is BayKind.EV
    assert remove_bays(base, ["A02"]).bay_ids == ("A01", "A03")
    assert change_lot(base, {"levels": ("P1",)}).lot.levels == ("P1",)
    mask = Mask(name="m", polygon=((0, 0), (1, 0), (1, 1)))
    area = Area(name="m", polygon=mask.polygon)
    both = put_region(put_region(put_region(base, mask), mask), area)
    assert (both.masks, both.areas) == ((mask,), (area,))
    assert remove_region(both, Mask, "m") == base.model_copy(update={"areas": (area,)})
    with pytest.raises(CalibrationError, match="areas: expected one of that name, but got 'x'"):
        remove_region(both, Area, "x")
    assert taken_ids(base) == {"A01", "A02", "A03", "R1"}
    assert base == kept
    for bay_id in ("A01", "R1"):
        with pytest.raises(CalibrationError, match=f"never used, but got {bay_id}"):
            add_bays(base, [base.bays[0].model_copy(update={"id": bay_id})])
    with pytest.raises(CalibrationError, match=r"bay A01: kind: expected .*, but got 'boat'"):
        change_bays(base, ["A01"], {"kind": "boat"})
    with pytest.raises(CalibrationError, match="expected bays of this layout, but got Z"):
        remove_bays(base, ["Z"])


def test_the_reference_is_named_relative_to_the_file(
    tmp_path: Path, make_calibration: Make
) -> None:
    picture = tmp_path / "pictures" / "north.png"
    picture.parent.mkdir()
    write_picture(picture, np.full((720, 1280, 3), 90, np.uint8))
    changed = with_reference(make_calibration(), picture, tmp_path)
    assert changed.reference is not None
    assert changed.reference.file == "pictures/north.png"
    assert changed.reference.sha256 == hashlib.sha256(picture.read_bytes()).hexdigest()
    write_picture(picture, np.full((480, 640, 3), 90, np.uint8))
    with pytest.raises(CalibrationError, match="image of 1280x720 px, but got 640x480"):
        with_reference(make_calibration(), picture, tmp_path)


def test_a_drawing_shows_bays_and_faults_and_leaves_the_picture_alone(
    make_calibration: Make,
) -> None:
    image = np.full((720, 1280, 3), 128, np.uint8)
    base = make_calibration(3)
    bad = base.model_copy(
        update={"bays": (*base.bays[:2], base.bays[2].model_copy(update={"id": "A01"}))}
    )
    drawn = draw_calibration(image, bad, check_calibration(bad))
    assert drawn.shape[1:] == (1280, 3)
    assert drawn.shape[0] > 720
    assert (image == 128).all()
    x, y = 0.02 * 1280, 0.4 * 720  # on the left edge of the first bay, which is a fault
    patch = drawn[round(y) - 1 : round(y) + 2, round(x) - 3 : round(x) + 4].reshape(-1, 3)
    assert (np.abs(patch.astype(int) - FAULT).sum(1) < 30).any()
    good = draw_calibration(image, base)
    patch = good[round(y) - 1 : round(y) + 2, round(x) - 3 : round(x) + 4].reshape(-1, 3)
    assert (np.abs(patch.astype(int) - KIND_COLOURS[BayKind.STANDARD]).sum(1) < 30).any()


def test_pictures_and_clips_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8nothing")
    with pytest.raises(CalibrationError, match=r"broken\.jpg: expected a whole image, but got 9"):
        read_picture(broken)
    with pytest.raises(CalibrationError, match="No such file"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(CalibrationError, match=r"one of \.bmp, .*, but got '\.gif'"):
        write_picture(tmp_path / "x.gif", np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CalibrationError, match="a folder of images, but it contains none"):
        list(spread_frames(tmp_path / "empty", 3))
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"no clip")
    with pytest.raises(CalibrationError, match="cannot open this clip"):
        list(spread_frames(clip, 3))


def test_frames_of_a_folder_are_spread_evenly(tmp_path: Path) -> None:
    for number in range(10):
        cv2.imwrite(str(tmp_path / f"{number:02d}.png"), np.full((4, 4, 3), number, np.uint8))
    assert [int(image[0, 0, 0]) for image in spread_frames(tmp_path, 4)] == [0, 3, 6, 9]
    assert len(list(spread_frames(tmp_path, 99))) == 10
