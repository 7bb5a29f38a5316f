"""CVAT for images 1.1: one XML file with all images, their outlines, boxes and attributes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

from calibration.importers import Document
from calibration.importers.cvat import outline_of
from calibration.importers.xml import number_of, parse_xml
from datasets.formats.labels import Collector, Label, Shot, scaled, state_in
from datasets.formats.tree import Tree, read_document, split_of
from datasets.formats.voc import find_xml

_NAME_KEYS = ("bay_id", "bay", "name", "id", "number")


def find_cvat(tree: Tree) -> list[Path]:
    """XML files of CVAT."""
    return find_xml(tree, "annotations")


def read_cvat(tree: Tree, files: Sequence[Path], collector: Collector) -> None:
    """Read CVAT files; `subset` is the split, attributes tell bay ids and states.

    Raises:
        CalibrationError: one is damaged, or holds the tracks of a video.
    """
    for path in files:
        document = read_document(path)
        root = parse_xml(document)
        if root.tag != "annotations":
            document.fail("the file", "<annotations>", f"<{root.tag}>")
        if root.find("track") is not None:
            document.fail("the file", "<image> elements (export 'CVAT for images 1.1')", "<track>")
        images = enumerate(root.findall("image"))
        for number, image in images:
            _image(tree, document, f"image {image.get('id', number)}", image, collector)


def _image(
    tree: Tree, document: Document, place: str, image: Xml.Element, collector: Collector
) -> None:
    name = image.get("name")
    if not name:
        document.fail(place, "a name", "none")
    width, height = (int(number_of(document, place, image, key)) for key in ("width", "height"))
    if min(width, height) < 1:
        document.fail(place, "width and height above 0", f"{width}x{height}")
    subset = image.get("subset", "")
    split = "" if subset == "default" else subset or split_of(document.path, tree.root)
    shot = Shot(tree.find_picture(name, document.path.parent, split), split, (width, height))
    labels = []
    for number, shape in enumerate((s for s in image if s.tag != "tag"), start=1):
        with collector.item():
            where = f"{place} ({name}), {shape.tag} {number}"
            labels.append(_label(document, where, shape, (width, height)))
    collector.add(document, shot, labels)


def _label(document: Document, place: str, shape: Xml.Element, image_wh: tuple[int, int]) -> Label:
    points = scaled(outline_of(document, place, shape), image_wh)
    attributes = {a.get("name", ""): (a.text or "").strip() for a in shape.findall("attribute")}
    bay = next((attributes[key] for key in _NAME_KEYS if attributes.get(key)), None)
    return Label(place, shape.get("label", ""), points, bay, state_in(attributes))
