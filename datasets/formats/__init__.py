"""Labelled sets in the formats of others: `read_set(Path("export"))` finds out which it is.

Each format is a row in `FORMATS`: how its files are found in a folder, and how they are read.
Errors of the shared parsers are turned into `DatasetError` here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from datasets.errors import DatasetError
from datasets.formats.cnrpark import find_cnrpark, read_cnrpark
from datasets.formats.coco import find_coco, read_coco, write_coco
from datasets.formats.cvat import find_cvat, read_cvat
from datasets.formats.labels import Collector, Meaning, Reading
from datasets.formats.pklot import find_pklot, read_pklot
from datasets.formats.tree import Tree, head_of, survey
from datasets.formats.voc import find_voc, read_voc
from datasets.formats.yolo import YoloTask, find_yolo, read_yolo, write_yolo
from datasets.lots import ANNOTATIONS, read_dataset
from telemetry.errors import CalibrationError


class SetFormat(StrEnum):
    """Forms of a labelled set."""

    LOTSIGHT = "lotsight"
    """Ours, which is that of the ACPDS release."""
    CNRPARK = "cnrpark"
    COCO = "coco"
    YOLO = "yolo"
    PKLOT = "pklot"
    CVAT = "cvat"
    VOC = "voc"


@dataclass(frozen=True, slots=True)
class Reader:
    """How a format is found and read.

    Attributes:
        looks_for: what a folder of it has, for errors.
        find: its files among those of a folder; none where it is another format.
        read: read them into a collector.
    """

    looks_for: str
    find: Callable[[Tree], list[Path]]
    read: Callable[[Tree, Sequence[Path], Collector], None]


FORMATS: Mapping[SetFormat, Reader] = {
    SetFormat.CNRPARK: Reader(
        "CNRPark+EXT.csv, or LABELS/all.txt, beside patches or full frames",
        find_cnrpark,
        read_cnrpark,
    ),
    SetFormat.COCO: Reader("*.json with images and annotations", find_coco, read_coco),
    SetFormat.YOLO: Reader("data.yaml with names and splits, or classes.txt", find_yolo, read_yolo),
    SetFormat.PKLOT: Reader("*.xml with <parking>", find_pklot, read_pklot),
    SetFormat.CVAT: Reader("*.xml with <annotations>", find_cvat, read_cvat),
    SetFormat.VOC: Reader("*.xml with <annotation>", find_voc, read_voc),
}


def read_set(
    source: Path,
    set_format: SetFormat | None = None,
    classes: Mapping[str, Meaning] | None = None,
    *,
    is_strict: bool = False,
) -> Reading:
    """Read a labelled set; images are not decoded yet.

    Args:
        source: its folder, or its file of annotations.
        set_format: what it is; None: found out from the content.
        classes: what classes mean whose names do not say it.
        is_strict: whether one annotation that cannot be read refuses the set; else it is skipped,
            and told in `Reading.left_out`.

    Raises:
        DatasetError: it is of no known format, or damaged: names the file and the place in it.
    """
    try:
        if _is_own(source):
            if set_format in {None, SetFormat.LOTSIGHT}:
                left_out: list[str] = []
                told = None if is_strict else left_out.append
                frames = tuple(read_dataset(_folder(source), told))
                return Reading(frames, {}, tuple(left_out))
        elif set_format is SetFormat.LOTSIGHT:
            msg = f"{source}: expected {ANNOTATIONS} with rois_list in it, but there is none"
            raise DatasetError(msg)
        return _read(source, set_format, Collector(source, classes or {}, is_strict=is_strict))
    except CalibrationError as exc:
        raise DatasetError(str(exc)) from exc


def _read(source: Path, wanted: SetFormat | None, collector: Collector) -> Reading:
    tree = survey(source)
    for name in [wanted] if wanted else FORMATS:
        reader = FORMATS[name]
        files = reader.find(tree)
        if files:
            reader.read(tree, files, collector)
            return collector.done()
    looked = "; ".join(
        f"{name}: {reader.looks_for}" for name, reader in FORMATS.items() if wanted in {None, name}
    )
    ours = "" if wanted else f"lotsight: {ANNOTATIONS} with rois_list; "
    msg = f"{source}: expected a labelled set ({ours}{looked}), but found none"
    raise DatasetError(msg)


def detect_set(source: Path) -> SetFormat | None:
    """Which format a folder or file is in; None for none.

    Raises:
        DatasetError: there is nothing at this path.
    """
    if _is_own(source):
        return SetFormat.LOTSIGHT
    tree = survey(source)
    return next((name for name, reader in FORMATS.items() if reader.find(tree)), None)


def _folder(source: Path) -> Path:
    return source.parent if source.is_file() else source


def _is_own(source: Path) -> bool:
    path = _folder(source) / ANNOTATIONS
    if not path.is_file() or (source.is_file() and source.name != ANNOTATIONS):
        return False
    head = head_of(path)
    return '"rois_list"' in head or '"file_names"' in head


__all__ = [
    "FORMATS",
    "Meaning",
    "Reader",
    "Reading",
    "SetFormat",
    "YoloTask",
    "detect_set",
    "read_set",
    "write_coco",
    "write_yolo",
]
