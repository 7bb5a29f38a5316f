"""Label Studio's exports: JSON (tasks with results) and JSON-MIN (one list an image)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from calibration.importers.boxes import box, turned
from calibration.importers.common import (
    Imported,
    LeftOut,
    Points,
    is_side,
    list_of,
    mapping_of,
    no_outline,
    numbers_of,
    points_of,
    to_bays,
)
from calibration.importers.document import Document
from calibration.importers.ids import name_from
from calibration.importers.items import choose_item
from calibration.importers.labels import Labelled, bays_among

_PERCENT = 100


@dataclass(slots=True)
class _Region:
    """One drawing, put together from all results of one id: outline, label and text come apart."""

    place: str
    form: str = ""
    value: dict[str, Any] = field(default_factory=dict)
    size: tuple[Any, Any] = (None, None)
    turn_deg: Any = 0
    label: str = ""
    name: str | None = None


def import_label_studio(document: Document) -> Imported:
    """The polygons and rectangles of one task (`item` is its image's file name), percent.

    Of several annotations of a task the first that was not cancelled counts. A text field of a
    region names the bay, else its label where it is one of its kind.
    """
    data = document.json()
    tasks = data if isinstance(data, list) else [data]
    pairs = [
        (_picture(mapping_of(document, f"[{index}]", task)), (f"[{index}]", task))
        for index, task in enumerate(tasks)
    ]
    if not pairs:
        document.fail("the file", "a list of tasks", "an empty list")
    place, task = choose_item(document, pairs, lambda pair: bool(_results(document, *pair)[0]))
    results, others = _results(document, place, task)
    regions = _regions(document, place, results)
    sizes = {region.size for region in regions if all(map(is_side, region.size))}
    if len(sizes) != 1:
        document.fail(place, "original_width and original_height, alike in all results",
                      f"{len(sizes)} sizes")  # fmt: skip
    [image_wh] = sizes
    found = [_labelled(document, region, image_wh) for region in regions]
    return to_bays(document, [*bays_among(document, found), *others], image_wh, image_wh)


def _picture(task: Mapping[str, Any]) -> str:
    """File name of a task's image; uploads have a prefix of eight digits before it."""
    data = task.get("data", task)
    texts = data.values() if isinstance(data, Mapping) else ()
    paths = [text for text in texts if isinstance(text, str) and "." in PurePosixPath(text).name]
    return PurePosixPath(paths[0]).name if paths else f"task {name_from(task.get('id'))}"


def _results(
    document: Document, place: str, task: Mapping[str, Any]
) -> tuple[list[Any], list[LeftOut]]:
    """Results of the annotation that counts, and what else the task has."""
    for key in ("annotations", "completions", "predictions"):
        if isinstance(task.get(key), list) and task[key]:
            rows = [mapping_of(document, f"{place}.{key}", row) for row in task[key]]
            valid = [row for row in rows if not row.get("was_cancelled") and row.get("result")]
            if valid:
                others = [
                    LeftOut(f"{place}.{key}[{rows.index(row)}]", "superseded by another annotation")
                    for row in valid[1:]
                ]
                return list_of(document, f"{place}.{key}.result", valid[0]["result"]), others
    lists = [value for value in task.values() if isinstance(value, list)]
    flat = [
        row
        for rows in lists
        for row in rows
        if isinstance(row, Mapping) and "original_width" in row
    ]
    return [{"value": row, "id": str(index), **_outer(row)} for index, row in enumerate(flat)], []


def _outer(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row.get(key) for key in ("original_width", "original_height", "image_rotation")}


def _regions(document: Document, place: str, results: Sequence[Any]) -> list[_Region]:
    regions: dict[str, _Region] = {}
    for index, row in enumerate(results):
        where = f"{place}.result[{index}]"
        result = mapping_of(document, where, row)
        if "value" not in result:
            continue  # a relation between regions
        value = mapping_of(document, f"{where}.value", result["value"])
        region = regions.setdefault(name_from(result.get("id")) or str(index), _Region(where))
        form = _form(value)
        if form:
            region.form, region.value = form, dict(value)
            region.size = (result.get("original_width"), result.get("original_height"))
            region.turn_deg = result.get("image_rotation") or 0
        for key, texts in value.items():
            text = name_from(texts[0] if isinstance(texts, list) and texts else texts)
            if key.endswith("labels") and text is not None:
                region.label = text
            elif key == "text" and text is not None:
                region.name = text
        meta = result.get("meta")
        note = meta.get("text") if isinstance(meta, Mapping) else None
        if isinstance(note, list) and note:
            region.name = region.name or name_from(note[0])
    return list(regions.values())


def _form(value: Mapping[str, Any]) -> str:
    for key, form in (("points", "polygon"), ("rle", "brush"), ("radiusX", "ellipse"),
                      ("vertices", "vector"), ("height", "rectangle"),
                      ("x", "key point")):  # fmt: skip
        if key in value:
            return form
    return ""


def _labelled(document: Document, region: _Region, image_wh: tuple[int, int]) -> Labelled | LeftOut:
    if region.form not in {"polygon", "rectangle"}:
        what = no_outline(region.form) if region.form else "it has no points"
        return LeftOut(region.place, what)
    if region.turn_deg:
        return LeftOut(region.place, "it was drawn on a rotated image")
    place = f"{region.place}.value"
    points = [
        (x * image_wh[0] / _PERCENT, y * image_wh[1] / _PERCENT)
        for x, y in _percents(document, place, region)
    ]
    if region.form == "rectangle" and region.value.get("rotation"):
        [angle_deg] = numbers_of(document, place, region.value, ("rotation",))
        points = turned(points, angle_deg, points[0])
    return Labelled(region.place, region.label, points, region.name)


def _percents(document: Document, place: str, region: _Region) -> Points:
    if region.form == "polygon":
        return points_of(document, f"{place}.points", region.value["points"])
    return box(*numbers_of(document, place, region.value, ("x", "y", "width", "height")))
