"""Rows of numbers, a bay in each: JSON `[[x1, y1, ..., x4, y4], ...]`, or lines of a table."""

from __future__ import annotations

import re
from typing import Any

from calibration.importers.common import Imported, LeftOut, Points, Shape, pairs_of, to_bays
from calibration.importers.document import Document

_LEAST_NUMBERS = 6
_POINT_FIELDS = 3
_LEAST_PIXELS = 2
_SEPARATORS = re.compile(r"[\s,;]+")


def import_rows(document: Document) -> Imported:
    """Corners x1, y1, x2, y2, ... of a bay in each row, pixels; a word before them is its name.

    JSON lists of numbers, or lines with commas, semicolons or tabs (a heading is skipped). A table
    may also have one corner in each line: name, x, y.
    """
    text = document.text().strip()
    image_wh = document.need_image_wh()
    found: list[Shape | LeftOut]
    if text.startswith("["):
        data = document.json()
        if not isinstance(data, list):
            document.fail("the file", "a list of rows", type(data).__name__)
        found = [_json_row(document, f"[{index}]", row) for index, row in enumerate(data)]
    else:
        lines = [pair for pair in enumerate(text.splitlines(), start=1) if pair[1].strip()]
        if any(is_point(line) for _, line in lines[:2]):
            found = _point_lines(document, lines)
        else:
            found = [_line(document, number, line) for number, line in lines]
    if not any(isinstance(item, Shape) for item in found):
        document.fail("the file", "rows of numbers", "none")
    return to_bays(document, found, image_wh, image_wh)


def _json_row(document: Document, place: str, row: Any) -> Shape:
    if not isinstance(row, list):
        document.fail(place, "a list of numbers x1, y1, x2, y2, ...", row)
    named = bool(row) and isinstance(row[0], str)
    points = pairs_of(document, place, row[1:] if named else row)
    return Shape(place, points, row[0].strip() or None if named else None)


def _line(document: Document, number: int, line: str) -> Shape | LeftOut:
    place = f"line {number}"
    name, fields = split_row(line)
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        if number == 1:
            return LeftOut(place, "it is a header")
        document.fail(place, "a name, if any, and numbers x1, y1, x2, y2, ...", line)
    points: Points = pairs_of(document, place, numbers)
    return Shape(place, points, name)


def _point_lines(document: Document, lines: list[tuple[int, str]]) -> list[Shape | LeftOut]:
    """One corner a line: those of one name are a bay, in their order."""
    bays: dict[str, list[str]] = {}
    found: list[Shape | LeftOut] = []
    for number, line in lines:
        fields = _fields(line)
        if is_point(line):
            bays.setdefault(fields[0], []).extend(fields[1:])
        elif number == 1:
            found.append(LeftOut("line 1", "it is a header"))
        else:
            document.fail(f"line {number}", "a name and a corner: name,x,y", line)
    for name, numbers in bays.items():
        points = pairs_of(document, f"bay {name}", [float(number) for number in numbers])
        found.append(Shape(f"bay {name}", points, name))
    return found


def is_point(line: str) -> bool:
    """Whether a line of a table is a name and one corner."""
    fields = _fields(line)
    try:
        return len(fields) == _POINT_FIELDS and bool(fields[0] and list(map(float, fields[1:])))
    except ValueError:
        return False


def _fields(line: str) -> list[str]:
    return [field.strip(" \t\"'") for field in re.split(r"[,;\t]", line.strip(" \t,;"))]


def split_row(line: str) -> tuple[str | None, list[str]]:
    """The name before the numbers, if there is one, and the fields behind it.

    An odd count of numbers begins with a number that is a name.
    """
    fields = [field.strip("\"'") for field in _SEPARATORS.split(line.strip(" \t,;"))]
    is_named = len(fields) % 2 == 1 and len(fields) > _LEAST_NUMBERS
    return (fields[0] or None, fields[1:]) if is_named else (None, fields)


def is_row(line: str) -> bool:
    """Whether a line of a table has the corners of a bay, with commas or the like between.

    With blanks only, it is one if its numbers are pixels: YOLO's lines are a class and fractions.
    """
    _, fields = split_row(line)
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        return False
    is_table = bool(re.search(r"[,;\t]", line))
    # The first may be YOLO's class; an outline over the edge is still no pixel away from it.
    is_pixels = max(numbers[1:], default=0.0) >= _LEAST_PIXELS
    return len(numbers) >= _LEAST_NUMBERS and (is_table or is_pixels)
