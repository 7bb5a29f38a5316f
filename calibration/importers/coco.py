"""COCO instances, as CVAT, Label Studio and Roboflow write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calibration.findings import Code, Finding, Severity
from calibration.importers.boxes import box
from calibration.importers.common import (
    Imported,
    LeftOut,
    Points,
    list_of,
    mapping_of,
    pairs_of,
    size_of,
    to_bays,
)
from calibration.importers.document import Document
from calibration.importers.ids import name_from
from calibration.importers.items import choose_item
from calibration.importers.labels import Labelled, bays_among

_BOX_NUMBERS = 4
# Where tools keep the name of an annotation: ours, CVAT's attributes, Label Studio's text.
_NAME_KEYS = ("bay_id", "name", "label", "id")


def import_coco(document: Document) -> Imported:
    """The bays of one image (`item` is its file name) from COCO annotations, pixels.

    Categories that are no bays are skipped (see `labels.bays_among`), and so are run-length masks.
    An annotation with several outlines becomes as many bays, with a finding; one with a box only
    becomes a rectangle. A category named like a kind of bay (`disabled`, `ev`, ...) sets the kind.
    """
    data = mapping_of(document, "the file", document.json())
    images = objects_of(document, data, "images")
    annotations = list(enumerate(objects_of(document, data, "annotations")))
    used = {_key(annotation.get("image_id")) for _, annotation in annotations}
    pairs = [(str(image.get("file_name")), image) for image in images]
    image = choose_item(document, pairs, lambda one: _key(one.get("id")) in used)
    image_wh = size_of(document, f"image {image.get('file_name')}: ", image)
    names = {
        _key(category.get("id")): str(category.get("name") or "")
        for category in objects_of(document, data, "categories", needed=False)
    }
    found: list[Labelled | LeftOut] = []
    findings: list[Finding] = []
    for index, annotation in annotations:
        if _key(annotation.get("image_id")) == _key(image.get("id")):
            place = f"annotations[{index}]"
            label = names.get(_key(annotation.get("category_id")), "")
            outlines = _labelled(document, place, annotation, label)
            found.extend(outlines)
            if len(outlines) > 1:
                findings.append(_split(place, len(outlines)))
    return to_bays(document, bays_among(document, found), image_wh, image_wh, findings)


def _key(value: object) -> str | None:
    """Ids are numbers, but some tools write one as text where it is referred to."""
    return name_from(value)


def objects_of(
    document: Document, data: Mapping[str, Any], key: str, *, needed: bool = True
) -> list[Mapping[str, Any]]:
    """A list of objects under a key.

    Raises:
        CalibrationError: it is invalid, or required and missing.
    """
    value = data.get(key, None if needed else [])
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        document.fail(key, "a list of objects", value)
    return value


def _labelled(
    document: Document, place: str, annotation: Mapping[str, Any], label: str
) -> Sequence[Labelled | LeftOut]:
    outlines = outlines_of(document, place, annotation)
    if not outlines:
        return [LeftOut(place, "a run-length mask has no outline")]
    name = name_of(annotation)
    return [Labelled(place, label, points, name) for points in outlines]


def _split(place: str, count: int) -> Finding:
    message = f"{place} has {count} outlines: each became a bay"
    return Finding(Severity.WARNING, Code.SPLIT, None, message, "delete any that is not a bay")


def outlines_of(document: Document, place: str, annotation: Mapping[str, Any]) -> list[Points]:
    """The polygons of an annotation, else its box, pixels; none for a run-length mask.

    Raises:
        CalibrationError: there is neither, or it is damaged.
    """
    outline = annotation.get("segmentation")
    if isinstance(outline, Mapping):
        return []
    if not outline:
        return [_rectangle(document, f"{place}.bbox", annotation.get("bbox"))]
    if not isinstance(outline, list):
        document.fail(f"{place}.segmentation", "a list of polygons", outline)
    if not isinstance(outline[0], list):  # some tools leave the outer list away
        outline = [outline]
    return [
        pairs_of(document, f"{place}.segmentation[{index}]", list_of(document, place, flat))
        for index, flat in enumerate(outline)
    ]


def _rectangle(document: Document, place: str, value: Any) -> Points:
    if not isinstance(value, list) or len(value) != _BOX_NUMBERS:
        document.fail(place, "a polygon, or a box [x, y, width, height]", value)
    (x, y), (width, height), _ = pairs_of(document, place, [*value, 0, 0])
    return box(x, y, width, height)


def name_of(annotation: Mapping[str, Any]) -> str | None:
    """The annotation's own name: `id` counts only among attributes, elsewhere it is a number."""
    attributes = annotation.get("attributes")
    own = {key: value for key, value in annotation.items() if key != "id"}
    for place in (own, attributes if isinstance(attributes, Mapping) else {}):
        names = (name_from(place.get(key)) for key in _NAME_KEYS)
        name = next((name for name in names if name is not None), None)
        if name is not None:
            return name
    return None
