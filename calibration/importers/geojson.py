"""GeoJSON polygons, as a surveyor or a map gives them, through the camera's ground map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calibration.findings import Finding
from calibration.ground import GroundMap, ground_map
from calibration.importers.common import Document, Imported, Shape, points_of, skipped, to_bays
from telemetry.errors import CalibrationError
from telemetry.words import BayKind


def import_geojson(document: Document) -> Imported:
    """Polygons of a FeatureCollection, WGS84, put into the picture by the control points.

    `bay`, `id` or `name` among a feature's properties names it, `kind` sets its kind. Features
    that are no polygons, or lie behind the camera, are left out, with a finding.
    """
    data = document.json()
    if not isinstance(data, Mapping) or not isinstance(data.get("features"), list):
        document.fail("the file", 'a FeatureCollection with "features"', data)
    image_wh = document.need_image_wh()
    if not document.control_points:
        document.fail(
            "control points",
            "4 or more in the calibration, to place the map in the picture",
            "none",
        )
    plane = ground_map(document.control_points, image_wh)
    shapes: list[Shape] = []
    findings: list[Finding] = []
    for index, feature in enumerate(data["features"]):
        place = f"features[{index}]"
        ring = _outer_ring(document, place, feature)
        if ring is None:
            findings.append(skipped(place, "it is no polygon"))
            continue
        try:
            points = _in_picture(plane, ring)
        except CalibrationError:
            findings.append(skipped(place, "it lies behind the camera's horizon"))
            continue
        properties = feature.get("properties") or {}
        shapes.append(Shape(place, points, _name(feature, properties), _kind(properties)))
    return to_bays(document, shapes, (1, 1), image_wh, findings)


def _outer_ring(document: Document, place: str, feature: Any) -> list[tuple[float, float]] | None:
    geometry = feature.get("geometry") if isinstance(feature, Mapping) else None
    if not isinstance(geometry, Mapping) or geometry.get("type") != "Polygon":
        return None
    rings = geometry.get("coordinates")
    if not isinstance(rings, list) or not rings:
        document.fail(f"{place}.geometry.coordinates", "a list of rings", rings)
    ring = [pair[:2] if isinstance(pair, list) else pair for pair in rings[0]]
    return points_of(document, f"{place}.geometry.coordinates[0]", ring)


def _in_picture(plane: GroundMap, ring: list[tuple[float, float]]) -> list[tuple[float, float]]:
    # GeoJSON writes longitude first, and the first point again at the end.
    lonlat = np.asarray(ring[:-1] if ring[0] == ring[-1] else ring, np.float64)
    return [(float(x), float(y)) for x, y in plane.image_norm(lonlat[:, ::-1])]


def _name(feature: Mapping[str, Any], properties: Mapping[str, Any]) -> str | None:
    for value in (properties.get("bay"), feature.get("id"), properties.get("name")):
        if isinstance(value, str | int) and str(value).strip():
            return str(value)
    return None


def _kind(properties: Mapping[str, Any]) -> BayKind:
    kind = properties.get("kind")
    return BayKind(kind) if kind in set(BayKind) else BayKind.STANDARD
