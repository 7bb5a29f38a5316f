"""Labelled parking lots: one form in memory for every set.

A set is a folder with `images/` and `annotations.json`, which holds for each split the lists
`file_names`, `rois_list` (bays as corners, fractions of width and height) and `occupancy_list`
(true, false, null if unknown). This is the form of the ACPDS release (Marek 2021, arXiv
2107.12207). Lists that may be there too, an entry for each image: `bay_ids`, `camera`, `lot`,
`weather`, `time` (local, ISO 8601), `vehicles` ([x_min, y_min, x_max, y_max, kind], fractions),
`size_wh` (pixels), `source`, `licence`. `datasets.native` writes this form.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from datasets.errors import DatasetError
from datasets.frames import LotFrame, Origin, State, Vehicle, polygon_of
from vision.types import Floats, as_floats

ANNOTATIONS = "annotations.json"
PICTURES = "images"
SEQUENCE = "sequence.json"
OnFault = Callable[[str], None]
NEEDED = ("file_names", "rois_list", "occupancy_list")


@dataclass(frozen=True, slots=True)
class SequenceFrame:
    """One image of a fixed camera over days.

    Attributes:
        path: of the image.
        time_local: when it was taken; no time zone.
        shift_px: how far the bays moved against the reference image, x and y, pixels of the
            image; None where that could not be measured.
        polygons_norm: where the bays are in this image; none where that is not known.
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
        msg = f"{root}: folder of labelled sets not found (set LOTSIGHT_DATA)"
        raise DatasetError(msg)
    paths = sorted(root.glob(f"*/{ANNOTATIONS}"))
    return {path.parent.name: tuple(_read_object(path)) for path in paths}


def read_lot(folder: Path, split: str, on_fault: OnFault | None = None) -> list[LotFrame]:
    """Read one split of a set; images are not decoded yet.

    Args:
        folder: of the set.
        split: one of its splits.
        on_fault: called with each invalid bay or vehicle, which is skipped; None: it fails the
            set.

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
    columns = {name: rows for name, rows in table.items() if isinstance(rows, list)}
    return [_frame(folder, split, columns, row, on_fault) for row in range(count)]


def read_dataset(folder: Path, on_fault: OnFault | None = None) -> list[LotFrame]:
    """Read every split of a set, as `read_lot`; images are not decoded yet.

    Raises:
        DatasetError: as `read_lot`.
    """
    splits = _read_object(folder / ANNOTATIONS)
    return [frame for split in splits for frame in read_lot(folder, split, on_fault)]


def read_sequence(folder: Path) -> list[SequenceFrame]:
    """Read the images of a fixed camera in the order of time.

    Raises:
        DatasetError: the file is missing or a frame lacks a field.
    """
    path = folder / SEQUENCE
    rows = _read_json(path)
    try:
        return [
            SequenceFrame(
                path=folder / PICTURES / row["file"],
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


def _frame(
    folder: Path, split: str, table: dict[str, Any], row: int, on_fault: OnFault | None
) -> LotFrame:
    place = f"{folder / ANNOTATIONS}: split '{split}', frame {row} ({table['file_names'][row]})"

    def tell(fault: DatasetError) -> None:
        if on_fault is None:
            raise fault
        on_fault(f"{place}: {fault}")

    try:
        return _frame_of(folder, split, {name: rows[row] for name, rows in table.items()}, tell)
    except (DatasetError, TypeError, ValueError, AttributeError, LookupError) as exc:
        msg = f"{place}: {exc}"
        raise DatasetError(msg) from exc


def _frame_of(
    folder: Path, split: str, row: dict[str, Any], tell: Callable[[DatasetError], None]
) -> LotFrame:
    size, time = row.get("size_wh"), row.get("time")
    bays = _bays(row, tell)
    return LotFrame(
        set_name=folder.name,
        split=split,
        path=folder / PICTURES / row["file_names"],
        polygons_norm=tuple(polygon for _, polygon, _ in bays),
        states=tuple(state for _, _, state in bays),
        bay_ids=tuple(bay for bay, _, _ in bays),
        camera=str(row.get("camera") or ""),
        lot=str(row.get("lot") or ""),
        weather=str(row.get("weather") or ""),
        time_local=datetime.fromisoformat(time) if time else None,
        vehicles=_vehicles(row, tell),
        image_wh=(int(size[0]), int(size[1])) if size else None,
        origin=Origin(str(row.get("source") or ""), str(row.get("licence") or "")),
    )


def _bays(
    row: dict[str, Any], tell: Callable[[DatasetError], None]
) -> list[tuple[str, Floats, State]]:
    """Name, outline and state of each bay that has an outline."""
    rois, states = row["rois_list"], row["occupancy_list"]
    names = row.get("bay_ids", range(len(rois)))
    for what, rows in (("an occupancy", states), ("a name", names)):
        if len(rows) != len(rois):
            msg = f"expected {what} for each of {len(rois)} bays, but got {len(rows)}"
            raise DatasetError(msg)
    bays: list[tuple[str, Floats, State]] = []
    for name, roi, state in zip(names, rois, states, strict=True):
        try:
            polygon = polygon_of(str(name), roi)
        except DatasetError as exc:
            tell(exc)
        else:
            bays.append((str(name), polygon, None if state is None else bool(state)))
    return bays


def _vehicles(row: dict[str, Any], tell: Callable[[DatasetError], None]) -> tuple[Vehicle, ...]:
    vehicles = []
    for *box, kind in row.get("vehicles") or ():
        try:
            left, top, right, bottom = map(float, box)
            vehicles.append(Vehicle((left, top, right, bottom), str(kind)))
        except DatasetError as exc:
            tell(exc)
    return tuple(vehicles)


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
