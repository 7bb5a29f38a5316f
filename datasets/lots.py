"""Labelled parking lots: one form in memory for every set.

A set is a folder with `images/` and `annotations.json`, which holds for each split the lists
`file_names`, `rois_list` (bays as corners, fractions of width and height) and `occupancy_list`;
sets of fixed cameras add `bay_ids`, `camera` and `time`. This is the form of the ACPDS release
(Marek 2021, arXiv 2107.12207).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from datasets.errors import DatasetError
from vision.types import Floats, ImageBgr, as_floats

Bools = npt.NDArray[np.bool]
ANNOTATIONS = "annotations.json"
SEQUENCE = "sequence.json"
NEEDED = ("file_names", "rois_list", "occupancy_list")
CORNERS_AT_LEAST = 3


@dataclass(frozen=True, slots=True)
class LotFrame:
    """One labelled picture.

    Attributes:
        set_name: of the set, e.g. `acpds`.
        split: of the set, e.g. `valid`.
        path: of the picture.
        polygons_norm: M bays, each (K, 2), fractions of width and height.
        occupied: the truth, shape (M,).
        bay_ids: names of the bays; their numbers in the picture where the set has none.
        camera: where the set says; else empty.
        time_local: where the set says; the sets give no time zone.
    """

    set_name: str
    split: str
    path: Path
    polygons_norm: tuple[Floats, ...] = field(repr=False)
    occupied: Bools = field(repr=False)
    bay_ids: tuple[str, ...] = field(repr=False)
    camera: str = ""
    time_local: datetime | None = None

    def read(self) -> ImageBgr:
        """Decode the picture.

        Raises:
            DatasetError: it is missing or no picture.
        """
        image = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if image is None:
            msg = f"{self.path}: expected a picture, but it is missing or cannot be decoded"
            raise DatasetError(msg)
        return np.asarray(image, np.uint8)


@dataclass(frozen=True, slots=True)
class SequenceFrame:
    """One picture of a fixed camera over days.

    Attributes:
        path: of the picture.
        time_local: when it was taken; no time zone.
        shift_px: how far the bays moved against the reference picture, x and y, pixels of the
            picture; None where that could not be measured.
        polygons_norm: where the bays are in this picture; none where that is not known.
        is_labelled: whether `annotations.json` has the truth for it.
    """

    path: Path
    time_local: datetime
    shift_px: tuple[float, float] | None
    polygons_norm: tuple[Floats, ...] = field(repr=False)
    is_labelled: bool


def data_root() -> Path:
    """Folder of all sets: `LOTSIGHT_DATA`, else `../shared/data` beside the checkout."""
    configured = os.environ.get("LOTSIGHT_DATA")
    checkout = Path(__file__).resolve().parent.parent
    return Path(configured) if configured else checkout.parent / "shared" / "data"


def list_sets(root: Path) -> dict[str, tuple[str, ...]]:
    """Names of the sets below a folder, and the splits of each.

    Raises:
        DatasetError: the folder is missing, or an annotation file in it is no JSON object.
    """
    if not root.is_dir():
        msg = f"{root}: expected a folder of labelled sets, but there is none (set LOTSIGHT_DATA)"
        raise DatasetError(msg)
    paths = sorted(root.glob(f"*/{ANNOTATIONS}"))
    return {path.parent.name: tuple(_read_object(path)) for path in paths}


def read_lot(folder: Path, split: str) -> list[LotFrame]:
    """Read one split of a set; pictures are not decoded yet.

    Raises:
        DatasetError: a file or list is missing, or lists contradict each other; the text names the
            file, the split and the frame.
    """
    path = folder / ANNOTATIONS
    splits = _read_object(path)
    if split not in splits:
        msg = f"{path}: expected a split among {sorted(splits)}, but got '{split}'"
        raise DatasetError(msg)
    table = splits[split]
    missing = [name for name in NEEDED if not isinstance(table.get(name), list)]
    if missing:
        msg = f"{path}: split '{split}': expected lists {NEEDED}, but {missing} are missing"
        raise DatasetError(msg)
    count = len(table["file_names"])
    lengths = {name: len(rows) for name, rows in table.items() if isinstance(rows, list)}
    if set(lengths.values()) != {count}:
        msg = f"{path}: split '{split}': expected lists of one length, but got {lengths}"
        raise DatasetError(msg)
    return [_frame(folder, split, table, row) for row in range(count)]


def read_sequence(folder: Path) -> list[SequenceFrame]:
    """Read the pictures of a fixed camera in the order of time.

    Raises:
        DatasetError: the file is missing or a frame lacks a field.
    """
    path = folder / SEQUENCE
    rows = _read_json(path)
    try:
        return [
            SequenceFrame(
                path=folder / "images" / row["file"],
                time_local=datetime.fromisoformat(row["time"]),
                shift_px=None
                if row["shift_px"] is None
                else (row["shift_px"][0], row["shift_px"][1]),
                polygons_norm=tuple(as_floats(roi) for roi in row["rois"] or ()),
                is_labelled=bool(row["labelled"]),
            )
            for row in rows
        ]
    except (KeyError, TypeError, ValueError, IndexError) as exc:
        msg = f"{path}: expected frames with file, time, shift_px, rois, labelled: {exc!r}"
        raise DatasetError(msg) from exc


def parse_set(text: str, root: Path) -> list[tuple[str, str]]:
    """Read `name:split`, `name` (every split of it) or `all`.

    Returns:
        Pairs of set name and split.

    Raises:
        DatasetError: there is no such set or split.
    """
    sets = list_sets(root)
    if text == "all":
        return [(name, split) for name, splits in sets.items() for split in splits]
    name, _, split = text.partition(":")
    if name not in sets or (split and split not in sets[name]):
        known = ", ".join(f"{n}:{s}" for n, splits in sets.items() for s in splits)
        msg = f"{root}: expected a set among {known}, all, but got '{text}'"
        raise DatasetError(msg)
    return [(name, split)] if split else [(name, one) for one in sets[name]]


def _frame(folder: Path, split: str, table: dict[str, Any], row: int) -> LotFrame:
    file, rois = table["file_names"][row], table["rois_list"][row]
    occupied = table["occupancy_list"][row]
    place = f"{folder / ANNOTATIONS}: split '{split}', frame {row} ({file})"
    if len(rois) != len(occupied):
        msg = (
            f"{place}: expected an occupancy for each of {len(rois)} bays, but got {len(occupied)}"
        )
        raise DatasetError(msg)
    polygons = tuple(as_floats(roi) for roi in rois)
    for bay, polygon in enumerate(polygons):
        if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < CORNERS_AT_LEAST:  # noqa: PLR2004
            msg = f"{place}, bay {bay}: expected corners of shape (K, 2), but got {polygon.shape}"
            raise DatasetError(msg)
    ids = table["bay_ids"][row] if "bay_ids" in table else range(len(rois))
    return LotFrame(
        set_name=folder.name,
        split=split,
        path=folder / "images" / file,
        polygons_norm=polygons,
        occupied=np.asarray(occupied, np.bool),
        bay_ids=tuple(str(bay) for bay in ids),
        camera=str(table["camera"][row]) if "camera" in table else "",
        time_local=datetime.fromisoformat(table["time"][row]) if "time" in table else None,
    )


def _read_object(path: Path) -> dict[str, Any]:
    raw = _read_json(path)
    if not isinstance(raw, dict) or not all(isinstance(table, dict) for table in raw.values()):
        msg = f"{path}: expected a JSON object of splits, but got {type(raw).__name__}"
        raise DatasetError(msg)
    return raw


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        msg = f"{path}: cannot read this file: {exc}"
        raise DatasetError(msg) from exc
    except ValueError as exc:
        msg = f"{path}: expected JSON: {exc}"
        raise DatasetError(msg) from exc
