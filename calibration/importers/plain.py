"""JSON lists of outlines: Ultralytics' parking picker, `*.bays.json`, and ACPDS' annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calibration.importers.common import Document, Imported, Shape, points_of, size_of, to_bays


def import_ultralytics(document: Document) -> Imported:
    """`bounding_boxes.json` of Ultralytics' ParkingPtsSelection: `[{"points": [[x, y], ...]}]`.

    Pixels of the picture it was drawn on, without its size and without ids.
    """
    data = document.json()
    if not isinstance(data, list):
        document.fail("the file", "a list of regions", type(data).__name__)
    image_wh = document.need_image_wh()
    shapes = []
    for index, region in enumerate(data):
        if not isinstance(region, Mapping) or "points" not in region:
            document.fail(f"[{index}]", 'an object with "points"', region)
        place = f"[{index}].points"
        shapes.append(Shape(place, points_of(document, place, region["points"])))
    return to_bays(document, shapes, image_wh, image_wh)


def import_bays_json(document: Document) -> Imported:
    """`{"width", "height", "bays": [[[x, y], ...], ...]}`, pixels."""
    data = document.json()
    if not isinstance(data, Mapping) or not isinstance(data.get("bays"), list):
        document.fail("the file", 'an object with a list "bays"', data)
    image_wh = size_of(document, "", data)
    shapes = [
        Shape(f"bays[{index}]", points_of(document, f"bays[{index}]", points))
        for index, points in enumerate(data["bays"])
    ]
    return to_bays(document, shapes, image_wh, image_wh)


def import_acpds(document: Document) -> Imported:
    """ACPDS' `annotations.json`: the bays of one picture (`item`), fractions of it."""
    data = document.json()
    pictures: dict[str, tuple[str, Any, Any]] = {}
    if not isinstance(data, Mapping):
        document.fail("the file", "an object of splits", type(data).__name__)
    for split, lists in data.items():
        names = lists.get("file_names") if isinstance(lists, Mapping) else None
        rois = lists.get("rois_list") if isinstance(lists, Mapping) else None
        if not isinstance(names, list) or not isinstance(rois, list) or len(names) != len(rois):
            document.fail(split, 'lists "file_names" and "rois_list" of one length', lists)
        ids = lists.get("bay_ids") or [None] * len(names)
        for index, name in enumerate(names):
            pictures[str(name)] = (f"{split}.rois_list[{index}]", rois[index], ids[index])
    place, outlines, bay_ids = pictures[document.choose(sorted(pictures), "picture")]
    if not isinstance(outlines, list):
        document.fail(place, "a list of outlines", outlines)
    named = isinstance(bay_ids, list) and len(bay_ids) == len(outlines)
    shapes = [
        Shape(
            f"{place}[{index}]",
            points_of(document, f"{place}[{index}]", outline),
            str(bay_ids[index]) if named else None,
        )
        for index, outline in enumerate(outlines)
    ]
    return to_bays(document, shapes, (1, 1), None)
