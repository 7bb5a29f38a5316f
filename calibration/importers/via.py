"""VGG Image Annotator: projects and exports of versions 1, 2 and 3, as JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from calibration.importers.boxes import box
from calibration.importers.common import (
    Imported,
    LeftOut,
    Points,
    list_of,
    mapping_of,
    no_outline,
    numbers_of,
    pairs_of,
    to_bays,
)
from calibration.importers.document import Document
from calibration.importers.items import choose_item
from calibration.importers.labels import Labelled, bays_among, label_among, name_among
from calibration.parsing import parse_json

_LABEL_KEYS = ("label", "class", "type", "category", "kind")
# Version 3 writes the shape as the first number of its coordinates.
_SHAPES_3 = {1: "point", 2: "rect", 3: "circle", 4: "ellipse", 5: "line", 6: "polyline",
             7: "polygon", 8: "rect"}  # fmt: skip
_COLUMNS_2 = ("filename", "region_shape_attributes", "region_attributes")
_COLUMNS_3 = ("file_list", "temporal_coordinates", "spatial_coordinates", "metadata")


@dataclass(frozen=True, slots=True)
class _Region:
    """One drawing: its form, its numbers as version 2 names them, and what was written to it."""

    picture: str
    place: str
    form: str
    numbers: Mapping[str, Any]
    attributes: Mapping[str, Any]


def import_via(document: Document) -> Imported:
    """The polygons and rectangles of one image (`item`), pixels; the files do not say its size.

    Whatever attribute is one of its kind among the regions names the bay: they are free there.
    """
    image_wh = document.need_image_wh()
    start = document.text().lstrip()[:1]
    regions = list(_from_json(document) if start in {"{", "["} else _from_csv(document))
    pictures: dict[str, list[_Region]] = {}
    for region in regions:
        pictures.setdefault(region.picture, []).append(region)
    if not pictures:
        document.fail("the file", "regions", "none")
    chosen = choose_item(document, list(pictures.items()), bool)
    found = [_labelled(document, region) for region in chosen]
    return to_bays(document, bays_among(document, found), image_wh, image_wh)


def _labelled(document: Document, region: _Region) -> Labelled | LeftOut:
    points: Points
    if region.form == "polygon":
        xs, ys = (
            list_of(document, f"{region.place}.{key}", region.numbers.get(key))
            for key in ("all_points_x", "all_points_y")
        )
        if len(xs) != len(ys):
            document.fail(region.place, "as many x as y", f"{len(xs)} and {len(ys)}")
        flat = [number for pair in zip(xs, ys, strict=True) for number in pair]
        points = pairs_of(document, region.place, flat)
    elif region.form == "rect":
        keys = ("x", "y", "width", "height")
        points = box(*numbers_of(document, region.place, region.numbers, keys))
    else:
        return LeftOut(region.place, no_outline(region.form))
    attributes = {key: _chosen(value) for key, value in region.attributes.items()}
    label = label_among(attributes, _LABEL_KEYS)
    return Labelled(region.place, label, points, name_among(attributes))


def _chosen(value: Any) -> Any:
    """What is ticked in a checkbox, `{"disabled": true}`, where exactly one thing is."""
    if not isinstance(value, Mapping):
        return value
    ticked = [key for key, is_on in value.items() if is_on is True]
    return ticked[0] if len(ticked) == 1 else None


def _from_json(document: Document) -> Iterator[_Region]:
    data = mapping_of(document, "the file", document.json())
    if "metadata" in data and "file" in data:
        yield from _version_3(document, data)
        return
    pictures = mapping_of(document, "pictures", data.get("_via_img_metadata", data))
    for key, value in pictures.items():
        picture = mapping_of(document, key, value)
        name = str(picture.get("filename") or key)
        regions = picture.get("regions")
        # Version 1 numbers them: {"0": {...}}.
        rows = regions.values() if isinstance(regions, Mapping) else regions or []
        if not isinstance(rows, Iterable) or isinstance(rows, str):
            document.fail(f"{key}.regions", "a list", regions)
        for index, row in enumerate(rows):
            place = f"{name}: regions[{index}]"
            region = mapping_of(document, place, row)
            yield _version_2(document, name, place, region.get("shape_attributes"),
                             region.get("region_attributes"))  # fmt: skip


def _version_2(document: Document, name: str, place: str, shape: Any, attributes: Any) -> _Region:
    numbers = mapping_of(document, f"{place}.shape_attributes", shape)
    written = attributes if isinstance(attributes, Mapping) else {}
    return _Region(name, place, str(numbers.get("name")), numbers, written)


def _version_3(document: Document, data: Mapping[str, Any]) -> Iterator[_Region]:
    files = mapping_of(document, "file", data["file"])
    views = mapping_of(document, "view", data.get("view", {}))
    names = _attribute_names(data.get("attribute"))
    for key, value in mapping_of(document, "metadata", data["metadata"]).items():
        place = f"metadata.{key}"
        row = mapping_of(document, place, value)
        view = views.get(str(row.get("vid")))
        fids = view.get("fid_list") if isinstance(view, Mapping) else None
        fid = fids[0] if isinstance(fids, list) and fids else row.get("vid")
        file = files.get(str(fid))
        name = str(file.get("fname") if isinstance(file, Mapping) else fid)
        yield _region_3(document, name, place, row.get("xy"), _read(row.get("av"), names))


def _attribute_names(value: Any) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """By their numbers: names of attributes, and what their options stand for."""
    found = {}
    for key, row in value.items() if isinstance(value, Mapping) else ():
        if isinstance(row, Mapping):
            options = row.get("options")
            name = str(row.get("aname") or key)
            found[str(key)] = (name, options if isinstance(options, Mapping) else {})
    return found


def _read(value: Any, names: Mapping[str, tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    read = {}
    for key, chosen in value.items() if isinstance(value, Mapping) else ():
        name, options = names.get(str(key), (str(key), {}))
        read[name] = options.get(chosen, chosen) if isinstance(chosen, str) else chosen
    return read


def _region_3(
    document: Document, name: str, place: str, xy: Any, attributes: Mapping[str, Any]
) -> _Region:
    numbers = list_of(document, f"{place}.xy", xy)
    form = _SHAPES_3.get(numbers[0]) if numbers and isinstance(numbers[0], int) else None
    if form is None:  # a temporal segment, or a note to the whole image
        return _Region(name, place, "note", {}, attributes)
    flat = numbers[1:]
    if form == "rect":
        return _Region(name, place, form, dict(zip(("x", "y", "width", "height"), flat,
                       strict=False)), attributes)  # fmt: skip
    return _Region(
        name, place, form, {"all_points_x": flat[::2], "all_points_y": flat[1::2]}, attributes
    )


def _from_csv(document: Document) -> Iterator[_Region]:
    lines = document.text().splitlines()
    comments = [line[1:].strip() for line in lines if line.startswith("#")]
    header = next((text for text in comments if text.startswith("CSV_HEADER")), None)
    rows = [line for line in lines if line.strip() and not line.startswith("#")]
    if header is not None:
        rows.insert(0, header.partition("=")[2].strip())
    is_3 = header is not None
    reader = csv.DictReader(io.StringIO("\n".join(rows)))
    missing = set(_COLUMNS_3 if is_3 else _COLUMNS_2) - set(reader.fieldnames or ())
    if missing:
        document.fail(
            "header", f"columns {', '.join(sorted(missing))}", rows[0] if rows else "none"
        )
    names = _attribute_names(_comment_json(document, comments))
    try:
        for number, row in enumerate(reader, start=1):
            yield from _row(document, f"row {number}", row, names, is_3=is_3)
    except csv.Error as exc:
        document.fail("the file", "CSV", str(exc))


def _comment_json(document: Document, comments: Iterable[str]) -> Any:
    for text in comments:
        key, _, value = text.partition("=")
        if key.strip() == "ATTRIBUTE":
            return _json(document, "ATTRIBUTE", value)
    return {}


def _row(
    document: Document,
    place: str,
    row: Mapping[str, str | None],
    names: Mapping[str, tuple[str, Mapping[str, Any]]],
    *,
    is_3: bool,
) -> Iterator[_Region]:
    if is_3:
        files = list_of(document, f"{place}.file_list", _json(document, place, row["file_list"]))
        written = _read(_json(document, place, row["metadata"]), names)
        xy = _json(document, place, row["spatial_coordinates"])
        yield _region_3(document, str(files[0] if files else ""), place, xy, written)
        return
    shape = _json(document, place, row["region_shape_attributes"])
    if shape:  # images without regions have a row as well
        written = _json(document, place, row["region_attributes"])
        yield _version_2(document, str(row["filename"]), place, shape, written)


def _json(document: Document, place: str, text: str | None) -> Any:
    return parse_json(text or "{}", f"{document.path}: {place}")
