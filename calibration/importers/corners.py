"""`CarParkPos`: the list of top left corners that a well-known parking tutorial pickles."""

from __future__ import annotations

from typing import Any

from calibration.importers.boxes import box
from calibration.importers.common import (
    Imported,
    Shape,
    is_number,
    pairs_of,
    points_of,
    to_bays,
)
from calibration.importers.document import Document
from calibration.importers.pickled import read_pickled_list

_OUTLINE_NUMBERS = 8


def import_corners(document: Document) -> Imported:
    """`[(x, y), ...]`, pixels: the top left corners of bays of one size (`box_wh`).

    A pickle or JSON. Some write the size into each: `(x, y, width, height)`; others the whole
    outline, `[(x, y), ...]` or `(x1, y1, ..., x4, y4)`.
    """
    is_json = document.content.lstrip()[:1] == b"["
    data = document.json() if is_json else read_pickled_list(document)
    image_wh = document.need_image_wh()
    if not isinstance(data, list) or not data:
        document.fail("the file", "a list of corners (x, y)", data)
    found = [_bay(document, f"[{index}]", corner) for index, corner in enumerate(data)]
    return to_bays(document, found, image_wh, image_wh)


def _bay(document: Document, place: str, corner: Any) -> Shape:
    if isinstance(corner, list) and corner and isinstance(corner[0], list):
        return Shape(place, points_of(document, place, corner))
    if not isinstance(corner, list) or not all(map(is_number, corner)):
        document.fail(place, "a corner (x, y)", corner)
    if len(corner) == _OUTLINE_NUMBERS:
        return Shape(place, pairs_of(document, place, corner))
    if len(corner) not in {2, 4}:
        document.fail(place, "a corner (x, y)", corner)
    x, y, *own_wh = map(float, corner)
    width, height = own_wh or document.box_wh
    return Shape(place, box(x, y, width, height))
