"""COCO instances, as CVAT, Label Studio and Roboflow write them; read and written.

What COCO has no field for is kept beside it: `attributes.bay_id` and `attributes.occupied` of an
annotation, `camera`, `lot` and `weather` of an image; `date_captured` and `license` are COCO's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from calibration.importers import Document
from calibration.importers.coco import name_of, objects_of, outlines_of
from calibration.importers.common import size_of
from calibration.importers.ids import name_from
from datasets.formats.labels import Collector, Label, Shot, scaled, state_in
from datasets.formats.tree import Tree, head_of, read_document, split_of
from datasets.frames import LotFrame, Origin, State
from datasets.native import UNSPLIT, write_text
from vision.geometry import to_pixels
from vision.types import Floats

FOLDER = "annotations"
CATEGORIES: Mapping[State, str] = {False: "free", True: "occupied", None: "unknown"}
DECIMALS_PX = 3
_TOP_KEY = re.compile(r'"(images|annotations)"\s*:\s*\[')


def find_coco(tree: Tree) -> list[Path]:
    """JSON files with images and annotations."""
    return [path for path in tree.with_suffix(".json") if _is_coco(head_of(path))]


def _is_coco(head: str) -> bool:
    """Whether a file that begins so has images and annotations at its top.

    Others have such keys deeper, or one of them: Label Studio's `notes.json` lists categories. Of a
    large file the end is not seen, so one of the two is enough there.
    """
    try:
        data = json.loads(head)
    except (ValueError, RecursionError):
        is_object = head.lstrip("\ufeff \t\r\n").startswith("{")
        return is_object and '"rois_list"' not in head and bool(_TOP_KEY.search(head))
    return isinstance(data, dict) and {"images", "annotations"} <= data.keys()


def read_coco(tree: Tree, files: Sequence[Path], collector: Collector) -> None:
    """Read COCO files.

    Raises:
        CalibrationError: one is damaged; the text names the place in it.
    """
    for path in files:
        document = read_document(path)
        data: Any = document.json()
        if not isinstance(data, Mapping):
            document.fail("the file", "a COCO object", type(data).__name__)
        _read(tree, document, data, collector)


def _read(tree: Tree, document: Document, data: Mapping[str, Any], collector: Collector) -> None:
    categories = _by_id(document, data, "categories", "name")
    licences = _by_id(document, data, "licenses", "name")
    info = data.get("info")
    source = str(info.get("description") or "") if isinstance(info, Mapping) else ""
    split = split_of(document.path, tree.root)
    images: dict[str | None, Shot] = {}
    for index, image in enumerate(objects_of(document, data, "images")):
        place = f"images[{index}]"
        name = image.get("file_name")
        if not isinstance(name, str) or not name:
            document.fail(f"{place}.file_name", "a file name", name)
        key = name_from(image.get("id"))
        if key is None or key in images:
            document.fail(f"{place}.id", "a unique id", image.get("id"))
        licence = licences.get(name_from(image.get("license")), "")
        if not licence and len(licences) == 1:
            licence = next(iter(licences.values()))
        images[key] = Shot(
            path=tree.find_picture(name, document.path.parent, split),
            split=str(image.get("split") or split),
            image_wh=size_of(document, f"{place}.", image),
            camera=str(image.get("camera") or ""),
            lot=str(image.get("lot") or ""),
            weather=str(image.get("weather") or ""),
            time_local=_time(image.get("date_captured")),
            origin=Origin(str(image.get("source") or source), licence),
        )
    labels: dict[str | None, list[Label]] = {key: [] for key in images}
    for index, annotation in enumerate(objects_of(document, data, "annotations")):
        with collector.item():
            key, label = _label(document, f"annotations[{index}]", annotation, images, categories)
            labels[key].append(label)
    for key, shot in images.items():
        collector.add(document, shot, labels[key])


def _label(
    document: Document,
    place: str,
    annotation: Mapping[str, Any],
    images: Mapping[str | None, Shot],
    categories: Mapping[str | None, str],
) -> tuple[str, Label]:
    """The id of the image that an annotation is of, and its label."""
    image, category = (name_from(annotation.get(k)) for k in ("image_id", "category_id"))
    if image is None or image not in images:
        document.fail(f"{place}.image_id", "the id of an image", image)
    if category not in categories:
        known = ", ".join(sorted(map(str, categories)))
        document.fail(f"{place}.category_id", f"one of {known}", category)
    outlines = outlines_of(document, place, annotation)
    if not outlines:
        document.fail(f"{place}.segmentation", "a polygon", "a run-length mask")
    attributes = annotation.get("attributes")
    return image, Label(
        place=place,
        name=categories[category],
        points_norm=scaled(_whole(outlines), images[image].image_wh or (1, 1)),
        bay_id=name_of(annotation),
        state=state_in(attributes) if isinstance(attributes, Mapping) else None,
    )


def _whole(outlines: Sequence[Sequence[tuple[float, float]]]) -> Sequence[tuple[float, float]]:
    """One outline: of a thing that is seen in parts, behind a pole, the hull of all of them."""
    if len(outlines) == 1:
        return outlines[0]
    hull = shapely.MultiPoint([point for part in outlines for point in part]).convex_hull
    corners = list(hull.exterior.coords)[:-1] if isinstance(hull, shapely.Polygon) else outlines[0]
    return [(float(x), float(y)) for x, y in corners]


def _by_id(
    document: Document, data: Mapping[str, Any], key: str, field: str
) -> dict[str | None, str]:
    rows = objects_of(document, data, key, needed=key == "categories")
    return {name_from(row.get("id")): str(row.get(field) or "") for row in rows}


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None) if value else None
    except ValueError:
        return None


def write_coco(frames: Sequence[LotFrame], folder: Path, names: Mapping[Path, str]) -> None:
    """Write `annotations/instances_SPLIT.json` for each split; images are in `images/`.

    Raises:
        DatasetError: the disk does not take it, or an image of unknown size cannot be read.
    """
    splits: dict[str, list[LotFrame]] = {}
    for frame in frames:
        splits.setdefault(frame.split or UNSPLIT, []).append(frame)
    kinds = sorted({vehicle.kind for frame in frames for vehicle in frame.vehicles})
    numbers = {name: number for number, name in enumerate([*CATEGORIES.values(), *kinds], start=1)}
    for split, members in splits.items():
        text = json.dumps(_document(members, names, numbers)) + "\n"
        write_text(folder / FOLDER / f"instances_{split}.json", text)


def _document(
    frames: Sequence[LotFrame], names: Mapping[Path, str], numbers: Mapping[str, int]
) -> dict[str, Any]:
    licences = {name: i for i, name in enumerate(sorted({f.origin.licence for f in frames}), 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, frame in enumerate(frames, start=1):
        width, height = frame.size_wh()
        known = {"camera": frame.camera, "lot": frame.lot, "weather": frame.weather,
                 "source": frame.origin.source}  # fmt: skip
        if frame.time_local is not None:
            known["date_captured"] = frame.time_local.isoformat()
        images.append(
            {"id": number, "file_name": names[frame.path], "width": width, "height": height,
             "license": licences[frame.origin.licence]}
            | {key: value for key, value in known.items() if value}
        )  # fmt: skip
        for one in _annotations(frame, (width, height), numbers):
            annotations.append({"id": len(annotations) + 1, "image_id": number, **one})
    return {
        "info": {"description": frames[0].set_name},
        "licenses": [{"id": number, "name": name} for name, number in licences.items()],
        "images": images,
        "categories": [
            {"id": number, "name": name, "supercategory": _super(name)}
            for name, number in numbers.items()
        ],
        "annotations": annotations,
    }


def _super(name: str) -> str:
    return "bay" if name in CATEGORIES.values() else "vehicle"


def _annotations(
    frame: LotFrame, image_wh: tuple[int, int], numbers: Mapping[str, int]
) -> list[dict[str, Any]]:
    rows = []
    for polygon, state, bay in zip(frame.polygons_norm, frame.states, frame.bay_ids, strict=True):
        row = _shape(to_pixels(polygon, image_wh)) | {"category_id": numbers[CATEGORIES[state]]}
        rows.append(row | {"iscrowd": 0, "attributes": {"bay_id": bay, "occupied": state}})
    for vehicle in frame.vehicles:
        left, top, right, bottom = vehicle.xyxy_norm
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
        row = _shape(to_pixels(corners, image_wh))
        rows.append(row | {"iscrowd": 0, "category_id": numbers[vehicle.kind]})
    return rows


def _shape(polygon_px: Floats) -> dict[str, Any]:
    points = polygon_px.astype(np.float64).round(DECIMALS_PX)
    (left, top), (right, bottom) = points.min(0).tolist(), points.max(0).tolist()
    return {
        "segmentation": [points.ravel().tolist()],
        "bbox": [left, top, round(right - left, DECIMALS_PX), round(bottom - top, DECIMALS_PX)],
        "area": round(float(shapely.Polygon(points).area), DECIMALS_PX),
    }
