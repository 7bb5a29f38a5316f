"""Pascal VOC's XML, as LabelImg and Roboflow write it: `<annotation>` with `<object>`s."""

from __future__ import annotations

from math import degrees
from xml.etree import ElementTree as Xml

from calibration.importers.boxes import Corners, box, turned
from calibration.importers.common import Imported, is_side, to_bays
from calibration.importers.document import Document
from calibration.importers.labels import Labelled, bays_among
from calibration.importers.xml import parse_number, parse_xml

_LEAST_POINTS = 3


def import_voc(document: Document) -> Imported:
    """The polygons, boxes and turned boxes of an image, pixels."""
    root = parse_xml(document)
    if root.tag != "annotation":
        document.fail("the file", "<annotation>", f"<{root.tag}>")
    sides = [parse_number(document, f"size, {side}", root.findtext(f"size/{side}"))
             for side in ("width", "height")]  # fmt: skip
    image_wh = (int(sides[0]), int(sides[1]))
    if not all(map(is_side, image_wh)):
        document.fail("size", "width and height in pixels", str(image_wh))
    found = [
        Labelled(f"object {number}", one.findtext("name") or "",
                 outline_of(document, f"object {number}", one))
        for number, one in enumerate(root.findall("object"), start=1)
    ]  # fmt: skip
    return to_bays(document, bays_among(document, found), image_wh, image_wh)


def outline_of(document: Document, place: str, one: Xml.Element) -> Corners:
    """The corners of an `<object>`: its `<polygon>`, `<robndbox>` or `<bndbox>`, pixels.

    Raises:
        CalibrationError: there is none, or a number is missing.
    """
    if (polygon := one.find("polygon")) is not None:
        return _polygon(document, place, polygon)
    if (rotated := one.find("robndbox")) is not None:
        x, y, width, height, angle_rad = _numbers(document, place, rotated,
                                                  ("cx", "cy", "w", "h", "angle"))  # fmt: skip
        upright = box(x - width / 2, y - height / 2, width, height)
        return turned(upright, degrees(angle_rad))
    if (bounds := one.find("bndbox")) is None:
        document.fail(place, "a <bndbox> or <polygon>", "neither")
    left, top, right, bottom = _numbers(document, place, bounds, ("xmin", "ymin", "xmax", "ymax"))
    return box(left, top, right - left, bottom - top)


def _numbers(
    document: Document, place: str, element: Xml.Element, keys: tuple[str, ...]
) -> list[float]:
    return [parse_number(document, f"{place}, {key}", element.findtext(key)) for key in keys]


def _polygon(document: Document, place: str, outline: Xml.Element) -> Corners:
    points: Corners = []
    while outline.find(f"x{len(points) + 1}") is not None:
        number = len(points) + 1
        x, y = _numbers(document, place, outline, (f"x{number}", f"y{number}"))
        points.append((x, y))
    if len(points) < _LEAST_POINTS:
        document.fail(f"{place}, polygon", "three points or more", str(len(points)))
    return points
