"""Images for display and training in which no person or number plate is identifiable.

There is no detector of faces or plates here, and none is needed: what an image can tell is bounded
by its resolution on the ground. EN 62676-4 asks for 250 px/m to identify a person, 125 px/m to
recognise one that is known, 25 px/m to tell that one is there; a plate's characters, 8 cm tall,
are read from about 15 px, 190 px/m. A car park's own bays are the measure: their size is known
everywhere in the image, so every place is brought down to the resolution at which a bay has
`bay_px` samples a side, whether anything was detected there or not. The network needs 16
(`vision.input_size.USEFUL_BAY_PX`), so labels and training lose about half a
point (`benchmarks/privacy.py`).

Who moves is found by comparison with the standing scene (`vision.background`), no detector
needed, and becomes a mosaic. So does what lies outside the bays' surroundings. Privacy masks are
painted black, and vehicles that were found are bounded by their own boxes too, since one that
drives close to the camera is larger than the bays behind it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from vision.background import Moving
from vision.geometry import bay_sizes_px, nearest_bay, to_pixels
from vision.types import Floats, ImageBgr, as_floats

Grey = npt.NDArray[np.uint8]

MOSAIC_CELLS = 64
"""Across the image's width: a person is no more than a spot or two."""
VEHICLE_PX = 32.0
"""Samples along a vehicle box's shorter side, which spans 1.4 m or more: 23 px/m at most, less than
2 px for a plate's character."""
_VEHICLE_GROW = 0.1
# Levels of sharpness a factor apart, so that a view with perspective needs few of them.
_LEVEL_FACTOR = math.sqrt(2)
_MAP_WIDTH_PX = 320


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """How much of an image may be made out.

    Attributes:
        outside: whether all that lies outside the bays' surroundings becomes a mosaic.
        surroundings_share: how far round the bays these reach, share of the image's width.
        bay_px: samples along the side of a bay (root of its area) at most; 0: no bound. 40 are
            11 px/m seen from above and 36 px/m at a grazing 6 degrees.
        moving: whether what moves is made coarser still, people as coarse as the outside.
    """

    outside: bool = True
    surroundings_share: float = 0.04
    bay_px: float = 40.0
    moving: bool = True

    def __post_init__(self) -> None:
        """Reject what is no share or no size."""
        if not 0 <= self.surroundings_share <= 1 or self.bay_px < 0:
            msg = (
                "expected surroundings_share from 0 to 1 and bay_px of 0 or more, but got "
                f"{self.surroundings_share} and {self.bay_px}"
            )
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class PrivateScene:
    """What an image shows, as far as it matters here.

    Attributes:
        polygons_norm: M bays as they lie in this image, each (K, 2), fractions.
        masks_norm: privacy masks, each (K, 2), fractions.
        vehicles_px: boxes of vehicles, x_min, y_min, x_max, y_max, shape (N, 4), pixels.
        moving: what moves before the standing scene; None: not known.
    """

    polygons_norm: Sequence[Floats]
    masks_norm: Sequence[Floats] = ()
    vehicles_px: Floats = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    moving: Moving | None = None


@dataclass(frozen=True, slots=True)
class PrivatePicture:
    """An image that may be shown and stored.

    Attributes:
        image_bgr: a new array, of the size of the original.
        outside: whether the mosaic was laid outside the bays' surroundings.
        vehicles: vehicles made coarser than required by the bays around them, those that
            were found moving included.
        share: of the pixels that were masked, in the mosaic or made coarser, 0 to 1.
    """

    image_bgr: ImageBgr = field(repr=False)
    outside: bool
    vehicles: int
    share: float


def obscure(
    image_bgr: ImageBgr, scene: PrivateScene, settings: PrivacySettings | None = None
) -> PrivatePicture:
    """Make people and plates unrecognisable.

    Args:
        image_bgr: shape (H, W, 3), uint8; stays as it is.
        scene: bays, masks and vehicles of this image. Without bays there is no measure: then all
            of it becomes a mosaic, if `outside` is set.
        settings: how much may be made out.
    """
    settings = settings or PrivacySettings()
    height, width = image_bgr.shape[:2]
    touched: Grey = np.zeros((height, width), np.uint8)
    hidden = np.zeros_like(touched)  # by the mosaic
    shown = image_bgr.copy()
    if settings.bay_px and len(scene.polygons_norm):
        _soften(shown, cell_map(scene.polygons_norm, (width, height), settings.bay_px), touched)
    vehicles = 0
    if settings.bay_px:
        vehicles = sum(_soften_vehicle(shown, box, touched) for box in scene.vehicles_px)
    if settings.moving and scene.moving is not None:
        if settings.bay_px:
            boxes = scene.moving.vehicles_norm * as_floats([width, height, width, height])
            vehicles += sum(_soften_vehicle(shown, box, touched) for box in boxes)
        people = cv2.resize(scene.moving.people, (width, height), interpolation=cv2.INTER_NEAREST)
        cv2.copyTo(people, people, hidden)
    if settings.outside:
        outside = _beyond(scene.polygons_norm, (width, height), settings.surroundings_share)
        cv2.copyTo(outside, outside, hidden)
    if hidden.any():
        cv2.copyTo(_mosaic(image_bgr), hidden, shown)
        cv2.copyTo(hidden, hidden, touched)
    for mask in scene.masks_norm:
        outline = [np.round(to_pixels(mask, (width, height))).astype(np.int32)]
        cv2.fillPoly(shown, outline, (0, 0, 0))
        cv2.fillPoly(touched, outline, (255,))
    share = cv2.countNonZero(touched) / touched.size
    return PrivatePicture(shown, settings.outside, vehicles, share)


def cell_map(polygons_norm: Sequence[Floats], image_wh: tuple[int, int], bay_px: float) -> Floats:
    """How many pixels a side become one sample at each place, shape (h, w) of a small image.

    Each place takes the cell of the bay next to it; 1 and less leaves it as it is.

    Args:
        polygons_norm: M bays, M > 0, each (K, 2), fractions.
        image_wh: of the image, pixels.
        bay_px: samples along the side of a bay.
    """
    width = min(_MAP_WIDTH_PX, image_wh[0])
    small_wh = (width, max(round(width * image_wh[1] / image_wh[0]), 1))
    return nearest_bay(polygons_norm, small_wh, bay_sizes_px(polygons_norm, image_wh) / bay_px)


# -- inside ----------------------------------------------------------------------------------------


def _soften(image: ImageBgr, cells: Floats, touched: Grey) -> None:
    """Bring each place of an image down to its cell, in place."""
    original = image.copy()
    height, width = image.shape[:2]
    # Rounded up to the next level: never finer than requested.
    level = np.ceil(np.log(np.maximum(cells, 1)) / math.log(_LEVEL_FACTOR) - 1e-6).astype(np.uint8)
    levels = cv2.resize(level, (width, height), interpolation=cv2.INTER_NEAREST)
    for each in np.unique(level[level > 0]):
        where = np.asarray(cv2.inRange(levels, (float(each),), (float(each),)), np.uint8)
        cell = _LEVEL_FACTOR ** int(each)
        left, top, wide, high = cv2.boundingRect(where)
        place = (slice(top, top + high), slice(left, left + wide))
        # Into a slice of the image, in place: only where the level is this one.
        cv2.copyTo(_coarse(original[place], cell), where[place], image[place])
        cv2.copyTo(where[place], where[place], touched[place])


def _soften_vehicle(image: ImageBgr, xyxy_px: Floats, touched: Grey) -> bool:
    """Bring one vehicle down to the samples that it may have, in place; False: it has no more."""
    height, width = image.shape[:2]
    sides = xyxy_px[2:] - xyxy_px[:2]
    cell = float(sides.min()) / VEHICLE_PX
    if cell <= 1:
        return False
    low = np.clip(np.floor(xyxy_px[:2] - _VEHICLE_GROW * sides), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(xyxy_px[2:] + _VEHICLE_GROW * sides), 0, (width, height)).astype(int)
    if (high <= low).any():
        return False
    place = (slice(low[1], high[1]), slice(low[0], high[0]))
    image[place] = _coarse(image[place], cell)
    touched[place] = 255
    return True


def _coarse(image: ImageBgr, cell_px: float) -> ImageBgr:
    """An image with one sample for each cell; what was finer is averaged and gone."""
    height, width = image.shape[:2]
    cells = (max(int(width / cell_px), 1), max(int(height / cell_px), 1))
    small = cv2.resize(image, cells, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _mosaic(image: ImageBgr) -> ImageBgr:
    height, width = image.shape[:2]
    cells = (min(MOSAIC_CELLS, width), max(min(MOSAIC_CELLS, width) * height // width, 1))
    small = cv2.resize(image, cells, interpolation=cv2.INTER_AREA)
    big = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(big, np.uint8)


def _beyond(polygons_norm: Sequence[Floats], image_wh: tuple[int, int], reach_share: float) -> Grey:
    """All but the convex hull of the bays and what lies round it: 255 there, shape (H, W)."""
    width, height = image_wh
    beyond = np.full((height, width), 255, np.uint8)
    if not len(polygons_norm):
        return beyond
    points = np.concatenate([to_pixels(polygon, image_wh) for polygon in polygons_norm])
    hull = cv2.convexHull(np.round(points).astype(np.int32))
    cv2.fillConvexPoly(beyond, hull, (0,))
    # A thick outline widens the hull as dilation would, at a hundredth of the cost.
    reach_px = max(round(width * reach_share), 1)
    cv2.polylines(beyond, [hull], isClosed=True, color=(0,), thickness=2 * reach_px)
    return beyond
