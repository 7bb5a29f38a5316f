"""Lists of regions with their points, JSON or YAML, as parking tutorials and pickers write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from calibration.importers.common import Imported, LeftOut, Shape, points_of, to_bays
from calibration.importers.document import Document
from calibration.importers.ids import name_from

POINT_KEYS = ("points", "coordinates", "polygon")
_NAME_KEYS = ("id", "name", "label")


def import_regions(document: Document) -> Imported:
    """`[{"points": [[x, y], ...]}]` of Ultralytics' ParkingPtsSelection, and its like.

    `coordinates` or `polygon` does as well as `points`, and `id`, `name` or `label` names the bay:
    `- id: 7` with `coordinates: [[x, y], ...]` in YAML. Names may also be the keys, `A1: [[x, y],
    ...]`, and all of it may stand under a heading, `bays:`. Pixels of the image it was drawn on,
    without its size.
    """
    whole = document.data()
    data = whole if isinstance(whole, list) else regions_in(whole)
    if data is None:
        document.fail("the file", "a list of regions, or NAME: [[x, y], ...]", whole)
    image_wh = document.need_image_wh()
    found: list[Shape | LeftOut]
    if isinstance(data, Mapping):
        found = [
            Shape(name, points_of(document, name, _as_numbers(points)), name_from(name))
            for name, points in data.items()
        ]
    else:
        found = [_region(document, f"[{index}]", region) for index, region in enumerate(data)]
    return to_bays(document, found, image_wh, image_wh)


def regions_in(data: Any) -> list[Any] | dict[str, Any] | None:
    """The list of regions, or outlines by name, that a document is or has under its only key."""
    if isinstance(data, dict) and len(data) == 1:
        [below] = data.values()
        if _are_regions(below):
            return cast("list[Any] | dict[str, Any]", below)
    return cast("list[Any] | dict[str, Any]", data) if _are_regions(data) else None


def _are_regions(data: Any) -> bool:
    if isinstance(data, dict):
        return bool(data) and all(map(_is_outline, data.values()))
    if not isinstance(data, list) or not all(isinstance(item, Mapping) for item in data):
        return False
    return not data or any(key in data[0] for key in POINT_KEYS)


def _is_outline(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(pair, list) and len(pair) == 2 and not any(map(_is_nested, pair))  # noqa: PLR2004
            for pair in value
        )
    )


def _is_nested(value: Any) -> bool:
    return isinstance(value, list | Mapping)


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
    """Pairs of numbers from the texts that YAML gives; anything else stays, to be reported."""
    if not isinstance(value, list):
        return value
    return [[_number(item) for item in pair] if isinstance(pair, list) else pair for pair in value]


def _number(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
