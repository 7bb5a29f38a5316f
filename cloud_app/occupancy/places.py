"""Where a thing of the registry lies, from what was said of it.

The facts were checked when they were written, so they are read as they are: checking the outlines
of a whole city again would be most of a map's work.
"""

from __future__ import annotations

from typing import Any

from shapely.geometry import shape

from cloud_app.occupancy.views import Area, Geometry, MultiPolygon, Point, Polygon, Position, Ring
from cloud_app.registry.geometry import DIGITS
from cloud_app.registry.things import Said


def point_of(said: Said) -> Position | None:
    """A point in it: its own, else one inside of its outline."""
    if place := said.get("location"):
        return place["lon"], place["lat"]
    if outline := said.get("outline"):
        inside = shape(outline).representative_point()
        return round(inside.x, DIGITS), round(inside.y, DIGITS)
    return None


def area_of(said: Said) -> Area | None:
    """Its outline."""
    outline: dict[str, Any] | None = said.get("outline")
    if outline is None:
        return None
    kind = Polygon if outline["type"] == "Polygon" else MultiPolygon
    return kind.model_construct(type=outline["type"], coordinates=_frozen(outline["coordinates"]))


def _frozen(coordinates: Any) -> Any:
    if isinstance(coordinates, list):
        return tuple(_frozen(each) for each in coordinates)
    return float(coordinates)


def geometry_of(said: Said) -> Geometry | None:
    """Its outline, else its point."""
    area, point = area_of(said), point_of(said)
    return area or (None if point is None else Point(coordinates=point))


def ring_of(said: Said) -> Ring | None:
    """Its outer edge, of several areas the first one's."""
    outline: dict[str, Any] | None = said.get("outline")
    if outline is None:
        return None
    rings = outline["coordinates"]
    ring = rings[0] if outline["type"] == "Polygon" else rings[0][0]
    return tuple((x, y) for x, y in ring)
