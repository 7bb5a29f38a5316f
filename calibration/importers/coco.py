"""COCO instances, as CVAT, Label Studio and Roboflow write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calibration.findings import Finding
from calibration.importers.common import (
    Document,
    Imported,
    Shape,
    pairs_of,
    size_of,
    skipped,
    to_bays,
)
from telemetry.words import BayKind

_BOX_NUMBERS = 4
# Where tools keep the name of an annotation: ours, CVAT's attributes, Label Studio's text.
_NAME_KEYS = ("bay_id", "name", "label", "id")


def import_coco(document: Document) -> Imported:
    """The bays of one picture (`item` is its file name) from COCO annotations, pixels.

    An annotation with several polygons counts with its first; one with a box only becomes a
    rectangle; a run-length mask is left out, with a finding. A category named like a kind of bay
    (`disabled`, `ev`, ...) sets the kind.
    """
    data = document.json()
    if not isinstance(data, Mapping):
        document.fail("the file", "a COCO object", type(data).__name__)
    images = {str(image.get("file_name")): image for image in objects_of(document, data, "images")}
    image = images[document.choose(sorted(images), "picture")]
    image_wh = size_of(document, f"image {image.get('file_name')}: ", image)
    names = {
        category.get("id"): str(category.get("name"))
        for category in objects_of(document, data, "categories", needed=False)
    }
    shapes: list[Shape] = []
    findings: list[Finding] = []
    for index, annotation in enumerate(objects_of(document, data, "annotations")):
        if annotation.get("image_id") != image.get("id"):
            continue
        place = f"annotations[{index}]"
        shape = _shape(document, place, annotation, names)
        if shape is None:
            findings.append(skipped(place, "a run-length mask has no outline"))
        else:
            shapes.append(shape)
    return to_bays(document, shapes, image_wh, image_wh, findings)


def objects_of(
    document: Document, data: Mapping[str, Any], key: str, *, needed: bool = True
) -> list[Mapping[str, Any]]:
    """A list of objects under a key.

    Raises:
        CalibrationError: it is none, or is missing though it is needed.
    """
    value = data.get(key, None if needed else [])
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        document.fail(key, "a list of objects", value)
    return value


def _shape(
    document: Document, place: str, annotation: Mapping[str, Any], categories: Mapping[Any, str]
) -> Shape | None:
    points = outline_of(document, place, annotation)
    if points is None:
        return None
    category = categories.get(annotation.get("category_id"), "")
    kind = BayKind(category) if category in set(BayKind) else BayKind.STANDARD
    return Shape(place, points, name_of(annotation), kind)


def outline_of(
    document: Document, place: str, annotation: Mapping[str, Any]
) -> list[tuple[float, float]] | None:
    """The first polygon of an annotation, else its box, pixels; None for a run-length mask.

    Raises:
        CalibrationError: there is neither, or it is damaged.
    """
    outline = annotation.get("segmentation")
    if isinstance(outline, Mapping):
        return None
    if not outline:
        return _rectangle(document, f"{place}.bbox", annotation.get("bbox"))
    if not isinstance(outline, list) or not isinstance(outline[0], list):
        document.fail(f"{place}.segmentation", "a list of polygons", outline)
    return pairs_of(document, f"{place}.segmentation[0]", outline[0])


def _rectangle(document: Document, place: str, box: Any) -> list[tuple[float, float]]:
    if not isinstance(box, list) or len(box) != _BOX_NUMBERS:
        document.fail(place, "a polygon, or a box [x, y, width, height]", box)
    (x, y), (width, height), _ = pairs_of(document, place, [*box, 0, 0])
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def name_of(annotation: Mapping[str, Any]) -> str | None:
    """The annotation's own name: `id` counts only among attributes, elsewhere it is a number."""
    attributes = annotation.get("attributes")
    places = [annotation, attributes] if isinstance(attributes, Mapping) else [annotation]
    for place in places:
        for key in _NAME_KEYS:
            value = place.get(key)
            if isinstance(value, str) and value.strip():
                return value.strip()
    return None
