"""CNRPark+EXT (Amato et al. 2017): labels by bay and minute, full frames or cut-out bays.

The labels are in `CNRPark+EXT.csv`, or in `LABELS/*.txt` (`WEATHER/DAY/camera1/PATCH.jpg 0`). Full
frames are `FULL_IMAGE_1000x750/WEATHER/DAY/cameraN/DAY_HHMM.jpg`; `cameraN.csv` gives the bays as
squares of the original image of 2592x1944. Without full frames each cut-out bay is an image of
one bay, as patches are what most work on this set uses.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from calibration.importers import Document
from calibration.importers.xml import parse_number
from datasets.formats.labels import Collector, Label, Shot, rectangle, scaled
from datasets.formats.tree import Tree, head_of, read_document
from datasets.frames import Origin, State

ORIGIN = Origin("CNRPark+EXT, Amato et al. 2017", "ODbL-1.0")
LOT = "CNR Pisa"
ORIGINAL_WH = (2592, 1944)
LABELS_CSV = "CNRPark+EXT.csv"
CORNERS = rectangle(0.0, 0.0, 1.0, 1.0)
_FULL = re.compile(r"/?(\w+)/(\d{4}-\d\d-\d\d)/camera(\d+)/\d{4}-\d\d-\d\d_(\d\d)\.?(\d\d)\.jpe?g$")
_EXT_PATCH = re.compile(r"([A-Z])_(\d{4}-\d\d-\d\d)_(\d\d)\.(\d\d)_C(\d+)_(\w+)\.jpe?g$")
_A_B_PATCH = re.compile(r"(?:^|/)([AB])/(?:busy|free)/(\d{8})_(\d\d)(\d\d)_(\w+)\.jpe?g$")
_WEATHERS = {"S": "sunny", "O": "overcast", "R": "rainy"}


@dataclass(frozen=True, slots=True)
class _Look:
    """One bay at one time: what the labels are about."""

    camera: str
    time: datetime
    slot: str


def find_cnrpark(tree: Tree) -> list[Path]:
    """The table of labels, or the lists of labels, and the tables of bays."""
    tables = [path for path in tree.with_suffix(".csv") if _is_table(path)]
    lists = [path for path in tree.with_suffix(".txt") if path.parent.name == "LABELS"]
    return tables + [path for path in lists if path.stem == "all" or len(lists) == 1]


def _is_table(path: Path) -> bool:
    header = head_of(path).partition("\n")[0].strip().lower()
    return header == "slotid,x,y,w,h" or header.startswith("camera,datetime,day")


def read_cnrpark(tree: Tree, files: Sequence[Path], collector: Collector) -> None:
    """Read CNRPark+EXT.

    Raises:
        CalibrationError: a file is damaged; the text names file and line.
    """
    truth: dict[_Look, bool] = {}
    slots: dict[str, list[tuple[str, list[tuple[float, float]]]]] = {}
    for path in files:
        document = read_document(path)
        if path.suffix.lower() == ".txt":
            truth.update(_label_list(document))
        elif path.stem.lower().startswith("camera") and path.name != LABELS_CSV:
            slots[_camera(path.stem.lower().removeprefix("camera"))] = _slots(document)
        else:
            truth.update(_label_table(document))
    document = Document(files[0], b"")
    if not truth:
        document.fail("the set", f"labels in {LABELS_CSV} or LABELS/all.txt", "none")
    if not (slots and _full_frames(tree, document, collector, truth, slots)):
        _patches(tree, document, collector, truth)


def _full_frames(
    tree: Tree,
    document: Document,
    collector: Collector,
    truth: dict[_Look, bool],
    slots: dict[str, list[tuple[str, list[tuple[float, float]]]]],
) -> int:
    count = 0
    for path in _pictures(tree):
        found = _FULL.search(path.as_posix())
        if found is None or _camera(found[3]) not in slots:
            continue
        camera, time = _camera(found[3]), _time(found[2] + found[4] + found[5])
        labels = [
            Label(slot, "space", points, slot, truth.get(_Look(camera, time, slot)))
            for slot, points in slots[camera]
        ]
        collector.add(document, _shot(path, camera, found[1].lower(), time), labels)
        count += 1
    return count


def _patches(
    tree: Tree, document: Document, collector: Collector, truth: dict[_Look, bool]
) -> None:
    for path in _pictures(tree):
        look = _look_of(path.as_posix())
        if look is not None:
            code = path.name[:1] if path.name[1:2] == "_" else "S"  # the two first days were sunny
            shot = _shot(path, look.camera, _WEATHERS.get(code, ""), look.time)
            state: State = truth.get(look)
            collector.add(document, shot, [Label(path.name, "space", CORNERS, look.slot, state)])


def _pictures(tree: Tree) -> Iterator[Path]:
    yield from sorted(path for paths in tree.pictures.values() for path in paths)


def _shot(path: Path, camera: str, weather: str, time: datetime) -> Shot:
    return Shot(path, camera=camera, lot=LOT, weather=weather, time_local=time, origin=ORIGIN)


def _look_of(name: str) -> _Look | None:
    """Which bay a cut-out shows, by its file's name."""
    if found := _EXT_PATCH.search(name):
        time = _time(found[2] + found[3] + found[4])
        return _Look(_camera(found[5]), time, found[6])
    if found := _A_B_PATCH.search(name):
        return _Look(found[1], _time(found[2] + found[3] + found[4]), found[5])
    return None


def _camera(text: str) -> str:
    return f"{int(text):02d}" if text.isdigit() else text.upper()


def _time(text: str) -> datetime:
    # Local time of the cameras in Pisa; the set gives no zone.
    return datetime.strptime(text.replace("-", "").replace("_", ""), "%Y%m%d%H%M")  # noqa: DTZ007


def _rows(document: Document, *needed: str) -> Iterator[tuple[str, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(document.text()))
    columns = reader.fieldnames or []
    missing = [name for name in needed if name not in columns]
    if missing:
        document.fail("line 1", f"columns {', '.join(needed)}", ", ".join(columns))
    for row in reader:
        place = f"line {reader.line_num}"
        if any(row[name] is None for name in needed):
            document.fail(
                place, f"{len(columns)} fields", f"{sum(v is not None for v in row.values())}"
            )
        yield place, row


def _slots(document: Document) -> list[tuple[str, list[tuple[float, float]]]]:
    found = []
    for place, row in _rows(document, "SlotId", "X", "Y", "W", "H"):
        x, y, width, height = (
            parse_number(document, f"{place}, {key}", row[key]) for key in ("X", "Y", "W", "H")
        )
        corners = rectangle(x, y, x + width, y + height)
        found.append((row["SlotId"].strip(), scaled(corners, ORIGINAL_WH)))
    return found


def _label_table(document: Document) -> dict[_Look, bool]:
    truth = {}
    for place, row in _rows(document, "camera", "datetime", "slot_id", "occupancy"):
        try:
            time = _time(row["datetime"])
        except ValueError:
            document.fail(f"{place}, datetime", "YYYYMMDD_HHMM", row["datetime"])
        look = _Look(_camera(row["camera"].strip()), time, row["slot_id"].strip())
        truth[look] = _occupancy(document, place, row["occupancy"])
    return truth


def _label_list(document: Document) -> dict[_Look, bool]:
    truth = {}
    for number, line in enumerate(document.text().splitlines(), start=1):
        if line.strip():
            name, _, occupied = line.strip().rpartition(" ")
            look = _look_of(name)
            if look is None:
                document.fail(f"line {number}", "a patch's path and 0 or 1", line)
            truth[look] = _occupancy(document, f"line {number}", occupied)
    return truth


def _occupancy(document: Document, place: str, text: str) -> bool:
    if text.strip() not in {"0", "1"}:
        document.fail(f"{place}, occupancy", "0 or 1", text)
    return text.strip() == "1"
