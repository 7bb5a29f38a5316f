"""Old revisions and replaced reference pictures go; what is in use, or may have to be, stays."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from calibration import (
    Bay,
    Calibration,
    list_revisions,
    load_calibration,
    load_revision,
    rollback_calibration,
    save_calibration,
)
from calibration.files import revisions_folder
from calibration.reference_files import load_reference, store_reference
from calibration.retention import Forgotten, forget_old
from telemetry import CalibrationError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OUTLINE = ((0.1, 0.3), (0.3, 0.3), (0.3, 0.7), (0.1, 0.7))
BAY = Bay(id="A01", polygon=OUTLINE)
LONG_AGO = NOW - timedelta(days=3650)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "north.json"


def picture(path: Path, grey: int, age_days: float) -> str:
    """Store a reference picture as if it were so old; its name."""
    reference = store_reference(path, np.full((60, 80, 3), grey, np.uint8))
    stamp = (NOW - timedelta(days=age_days)).timestamp()
    os.utime(path.with_name(reference.file), (stamp, stamp))
    return reference.file


def save(path: Path, age_days: float, grey: int | None = None) -> Calibration:
    """Save the next revision as if it were so old; with a picture of its own, or the former's."""
    present = load_calibration(path) if path.exists() else None
    drawn = present or Calibration(camera="north", image_wh=(80, 60), bays=(BAY,))
    if grey is not None:
        picture(path, grey, age_days)
        reference = store_reference(path, np.full((60, 80, 3), grey, np.uint8))
        drawn = drawn.model_copy(update={"reference": reference})
    return save_calibration(path, drawn, author="ina", now_utc=NOW - timedelta(days=age_days))


def pictures(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.glob("*.reference-*"))


def numbers(path: Path) -> list[int]:
    return [revision.number for revision in list_revisions(path)]


def test_the_newest_revisions_stay(path: Path) -> None:
    for age in range(9, 0, -1):
        save(path, age)
    assert forget_old(path, keep=3, pictures_since=LONG_AGO).revisions == (1, 2, 3, 4, 5)
    assert numbers(path) == [6, 7, 8, 9]
    assert load_revision(path, 6).revision == 6
    assert forget_old(path, keep=3, pictures_since=LONG_AGO) == Forgotten()
    assert rollback_calibration(path, 6, author="ina").revision == 10


def test_ids_of_deleted_bays_stay_retired(path: Path) -> None:
    first = save(path, 3)
    other = first.bays[0].model_copy(update={"id": "B01"})
    save_calibration(path, first.model_copy(update={"bays": (other,)}), author="ina")
    save(path, 1)
    forget_old(path, keep=1, pictures_since=LONG_AGO)
    assert numbers(path) == [2, 3]
    assert save(path, 0).retired_ids == ("A01",), "though no revision that stays has the bay"


def test_a_picture_stays_as_long_as_it_was_replaced_lately(path: Path) -> None:
    old = save(path, 100, grey=40).reference
    save(path, 95, grey=80)
    new = save(path, 10, grey=120).reference
    assert old is not None
    assert new is not None
    assert len(pictures(path)) == 3
    gone = forget_old(path, keep=50, pictures_since=NOW - timedelta(days=30))
    assert gone.pictures == (old.file,), "the second was in use until ten days ago"
    gone = forget_old(path, keep=50, pictures_since=NOW - timedelta(days=5))
    assert len(gone.pictures) == 1
    assert pictures(path) == [new.file]
    assert numbers(path) == [1, 2, 3], "a revision can be brought back without its picture"
    assert load_reference(path, load_calibration(path)).shape == (60, 80, 3)


def test_the_picture_in_use_stays_however_old_it_is(path: Path) -> None:
    first = save(path, 3000, grey=40).reference
    save(path, 2000)
    save(path, 1)
    assert first is not None
    assert forget_old(path, keep=1, pictures_since=NOW).pictures == ()
    assert pictures(path) == [first.file]


def test_a_picture_that_nobody_names_goes_but_not_that_of_a_save_under_way(path: Path) -> None:
    save(path, 50, grey=40)
    forgotten, fresh, held = (
        picture(path, grey, age) for grey, age in ((80, 60), (120, 0), (160, 60))
    )
    since = NOW - timedelta(days=30)
    assert forget_old(path, keep=9, pictures_since=since, named=[held]).pictures == (forgotten,)
    assert {fresh, held} < set(pictures(path))


def test_files_of_others_stay(path: Path) -> None:
    save(path, 50, grey=40)
    others = [
        "north.jpg",
        "south.reference-0123456789ab.jpg",
        "north.reference-mine.jpg",
        "north.reference-0123456789ab.jpg.bak",
        "x.north.reference-0123456789ab.jpg",
    ]
    for name in others:
        path.with_name(name).write_bytes(b"of somebody else")
        os.utime(path.with_name(name), (0, 0))
    (revisions_folder(path) / "1-mine.json").write_text("{}")
    assert forget_old(path, keep=1, pictures_since=NOW) == Forgotten()
    assert all(path.with_name(name).exists() for name in others)


def test_half_a_picture_of_a_crash_goes(path: Path) -> None:
    save(path, 50, grey=40)
    part = path.with_name("north.reference-0123456789ab.part")
    part.write_bytes(b"half")
    os.utime(part, (0, 0))
    assert forget_old(path, keep=9, pictures_since=NOW).pictures == (part.name,)


def test_nothing_goes_while_the_file_is_damaged_or_gone(path: Path) -> None:
    for age in range(5, 0, -1):
        save(path, age, grey=40 * age)
    content = path.read_bytes()
    path.write_bytes(b"{")
    with pytest.raises(CalibrationError):
        forget_old(path, keep=1, pictures_since=NOW)
    path.unlink()
    with pytest.raises(CalibrationError):
        forget_old(path, keep=1, pictures_since=NOW)
    assert len(pictures(path)) == 5
    assert numbers(path) == [1, 2, 3, 4, 5]
    path.write_bytes(content)
    assert len(forget_old(path, keep=1, pictures_since=NOW).revisions) == 3


def test_a_damaged_revision_is_counted_like_the_others(path: Path) -> None:
    for age in range(5, 0, -1):
        save(path, age)
    (revisions_folder(path) / "000001.json").write_bytes(b"\0")
    (revisions_folder(path) / "000004.json").write_bytes(b"[]")
    assert forget_old(path, keep=2, pictures_since=NOW).revisions == (1, 2)


def test_what_a_save_cut_short_left_above_the_present_one_stays(path: Path) -> None:
    for age in range(4, 0, -1):
        save(path, age)
    folder = revisions_folder(path)
    path.write_bytes((folder / "000002.json").read_bytes())
    assert forget_old(path, keep=1, pictures_since=NOW).revisions == ()
    assert (folder / "000004.json").exists()


def test_no_calibration_at_all(path: Path) -> None:
    assert forget_old(path, keep=1, pictures_since=NOW) == Forgotten()
