"""PKLot's XML: `<parking><space id="1"><contour><point x="278" y="230"/>...`."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from calibration.findings import Finding
from calibration.importers.common import Document, Imported, Shape, skipped, to_bays

_LEAST_POINTS = 3


def import_pklot(document: Document) -> Imported:
    """The contours of all spaces, pixels; PKLot's own pictures have 1280x720.

    The contours run round the cars, not along the painted lines.
    """
    root = _parse(document)
    image_wh = document.need_image_wh()
    shapes: list[Shape] = []
    findings: list[Finding] = []
    for index, space in enumerate(root.iter("space")):
        name = space.get("id")
        place = f"space {name if name is not None else f'number {index + 1}'}"
        # Some of PKLot's files write <Point>, most <point>.
        points = [item for item in space.iter() if item.tag.lower() == "point"]
        if len(points) < _LEAST_POINTS:
            findings.append(skipped(place, f"its contour has {len(points)} points"))
            continue
        shapes.append(Shape(place, [_point(document, place, item) for item in points], name))
    if not shapes:
        document.fail("the file", "<space> elements with contours", f"<{root.tag}> without any")
    return to_bays(document, shapes, image_wh, image_wh, findings)


def _parse(document: Document) -> Xml.Element:
    # Entities are what XML attacks are made of (and no annotation tool writes): without a document
    # type there can be none, so the standard parser is safe.
    if b"<!DOCTYPE" in document.content or b"<!ENTITY" in document.content:
        document.fail("the file", "XML without a document type", "<!DOCTYPE or <!ENTITY")
    try:
        return Xml.fromstring(document.content)  # noqa: S314 - see above
    except Xml.ParseError as exc:
        line, column = exc.position
        document.fail(f"line {line}, column {column + 1}", "well-formed XML", str(exc))


def _point(document: Document, place: str, item: Xml.Element) -> tuple[float, float]:
    try:
        return float(item.attrib["x"]), float(item.attrib["y"])
    except (KeyError, ValueError):
        document.fail(place, "a point with numbers x and y", str(item.attrib))
