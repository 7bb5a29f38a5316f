"""YOLO as Ultralytics and Roboflow keep it: `data.yaml`, `images/`, `labels/`; read and written.

A line is a class number and a box (x, y, width, height), an oriented box (four corners) or an
outline (any corners), all as fractions. The form has no place for bay ids, cameras or times: they
are lost on writing, but for a time in the file's name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from calibration.importers import Document
from calibration.importers.common import pairs_of
from calibration.pictures import PICTURE_SUFFIXES
from datasets.formats.coco import CATEGORIES
from datasets.formats.labels import Collector, Label, Shot, rectangle
from datasets.formats.tree import Tree, head_of, read_document
from datasets.frames import LotFrame
from datasets.lots import PICTURES
from datasets.native import DECIMALS, UNSPLIT, fractions, write_bytes, write_text
from vision.quads import quads_of
from vision.types import Floats

LABELS = "labels"
DATA = "data.yaml"
CLASSES = ("classes.txt", "obj.names")
_SPLIT_KEYS = ("train", "val", "valid", "test")
_BOX_FIELDS = 5
_RIM = 0.25
"""How far outside the image a point may lie; more than that means pixels, not fractions."""


class YoloTask(StrEnum):
    """How a bay's outline is written."""

    DETECT = "detect"
    """Its upright box."""
    SEGMENT = "segment"
    """Its corners."""
    OBB = "obb"
    """Four corners."""


@dataclass(frozen=True, slots=True)
class _Part:
    split: str
    pictures: tuple[Path, ...]


def find_yolo(tree: Tree) -> list[Path]:
    """The YAML file with the class names, or the list of classes beside the labels."""
    for path in tree.with_suffix(".yaml", ".yml"):
        lines = head_of(path).splitlines()
        keys = {line.split(":")[0].strip() for line in lines if not line[:1].isspace()}
        if "names" in keys and keys & set(_SPLIT_KEYS):
            return [path]
    return [path for path in tree.files if path.name in CLASSES][:1]


def read_yolo(tree: Tree, files: Sequence[Path], collector: Collector) -> None:
    """Read a YOLO set.

    Raises:
        CalibrationError: a file is damaged; the text names file and line.
    """
    document = read_document(files[0])
    if document.path.name in CLASSES:
        names = dict(enumerate(document.text().splitlines()))
        parts = [_Part("", tuple(sorted(p for ps in tree.pictures.values() for p in ps)))]
    else:
        data = _yaml(document)
        names = _names(document, data.get("names"))
        parts = _parts(document, data, tree)
    for part in parts:
        for picture in part.pictures:
            path = labels_of(picture)
            lines = Document(path, b"")
            if path.is_file():  # an image without a file shows nothing, by the form's rule
                lines = read_document(path)
            labels = _lines(lines, names, collector)
            collector.add(lines, Shot(path=picture, split=part.split), labels)


def labels_of(picture: Path) -> Path:
    """Where the labels of an image are: the last folder `images` becomes `labels`."""
    parts = list(picture.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == PICTURES:
            parts[index] = LABELS
            break
    return Path(*parts).with_suffix(".txt")


def _yaml(document: Document) -> Mapping[str, Any]:
    try:
        data = yaml.safe_load(document.text())
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        document.fail(place, "YAML", str(exc.problem))
    if not isinstance(data, Mapping):
        document.fail("the file", "names and splits", type(data).__name__)
    return data


def _names(document: Document, value: object) -> dict[int, str]:
    if isinstance(value, list):
        return {number: str(name) for number, name in enumerate(value)}
    if not isinstance(value, Mapping) or not all(isinstance(key, int) for key in value):
        document.fail("names", "a list of names, or names by number", value)
    return {int(key): str(name) for key, name in value.items()}


def _parts(document: Document, data: Mapping[str, Any], tree: Tree) -> list[_Part]:
    parts, looked = [], []
    for key in _SPLIT_KEYS:
        entries = data.get(key)
        if not entries:
            continue
        found: dict[Path, None] = {}
        for entry in entries if isinstance(entries, list) else [entries]:
            places = _places(document, str(data.get("path") or "."), str(entry))
            place = next((place for place in places if place.exists()), None)
            if place is None:
                looked += [str(place) for place in places]
            else:
                found.update(dict.fromkeys(_pictures(place, tree)))
        if found:
            parts.append(_Part(key, tuple(found)))
    if not parts:
        document.fail(", ".join(_SPLIT_KEYS), "folders of images", f"none at {looked}")
    return _distinct(parts)


def _distinct(parts: Sequence[_Part]) -> list[_Part]:
    """Unsplit sets name one folder for training and judging, since the form needs both."""
    if len(parts) > 1 and all(part.pictures == parts[0].pictures for part in parts):
        return [_Part("", parts[0].pictures)]
    return list(parts)


def _places(document: Document, base: str, entry: str) -> list[Path]:
    here = document.path.parent
    places = [here / base / entry, here / entry]
    # Roboflow writes `../train/images`, though the folder is beside the file.
    return [*places, here / entry.removeprefix("../")]


def _pictures(place: Path, tree: Tree) -> list[Path]:
    if place.is_file():  # a list of images, each on a line
        lines = read_document(place).text().splitlines()
        return [tree.find_picture(line.strip(), place.parent) for line in lines if line.strip()]
    return sorted(path for path in place.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)


def _lines(document: Document, names: Mapping[int, str], collector: Collector) -> list[Label]:
    labels = []
    for number, line in enumerate(document.text().splitlines(), start=1):
        if line.strip():
            with collector.item():
                labels.append(_line(document, f"line {number}", line.split(), names))
    return labels


def _line(document: Document, place: str, fields: Sequence[str], names: Mapping[int, str]) -> Label:
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        document.fail(place, "numbers: class x y width height, or class x1 y1 x2 y2 ...",
                      " ".join(fields))  # fmt: skip
    if not numbers[0].is_integer() or int(numbers[0]) not in names:
        document.fail(place, f"a class among {sorted(names)}", fields[0])
    if len(numbers) == _BOX_FIELDS:
        _, x, y, width, height = numbers
        points = rectangle(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    else:
        points = pairs_of(document, place, numbers[1:])
    if any(not -_RIM <= value <= 1 + _RIM for point in points for value in point):
        document.fail(place, "fractions of the image, 0 to 1", " ".join(fields))
    return Label(place, names[int(numbers[0])], points)


def write_yolo(
    frames: Sequence[LotFrame], folder: Path, names: Mapping[Path, str], task: YoloTask
) -> None:
    """Write `labels/SPLIT/*.txt` and `data.yaml`; images are in `images/SPLIT/`.

    Raises:
        DatasetError: the disk does not take it.
    """
    kinds = sorted({vehicle.kind for frame in frames for vehicle in frame.vehicles})
    states = [state for state in CATEGORIES if any(state in frame.states for frame in frames)]
    classes = [*(CATEGORIES[state] for state in states), *kinds]
    numbers = {name: number for number, name in enumerate(classes)}
    for frame in frames:
        lines = []
        polygons = _outlines(frame, task)
        for polygon, state in zip(polygons, frame.states, strict=True):
            lines.append(_format(numbers[CATEGORIES[state]], polygon, task))
        for vehicle in frame.vehicles:
            corners = np.array(rectangle(*vehicle.xyxy_norm), np.float32)
            lines.append(_format(numbers[vehicle.kind], corners, task))
        path = folder / LABELS / (frame.split or UNSPLIT) / names[frame.path]
        # Not each by itself to the disk: data.yaml comes last, and without it there is no set.
        write_bytes(path.with_suffix(".txt"), "".join(f"{line}\n" for line in lines).encode())
    write_text(folder / DATA, _format_data(frames, classes))


def _outlines(frame: LotFrame, task: YoloTask) -> Sequence[Floats]:
    if task is not YoloTask.OBB:
        return frame.polygons_norm
    # Least rectangles are least in pixels, so the image's shape counts.
    return list(quads_of(frame.polygons_norm, frame.size_wh()))


def _format(number: int, polygon_norm: Floats, task: YoloTask) -> str:
    if task is YoloTask.DETECT:
        low, high = polygon_norm.min(0).astype(float), polygon_norm.max(0).astype(float)
        values = [*((low + high) / 2).tolist(), *(high - low).tolist()]
    else:
        values = [value for point in fractions(polygon_norm) for value in point]
    return f"{number} " + " ".join(f"{value:.{DECIMALS}f}" for value in values)


def _format_data(frames: Sequence[LotFrame], classes: Sequence[str]) -> str:
    splits = {frame.split or UNSPLIT for frame in frames}
    keys = {"valid": "val", "validation": "val", "training": "train"}
    lines = {keys.get(split, split): split for split in sorted(splits)}
    for needed in ("train", "val"):  # Ultralytics wants both
        lines.setdefault(needed, sorted(splits)[0])
    text = "".join(f"{key}: {json.dumps(f'{PICTURES}/{split}')}\n" for key, split in lines.items())
    named = "".join(f"  {number}: {json.dumps(name)}\n" for number, name in enumerate(classes))
    # Without `path` Ultralytics looks beside the file; with "." in the folder it is started in.
    return f"{text}names:\n{named}"
