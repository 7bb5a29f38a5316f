"""GeoJSON polygons, as a surveyor or a map gives them, through the camera's ground map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from calibration.ground import GroundMap, ground_map
from calibration.importers.common import (
    Imported,
    LeftOut,
    Points,
    Shape,
    list_of,
    points_of,
    to_bays,
)
from calibration.importers.document import Document
from calibration.importers.ids import name_from
from telemetry.errors import CalibrationError
from telemetry.vocabulary import BayKind


def import_geojson(document: Document) -> Imported:
    """Polygons of a FeatureCollection, WGS84, put into the image by the control points.

    Coordinates beyond the degrees of the Earth are pixels, as tools that look at images write
    them. `bay`, `id` or `name` among a feature's properties names it, `kind` sets its kind.
    Features that are no polygons, holes, and what lies behind the camera are skipped.
    """
    data = document.json()
    if isinstance(data, Mapping):
        data = data.get("features", [data] if data.get("type") == "Feature" else None)
    if not isinstance(data, list):
        document.fail("the file", 'a FeatureCollection with "features"', data)
    image_wh = document.need_image_wh()
    found: list[Shape | LeftOut] = []
    for index, feature in enumerate(data):
        found.extend(_rings(document, f"features[{index}]", feature))
    shapes = [item for item in found if isinstance(item, Shape)]
    if any(max(abs(x) / 180, abs(y) / 90) > 1 for shape in shapes for x, y in shape.points):
        return to_bays(document, found, image_wh, image_wh)
    if not document.control_points:
        document.fail(
            "control points",
            "4 or more in the calibration, to place the map in the image",
            "none",
        )
    plane = ground_map(document.control_points, image_wh)
    placed = [_placed(plane, item) for item in found]
    return to_bays(document, placed, (1, 1), image_wh)


def _rings(document: Document, place: str, feature: Any) -> list[Shape | LeftOut]:
    """The outer rings of a feature's polygons, as they stand there."""
    geometry = feature.get("geometry") if isinstance(feature, Mapping) else None
    form = geometry.get("type") if isinstance(geometry, Mapping) else None
    if geometry is None or form not in ("Polygon", "MultiPolygon"):
        return [LeftOut(place, "not a polygon")]
    where = f"{place}.geometry.coordinates"
    outlines = list_of(document, where, geometry.get("coordinates"))
    properties = feature.get("properties")
    written = properties if isinstance(properties, Mapping) else {}
    found: list[Shape | LeftOut] = []
    for rings in [outlines] if form == "Polygon" else outlines:
        if not isinstance(rings, list) or not rings or not isinstance(rings[0], list):
            document.fail(where, "a list of rings", rings)
        ring = [pair[:2] if isinstance(pair, list) else pair for pair in rings[0]]
        points = points_of(document, f"{where}[0]", ring)
        found.append(Shape(place, points, _name(feature, written), _kind(written)))
        found.extend(LeftOut(f"{where}[{hole}]", "it is a hole") for hole in range(1, len(rings)))
    return found


def _placed(plane: GroundMap, item: Shape | LeftOut) -> Shape | LeftOut:
    if isinstance(item, LeftOut):
        return item
    try:
        return replace(item, points=_in_picture(plane, item.points))
    except CalibrationError:
        return LeftOut(item.place, "it is above the camera's horizon")


def _in_picture(plane: GroundMap, ring: Sequence[Sequence[float]]) -> Points:
    # GeoJSON writes longitude first, and the first point again at the end.
    lonlat = np.asarray(ring[:-1] if ring[0] == ring[-1] else ring, np.float64)
    return [(float(x), float(y)) for x, y in plane.image_norm(lonlat[:, ::-1])]


def _name(feature: Mapping[str, Any], properties: Mapping[str, Any]) -> str | None:
    values = (
        properties.get("bay"),
        feature.get("id"),
        properties.get("id"),
        properties.get("name"),
    )
    return next((name for name in map(name_from, values) if name is not None), None)


def _kind(properties: Mapping[str, Any]) -> BayKind:
    kind = str(properties.get("kind"))
    return BayKind(kind) if kind in set(BayKind) else BayKind.STANDARD
