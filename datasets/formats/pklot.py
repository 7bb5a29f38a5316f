"""PKLot (Almeida et al. 2015): `LOT/WEATHER/DAY/TIME.xml` beside each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

import cv2

from calibration.importers import Document
from calibration.importers.pklot import contour_of, point_of
from calibration.importers.xml import number_of, parse_xml
from datasets.errors import DatasetError
from datasets.formats.labels import Collector, Label, Shot, scaled
from datasets.formats.tree import Tree, read_document
from datasets.formats.voc import find_xml
from datasets.frames import UNKNOWN_ORIGIN, Origin, picture_size_wh

ORIGIN = Origin("PKLot, Almeida et al. 2015", "CC-BY-4.0")
WEATHERS = ("sunny", "cloudy", "rainy")
# UFPR04 and UFPR05 are two cameras of one car park (4th and 5th floor of one building), so a split
# by lot keeps them on one side.
LOTS: Mapping[str, str] = {"ufpr04": "UFPR", "ufpr05": "UFPR", "pucpr": "PUCPR"}
_LEAST_POINTS = 3


def find_pklot(tree: Tree) -> list[Path]:
    """XML files of PKLot."""
    return find_xml(tree, "parking")


def read_pklot(tree: Tree, files: Sequence[Path], collector: Collector) -> None:
    """Read PKLot: contours where there are some, else rotated rectangles.

    Spaces without `occupied` (there are some in the original) are of unknown state. The files do
    not say how large the images are; those of one folder are of one size, so one is decoded.

    Raises:
        CalibrationError: a file is damaged; the text names the space.
        DatasetError: a folder has no image that tells the size.
    """
    sizes: dict[Path, tuple[int, int]] = {}
    for path in files:
        document = read_document(path)
        root = parse_xml(document)
        if root.tag != "parking":
            document.fail("the file", "<parking>", f"<{root.tag}>")
        picture = _picture(tree, path)
        if path.parent not in sizes:
            sizes[path.parent] = picture_size_wh(picture)
        image_wh = sizes[path.parent]
        labels = []
        for number, space in enumerate(root.iter("space"), start=1):
            with collector.item():
                labels.append(_label(document, number, space, image_wh))
        collector.add(document, _shot(path, root, picture, image_wh), labels)


def _picture(tree: Tree, path: Path) -> Path:
    for suffix in (".jpg", ".jpeg", ".png"):
        beside = path.with_suffix(suffix)
        if beside in tree.pictures.get(beside.name, []):
            return beside
    msg = f"{path}: expected its image {path.stem}.jpg beside it, but there is none"
    raise DatasetError(msg)


def _shot(path: Path, root: Xml.Element, picture: Path, image_wh: tuple[int, int]) -> Shot:
    folders = [part.lower() for part in path.parts]
    camera = next((part for part in folders if part in LOTS), (root.get("id") or "").lower())
    return Shot(
        path=picture,
        image_wh=image_wh,
        camera=camera,
        lot=LOTS.get(camera, camera),
        weather=next((part for part in folders if part in WEATHERS), ""),
        origin=ORIGIN if camera in LOTS else UNKNOWN_ORIGIN,
    )


def _label(document: Document, number: int, space: Xml.Element, image_wh: tuple[int, int]) -> Label:
    name = space.get("id")
    place = f"space {name if name is not None else f'number {number}'}"
    points = [point_of(document, place, item) for item in contour_of(space)]
    if len(points) < _LEAST_POINTS:
        points = _rectangle(document, place, space)
    occupied = space.get("occupied")
    if occupied not in {None, "0", "1"}:
        document.fail(f"{place}, occupied", "0 or 1", occupied)
    return Label(
        place,
        "space",
        scaled(points, image_wh),
        name,
        None if occupied is None else occupied == "1",
    )


def _rectangle(document: Document, place: str, space: Xml.Element) -> list[tuple[float, float]]:
    rotated = space.find("rotatedRect")
    if rotated is None:
        document.fail(place, "a <contour> or <rotatedRect>", "neither")
    parts = {}
    for tag, keys in (("center", "xy"), ("size", "wh"), ("angle", "d")):
        element = rotated.find(tag)
        if element is None:
            document.fail(f"{place}, rotatedRect", f"<{tag}>", "none")
        parts[tag] = [number_of(document, f"{place}, {tag}", element, key) for key in keys]
    (x, y), (width, height), (angle_deg,) = parts["center"], parts["size"], parts["angle"]
    corners = cv2.boxPoints(((x, y), (width, height), angle_deg))
    return [(float(x), float(y)) for x, y in corners]
