"""What may be wrong with a labelled image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import shapely

from datasets.errors import DatasetError
from datasets.frames import LotFrame
from vision.geometry import bay_sizes_px

LEAST_BAY_PX = 6.0
"""Side (root of the area) of a bay too small to show a car."""
LARGEST_OVERLAP = 0.8
"""Share of the smaller of two bays: more is the same bay drawn twice."""
RIM = 0.25
"""How far outside the image a corner may lie: bays may be cut by the rim."""


def check_frame(frame: LotFrame) -> list[str]:
    """Look at one image and its bays.

    Returns:
        What is wrong, each in one line that names the bay.
    """
    try:
        image = frame.read()
    except DatasetError as exc:
        return [str(exc)]
    faults = []
    image_wh = (image.shape[1], image.shape[0])
    if frame.image_wh not in {None, image_wh}:
        stated = "x".join(map(str, frame.image_wh or ()))
        faults.append(f"expected an image of {stated}, but it has {image_wh[0]}x{image_wh[1]}")
    if len(set(frame.bay_ids)) != len(frame.bay_ids):
        faults.append(f"expected distinct bay ids, but got {frame.bay_ids}")
    sizes = bay_sizes_px(frame.polygons_norm, image_wh)
    for bay, polygon, size in zip(frame.bay_ids, frame.polygons_norm, sizes, strict=True):
        low, high = float(polygon.min()), float(polygon.max())
        if low < -RIM or high > 1 + RIM:
            faults.append(f"bay {bay}: expected corners in 0..1, but got {low:.3f} to {high:.3f}")
        elif not shapely.Polygon(polygon).is_valid:
            faults.append(f"bay {bay}: expected a simple polygon, but its sides cross")
        elif size < LEAST_BAY_PX:
            faults.append(f"bay {bay}: expected a side of {LEAST_BAY_PX:g} px, but got {size:.1f}")
    return faults + _doubles(frame)


def check_listing(frames: Sequence[LotFrame]) -> list[str]:
    """What is wrong with a set as a whole: images that stand in it twice.

    Returns:
        Each in one line that names the image.
    """
    places: dict[Path, list[str]] = {}
    for frame in frames:
        places.setdefault(frame.path.resolve(), []).append(f"{frame.set_name}:{frame.split}")
    return [
        f"{', '.join(splits)} {path.name}: expected the image once, but it is listed "
        f"{len(splits)} times"
        for path, splits in places.items()
        if len(splits) > 1
    ]


def _doubles(frame: LotFrame) -> list[str]:
    shapes = [shapely.Polygon(polygon) for polygon in frame.polygons_norm]
    sound = [(bay, s) for bay, s in zip(frame.bay_ids, shapes, strict=True) if s.is_valid]
    faults = []
    for number, (bay, shape) in enumerate(sound):
        for other, second in sound[number + 1 :]:
            smaller = min(shape.area, second.area)
            if smaller and shape.intersection(second).area > LARGEST_OVERLAP * smaller:
                faults.append(f"bays {bay} and {other} overlap")
    return faults
