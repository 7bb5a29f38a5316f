"""Supervisely's annotation of one image: `{"size": ..., "objects": [...]}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calibration.importers.boxes import box
from calibration.importers.common import (
    Imported,
    LeftOut,
    list_of,
    mapping_of,
    no_outline,
    points_of,
    size_of,
    to_bays,
)
from calibration.importers.document import Document
from calibration.importers.labels import Labelled, bays_among, name_among


def import_supervisely(document: Document) -> Imported:
    """The polygons and rectangles of an image, pixels; tags such as `id` name a bay."""
    data = mapping_of(document, "the file", document.json())
    image_wh = size_of(document, "size.", mapping_of(document, "size", data.get("size")))
    found = [
        _labelled(document, f"objects[{index}]", item)
        for index, item in enumerate(list_of(document, "objects", data.get("objects")))
    ]
    return to_bays(document, bays_among(document, found), image_wh, image_wh)


def _labelled(document: Document, place: str, value: Any) -> Labelled | LeftOut:
    item = mapping_of(document, place, value)
    form = str(item.get("geometryType") or "polygon")
    if form not in {"polygon", "rectangle"}:
        return LeftOut(place, no_outline(form))
    where = f"{place}.points.exterior"
    exterior = mapping_of(document, f"{place}.points", item.get("points")).get("exterior")
    if form == "rectangle":
        corners = [*list_of(document, where, exterior), [0, 0]]
        (left, top), (right, bottom), *_ = points_of(document, where, corners)
        points = box(left, top, right - left, bottom - top)
    else:
        points = points_of(document, where, exterior)
    rows = item.get("tags")
    tags = {
        str(tag.get("name")): tag.get("value")
        for tag in (rows if isinstance(rows, list) else [])
        if isinstance(tag, Mapping)
    }
    return Labelled(place, str(item.get("classTitle") or ""), points, name_among(tags))
