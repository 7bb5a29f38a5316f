"""JSON lists of outlines: `*.bays.json`, and ACPDS' annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calibration.importers.common import Imported, Shape, points_of, size_of, to_bays
from calibration.importers.document import Document
from calibration.importers.ids import name_from


def import_bays_json(document: Document) -> Imported:
    """`{"width", "height", "bays": [[[x, y], ...], ...]}`, pixels; `ids` names the bays."""
    data = document.json()
    if not isinstance(data, Mapping) or not isinstance(data.get("bays"), list):
        document.fail("the file", 'an object with a list "bays"', data)
    image_wh = size_of(document, "", data)
    names = data.get("ids", [None] * len(data["bays"]))
    if not isinstance(names, list) or len(names) != len(data["bays"]):
        document.fail("ids", f"a list of {len(data['bays'])} names", names)
    shapes = [
        Shape(f"bays[{index}]", points_of(document, f"bays[{index}]", points), name_from(name))
        for index, (points, name) in enumerate(zip(data["bays"], names, strict=True))
    ]
    return to_bays(document, shapes, image_wh, image_wh)


def import_acpds(document: Document) -> Imported:
    """ACPDS' `annotations.json`: the bays of one image (`item`), fractions of it."""
    data = document.json()
    pictures: dict[str, tuple[str, Any, Any]] = {}
    if not isinstance(data, Mapping):
        document.fail("the file", "an object of splits", type(data).__name__)
    for split, lists in data.items():
        names = lists.get("file_names") if isinstance(lists, Mapping) else None
        rois = lists.get("rois_list") if isinstance(lists, Mapping) else None
        if not isinstance(names, list) or not isinstance(rois, list) or len(names) != len(rois):
            document.fail(split, 'lists "file_names" and "rois_list" of one length', lists)
        ids = lists.get("bay_ids")
        if not isinstance(ids, list) or len(ids) != len(names):
            ids = [None] * len(names)
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
            name_from(bay_ids[index]) if named else None,
        )
        for index, outline in enumerate(outlines)
    ]
    return to_bays(document, shapes, (1, 1), None)
