"""labelme's JSON, all versions, and that of its offshoots (X-AnyLabeling, AnyLabeling)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calibration.importers.boxes import box
from calibration.importers.common import (
    Imported,
    LeftOut,
    Points,
    is_side,
    list_of,
    mapping_of,
    no_outline,
    points_of,
    to_bays,
)
from calibration.importers.document import Document
from calibration.importers.labels import Labelled, bays_among, name_among

_TWO_POINTS = 2
_OUTLINES = frozenset({"polygon", "rotation", "oriented_rectangle", "quadrilateral"})


def import_labelme(document: Document) -> Imported:
    """The polygons, rectangles and rotated boxes of an image, pixels; the image is ignored.

    A label that is one of its kind is the bay's name; of a label that many share, `text`,
    `description` or `group_id` is. Files older than version 4 do not say the image's size.
    """
    data = mapping_of(document, "the file", document.json())
    found = [
        _labelled(document, f"shapes[{index}]", shape)
        for index, shape in enumerate(list_of(document, "shapes", data.get("shapes")))
    ]
    sides = (data.get("imageWidth"), data.get("imageHeight"))
    width, height = sides
    image_wh = (
        (int(str(width)), int(str(height)))
        if all(map(is_side, sides))
        else document.need_image_wh()
    )
    return to_bays(document, bays_among(document, found), image_wh, image_wh)


def _labelled(document: Document, place: str, value: Any) -> Labelled | LeftOut:
    shape = mapping_of(document, place, value)
    # Version 2 and older know polygons only, and do not say so.
    kind = str(shape.get("shape_type") or "polygon")
    points = _outline(document, f"{place}.points", kind, shape.get("points"))
    if points is None:
        return LeftOut(place, no_outline(kind))
    return Labelled(place, str(shape.get("label") or "").strip(), points, _name(shape))


def _outline(document: Document, place: str, kind: str, value: Any) -> Points | None:
    if kind == "rectangle" and isinstance(value, list) and len(value) == _TWO_POINTS:
        (left, top), (right, bottom), _ = points_of(document, place, [*value, [0, 0]])
        return box(min(left, right), min(top, bottom), abs(right - left), abs(bottom - top))
    if kind in _OUTLINES or (kind == "rectangle" and isinstance(value, list)):
        return points_of(document, place, value)
    return None


def _name(shape: Mapping[str, Any]) -> str | None:
    own = name_among({"id": shape.get("description") or shape.get("text")})
    flags = shape.get("attributes")
    return name_among(flags) if own is None and isinstance(flags, Mapping) else own
