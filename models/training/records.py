"""What one training picture holds, and readers of the sets' files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from vision.quads import CORNERS, polygon_to_quad

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
ImageRgb = npt.NDArray[np.uint8]

# classes of vehicles/data.yaml -> ours (car, motorcycle, bus, truck); None: not a vehicle of ours
VEHICLE_SET_CLASSES = {0: 0, 1: 3, 2: 2, 3: 2, 4: None}


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture with its labels.

    Attributes:
        key: Set, split and file, unique over all sets.
        group: The place it shows; pictures of one group never stand on both sides of a split.
        path: The picture.
        quads_px: Bays, shape `(M, 4, 2)`, pixels of the picture.
        occupied: Shape `(M,)`.
        boxes_px: Vehicles, shape `(K, 4)`, x_min, y_min, x_max, y_max.
        classes: Shape `(K,)`, indices of our classes.
        near_vertical: Seen from straight above: any rotation of it is as likely, and bays may be
            made of its boxes.
    """

    key: str
    group: str
    path: Path
    quads_px: Floats = field(repr=False)
    occupied: Bools = field(repr=False)
    boxes_px: Floats = field(default_factory=lambda: np.zeros((0, 4), np.float32), repr=False)
    classes: Ints = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)
    near_vertical: bool = False


def data_root() -> Path:
    """Folder of the third-party pictures: `LOTSIGHT_DATA`, else `../shared/data` from here."""
    configured = os.environ.get("LOTSIGHT_DATA")
    if configured:
        return Path(configured)
    return Path(__file__).resolve().parents[2].parent / "shared" / "data"


def read_rgb(path: Path) -> ImageRgb:
    """Read a picture, shape `(H, W, 3)`, uint8, red green blue."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        message = f"cannot read the picture {path}"
        raise FileNotFoundError(message)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def read_lot(root: Path, name: str, split: str) -> list[Sample]:
    """Read one split of a set in the `annotations.json` form, without bays of unknown state."""
    table = json.loads((root / name / "annotations.json").read_text())[split]
    samples = []
    for file, rois, occupancy in zip(
        table["file_names"], table["rois_list"], table["occupancy_list"], strict=True
    ):
        path = root / name / "images" / file
        header = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if header is None:
            message = f"cannot read the picture {path}"
            raise FileNotFoundError(message)
        height, width = header.shape[:2]
        known = [index for index, state in enumerate(occupancy) if state is not None]
        samples.append(
            Sample(
                key=f"{name}/{split}/{file}",
                group=place_of(name, file),
                path=path,
                quads_px=_quads_px([rois[index] for index in known], (width, height)),
                occupied=np.array([occupancy[index] for index in known], np.bool_),
            )
        )
    return samples


def _quads_px(rois: Sequence[Sequence[Sequence[float]]], image_wh: tuple[int, int]) -> Floats:
    """Four corners of each bay, shape `(M, 4, 2)`; those with four keep them in their order."""
    scale = np.array(image_wh, np.float32)
    polygons = [np.asarray(roi, np.float32) * scale for roi in rois]
    quads = [p if len(p) == CORNERS else polygon_to_quad(p) for p in polygons]
    return np.stack(quads) if quads else np.zeros((0, CORNERS, 2), np.float32)


# The acpds camera numbered its pictures in order and went from place to place, so a gap in the
# numbers of the train split (where the valid split's places were cut out) parts two groups of
# places.
ACPDS_GROUP_STARTS = (
    (24, "a"),
    (6545, "b"),
    (6590, "v1"),
    (6603, "c"),
    (6640, "v2"),
    (6654, "d"),
    (6698, "v3"),
    (6723, "e"),
)


def place_of(name: str, file: str) -> str:
    """Name the place that a picture shows: its set; within acpds its run of pictures."""
    if name != "acpds":
        return name
    number = int(Path(file).stem.removeprefix("GOPR"))
    return "acpds-" + [label for start, label in ACPDS_GROUP_STARTS if number >= start][-1]


def read_vehicles(root: Path, split: str) -> list[Sample]:
    """Read one split of the near-vertical set `vehicles/` (YOLO labels)."""
    samples = []
    for path in sorted((root / "vehicles" / "images" / split).glob("*.jpg")):
        header = read_rgb(path)
        height, width = header.shape[:2]
        labels = root / "vehicles" / "labels" / split / f"{path.stem}.txt"
        rows = np.array(
            [line.split() for line in labels.read_text().splitlines() if line], np.float32
        )
        rows = rows.reshape(-1, 5)
        mapped = np.array(
            [-1 if (c := VEHICLE_SET_CLASSES[int(k)]) is None else c for k in rows[:, 0]], np.int64
        )
        rows, mapped = rows[mapped >= 0], mapped[mapped >= 0]
        centre, half = rows[:, 1:3], rows[:, 3:5] / 2
        boxes = np.concatenate([centre - half, centre + half], 1) * np.tile([width, height], 2)
        samples.append(
            Sample(
                key=f"vehicles/{split}/{path.name}",
                group=path.stem.split("-")[0],
                path=path,
                quads_px=np.zeros((0, 4, 2), np.float32),
                occupied=np.zeros(0, np.bool_),
                boxes_px=boxes.astype(np.float32),
                classes=mapped,
                near_vertical=True,
            )
        )
    return samples
