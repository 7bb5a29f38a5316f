"""Outlines as Roboflow gives them: YOLO label files, PolygonZone's arrays, models' answers."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from calibration.findings import Code, Finding, Severity
from calibration.importers.boxes import box
from calibration.importers.common import (
    Imported,
    LeftOut,
    Shape,
    list_of,
    mapping_of,
    numbers_of,
    pairs_of,
    points_of,
    size_of,
    to_bays,
)
from calibration.importers.document import Document
from calibration.importers.labels import Labelled, bays_among
from calibration.parsing import parse_json

_BOX_FIELDS = 5
_NUMPY = re.compile(r"np\.array|numpy\.array|array|[()]|dtype=[\w.]+")


def import_roboflow(document: Document) -> Imported:
    """Outlines of one image.

    YOLO lines (`class x1 y1 x2 y2 ...`, fractions; five fields are a box); or what the PolygonZone
    tool copies out: `[[x, y], ...]`, `[np.array([[x, y], ...]), ...]`, pixels; or what a model
    answers: `{"image": ..., "predictions": [...]}`, pixels.
    """
    text = document.text().strip()
    if not text:
        document.fail("the file", "outlines", "an empty file")
    if text[0] == "{":
        return _answer(document)
    if text[0] in "[nap":
        return _polygon_zone(document, text)
    found = [
        _label_line(document, f"line {number}", line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
    if document.categories:
        return to_bays(document, bays_among(document, found, named=False), (1, 1), None)
    counts = Counter(item.label for item in found)
    shapes = [Shape(item.place, item.points) for item in found]
    return to_bays(document, shapes, (1, 1), None, [_classes(counts)] if len(counts) > 1 else [])


def _classes(counts: Counter[str]) -> Finding:
    listed = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
    message = f"all classes were imported as bays: {listed}"
    remedy = "use --category to import only one, if the others are not bays"
    return Finding(Severity.WARNING, Code.CLASSES, None, message, remedy)


def _label_line(document: Document, place: str, line: str) -> Labelled:
    fields = line.split()
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        document.fail(place, "numbers: class x1 y1 x2 y2 ...", line)
    if len(numbers) == _BOX_FIELDS:
        _, x, y, width, height = numbers
        return Labelled(place, fields[0], box(x - width / 2, y - height / 2, width, height))
    return Labelled(place, fields[0], pairs_of(document, place, numbers[1:]))


def _polygon_zone(document: Document, text: str) -> Imported:
    image_wh = document.need_image_wh()
    data = parse_json(without_numpy(text), str(document.path))
    if not isinstance(data, list) or not data:
        document.fail("the file", "a list of polygons", data)
    is_single = isinstance(data[0], list) and len(data[0]) > 0 and not isinstance(data[0][0], list)
    polygons = [data] if is_single else data
    shapes = [
        Shape(f"polygon {index}", points_of(document, f"polygon {index}", polygon))
        for index, polygon in enumerate(polygons)
    ]
    return to_bays(document, shapes, image_wh, image_wh)


def without_numpy(text: str) -> str:
    """JSON of arrays as Python prints them."""
    # Each run of commas is looked at once, so that a long one takes no time.
    return re.sub(r",[\s,]*([\]}])?", lambda run: run[1] or run[0], _NUMPY.sub("", text))


def _answer(document: Document) -> Imported:
    data = mapping_of(document, "the file", document.json())
    image_wh = size_of(document, "image.", mapping_of(document, "image", data.get("image")))
    found: list[Labelled | LeftOut] = [
        _prediction(document, f"predictions[{index}]", row)
        for index, row in enumerate(list_of(document, "predictions", data.get("predictions")))
    ]
    return to_bays(document, bays_among(document, found, named=False), image_wh, image_wh)


def _prediction(document: Document, place: str, row: Any) -> Labelled:
    value = mapping_of(document, place, row)
    label = str(value.get("class") or "")
    if value.get("points"):
        return Labelled(place, label, points_of(document, f"{place}.points", value["points"]))
    x, y, width, height = numbers_of(document, place, value, ("x", "y", "width", "height"))
    return Labelled(place, label, box(x - width / 2, y - height / 2, width, height))
