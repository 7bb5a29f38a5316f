"""What a file is, by its content: names and suffixes are not looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from calibration.importers.document import Document
from calibration.importers.mask import is_picture
from calibration.importers.regions import POINT_KEYS, regions_in
from calibration.importers.roboflow import without_numpy
from calibration.importers.rows import is_point, is_row
from calibration.parsing import parse_json
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
    CVAT = "cvat"
    LABELME = "labelme"
    VIA = "via"
    LABEL_STUDIO = "label-studio"
    SUPERVISELY = "supervisely"
    COORDINATES = "coordinates"
    ROWS = "rows"
    CORNERS = "corners"
    MASK = "mask"
    VOC = "voc"


EXPECTED: Mapping[ImportFormat, str] = {
    ImportFormat.ULTRALYTICS: 'JSON [{"points": [[x, y], ...]}, ...]',
    ImportFormat.BAYS_JSON: 'JSON {"width", "height", "bays": [[[x, y], ...], ...]}',
    ImportFormat.ACPDS: 'JSON {SPLIT: {"file_names", "rois_list"}}',
    ImportFormat.COCO: 'JSON {"images", "categories", "annotations"}',
    ImportFormat.ROBOFLOW: "lines CLASS x1 y1 x2 y2 ..., [np.array([...])], "
    'or JSON {"image", "predictions"}',
    ImportFormat.PKLOT: "XML <parking> with <space>",
    ImportFormat.FRIGATE: "YAML cameras: NAME: zones: BAY: coordinates",
    ImportFormat.GEOJSON: 'JSON {"type": "FeatureCollection"}',
    ImportFormat.CVAT: "XML <annotations> with <image> or <track> (CVAT 1.1)",
    ImportFormat.LABELME: 'JSON {"shapes": [{"label", "points"}]}',
    ImportFormat.VIA: 'JSON {PICTURE: {"filename", "regions"}}, a VIA project, or its CSV',
    ImportFormat.LABEL_STUDIO: 'JSON [{"annotations": [{"result"}]}], or JSON-MIN',
    ImportFormat.SUPERVISELY: 'JSON {"size", "objects": [{"points": {"exterior"}}]}',
    ImportFormat.COORDINATES: "YAML - {id: BAY, coordinates: [[x, y], ...]}, or BAY: [[x, y], ...]",
    ImportFormat.ROWS: "JSON [[x1, y1, x2, y2, ...], ...], or lines BAY,x1,y1,x2,y2,...",
    ImportFormat.CORNERS: "a pickled list [(x, y), ...] of upper left corners (CarParkPos), "
    "or of outlines",
    ImportFormat.MASK: "an image with a filled blob for each bay",
    ImportFormat.VOC: "XML <annotation> with <object> (Pascal VOC, LabelImg)",
}

# Keys that a file of the form has at its top.
_BY_KEYS: tuple[tuple[frozenset[str], ImportFormat], ...] = (
    (frozenset({"cameras"}), ImportFormat.FRIGATE),
    (frozenset({"zones"}), ImportFormat.FRIGATE),
    (frozenset({"bays", "width"}), ImportFormat.BAYS_JSON),
    (frozenset({"images", "annotations"}), ImportFormat.COCO),
    (frozenset({"shapes"}), ImportFormat.LABELME),
    (frozenset({"size", "objects"}), ImportFormat.SUPERVISELY),
    (frozenset({"image", "predictions"}), ImportFormat.ROBOFLOW),
    (frozenset({"_via_img_metadata"}), ImportFormat.VIA),
    (frozenset({"metadata", "file"}), ImportFormat.VIA),
)
_TAG = re.compile(r"<(!--|[A-Za-z_][\w.-]*)")
_PICKLE_ENDS = b"."
_PICKLE_STARTS = (b"\x80", b"(l", b"]", b"(d", b"}", b"c")
_TUTORIAL_KEYS = ("annotations", "completions", "predictions")


def detect_format(document: Document) -> ImportFormat:
    """Find out what a file is.

    Raises:
        CalibrationError: it is nothing that can be imported: lists what is expected of each form.
    """
    found = _binary_format(document.content)
    if found is None:
        text = document.text().strip()
        rules: tuple[Callable[[Document, str], ImportFormat | None], ...] = (
            _xml_format, _json_format, _lines_format, _yaml_format,
        )  # fmt: skip
        found = next(filter(None, (rule(document, text) for rule in rules)), None)
    if found is None:
        listed = "\n".join(f"  {name}: {expected}" for name, expected in EXPECTED.items())
        msg = f"{document.path}: expected one of these forms, but got none of them:\n{listed}"
        raise CalibrationError(msg)
    return found


def _binary_format(content: bytes) -> ImportFormat | None:
    if is_picture(content):
        return ImportFormat.MASK
    is_pickle = content.startswith(_PICKLE_STARTS) and content.endswith(_PICKLE_ENDS)
    return ImportFormat.CORNERS if is_pickle else None


def _xml_format(_document: Document, text: str) -> ImportFormat | None:
    if not text.startswith("<"):
        return None
    roots = {"parking": ImportFormat.PKLOT, "annotations": ImportFormat.CVAT,
             "annotation": ImportFormat.VOC}  # fmt: skip
    return roots.get(_root_element(text) or "")


def _root_element(text: str) -> str | None:
    """Name of the first element of XML: what a comment before it says is none."""
    at = 0
    while found := _TAG.search(text, at):
        if found[1] != "!--":
            return found[1]
        at = text.find("-->", found.end())
        if at < 0:
            return None
    return None


def _json_format(document: Document, text: str) -> ImportFormat | None:
    """What JSON is; text that only begins like it may be arrays of Python, or YAML."""
    if text[:1] not in {"{", "["}:
        return ImportFormat.ROBOFLOW if re.match(r"(np\.|numpy\.)?array\(", text) else None
    try:
        return json_format(document.json())
    except CalibrationError:
        if text.startswith("[") and _is_json(without_numpy(text)):
            return ImportFormat.ROBOFLOW
        if _other := _yaml_format(document, text):
            return _other
        raise


def _is_json(text: str) -> bool:
    try:
        parse_json(text, "")
    except CalibrationError:
        return False
    return True


def json_format(data: Any) -> ImportFormat | None:
    """What parsed JSON is, by its outermost keys."""
    return _list_format(data) if isinstance(data, list) else _mapping_format(data)


def _list_format(data: list[Any]) -> ImportFormat | None:
    found: ImportFormat | None = None
    match data:
        case []:
            found = ImportFormat.ULTRALYTICS
        case [{"type": "Feature"}, *_]:
            found = ImportFormat.GEOJSON
        case [{} as first, *_] if any(key in first for key in POINT_KEYS):
            found = ImportFormat.ULTRALYTICS
        case [{}, *_] if any(_is_task(item) for item in data):
            found = ImportFormat.LABEL_STUDIO
        case [str() as first, *_] if "," in first:
            found = ImportFormat.FRIGATE
        case [[*first], *_]:
            found = _nested_format(first)
    return found


def _nested_format(first: list[Any]) -> ImportFormat | None:
    is_flat = all(isinstance(item, int | float) for item in first[1:])
    if is_flat and len(first) >= 6 and isinstance(first[0], int | float | str):  # noqa: PLR2004
        return ImportFormat.ROWS
    return ImportFormat.ROBOFLOW


def _is_task(item: Any) -> bool:
    """Whether it is a task of Label Studio, in the full or the short form."""
    if not isinstance(item, Mapping):
        return False
    if isinstance(item.get("data"), Mapping):
        return any(isinstance(item.get(key), list) for key in _TUTORIAL_KEYS)
    lists = [value for value in item.values() if isinstance(value, list) and value]
    return any(isinstance(rows[0], Mapping) and "original_width" in rows[0] for rows in lists)


def _mapping_format(data: Any) -> ImportFormat | None:
    if not isinstance(data, Mapping):
        return None
    for keys, found in _BY_KEYS:
        if keys <= data.keys():
            return found
    return next((found for holds, found in _BY_VALUES if holds(data)), None)


def _is_acpds(data: Mapping[str, Any]) -> bool:
    return any(isinstance(split, Mapping) and "rois_list" in split for split in data.values())


def _is_geojson(data: Mapping[str, Any]) -> bool:
    return data.get("type") in {"FeatureCollection", "Feature"}


def _is_via(data: Mapping[str, Any]) -> bool:
    rows = list(data.values())
    return bool(rows) and all(isinstance(row, Mapping) and "regions" in row for row in rows)


# What tells a form when its keys are not its own.
_BY_VALUES: tuple[tuple[Callable[[Mapping[str, Any]], bool], ImportFormat], ...] = (
    (_is_acpds, ImportFormat.ACPDS),
    (_is_geojson, ImportFormat.GEOJSON),
    (_is_task, ImportFormat.LABEL_STUDIO),
    (_is_via, ImportFormat.VIA),
    (lambda data: bool(regions_in(data)), ImportFormat.COORDINATES),
)


def _lines_format(_document: Document, text: str) -> ImportFormat | None:
    lines = [line for line in text.splitlines() if line.strip()][:50]
    first = lines[0] if lines else ""
    if first.startswith("# Exported using VIA") or any("CSV_HEADER" in line for line in lines):
        return ImportFormat.VIA
    if first.lower().startswith("filename") and "region_shape_attributes" in first:
        return ImportFormat.VIA
    # A heading may stand above a table.
    if any(is_row(line) or is_point(line) for line in lines[:2]):
        return ImportFormat.ROWS
    return ImportFormat.ROBOFLOW if lines and _is_numbers(first) else None


def _is_numbers(line: str) -> bool:
    fields = line.split()
    try:
        return len([float(field) for field in fields]) >= 5  # noqa: PLR2004 - class and box
    except ValueError:
        return False


def _yaml_format(document: Document, text: str) -> ImportFormat | None:
    """What YAML is; a sentence is YAML too, and none of ours."""
    try:
        data = document.yaml()
    except CalibrationError:
        if re.search(r"^(cameras|zones):|^\s*- *(id|coordinates|points):", text, re.M):
            raise
        return None
    match data:
        case [{} as first, *_] if any(key in first for key in POINT_KEYS):
            return ImportFormat.COORDINATES
        case {"cameras": {}} | {"zones": {}}:
            return ImportFormat.FRIGATE
        case {} if data and all(map(_is_zone, data.values())):
            return ImportFormat.FRIGATE
        case {} if regions_in(data):
            return ImportFormat.COORDINATES
    return None


def _is_zone(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "coordinates" in value
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, str) and bool(re.match(r"\s*-?[\d.]+\s*,", first))
