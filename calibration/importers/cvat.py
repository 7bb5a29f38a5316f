"""CVAT's XML 1.1: images (`CVAT for images`) and tracks (`CVAT for video`)."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as Xml

from calibration.findings import Code, Finding, Severity
from calibration.importers.boxes import box, turned
from calibration.importers.common import Imported, LeftOut, Points, is_side, to_bays
from calibration.importers.document import Document
from calibration.importers.items import choose_item
from calibration.importers.labels import Labelled, bays_among, name_among
from calibration.importers.xml import number_of, parse_number, parse_xml

_LEAST_POINTS = 3
_DRAWN = frozenset({"polygon", "box"})
# What is drawn but bounds no ground: told. Anything else in an <image> is no drawing.
_NO_OUTLINE = frozenset({"polyline", "points", "ellipse", "cuboid", "mask", "skeleton"})
# Farther than this, as a share of the image's width, an outline has moved: it follows a car.
_MOVED = 0.02


def import_cvat(document: Document) -> Imported:
    """The polygons and boxes, turned ones too, of one image (`item`) or of a clip, pixels.

    A track counts with the first place where it is seen. An attribute such as `id`, `name` or
    `number` names the bay, else the label where it is one of its kind.
    """
    root = parse_xml(document)
    if root.tag != "annotations":
        document.fail("the file", "<annotations>", f"<{root.tag}>")
    tracks = root.findall("track")
    if tracks:
        return _import_tracks(document, root, tracks)
    images = [(image.get("name") or "", image) for image in root.findall("image")]
    if not images:
        document.fail("the file", "<image> or <track> elements", "<annotations> without any")
    image = choose_item(document, images, lambda one: any(_drawings(one)))
    place = f"image {image.get('name')}"
    image_wh = _size(document, place, image.get("width"), image.get("height"))
    found = [
        _labelled(document, f"{shape.tag} {number}", shape, shape.get("label", ""))
        for number, shape in enumerate(_drawings(image), start=1)
    ]
    return to_bays(document, bays_among(document, found), image_wh, image_wh)


def _drawings(parent: Xml.Element) -> Iterator[Xml.Element]:
    return (item for item in parent if item.tag in _DRAWN | _NO_OUTLINE)


def _import_tracks(document: Document, root: Xml.Element, tracks: list[Xml.Element]) -> Imported:
    size = root.find(".//original_size")
    if size is None:
        image_wh = document.need_image_wh()
    else:
        image_wh = _size(document, "original_size", size.findtext("width"), size.findtext("height"))
    found: list[Labelled | LeftOut] = []
    moved: list[str] = []
    for number, track in enumerate(tracks):
        place = f"track {track.get('id', number)}"
        seen = [shape for shape in _drawings(track) if shape.get("outside") != "1"]
        if not seen:
            found.append(LeftOut(place, "it is in no frame"))
            continue
        items = [_labelled(document, place, shape, track.get("label", "")) for shape in seen]
        found.append(items[0])
        if _has_moved(items, image_wh[0]):
            moved.append(place)
    findings = [_moved(place) for place in moved]
    return to_bays(document, bays_among(document, found), image_wh, image_wh, findings)


def _has_moved(items: list[Labelled | LeftOut], width_px: int) -> bool:
    outlines = [item.points for item in items if isinstance(item, Labelled)]
    return any(
        abs(now - before) > _MOVED * width_px
        for points in outlines[1:]
        for old, new in zip(outlines[0], points, strict=False)
        for before, now in zip(old, new, strict=True)
    )


def _moved(place: str) -> Finding:
    message = f"{place} moves within the clip: its first position was used"
    return Finding(Severity.WARNING, Code.MOVING, None, message, "delete it if it follows a car")


def _labelled(document: Document, place: str, shape: Xml.Element, label: str) -> Labelled | LeftOut:
    if shape.tag not in _DRAWN:
        return LeftOut(place, f"<{shape.tag}> has no outline")
    attributes = {
        item.get("name", ""): (item.text or "").strip() for item in shape.findall("attribute")
    }
    return Labelled(place, label, outline_of(document, place, shape), name_among(attributes))


def outline_of(document: Document, place: str, shape: Xml.Element) -> Points:
    """The points of a `<polygon>`, or the corners of a `<box>`, pixels.

    Raises:
        CalibrationError: one is missing or no number, or it is another element.
    """
    if shape.tag == "box":
        return _box(document, place, shape)
    if shape.tag != "polygon":
        document.fail(place, "a polygon or a box", f"<{shape.tag}>")
    points = []
    for pair in filter(None, shape.get("points", "").split(";")):
        x, _, y = pair.partition(",")
        points.append((parse_number(document, place, x), parse_number(document, place, y)))
    if len(points) < _LEAST_POINTS:
        document.fail(place, "three points or more", str(len(points)))
    return points


def _box(document: Document, place: str, shape: Xml.Element) -> Points:
    """Four corners; CVAT turns a box clockwise about its middle, in degrees."""
    left, top, right, bottom = (
        number_of(document, place, shape, key) for key in ("xtl", "ytl", "xbr", "ybr")
    )
    angle_deg = parse_number(document, f"{place}, rotation", shape.get("rotation", "0"))
    return turned(box(left, top, right - left, bottom - top), angle_deg)


def _size(document: Document, place: str, width: str | None, height: str | None) -> tuple[int, int]:
    sides = (parse_number(document, f"{place}, width", width),
             parse_number(document, f"{place}, height", height))  # fmt: skip
    whole = (int(sides[0]), int(sides[1]))
    if not all(map(is_side, whole)):
        document.fail(place, "width and height in pixels", f"{width}x{height}")
    return whole
