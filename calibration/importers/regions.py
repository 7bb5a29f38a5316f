"""Lists of regions with their points, JSON or YAML, as parking tutorials and pickers write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calibration.importers.common import Imported, LeftOut, Shape, points_of, to_bays
from calibration.importers.document import Document
from calibration.importers.ids import name_from

POINT_KEYS = ("points", "coordinates", "polygon")
_NAME_KEYS = ("id", "name", "label")


def import_regions(document: Document) -> Imported:
    """`[{"points": [[x, y], ...]}]` of Ultralytics' ParkingPtsSelection, and its like.

    `coordinates` or `polygon` does as well as `points`, and `id`, `name` or `label` names the bay:
    `- id: 7` with `coordinates: [[x, y], ...]` in YAML. Pixels of the picture it was drawn on,
    without its size.
    """
    data = document.data()
    if not isinstance(data, list):
        document.fail("the file", "a list of regions", type(data).__name__)
    image_wh = document.need_image_wh()
    found = [_region(document, f"[{index}]", region) for index, region in enumerate(data)]
    return to_bays(document, found, image_wh, image_wh)


def _region(document: Document, place: str, region: Any) -> Shape | LeftOut:
    key = next((key for key in POINT_KEYS if isinstance(region, Mapping) and key in region), None)
    if key is None:
        document.fail(place, 'an object with "points"', region)
    points = region[key]
    if points in ([], "", None):  # begun in the picker and never drawn
        return LeftOut(place, "it has no points")
    names = (name_from(region.get(field)) for field in _NAME_KEYS)
    name = next((name for name in names if name is not None), None)
    where = f"{place}.{key}"
    return Shape(where, points_of(document, where, _as_numbers(points)), name)


def _as_numbers(value: Any) -> Any:
    """Pairs of numbers from the texts that YAML gives; what is none stays, to be told."""
    if not isinstance(value, list):
        return value
    return [[_number(item) for item in pair] if isinstance(pair, list) else pair for pair in value]


def _number(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
