"""Frigate's zones: a configuration file, a part of one, or the bare coordinate strings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from calibration.importers.common import Imported, LeftOut, Shape, is_side, pairs_of, to_bays
from calibration.importers.document import Document
from calibration.importers.ids import name_from
from calibration.importers.plain_yaml import parse_yaml

# Every scalar is text here; YAML 1.1 knows these words for false.
_OFF = frozenset({"false", "no", "off", "n"})


def import_frigate(document: Document) -> Imported:
    """The zones of one camera (`item` where there are several).

    Coordinates are `"x1,y1,x2,y2,..."` or a list of `"x,y"`. They are fractions when none is above
    1, else pixels of the camera's `detect` size. (Frigate itself compares them as text, so that
    `1e-5` counts as pixels there.) Zones that are disabled are skipped, with a finding.
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
    # Frigate fills {FRIGATE_...} in before it reads the file; unquoted they would be YAML mappings.
    text = re.sub(r"\{(FRIGATE_\w+)\}", r"\1", document.text())
    return parse_yaml(text, str(document.path))


def _mapping(document: Document, place: str, value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        document.fail(place, "a mapping", value)
    return value


def _detect_wh(document: Document, place: str, detect: Any) -> tuple[int, int] | None:
    if not isinstance(detect, Mapping) or not detect.get("width") or not detect.get("height"):
        return None
    texts = (str(detect["width"]), str(detect["height"]))
    sides = [int(text) if text.isascii() and text.isdigit() else 0 for text in texts]
    if not all(map(is_side, sides)):
        document.fail(place, "width and height in pixels", texts)
    return sides[0], sides[1]


def _bays(
    document: Document,
    place: str,
    zones: Mapping[Any, Any],
    detect_wh: tuple[int, int] | None,
    *,
    named: bool = True,
) -> Imported:
    found: list[Shape | LeftOut] = []
    for name, zone in zones.items():
        where = f"{place}.{name}".lstrip(".")
        settings = zone if isinstance(zone, Mapping) else {"coordinates": zone}
        if str(settings.get("enabled")).lower() in _OFF:
            found.append(LeftOut(where, "the zone is disabled"))
            continue
        numbers = _numbers(document, f"{where}.coordinates", settings.get("coordinates"))
        points = pairs_of(document, f"{where}.coordinates", numbers)
        found.append(Shape(where, points, name_from(name) if named else None))
    shapes = [item for item in found if isinstance(item, Shape)]
    if not shapes:
        document.fail(place or "the file", "zones with coordinates", f"{len(zones)} usable ones")
    relative = all(value <= 1 for shape in shapes for point in shape.points for value in point)
    if relative:
        return to_bays(document, found, (1, 1), detect_wh)
    # Pixels are of the detect stream, which may be smaller than the image.
    image_wh = detect_wh or document.need_image_wh()
    return to_bays(document, found, image_wh, image_wh)


def _numbers(document: Document, place: str, value: Any) -> list[float]:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str | int | float) for text in texts):
        document.fail(place, 'text such as "0.1,0.2,0.3,0.2,0.3,0.4"', value)
    fields = ",".join(str(text) for text in texts).split(",")
    try:
        return [float(field) for field in fields]
    except ValueError:
        document.fail(place, 'numbers such as "0.1,0.2,0.3,0.2,0.3,0.4"', value)
