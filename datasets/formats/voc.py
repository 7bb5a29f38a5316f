"""Pascal VOC: an XML file for each image, as Roboflow and LabelImg write it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

from calibration.importers import Document
from calibration.importers.voc import outline_of
from calibration.importers.xml import parse_number, parse_xml
from datasets.formats.labels import Collector, Label, Shot, scaled
from datasets.formats.tree import Tree, read_document, root_element, split_of

_SAMPLED = 20
"""XML files whose root is looked at to tell a format: the others are of the same."""


def find_xml(tree: Tree, root: str) -> list[Path]:
    """All XML files, if those looked at first have this root element."""
    paths = tree.with_suffix(".xml")
    return paths if any(root_element(path) == root for path in paths[:_SAMPLED]) else []


def find_voc(tree: Tree) -> list[Path]:
    """XML files of VOC."""
    return find_xml(tree, "annotation")


def read_voc(tree: Tree, files: Sequence[Path], collector: Collector) -> None:
    """Read VOC files; the split is that of the folder, or of `ImageSets/Main`.

    Raises:
        CalibrationError: one is damaged; the text names the place in it.
    """
    listed = _image_sets(tree)
    for path in files:
        document = read_document(path)
        root = parse_xml(document)
        if root.tag != "annotation":
            document.fail("the file", "<annotation>", f"<{root.tag}>")
        image_wh = (_whole(document, root, "width"), _whole(document, root, "height"))
        split = split_of(path, tree.root) or listed.get(path.stem, "")
        name = root.findtext("filename") or f"{path.stem}.jpg"
        shot = Shot(tree.find_picture(name, path.parent, split), split, image_wh)
        labels = []
        for number, one in enumerate(root.findall("object"), start=1):
            with collector.item():
                labels.append(_label(document, f"object {number}", one, image_wh))
        collector.add(document, shot, labels)


def _image_sets(tree: Tree) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in tree.with_suffix(".txt"):
        if path.parent.name == "Main" and path.parent.parent.name == "ImageSets":
            for line in read_document(path).text().splitlines():
                found.update({line.split()[0]: path.stem} if line.split() else {})
    return found


def _whole(document: Document, root: Xml.Element, side: str) -> int:
    number = parse_number(document, f"size, {side}", root.findtext(f"size/{side}"))
    if number < 1:
        document.fail(f"size, {side}", "a number of pixels above 0", str(number))
    return int(number)


def _label(document: Document, place: str, one: Xml.Element, image_wh: tuple[int, int]) -> Label:
    name = one.findtext("name")
    if not name:
        document.fail(place, "a <name>", "none")
    return Label(place, name, scaled(outline_of(document, place, one), image_wh))
