"""Bays for other tools: one function from a calibration to a file's text for each format."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any
from xml.etree import ElementTree as Xml

import yaml

from calibration.geometry import signed_area, to_pixels
from calibration.ground import ground_map
from calibration.types import Bay, Calibration
from telemetry.errors import CalibrationError
from telemetry.vocabulary import BayKind

_PIXEL_DECIMALS = 2
# 1e-7 of a degree is 1 cm, the most that GeoJSON (RFC 7946, 11.2) finds sensible for such data.
_DEGREE_DECIMALS = 7


class ExportFormat(StrEnum):
    """Files that bays can be written to."""

    ULTRALYTICS = "ultralytics"
    BAYS_JSON = "bays-json"
    COCO = "coco"
    ROBOFLOW = "roboflow"
    PKLOT = "pklot"
    FRIGATE = "frigate"
    GEOJSON = "geojson"


WITHOUT_IDS = frozenset({ExportFormat.ROBOFLOW})
"""Formats that have no place for the bays' ids."""


def export_ultralytics(calibration: Calibration) -> str:
    """`bounding_boxes.json` for Ultralytics' ParkingManagement, which passes over `id`; pixels."""
    regions = [
        {"id": bay.id, "points": [[round(x), round(y)] for x, y in _pixels(bay, calibration)]}
        for bay in calibration.bays
    ]
    return json.dumps(regions, indent=1) + "\n"


def export_bays_json(calibration: Calibration) -> str:
    """`{"width", "height", "bays", "ids"}`, pixels."""
    width, height = calibration.image_wh
    bays = [_pixels(bay, calibration) for bay in calibration.bays]
    data = {"width": width, "height": height, "source": f"lotsight {calibration.camera}"}
    return json.dumps({**data, "bays": bays, "ids": list(calibration.bay_ids)}) + "\n"


def export_coco(calibration: Calibration) -> str:
    """COCO instances of one image; each kind of bay is a category, `bay_id` the id."""
    width, height = calibration.image_wh
    file_name = calibration.reference.file if calibration.reference else f"{calibration.camera}.jpg"
    kinds = {kind: number for number, kind in enumerate(BayKind, start=1)}
    data = {
        "info": {"description": f"bays of camera {calibration.camera}", "version": "1.0"},
        "images": [{"id": 1, "file_name": file_name, "width": width, "height": height}],
        "categories": [
            {"id": number, "name": kind.value, "supercategory": "bay"}
            for kind, number in kinds.items()
        ],
        "annotations": [
            {"id": number, "category_id": kinds[bay.kind], **_coco_annotation(bay, calibration)}
            for number, bay in enumerate(calibration.bays, start=1)
        ],
    }
    return json.dumps(data, indent=1) + "\n"


def _coco_annotation(bay: Bay, calibration: Calibration) -> dict[str, Any]:
    points = _pixels(bay, calibration)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    area_px2 = abs(signed_area(to_pixels(bay.polygon, calibration.image_wh)))
    box = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
    return {
        "image_id": 1,
        "bay_id": bay.id,
        "segmentation": [[value for point in points for value in point]],
        "bbox": [round(value, _PIXEL_DECIMALS) for value in box],
        "area": round(area_px2, _PIXEL_DECIMALS),
        "iscrowd": 0,
    }


def export_roboflow(calibration: Calibration) -> str:
    """YOLO polygon lines, fractions; the class is the kind's place in the list of kinds."""
    kinds = list(BayKind)
    lines = [
        f"{kinds.index(bay.kind)} " + " ".join(_plain(v) for point in bay.polygon for v in point)
        for bay in calibration.bays
    ]
    return "".join(f"{line}\n" for line in lines)


def export_pklot(calibration: Calibration) -> str:
    """PKLot's XML, whole pixels."""
    root = Xml.Element("parking", id=calibration.camera)
    for bay in calibration.bays:
        space = Xml.SubElement(root, "space", id=bay.id)
        contour = Xml.SubElement(space, "contour")
        for x, y in _pixels(bay, calibration):
            Xml.SubElement(contour, "point", x=str(round(x)), y=str(round(y)))
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode") + "\n"


def export_frigate(calibration: Calibration) -> str:
    """The `cameras` part of Frigate's configuration with one zone for each bay, fractions."""
    zones = {
        bay.id: {"coordinates": ",".join(_plain(v) for point in bay.polygon for v in point)}
        for bay in calibration.bays
    }
    data = {"cameras": {calibration.camera: {"zones": zones}}}
    return yaml.safe_dump(data, sort_keys=False, width=10_000)


def export_geojson(calibration: Calibration) -> str:
    """A FeatureCollection, WGS84, by the ground map of the control points.

    Raises:
        CalibrationError: there are no control points, or a bay reaches above the horizon.
    """
    if not calibration.control_points:
        msg = (
            f"camera {calibration.camera}: control_points: expected 4 or more, to place the bays "
            "on the map, but got none"
        )
        raise CalibrationError(msg)
    plane = ground_map(calibration.control_points, calibration.image_wh)
    features = []
    for bay in calibration.bays:
        ring = [
            [round(float(lon), _DEGREE_DECIMALS), round(float(lat), _DEGREE_DECIMALS)]
            for lat, lon in plane.places_deg(bay.ground_quad or bay.polygon)
        ]
        # Outer rings run counter-clockwise (RFC 7946, 3.1.6); on the map y points up.
        if signed_area(to_pixels([(lon, lat) for lon, lat in ring], (1, 1))) < 0:
            ring.reverse()
        features.append(_feature(bay, [*ring, ring[0]], calibration))
    return json.dumps({"type": "FeatureCollection", "features": features}, indent=1) + "\n"


def _feature(bay: Bay, ring: list[list[float]], calibration: Calibration) -> dict[str, Any]:
    facts = {"bay": bay.id, "kind": bay.kind.value, "angle": bay.angle.value, "zone": bay.zone}
    return {
        "type": "Feature",
        "id": bay.id,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            **facts,
            "level": bay.level,
            "lot": calibration.lot.name,
            "camera": calibration.camera,
            "revision": calibration.revision,
        },
    }


EXPORTERS: Mapping[ExportFormat, Callable[[Calibration], str]] = {
    ExportFormat.ULTRALYTICS: export_ultralytics,
    ExportFormat.BAYS_JSON: export_bays_json,
    ExportFormat.COCO: export_coco,
    ExportFormat.ROBOFLOW: export_roboflow,
    ExportFormat.PKLOT: export_pklot,
    ExportFormat.FRIGATE: export_frigate,
    ExportFormat.GEOJSON: export_geojson,
}


def export_bays(calibration: Calibration, file_format: ExportFormat) -> str:
    """The calibration's bays as the text of another tool's file.

    Raises:
        CalibrationError: the format needs something that the calibration lacks.
    """
    return EXPORTERS[file_format](calibration)


def _pixels(bay: Bay, calibration: Calibration) -> list[list[float]]:
    points = to_pixels(bay.polygon, calibration.image_wh)
    return [[round(float(x), _PIXEL_DECIMALS), round(float(y), _PIXEL_DECIMALS)] for x, y in points]


def _plain(value: float) -> str:
    """A fraction without exponent or trailing zeros.

    Frigate compares coordinates as text: "1e-05" and "1.000000" count as pixels there, "1" as a
    fraction.
    """
    return f"{value:.6f}".rstrip("0").rstrip(".")
