"""Writer of our own form: `images/`, `annotations.json` and `manifest.json`.

`datasets.lots.read_dataset` reads it back, and training reads it as it is.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from calibration.files import write_atomically
from datasets.errors import DatasetError
from datasets.frames import LotFrame
from datasets.lots import ANNOTATIONS, PICTURES
from datasets.manifest import About, Manifest, hash_files, make_manifest, write_manifest
from vision.types import Floats

UNSPLIT = "all"
"""Split of frames that have none: the form needs a name."""
DECIMALS = 7
"""Of fractions of a side: 0.001 pixels of an image 10,000 pixels wide, and below what a 32-bit
float distinguishes, so that reading and writing again changes nothing."""


class Placing(StrEnum):
    """How images get into the new folder."""

    COPY = "copy"
    LINK = "link"
    """Hard link: no space is used; a copy where the disk or the owner does not allow it."""


def write_dataset(
    frames: Sequence[LotFrame],
    folder: Path,
    about: About | None = None,
    placing: Placing = Placing.COPY,
    on_picture: Callable[[], None] = lambda: None,
) -> Manifest:
    """Write a data set with its manifest; `annotations.json` comes last but one.

    So a folder whose writing was cut off is no data set, and is recognised as incomplete.

    Args:
        frames: of all splits, in the order in which they are kept.
        folder: new, or empty.
        about: name, parent version and note of the version.
        placing: how images get there.
        on_picture: called after each image.

    Returns:
        The manifest that was written.

    Raises:
        DatasetError: the folder is not empty, an image is missing, or the disk does not take it.
    """
    claim_folder(folder)
    names = picture_names(frames)
    place_pictures({folder / PICTURES / name: path for path, name in names.items()}, placing,
                   on_picture)  # fmt: skip
    write_text(folder / ANNOTATIONS, format_annotations(frames, names))
    manifest = make_manifest(folder, frames, hash_files(folder), about or About())
    write_manifest(folder, manifest)
    return manifest


def claim_folder(folder: Path) -> None:
    """Make a folder for new files.

    Raises:
        DatasetError: there is something in it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        present = next(folder.iterdir(), None)
    except OSError as exc:
        msg = f"{folder}: cannot write: {exc.strerror}"
        raise DatasetError(msg) from exc
    if present is not None:
        msg = f"{folder}: expected a new or empty folder, but it contains {present.name}"
        raise DatasetError(msg)


def picture_names(frames: Sequence[LotFrame]) -> dict[Path, str]:
    """A distinct file name for each image, by its path: its own, longer where two share it.

    Two that share a name get their camera, or else their folder, before it, and a number after it
    where that is not enough.
    """
    paths = {frame.path: frame for frame in frames}
    shared = Counter(path.name.lower() for path in paths)
    names: dict[Path, str] = {}
    taken: set[str] = set()
    for path, frame in paths.items():
        stem = path.stem
        if shared[path.name.lower()] > 1:
            stem = f"{frame.camera or path.parent.name}_{path.stem}"
        name, count = f"{stem}{path.suffix}", 2
        while name.lower() in taken:  # some file systems hold A.jpg and a.jpg for one
            name, count = f"{stem}.{count}{path.suffix}", count + 1
        names[path] = name
        taken.add(name.lower())
    return names


def place_pictures(
    targets: Mapping[Path, Path], placing: Placing, on_picture: Callable[[], None]
) -> None:
    """Bring images, by their new path, into the new folder.

    Raises:
        DatasetError: one is missing, or the disk does not take it.
    """
    for target, source in targets.items():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if placing is not Placing.LINK or not _linked(source, target):
                shutil.copyfile(source, target)
        except OSError as exc:
            msg = f"{source}: cannot copy to {target}: {exc.strerror}"
            raise DatasetError(msg) from exc
        on_picture()


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source.resolve(), target)
    except OSError:
        return False
    return True


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all.

    Raises:
        DatasetError: the disk does not take it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as exc:
        msg = f"{path}: cannot write: {exc.strerror}"
        raise DatasetError(msg) from exc


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file.

    Raises:
        DatasetError: the disk does not take it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as exc:
        msg = f"{path}: cannot write: {exc.strerror}"
        raise DatasetError(msg) from exc


def format_annotations(frames: Sequence[LotFrame], names: Mapping[Path, str]) -> str:
    """The text of `annotations.json`: a line for each image and list, so that diffs are short."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for frame in frames:
        tables.setdefault(frame.split or UNSPLIT, []).append(_row(frame, names[frame.path]))
    return _format({split: _columns(rows) for split, rows in tables.items()})


def _row(frame: LotFrame, name: str) -> dict[str, Any]:
    return {
        "file_names": name,
        "rois_list": [fractions(polygon) for polygon in frame.polygons_norm],
        "occupancy_list": list(frame.states),
        "bay_ids": list(frame.bay_ids),
        "camera": frame.camera,
        "lot": frame.lot,
        "weather": frame.weather,
        "time": None if frame.time_local is None else frame.time_local.isoformat(),
        "vehicles": [
            [*(round(side, DECIMALS) for side in one.xyxy_norm), one.kind] for one in frame.vehicles
        ],
        "size_wh": None if frame.image_wh is None else list(frame.image_wh),
        "source": frame.origin.source,
        "licence": frame.origin.licence,
    }


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Lists of one value for each image; those that say nothing are skipped."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    needed = {"file_names", "rois_list", "occupancy_list", "bay_ids"}
    return {name: column for name, column in columns.items() if name in needed or any(column)}


def _format(tables: Mapping[str, Mapping[str, Sequence[Any]]]) -> str:
    splits = []
    for split, columns in tables.items():
        lists = []
        for name, column in columns.items():
            lines = ",\n".join(f"   {json.dumps(value)}" for value in column)
            lists.append(f"  {json.dumps(name)}: [\n{lines}\n  ]")
        splits.append(f" {json.dumps(split)}: {{\n" + ",\n".join(lists) + "\n }")
    return "{\n" + ",\n".join(splits) + "\n}\n"


def fractions(polygon_norm: Floats) -> list[list[float]]:
    """Corners for a text file."""
    rounded: list[list[float]] = polygon_norm.astype(np.float64).round(DECIMALS).tolist()
    return rounded
