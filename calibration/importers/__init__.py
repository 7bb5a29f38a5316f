"""Bays from other tools' files: `import_bays(Path("bounding_boxes.json"), image_wh=(1280, 720))`.

Each format is one function from a `Document` to an `Imported`; a new one is a function and a row
in `IMPORTERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypedDict, Unpack

from calibration.files import read_bytes
from calibration.importers.coco import import_coco
from calibration.importers.common import Document, Imported, Shape
from calibration.importers.frigate import import_frigate
from calibration.importers.geojson import import_geojson
from calibration.importers.pklot import import_pklot
from calibration.importers.plain import import_acpds, import_bays_json, import_ultralytics
from calibration.importers.roboflow import import_roboflow
from calibration.types import ControlPoint
from telemetry.errors import CalibrationError


class ImportFormat(StrEnum):
    """Files that bays can be taken from."""

    ULTRALYTICS = "ultralytics"
    BAYS_JSON = "bays-json"
    ACPDS = "acpds"
    COCO = "coco"
    ROBOFLOW = "roboflow"
    PKLOT = "pklot"
    FRIGATE = "frigate"
    GEOJSON = "geojson"


class About(TypedDict, total=False):
    """What a file does not say of itself; see `Document`."""

    image_wh: tuple[int, int] | None
    item: str | None
    start: str
    control_points: tuple[ControlPoint, ...]


IMPORTERS: Mapping[ImportFormat, Callable[[Document], Imported]] = {
    ImportFormat.ULTRALYTICS: import_ultralytics,
    ImportFormat.BAYS_JSON: import_bays_json,
    ImportFormat.ACPDS: import_acpds,
    ImportFormat.COCO: import_coco,
    ImportFormat.ROBOFLOW: import_roboflow,
    ImportFormat.PKLOT: import_pklot,
    ImportFormat.FRIGATE: import_frigate,
    ImportFormat.GEOJSON: import_geojson,
}


def import_bays(
    path: Path, file_format: ImportFormat | None = None, **about: Unpack[About]
) -> Imported:
    """Take bays from another tool's file.

    Args:
        path: the file.
        file_format: what it is; None: found out from its content.
        about: what the file does not say, as in `Document`: `image_wh` for formats that keep
            pixels, `item` to choose a picture or camera of several, `start` of the ids for bays
            without names, `control_points` for places on Earth.

    Raises:
        CalibrationError: the file cannot be read or is not of that format; names the place in it.
    """
    return import_document(Document(path, read_bytes(path), **about), file_format)


def import_document(document: Document, file_format: ImportFormat | None = None) -> Imported:
    """Take bays from a document in memory, as from an upload; see `import_bays`.

    Raises:
        CalibrationError: it is not of that format; names the place in it.
    """
    return IMPORTERS[file_format or detect_format(document)](document)


def detect_format(document: Document) -> ImportFormat:
    """Find out what a file is.

    Raises:
        CalibrationError: it is nothing that can be imported.
    """
    suffix = document.path.suffix.lower()
    start = document.content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if suffix == ".xml" or start == b"<":
        return ImportFormat.PKLOT
    if suffix in {".yaml", ".yml"}:
        return ImportFormat.FRIGATE
    if suffix == ".txt":
        return ImportFormat.ROBOFLOW
    found = _json_format(document.json()) if start in {b"{", b"["} else None
    if found is None:
        known = ", ".join(ImportFormat)
        msg = f"{document.path}: expected one of {known}, but got a file that is none (--format)"
        raise CalibrationError(msg)
    return found


def _json_format(data: Any) -> ImportFormat | None:
    found: ImportFormat | None = None
    match data:
        case [{"points": _}, *_] | []:
            found = ImportFormat.ULTRALYTICS
        case [str(), *_] | {"cameras": _} | {"zones": _}:
            found = ImportFormat.FRIGATE
        case [[*_], *_]:
            found = ImportFormat.ROBOFLOW
        case {"bays": _, "width": _}:
            found = ImportFormat.BAYS_JSON
        case {"type": "FeatureCollection"}:
            found = ImportFormat.GEOJSON
        case {"images": _, "annotations": _}:
            found = ImportFormat.COCO
        case {"train": {"rois_list": _}} | {"valid": {"rois_list": _}}:
            found = ImportFormat.ACPDS
    return found


__all__ = [
    "IMPORTERS",
    "Document",
    "ImportFormat",
    "Imported",
    "Shape",
    "detect_format",
    "import_bays",
    "import_document",
]
