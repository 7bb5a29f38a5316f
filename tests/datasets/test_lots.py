"""Readers of labelled lots, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.lots import list_sets, parse_set, read_lot, read_sequence

BAY = [[0.1, 0.1], [0.3, 0.1], [0.3, 0.4], [0.1, 0.4]]
TABLE: dict[str, Any] = {
    "file_names": ["a.png", "b.png"],
    "rois_list": [[BAY, BAY], [BAY]],
    "occupancy_list": [[True, False], [True]],
    "bay_ids": [[3, 4], [3]],
    "camera": ["cam", "cam"],
    "time": ["2026-01-01T10:00:00", "2026-01-01T10:30:00"],
}


@pytest.fixture
def lot(tmp_path: Path) -> Path:
    folder = tmp_path / "mylot"
    (folder / "images").mkdir(parents=True)
    for name in TABLE["file_names"]:
        cv2.imwrite(str(folder / "images" / name), np.full((20, 40, 3), 7, np.uint8))
    return write(folder, {"train": TABLE, "valid": TABLE})


def write(folder: Path, content: object) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "annotations.json").write_text(text)
    return folder


def test_frames_carry_bays_truth_camera_and_time(lot: Path) -> None:
    first, second = read_lot(lot, "valid")
    assert (first.set_name, first.split, first.camera) == ("mylot", "valid", "cam")
    assert first.bay_ids == ("3", "4")
    assert first.occupied.tolist() == [True, False]
    assert first.polygons_norm[0].tolist() == [pytest.approx(p) for p in BAY]
    assert second.time_local is not None
    assert second.time_local.minute == 30
    assert first.read().shape == (20, 40, 3)


def test_a_set_without_ids_camera_and_time(lot: Path) -> None:
    bare = {key: TABLE[key] for key in ("file_names", "rois_list", "occupancy_list")}
    first, _ = read_lot(write(lot, {"train": bare}), "train")
    assert (first.bay_ids, first.camera, first.time_local) == (("0", "1"), "", None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"rois_list": [[BAY]]}, "lists of one length, but got", id="lengths"),
        pytest.param({"rois_list": None}, r"\['rois_list'\] are missing", id="missing"),
        pytest.param(
            {"occupancy_list": [[True], [True]]},
            r"frame 0 \(a.png\): expected an occupancy for each of 2 bays, but got 1",
            id="occupancies",
        ),
        pytest.param(
            {"rois_list": [[BAY, BAY[:2]], [BAY]]},
            r"frame 0 \(a.png\): bay 4: expected corners of shape \(K, 2\).* but got \(2, 2\)",
            id="two corners",
        ),
    ],
)
def test_lists_that_contradict_each_other_are_named(
    lot: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DatasetError, match=message) as caught:
        read_lot(write(lot, {"train": TABLE | changes}), "train")
    assert "annotations.json" in str(caught.value)


def test_wrong_files_are_named(lot: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"split among \['train', 'valid'\], but got 'test'"):
        read_lot(lot, "test")
    with pytest.raises(DatasetError, match="expected JSON"):
        read_lot(write(lot, "{"), "train")
    with pytest.raises(DatasetError, match="JSON object of splits, but got list"):
        read_lot(write(lot, [1]), "train")
    with pytest.raises(DatasetError, match="cannot read this file"):
        read_lot(tmp_path / "none", "train")


def test_a_missing_picture_is_named(lot: Path) -> None:
    first, _ = read_lot(lot, "valid")
    first.path.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"a\.png: expected a whole image"):
        first.read()


def test_sets_are_found_and_chosen(lot: Path) -> None:
    root = lot.parent
    assert list_sets(root) == {"mylot": ("train", "valid")}
    both = [("mylot", "train"), ("mylot", "valid")]
    assert parse_set("all", root) == both
    assert parse_set("mylot", root) == both
    assert parse_set("mylot:valid", root) == both[1:]
    for wrong in ("other", "mylot:test"):
        with pytest.raises(DatasetError, match=f"mylot:train, mylot:valid, all, but got '{wrong}'"):
            parse_set(wrong, root)
    with pytest.raises(DatasetError, match="LOTSIGHT_DATA"):
        list_sets(root / "none")


def test_sequences(lot: Path) -> None:
    rows = [
        {"file": "a.png", "time": "2026-01-01T10:00:00", "shift_px": [1.5, -2], "rois": [BAY],
         "labelled": True},
        {"file": "b.png", "time": "2026-01-01T10:30:00", "shift_px": None, "rois": None,
         "labelled": False},
    ]  # fmt: skip
    (lot / "sequence.json").write_text(json.dumps(rows))
    first, second = read_sequence(lot)
    assert (first.shift_px, first.is_labelled, len(first.polygons_norm)) == ((1.5, -2), True, 1)
    assert (second.shift_px, second.is_labelled, second.polygons_norm) == (None, False, ())
    (lot / "sequence.json").write_text(json.dumps([{"file": "a.png"}]))
    with pytest.raises(DatasetError, match="expected frames with file, time"):
        read_sequence(lot)


@pytest.mark.data
def test_every_shared_set_reads(shared_data: Path) -> None:
    counts = {
        name: sum(
            len(f.polygons_norm) for split in splits for f in read_lot(shared_data / name, split)
        )
        for name, splits in list_sets(shared_data).items()
    }
    known = {"acpds": 9746, "nightlot": 381, "pklot_ufpr05": 1200, "smartlot": 706}
    assert counts.items() >= known.items()
    sequence = read_sequence(shared_data / "smartlot")
    assert len(sequence) == 107
    assert [f.time_local for f in sequence] == sorted(f.time_local for f in sequence)
