"""Where the vehicles of a frame stand: each on the ground, and in which bay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import shapely

from vision.geometry import to_norm
from vision.incidents.ground import LotGround
from vision.pairing import best_pairs
from vision.types import Detections, Floats, as_floats

NO_BAY = -1
_EDGE = 0.004
_NEIGHBOURS = 3
_NEIGHBOURHOOD = 2.5
Bools = npt.NDArray[np.bool]
Ints = npt.NDArray[np.int64]


class PlacingSettings(Protocol):
    """Thresholds; `FindingSettings` has and explains them."""

    @property
    def min_confidence(self) -> float:
        """Boxes less sure than this are skipped."""
        ...

    @property
    def max_misfit(self) -> float:
        """Boxes that fit no car by more say nothing of the others."""
        ...

    @property
    def home(self) -> float:
        """Least share in a bay to be counted as its vehicle."""
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    """N vehicles on the ground.

    Attributes:
        vehicle: their indices in the detections, shape (N,).
        xyxy_px: their boxes, shape (N, 4).
        corners_px: their footprints, shape (N, 4, 2).
        fits: whether the box fits a car on this ground, shape (N,).
        share: of each footprint in each bay, shape (N, M).
        home: the bay of each, NO_BAY where there is none, shape (N,).
    """

    vehicle: Ints
    xyxy_px: Floats
    corners_px: Floats
    fits: Bools
    share: Floats
    home: Ints


def place(
    detections: Detections, bay_prob: Floats, ground: LotGround, settings: PlacingSettings
) -> Placed:
    """Put the vehicles that are sure enough on the ground.

    Args:
        detections: vehicles, pixels of the image.
        bay_prob: probability that each bay is occupied, shape (M,).
        ground: the bays.
        settings: thresholds.
    """
    keep = np.flatnonzero(detections.confidence >= settings.min_confidence)
    if not len(ground):
        keep = keep[:0]
    boxes = detections.xyxy_px[keep]
    if not len(keep):
        share = np.zeros((0, len(ground)), np.float32)
        none = np.zeros(0, np.int64)
        return Placed(none, boxes, np.zeros((0, 4, 2), np.float32), none.astype(bool), share, none)
    footprints = ground.footprints(boxes)
    fits = np.asarray(footprints.misfit <= settings.max_misfit, bool)
    share = _shares(footprints.corners_px, ground)
    lean = _lean(footprints.corners_px, _homes(share, bay_prob, settings.home), fits, ground)
    corners_px = footprints.corners_px - lean[:, None]
    share = _shares(corners_px, ground)
    home = _homes(share, bay_prob, settings.home)
    return Placed(keep, boxes, corners_px, fits, share, home)


def is_cut(xyxy_px: Floats, image_wh: tuple[int, int]) -> Bools:
    """Whether the image ends within a vehicle, so that nobody knows where it stands."""
    corners = to_norm(xyxy_px.reshape(-1, 2, 2), image_wh).reshape(-1, 4)
    return np.asarray((np.abs(corners[:, [0, 2, 3]] - 0.5) > 0.5 - _EDGE).any(1), bool)


def _shares(corners_px: Floats, ground: LotGround) -> Floats:
    """Share of each footprint in each bay, shape (N, M)."""
    shapes = np.asarray(shapely.polygons(corners_px.astype(np.float64)), object)
    # Only pairs whose bounding boxes meet are worth an intersection of polygons.
    mine, theirs = shapely.bounds(shapes), shapely.bounds(ground.shapes)
    meet = (mine[:, None, :2] < theirs[None, :, 2:]).all(2)
    meet &= (mine[:, None, 2:] > theirs[None, :, :2]).all(2)
    row, bay = np.nonzero(meet)
    share = np.zeros(meet.shape, np.float32)
    common = shapely.area(shapely.intersection(shapes[row], ground.shapes[bay]))
    share[row, bay] = common / np.maximum(shapely.area(shapes[row]), 1e-9)
    return share


def _lean(corners_px: Floats, home: Ints, fits: Bools, ground: LotGround) -> Floats:
    """How far footprints around each vehicle lie beside the middle of their bays, shape (N, 2).

    Near the edge of a wide view bodies lean sideways, and so do their boxes, all of one
    neighbourhood alike. What the neighbours have in common is therefore the camera's doing; a
    vehicle that stands badly differs from them. With few neighbours nothing is taken off.
    """
    lean = np.zeros((len(corners_px), 2), np.float32)
    sure = np.flatnonzero((home != NO_BAY) & fits)
    middles = corners_px.mean(1)
    sizes = ground.sizes_px()
    apart = (middles[sure] - ground.centres_px[home[sure]]) / sizes[home[sure], None]
    for row, middle in enumerate(middles):
        others = np.flatnonzero(sure != row)
        if len(others) < _NEIGHBOURS:
            continue
        far = np.linalg.norm(middles[sure[others]] - middle, axis=1)
        near = others[np.argsort(far)[: 2 * _NEIGHBOURS]]
        size = float(_median(sizes[home[sure[near]]]))
        near = near[np.linalg.norm(middles[sure[near]] - middle, axis=1) < _NEIGHBOURHOOD * size]
        if len(near) >= _NEIGHBOURS:
            lean[row] = _median(apart[near]) * size
    return lean


def _median(values: Floats) -> Floats:
    """Along the first axis; NumPy's own takes ten times as long for a handful of values."""
    ordered = np.sort(values, axis=0)
    count = len(values)
    return as_floats((ordered[(count - 1) // 2] + ordered[count // 2]) / 2)


def _homes(share: Floats, bay_prob: Floats, least: float) -> Ints:
    """The bay of each vehicle, one to one, NO_BAY where there is none, shape (N,).

    A bay that is surely occupied has a vehicle somewhere, so it goes before one that is free.
    """
    score = share * (0.25 + bay_prob[None])
    rows, columns = best_pairs(score)
    home = np.full(len(share), NO_BAY, np.int64)
    real = share[rows, columns] >= least
    home[rows[real]] = columns[real]
    return home
