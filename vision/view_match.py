"""Where a camera's view has gone: matching images of one place on what does not move.

Features are SIFT (Lowe 2004) on small grey images, those on the reference's bays left out where
enough others remain, since what stands in a bay changes. The movement is fitted with MAGSAC (Barath
et al. 2019): a homography, which is what a turned camera does, or a similarity where too few places
agree for its eight numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from vision.geometry import to_pixels
from vision.types import Floats, ImageBgr, as_floats

Matrix = npt.NDArray[np.float64]
"""3 x 3; carries normalised points (x and y as fractions of width and height)."""

LONG_SIDE_PX = 800
FEATURES = 1500
MATCH_RATIO = 0.8  # Lowe 2004, section 7.1
TOLERANCE_PX = 2.5
LEAST_INLIERS = 18
LEAST_SHARE = 0.2
HOMOGRAPHY_INLIERS = 60
LEAST_FEATURES_OFF_BAYS = 150
SCALE_LIMITS = (0.75, 1.33)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The features of one image.

    Attributes:
        points: shape (N, 2), pixels of the small image.
        descriptors: shape (N, 128).
        size_wh: of the small image, pixels.
    """

    points: Floats = field(repr=False)
    descriptors: Floats = field(repr=False)
    size_wh: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Movement:
    """How one image's view lies to another's.

    Attributes:
        matrix: from the first image's normalised points to the second's.
        inliers: places that agree with it.
    """

    matrix: Matrix = field(repr=False)
    inliers: int


class SmallGreys:
    """Small grey images of one frame, made once for all who look at it; not thread-safe.

    Args:
        image_bgr: shape (H, W, 3).
    """

    def __init__(self, image_bgr: ImageBgr) -> None:
        self._image = image_bgr
        self._made: dict[int, npt.NDArray[np.uint8]] = {}

    def at(self, long_side_px: int) -> npt.NDArray[np.uint8]:
        """See `small_grey`; to be read only."""
        divisor = shrinking(self._image, long_side_px)
        if divisor not in self._made:
            self._made[divisor] = small_grey(self._image, long_side_px)
        return self._made[divisor]


def shrinking(image_bgr: ImageBgr, long_side_px: int) -> int:
    """What the sides of an image are divided by to be `long_side_px` at most.

    A whole number: averaging whole pixels is six times as fast as averaging parts of them.
    """
    long_px: int = max(image_bgr.shape[:2])
    return max(1, math.ceil(long_px / long_side_px))


def small_grey(image_bgr: ImageBgr, long_side_px: int = LONG_SIDE_PX) -> npt.NDArray[np.uint8]:
    """An image in grey, its long side at most `long_side_px`, shape (h, w)."""
    height, width = image_bgr.shape[:2]
    divisor = shrinking(image_bgr, long_side_px)
    size = (max(1, width // divisor), max(1, height // divisor))
    grey = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY)
    cut = grey[: max(1, size[1] * divisor), : max(1, size[0] * divisor)]
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)


def fingerprint(grey: npt.NDArray[np.uint8]) -> Fingerprint:
    """Find the features of a small grey image, shape (h, w)."""
    size_wh = (grey.shape[1], grey.shape[0])
    # Evens out light: a lamp-lit lot has its features in the dark parts too.
    levelled = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8)).apply(grey)
    keypoints, descriptors = cv2.SIFT.create(nfeatures=FEATURES).detectAndCompute(levelled, None)
    if descriptors is None:
        return Fingerprint(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32), size_wh)
    points = np.array([keypoint.pt for keypoint in keypoints], np.float32).reshape(-1, 2)
    return Fingerprint(points, as_floats(np.asarray(descriptors)), size_wh)


def off_bays(found: Fingerprint, bays_norm: Sequence[Floats]) -> Fingerprint:
    """An image's features without those on its bays, if enough remain."""
    if not bays_norm or not len(found.points):
        return found
    width, height = found.size_wh
    mask = np.zeros((height, width), np.uint8)
    shapes = [to_pixels(p, found.size_wh).round().astype(np.int32) for p in bays_norm]
    cv2.fillPoly(mask, shapes, 255)
    spots = np.clip(found.points.astype(np.int64), 0, np.array(found.size_wh) - 1)
    off = mask[spots[:, 1], spots[:, 0]] == 0
    if off.sum() < LEAST_FEATURES_OFF_BAYS:
        return found
    return Fingerprint(found.points[off], found.descriptors[off], found.size_wh)


def match(first: Fingerprint, second: Fingerprint) -> Movement | None:
    """Find how the view moved from one image to another.

    Returns:
        None where the images do not agree surely enough on anything.
    """
    start, end = _pairs(first, second)
    if len(start) < LEAST_INLIERS:
        return None
    matrix, inliers = _fit(start, end)
    if matrix is None or inliers < max(LEAST_INLIERS, LEAST_SHARE * len(start)):
        return None
    to_px = np.diag([*first.size_wh, 1.0])
    from_px = np.diag([1 / second.size_wh[0], 1 / second.size_wh[1], 1.0])
    normalised = from_px @ matrix @ to_px
    return Movement(normalised / normalised[2, 2], inliers) if _is_sane(normalised) else None


def agreeing(first: Fingerprint, second: Fingerprint, matrix: Matrix) -> int:
    """How many places of the first image are in the second just where `matrix` puts them."""
    start, end = _pairs(first, second)
    if len(start) == 0:
        return 0
    carried = to_pixels(
        apply_matrix(as_floats(start / as_floats(first.size_wh)), matrix), second.size_wh
    )
    return int((np.hypot(*(carried - end).T) <= TOLERANCE_PX).sum())


def apply_matrix(points_norm: Floats, matrix: Matrix) -> Floats:
    """Carry points, shape (..., 2)."""
    flat = points_norm.reshape(-1, 2).astype(np.float64)
    carried = np.column_stack([flat, np.ones(len(flat))]) @ matrix.T
    return (carried[:, :2] / carried[:, 2:]).reshape(points_norm.shape).astype(np.float32)


def _pairs(first: Fingerprint, second: Fingerprint) -> tuple[Floats, Floats]:
    """Places of both images that look alike and like nothing else, each shape (K, 2), pixels."""
    if min(len(first.points), len(second.points)) < 2:  # noqa: PLR2004 - best and next best
        return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(first.descriptors, second.descriptors, k=2)
    good = [best for best, next_best in pairs if best.distance < MATCH_RATIO * next_best.distance]
    start = first.points[np.array([one.queryIdx for one in good], np.int64)]
    end = second.points[np.array([one.trainIdx for one in good], np.int64)]
    return as_floats(start.reshape(-1, 2)), as_floats(end.reshape(-1, 2))


def _fit(start: Floats, end: Floats) -> tuple[Matrix | None, int]:
    similar, agree = cv2.estimateAffinePartial2D(
        start, end, method=cv2.RANSAC, ransacReprojThreshold=TOLERANCE_PX, maxIters=4000
    )
    best: Matrix | None = None
    count = 0
    if similar is not None:
        best = np.vstack([similar, [0, 0, 1]]).astype(np.float64)
        count = int(agree.sum())
    projective, agree = cv2.findHomography(start, end, cv2.USAC_MAGSAC, TOLERANCE_PX, maxIters=4000)
    if projective is not None:
        inliers = int(agree.sum())
        # Eight numbers always fit better than four; only clearly better, on many places, is true.
        if inliers >= HOMOGRAPHY_INLIERS and inliers > 1.15 * count:
            return np.asarray(projective, np.float64), inliers
    return best, count


def _is_sane(matrix: Matrix) -> bool:
    """Whether the image's frame stays a convex quadrilateral of about its size."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    carried = np.column_stack([corners, np.ones(4)]) @ matrix.T
    if (carried[:, 2] <= 0).any():
        return False
    quad = (carried[:, :2] / carried[:, 2:]).astype(np.float32)
    if not cv2.isContourConvex(quad.reshape(-1, 1, 2)):
        return False
    scale = float(np.sqrt(cv2.contourArea(quad.reshape(-1, 1, 2))))
    return SCALE_LIMITS[0] <= scale <= SCALE_LIMITS[1]
