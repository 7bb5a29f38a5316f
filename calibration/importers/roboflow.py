"""Text of outlines as Roboflow gives it: YOLO label files and the PolygonZone tool's arrays."""

from __future__ import annotations

import re

from calibration.importers.common import Document, Imported, Shape, pairs_of, points_of, to_bays
from calibration.parsing import parse_json

_BOX_FIELDS = 5
_NUMPY = re.compile(r"np\.array|numpy\.array|array|[()]")


def import_roboflow(document: Document) -> Imported:
    """Outlines of one picture.

    Either YOLO lines (`class x1 y1 x2 y2 ...`, fractions; five fields are a box), or what the
    PolygonZone tool copies out: `[[x, y], ...]`, `[np.array([[x, y], ...]), ...]`, pixels.
    """
    text = document.text().strip()
    if not text:
        document.fail("the file", "outlines", "an empty file")
    if text[0] in "[nap":
        return _polygon_zone(document, text)
    shapes = [
        _label_line(document, f"line {number}", line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
    return to_bays(document, shapes, (1, 1), None)


def _label_line(document: Document, place: str, line: str) -> Shape:
    fields = line.split()
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        document.fail(place, "numbers: class x1 y1 x2 y2 ...", line)
    if len(numbers) == _BOX_FIELDS:
        _, x, y, width, height = numbers
        left, right, top, bottom = x - width / 2, x + width / 2, y - height / 2, y + height / 2
        return Shape(place, [(left, top), (right, top), (right, bottom), (left, bottom)])
    return Shape(place, pairs_of(document, place, numbers[1:]))


def _polygon_zone(document: Document, text: str) -> Imported:
    image_wh = document.need_image_wh()
    cleaned = re.sub(r",\s*([\]}])", r"\1", _NUMPY.sub("", text))
    data = parse_json(cleaned, str(document.path))
    if not isinstance(data, list) or not data:
        document.fail("the file", "a list of polygons", data)
    is_single = isinstance(data[0], list) and len(data[0]) > 0 and not isinstance(data[0][0], list)
    polygons = [data] if is_single else data
    shapes = [
        Shape(f"polygon {index}", points_of(document, f"polygon {index}", polygon))
        for index, polygon in enumerate(polygons)
    ]
    return to_bays(document, shapes, image_wh, image_wh)
