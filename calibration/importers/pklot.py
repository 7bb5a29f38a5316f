"""PKLot's XML: `<parking><space id="1"><contour><point x="278" y="230"/>...`."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from calibration.importers.common import Imported, LeftOut, Shape, is_number, to_bays
from calibration.importers.document import Document
from calibration.importers.xml import parse_xml

_LEAST_POINTS = 3


def import_pklot(document: Document) -> Imported:
    """The contours of all spaces, pixels; PKLot's own images have 1280x720.

    The contours run round the cars, not along the painted lines.
    """
    root = parse_xml(document)
    image_wh = document.need_image_wh()
    found: list[Shape | LeftOut] = []
    for index, space in enumerate(root.iter("space")):
        name = space.get("id")
        place = f"space {name if name is not None else f'number {index + 1}'}"
        points = contour_of(space)
        if len(points) < _LEAST_POINTS:
            found.append(LeftOut(place, f"its contour has {len(points)} points"))
            continue
        found.append(Shape(place, [point_of(document, place, item) for item in points], name))
    if not found:
        document.fail("the file", "<space> elements with contours", f"<{root.tag}> without any")
    return to_bays(document, found, image_wh, image_wh)


def contour_of(space: Xml.Element) -> list[Xml.Element]:
    """The points of a space's contour: some of PKLot's files write `<Point>`, most `<point>`."""
    return [item for item in space.iter() if item.tag.lower() == "point"]


def point_of(document: Document, place: str, item: Xml.Element) -> tuple[float, float]:
    """A point of a contour, pixels.

    Raises:
        CalibrationError: it lacks a number.
    """
    try:
        x, y = float(item.attrib["x"]), float(item.attrib["y"])
    except (KeyError, ValueError):
        x = y = float("nan")
    if not (is_number(x) and is_number(y)):
        document.fail(place, "a point with numbers x and y", str(item.attrib))
    return x, y
