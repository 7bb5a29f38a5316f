"""Where a vehicle is on the ground, inferred from the bays around it instead of a camera model.

A painted bay is a measure laid on the ground: its sides show how long the width and the length of a
car are at that place of the image, in which direction, and through whatever lens. A car's
footprint is therefore made of the sides of the nearest bay, along the bay or across it, whichever
fits the box better, and put where the box ends below: wheels stand at the lower edge of a box,
while its upper part is the body, which leans over whatever lies behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from telemetry.vocabulary import BayAngle
from vision.quads import polygon_to_quad
from vision.types import Floats, as_floats

Bools = npt.NDArray[np.bool]

# A mid-size car against a painted bay: 1.8 of 2.5 m across, 4.4 of 5.0 m along; and the same car
# turned by a quarter, measured in the same bay: 4.4 of 2.5 m across, 1.8 of 5.0 m along.
_CAR_ALONG = (0.72, 0.88)
_CAR_ACROSS = (1.76, 0.36)
# In a parallel bay (5.5 m of kerb, 2.2 m deep) the car's length lies along the row.
_PARALLEL_ALONG = (0.80, 0.82)
_PARALLEL_ACROSS = (0.33, 2.00)
_TOUCH = 0.3
"""Edges are common when their middles are nearer than this share of the bay's mean side."""
_HORIZON = 0.15
"""Depth, as a share of that at the bay's first corner, below which ground is out of sight."""
_SQUARE: Floats = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
_REACH = 1.0
"""How far beyond a bay its measure is followed, in bays."""
_FRONT = 0.7
"""How far before a bay a vehicle is in its way, share of the bay's length: 3.5 m."""


@dataclass(frozen=True, slots=True)
class Footprints:
    """Vehicles on the ground.

    Attributes:
        corners_px: shape (N, 4, 2), float32.
        misfit: how badly each box fits the footprint, shape (N,): absolute log ratios of width and
            of what the height falls short; 0.7 is a factor of two.
    """

    corners_px: Floats
    misfit: Floats

    def shapes(self) -> npt.NDArray[np.object_]:
        """As shapely polygons, shape (N,)."""
        return np.asarray(shapely.polygons(self.corners_px.astype(np.float64)), object)


@dataclass(frozen=True, slots=True)
class LotGround:
    """The bays of one view as measures of the ground.

    Attributes:
        shapes: the bays as drawn, shape (M,), shapely polygons, pixels.
        quads_px: their corners, shape (M, 4, 2); from the first to the second one runs across.
        centres_px: of the bays, shape (M, 2).
        across_px: vector from one side of each bay to the other, along the row, shape (M, 2).
        along_px: vector from one end to the other, towards or away from the lane, shape (M, 2).
        is_parallel: whether a car stands along the row, shape (M,).
        neighbours: whether two bays lie side by side, shape (M, M).
    """

    shapes: npt.NDArray[np.object_]
    quads_px: Floats
    centres_px: Floats
    across_px: Floats
    along_px: Floats
    is_parallel: Bools
    neighbours: Bools

    @classmethod
    def of(cls, polygons_px: Sequence[Floats], angles: Sequence[BayAngle]) -> Self:
        """Measure the bays.

        Args:
            polygons_px: M polygons, each (K, 2), pixels, simple.
            angles: how each lies to its lane.
        """
        quads = as_floats([polygon_to_quad(p) for p in polygons_px]).reshape(-1, 4, 2)
        edges = as_floats((quads + np.roll(quads, -1, 1)) / 2)
        sides = as_floats(np.linalg.norm(np.roll(quads, -1, 1) - quads, axis=2))
        touching = _common_edges(edges, sides)
        side_first = _sides_first(sides, touching)
        across, along = _axes(quads, side_first)
        return cls(
            shapes=np.array([shapely.Polygon(p) for p in polygons_px], object),
            quads_px=as_floats(np.where(side_first[:, None, None], quads[:, [0, 3, 2, 1]], quads)),
            centres_px=as_floats(quads.mean(1)),
            across_px=across,
            along_px=along,
            is_parallel=np.array([angle is BayAngle.PARALLEL for angle in angles], bool),
            neighbours=_beside(touching, side_first),
        )

    def __len__(self) -> int:
        """How many bays."""
        return len(self.centres_px)

    def hull(self) -> BaseGeometry:
        """All that lies between the bays: the convex hull of them all."""
        return shapely.convex_hull(shapely.union_all(self.shapes))

    def fronts(self, bay: int) -> tuple[shapely.Polygon, ...]:
        """The ground before the two ends of a bay, where a vehicle bars the way out of it."""
        # Perspective makes the metres before a far bay's near end longer than the bay's own.
        to_picture = cv2.getPerspectiveTransform(_SQUARE, self.quads_px[bay])
        found = []
        for near, far in ((0.0, -_FRONT), (1.0, 1.0 + _FRONT)):
            corners = np.array([(0, near), (1, near), (1, far), (0, far)])
            x, y, depth = to_picture @ np.column_stack([corners, np.ones(4)]).T
            if (depth > _HORIZON).all():
                found.append(shapely.Polygon(np.column_stack([x / depth, y / depth])))
        return tuple(found)

    def sizes_px(self) -> Floats:
        """A size of each bay, width and length together, shape (M,)."""
        across = np.linalg.norm(self.across_px, axis=1)
        return as_floats(across + np.linalg.norm(self.along_px, axis=1))

    def nearest(self, xyxy_px: Floats) -> npt.NDArray[np.int64]:
        """The bay that is the measure for each box: the one whose middle is nearest to its foot."""
        apart = np.linalg.norm(_feet(xyxy_px)[:, None] - self.centres_px[None], axis=2)
        return np.asarray((apart / self.sizes_px()).argmin(1), np.int64)

    def footprints(self, xyxy_px: Floats) -> Footprints:
        """Put vehicles on the ground.

        Args:
            xyxy_px: boxes, shape (N, 4), pixels.
        """
        if not len(self) or not len(xyxy_px):
            return Footprints(np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32))
        bay = self.nearest(xyxy_px)
        parallel = np.asarray(self.is_parallel[bay], bool).reshape(-1, 1)
        measure = self._measures(bay, _feet(xyxy_px))
        options = [
            _placed(xyxy_px, measure, np.where(parallel, kerb, row))
            for kerb, row in ((_PARALLEL_ALONG, _CAR_ALONG), (_PARALLEL_ACROSS, _CAR_ACROSS))
        ]
        corners = np.stack([option.corners_px for option in options])
        misfit = np.stack([option.misfit for option in options])
        best = misfit.argmin(0)
        pick = np.arange(len(best))
        return Footprints(as_floats(corners[best, pick]), as_floats(misfit[best, pick]))

    def _measures(self, bay: npt.NDArray[np.int64], feet_px: Floats) -> Floats:
        """The vectors across and along a bay as they are where vehicles stand, shape (N, 2, 2).

        Perspective makes a lane before a far bay larger than the bay: the bay's own homography is
        followed to the vehicle, though not far beyond it, where a hand-drawn bay says little.
        """
        to_picture = np.stack(
            [cv2.getPerspectiveTransform(_SQUARE, self.quads_px[index]) for index in bay]
        )
        one = np.ones((len(bay), 1))
        inside = (np.linalg.inv(to_picture) @ np.column_stack([feet_px, one])[..., None])[..., 0]
        places = np.clip(inside[:, :2] / inside[:, 2:], -_REACH, 1 + _REACH)
        point = to_picture @ np.column_stack([places, one])[..., None]
        depth = point[:, 2:]
        slope = to_picture[:, :2, :2] - point[:, :2] * to_picture[:, 2:, :2] / depth
        measured = np.swapaxes(slope / depth, 1, 2)
        drawn = np.stack([self.across_px[bay], self.along_px[bay]], 1)
        return as_floats(np.where(depth > _HORIZON, measured, drawn))


def _feet(xyxy_px: Floats) -> Floats:
    """About the middle of the ground under each vehicle: a quarter up from the lower edge."""
    across = (xyxy_px[:, 0] + xyxy_px[:, 2]) / 2
    return as_floats(np.stack([across, xyxy_px[:, 3] * 0.75 + xyxy_px[:, 1] * 0.25], 1))


def _placed(xyxy_px: Floats, measure: Floats, share: npt.NDArray[np.float64]) -> Footprints:
    half_u = measure[:, 0] * share[:, :1] / 2
    half_v = measure[:, 1] * share[:, 1:] / 2
    around = np.stack(
        [half_u + half_v, half_u - half_v, -half_u - half_v, -half_u + half_v], 1
    ).astype(np.float32)
    width, height = (xyxy_px[:, 2:] - xyxy_px[:, :2]).T
    seen = np.ptp(around, axis=1)
    # Vans are wider and city cars shorter than the measure; a factor of 1.3 covers them.
    stretch = np.clip(width / np.maximum(seen[:, 0], 1e-6), 1 / 1.3, 1.3)
    around *= stretch[:, None, None]
    seen = seen * stretch[:, None]
    misfit = np.abs(np.log(np.maximum(width, 1e-6) / np.maximum(seen[:, 0], 1e-6)))
    # A body has height, so a box may be taller than the ground under it, never much lower.
    misfit += np.maximum(np.log(np.maximum(seen[:, 1], 1e-6) / np.maximum(height, 1e-6)), 0)
    middle = (xyxy_px[:, 0] + xyxy_px[:, 2]) / 2
    foot = np.stack([middle, xyxy_px[:, 3] - seen[:, 1] / 2], 1)
    return Footprints(as_floats(around + foot[:, None]), as_floats(misfit))


def _common_edges(edges: Floats, sides: Floats) -> Bools:
    """Which edge of which bay is common with which edge of another, shape (M, 4, M, 4)."""
    apart = np.linalg.norm(edges[:, :, None, None] - edges[None, None], axis=-1)
    size = sides.mean(1)
    near = apart < _TOUCH * np.minimum(size[:, None], size[None])[:, None, :, None]
    own = np.eye(len(edges), dtype=bool)[:, None, :, None]
    return np.asarray(near & ~own, bool)


def _sides_first(sides: Floats, touching: Bools) -> Bools:
    """Whether a bay's sides are its edges 0 and 2 (else 1 and 3), shape (M,).

    A row's bays touch at their sides. Where bays touch at sides and ends alike (back to back), the
    pair of edges with more neighbours is the sides, then the longer one; a bay on its own is taken
    to be longer than wide.
    """
    touched = np.asarray(touching.any((2, 3)), bool)
    pairs = np.stack([touched[:, 0::2].sum(1), touched[:, 1::2].sum(1)], 1)
    length = np.stack([sides[:, 0::2].mean(1), sides[:, 1::2].mean(1)], 1)
    first = np.where(
        pairs[:, 0] != pairs[:, 1], pairs[:, 0] > pairs[:, 1], length[:, 0] >= length[:, 1]
    )
    return np.asarray(first, bool)


def _beside(touching: Bools, side_first: Bools) -> Bools:
    """Whether a side of one bay is a side of the other, shape (M, M)."""
    is_side = np.stack([side_first, ~side_first, side_first, ~side_first], 1)
    both = touching & is_side[:, :, None, None] & is_side[None, None]
    return np.asarray(both.any((1, 3)), bool)


def _axes(quads: Floats, side_first: Bools) -> tuple[Floats, Floats]:
    """The vectors across and along each bay, shapes (M, 2)."""
    # Edges 0 and 2 run from corner 0 to 1 and from 3 to 2; edges 1 and 3 from 1 to 2, 0 to 3.
    run_even = (quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]) / 2
    run_odd = (quads[:, 2] - quads[:, 1] + quads[:, 3] - quads[:, 0]) / 2
    first = side_first[:, None]
    return as_floats(np.where(first, run_odd, run_even)), as_floats(
        np.where(first, run_even, run_odd)
    )


def polygon_of(points_px: Floats) -> BaseGeometry:
    """A shapely polygon; one that crosses itself is replaced by its convex hull."""
    shape = shapely.Polygon(points_px)
    if shape.is_valid:
        return shape
    hull = cv2.convexHull(np.asarray(points_px, np.float32)).reshape(-1, 2)
    return shapely.Polygon(hull)


def movement(before: Sequence[Floats], after: Sequence[Floats]) -> npt.NDArray[np.float64] | None:
    """The homography that carried outlines from one place to another; None when they stayed."""
    start, end = np.concatenate(list(before)), np.concatenate(list(after))
    if start.shape != end.shape or np.allclose(start, end, atol=1e-7):
        return None
    matrix, _ = cv2.findHomography(start.astype(np.float64), end.astype(np.float64))
    return None if matrix is None else np.asarray(matrix, np.float64)
