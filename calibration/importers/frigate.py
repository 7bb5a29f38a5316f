"""Frigate's zones: a configuration file, a part of one, or the bare coordinate strings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from calibration.findings import Finding
from calibration.importers.common import (
    Document,
    Imported,
    Shape,
    is_side,
    pairs_of,
    skipped,
    to_bays,
)


def import_frigate(document: Document) -> Imported:
    """The zones of one camera (`item` where there are several).

    Coordinates are `"x1,y1,x2,y2,..."` or a list of `"x,y"`. They are fractions when none is above
    1, else pixels of the camera's `detect` size. (Frigate itself compares them as text, so that
    `1e-5` counts as pixels there.) Zones that are switched off are left out, with a finding.
    """
    data = _parse(document)
    detect_wh: tuple[int, int] | None = None
    if isinstance(data, Mapping) and "cameras" in data:
        cameras = _mapping(document, "cameras", data["cameras"])
        name = document.choose(sorted(map(str, cameras)), "camera")
        camera = _mapping(document, f"cameras.{name}", cameras[name])
        detect_wh = _detect_wh(document, f"cameras.{name}.detect", camera.get("detect"))
        place, zones = f"cameras.{name}.zones", camera.get("zones") or {}
    elif isinstance(data, Mapping):
        place, zones = ("zones", data["zones"]) if "zones" in data else ("", data)
    else:
        strings = data if isinstance(data, list) else [data]
        place, zones = "", {str(index): text for index, text in enumerate(strings)}
        return _bays(document, place, zones, None, named=False)
    return _bays(document, place, _mapping(document, place or "the file", zones), detect_wh)


def _parse(document: Document) -> Any:
    text = document.text()
    # Frigate fills {FRIGATE_...} in before it reads the file; unquoted they would be YAML mappings.
    text = re.sub(r"\{(FRIGATE_\w+)\}", r"\1", text)
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        document.fail(place, "YAML", exc.problem or "another thing")
    except (yaml.YAMLError, RecursionError) as exc:
        document.fail("the file", "YAML", str(exc).splitlines()[0])


def _mapping(document: Document, place: str, value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        document.fail(place, "a mapping", value)
    return value


def _detect_wh(document: Document, place: str, detect: Any) -> tuple[int, int] | None:
    if not isinstance(detect, Mapping) or "width" not in detect or "height" not in detect:
        return None
    sides = (detect["width"], detect["height"])
    if not all(is_side(side) for side in sides):
        document.fail(place, "width and height in pixels", sides)
    return sides


def _bays(
    document: Document,
    place: str,
    zones: Mapping[Any, Any],
    detect_wh: tuple[int, int] | None,
    *,
    named: bool = True,
) -> Imported:
    shapes: list[Shape] = []
    findings: list[Finding] = []
    for name, zone in zones.items():
        where = f"{place}.{name}".lstrip(".")
        settings = zone if isinstance(zone, Mapping) else {"coordinates": zone}
        if settings.get("enabled") is False:
            findings.append(skipped(where, "the zone is switched off"))
            continue
        numbers = _numbers(document, f"{where}.coordinates", settings.get("coordinates"))
        points = pairs_of(document, f"{where}.coordinates", numbers)
        shapes.append(Shape(where, points, str(name) if named else None))
    if not shapes:
        document.fail(place or "the file", "zones with coordinates", f"{len(zones)} usable ones")
    relative = all(value <= 1 for shape in shapes for point in shape.points for value in point)
    image_wh = document.image_wh or detect_wh
    if relative:
        return to_bays(document, shapes, (1, 1), image_wh, findings)
    image_wh = image_wh or document.need_image_wh()
    # Pixels are of the detect stream, which may be smaller than the picture.
    return to_bays(document, shapes, detect_wh or image_wh, image_wh, findings)


def _numbers(document: Document, place: str, value: Any) -> list[float]:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str | int | float) for text in texts):
        document.fail(place, 'text such as "0.1,0.2,0.3,0.2,0.3,0.4"', value)
    fields = ",".join(str(text) for text in texts).split(",")
    try:
        return [float(field) for field in fields]
    except ValueError:
        document.fail(place, 'numbers such as "0.1,0.2,0.3,0.2,0.3,0.4"', value)
