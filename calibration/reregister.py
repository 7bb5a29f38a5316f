"""The camera was moved: find the same bays in its new picture.

Pure functions on two pictures. Features are matched (SIFT, Lowe 2004, whose descriptors stand
rotation and zoom of a knocked camera), a homography is fitted with MAGSAC (Barath et al. 2019), and
its quality is judged before anyone sees it: by how many places agree, how well, and whether they
surround the bays, since a homography says nothing reliable away from the places it was fitted to.
Vehicles come and go, but the consensus of hundreds of places on kerbs, marks and houses outvotes
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from shapely import Polygon as Shape
from shapely import box

from calibration.geometry import Doubles, as_points, is_simple, to_norm, to_pixels
from calibration.homography import apply_homography
from calibration.types import MOST_POINTS, Bay, Calibration, Point, RegionT
from telemetry.errors import CalibrationError
from vision.types import Floats, ImageBgr, as_floats

_MATCH_RATIO = 0.75  # Lowe 2004, section 7.1: a match this much better than the next is likely true
_LEAST_MATCHES = 8


@dataclass(frozen=True, slots=True)
class ReregisterSettings:
    """How two pictures are compared.

    Attributes:
        longest_side_px: pictures are shrunk to this; finer detail slows down and adds nothing.
        features: most places looked at in each picture.
        tolerance_px: a place agrees when it lies this near to where the homography puts it, pixels
            of the shrunken picture.
        least_inliers: with fewer agreeing places the result is no more than a guess.
        largest_error_px: mean error of agreeing places above which polygons would be visibly off.
        least_coverage: share of the bays' extent, by width and by height, that agreeing places must
            span.
    """

    longest_side_px: int = 1280
    features: int = 4000
    tolerance_px: float = 3.0
    least_inliers: int = 30
    largest_error_px: float = 1.5
    least_coverage: float = 0.6


@dataclass(frozen=True, slots=True)
class Reregistration:
    """Where a moved camera sees the old picture's places.

    Attributes:
        homography: from old to new picture, pixels, shape (3, 3), float64.
        inliers: places that agree.
        error_px: their mean error, pixels of the new picture.
        coverage: share of the bays' extent that they span, 0 to 1.
        usable: whether it can be trusted without a look.
        verdict: in words, with the numbers, for the installer.
    """

    homography: Doubles
    inliers: int
    error_px: float
    coverage: float
    usable: bool
    verdict: str


def reregister(
    old_bgr: ImageBgr,
    new_bgr: ImageBgr,
    polygons_norm: Sequence[Floats],
    settings: ReregisterSettings | None = None,
) -> Reregistration:
    """Find the homography from an old picture of a view to a new one, and judge it.

    Args:
        old_bgr: the reference image, shape (H, W, 3).
        new_bgr: the present one; its size may differ.
        polygons_norm: the bays in the old picture, each (K, 2), fractions; places round them count.
        settings: how the pictures are compared.

    Raises:
        CalibrationError: the pictures have too little in common to say anything at all.
    """
    settings = settings or ReregisterSettings()
    old_px, new_px = _matches(old_bgr, new_bgr, settings)
    scale = max(1.0, max(new_bgr.shape[:2]) / settings.longest_side_px)
    tolerance_px = settings.tolerance_px * scale
    matrix, agrees = _fit(old_px, new_px, tolerance_px)
    inliers = int(agrees.sum())
    moved = apply_homography(matrix, old_px[agrees])
    error_px = float(np.linalg.norm(moved - new_px[agrees], axis=1).mean())
    old_wh = (old_bgr.shape[1], old_bgr.shape[0])
    coverage = _coverage(old_px[agrees], polygons_norm, old_wh)
    faults = _faults((inliers, error_px / scale, coverage), settings)
    if not _keeps_shape(matrix, old_wh):
        faults.append("the image would fold over")
    verdict = (
        "The camera moved, and the new position of the bays is certain."
        if not faults
        else f"Uncertain: {', '.join(faults)}. Check carefully, or redraw the bays."
    )
    return Reregistration(matrix, inliers, error_px, coverage, not faults, verdict)


def move_polygons(
    polygons_norm: Sequence[Floats],
    homography: Doubles,
    old_wh: tuple[int, int],
    new_wh: tuple[int, int],
) -> list[Floats]:
    """Polygons of the old picture in the new one, fractions of the new picture.

    Raises:
        CalibrationError: a polygon would lie behind the horizon.
    """
    return [
        as_floats(to_norm(apply_homography(homography, to_pixels(polygon, old_wh)), new_wh))
        for polygon in polygons_norm
    ]


def move_calibration(
    calibration: Calibration,
    homography: Doubles,
    old_wh: tuple[int, int],
    new_wh: tuple[int, int],
) -> Calibration:
    """The calibration on the new picture: every bay at its new place, under its own id.

    Masks and watched areas go along. What of them left the picture is cut off; one that left it
    whole is gone.

    Raises:
        CalibrationError: a bay would lie behind the horizon.
    """

    def moved(points: Sequence[Point]) -> tuple[Point, ...]:
        return as_points(move_polygons([as_floats(points)], homography, old_wh, new_wh)[0])

    bays = tuple(
        # Validated again, since that rounds to what a file keeps.
        Bay.model_validate(
            {
                **bay.model_dump(),
                "polygon": moved(bay.polygon),
                "ground_quad": None if bay.ground_quad is None else moved(bay.ground_quad),
            }
        )
        for bay in calibration.bays
    )

    def moved_regions(regions: Sequence[RegionT]) -> tuple[RegionT, ...]:
        found = ((region, _in_picture(moved(region.polygon))) for region in regions)
        return tuple(
            type(region).model_validate({"name": region.name, "polygon": points})
            for region, points in found
            if points
        )

    return calibration.model_copy(
        update={
            "bays": bays,
            "masks": moved_regions(calibration.masks),
            "areas": moved_regions(calibration.areas),
            "image_wh": new_wh,
        }
    )


def _in_picture(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """What of an outline (fractions) lies in the picture; nothing when none of it does."""
    if is_simple(to_pixels(points, (1, 1))):
        inside = Shape(points).intersection(box(0, 0, 1, 1))
        if inside.area == 0:
            return ()
        if isinstance(inside, Shape) and len(inside.exterior.coords) <= MOST_POINTS:
            return as_points(np.asarray(inside.exterior.coords)[:-1])
    # One that falls into pieces, or crosses itself and is reported as such: nothing of it is lost.
    return as_points(np.clip(np.asarray(points, np.float64), 0, 1))


def shift_px(before: Sequence[Doubles], after: Sequence[Doubles]) -> float:
    """Median distance that the centres of polygons moved, pixels; 0 without polygons."""
    if not before:
        return 0.0
    moves = [
        np.linalg.norm(b.mean(axis=0) - a.mean(axis=0)) for b, a in zip(before, after, strict=True)
    ]
    return float(np.median(moves))


def _matches(
    old_bgr: ImageBgr, new_bgr: ImageBgr, settings: ReregisterSettings
) -> tuple[Doubles, Doubles]:
    """Places that look alike in both pictures, pixels of the full pictures, (N, 2) each."""
    old_points, old_marks = _features(old_bgr, settings)
    new_points, new_marks = _features(new_bgr, settings)
    if old_marks is None or new_marks is None:
        raise _too_little(0)
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(old_marks, new_marks, k=2)
    good = [
        pair[0]
        for pair in pairs
        if len(pair) == 2 and pair[0].distance < _MATCH_RATIO * pair[1].distance  # noqa: PLR2004
    ]
    if len(good) < _LEAST_MATCHES:
        raise _too_little(len(good))
    old = np.array([old_points[match.queryIdx] for match in good], np.float64)
    new = np.array([new_points[match.trainIdx] for match in good], np.float64)
    return old, new


def _features(
    image_bgr: ImageBgr, settings: ReregisterSettings
) -> tuple[list[tuple[float, float]], Floats | None]:
    grey = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY)
    scale = min(1.0, settings.longest_side_px / max(grey.shape))
    if scale < 1.0:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    # Local contrast first: the same lot at noon and at dusk has the same edges, not the same greys.
    grey = cv2.createCLAHE(2.0, (8, 8)).apply(grey)
    points, marks = cv2.SIFT.create(settings.features).detectAndCompute(grey, None)
    places = [(point.pt[0] / scale, point.pt[1] / scale) for point in points]
    if len(places) < _LEAST_MATCHES:
        return [], None
    # RootSIFT (Arandjelovic and Zisserman 2012): Hellinger distance matches better at no cost.
    marks = np.sqrt(marks / np.maximum(marks.sum(axis=1, keepdims=True), 1e-9))
    return places, cast(Floats, marks.astype(np.float32))


def _fit(old_px: Doubles, new_px: Doubles, tolerance_px: float) -> tuple[Doubles, Doubles]:
    matrix, mask = cv2.findHomography(
        old_px, new_px, cv2.USAC_MAGSAC, tolerance_px, maxIters=10_000, confidence=0.999
    )
    if matrix is None or mask is None or int(mask.sum()) < _LEAST_MATCHES:
        raise _too_little(0 if mask is None else int(mask.sum()))
    return np.asarray(matrix, np.float64), np.asarray(mask.ravel().astype(bool))


def _too_little(found: int) -> CalibrationError:
    msg = (
        f"expected at least {_LEAST_MATCHES} matches between the reference image and the current "
        f"one, but got {found}: another view, or too dark; redraw the bays"
    )
    return CalibrationError(msg)


def _coverage(
    points_px: Doubles, polygons_norm: Sequence[Floats], image_wh: tuple[int, int]
) -> float:
    """How much of the bays' extent (the picture's, without bays) the points span, worse axis."""
    if polygons_norm:
        corners = to_pixels(np.concatenate(list(polygons_norm)), image_wh)
        low, high = corners.min(axis=0), corners.max(axis=0)
    else:
        low, high = np.zeros(2), np.asarray(image_wh, np.float64)
    # The outermost tenth may be chance; what is left must still reach.
    reach = np.quantile(points_px, [0.05, 0.95], axis=0)
    overlap = np.minimum(reach[1], high) - np.maximum(reach[0], low)
    return float(np.clip(overlap / np.maximum(high - low, 1e-9), 0, 1).min())


def _faults(figures: tuple[int, float, float], settings: ReregisterSettings) -> list[str]:
    inliers, error_px, coverage = figures
    faults = []
    if inliers < settings.least_inliers:
        faults.append(f"{inliers} matches agree, expected at least {settings.least_inliers}")
    if error_px > settings.largest_error_px:
        faults.append(
            f"they differ by {error_px:.1f} px, expected at most {settings.largest_error_px:g}"
        )
    if coverage < settings.least_coverage:
        faults.append(
            f"they cover {coverage:.0%} of the bays, expected at least "
            f"{settings.least_coverage:.0%}"
        )
    return faults


def _keeps_shape(matrix: Doubles, wh: tuple[int, int]) -> bool:
    """A camera that was knocked neither mirrors its picture nor shrinks it to a stamp."""
    corners = np.array([[0, 0], [wh[0], 0], [wh[0], wh[1]], [0, wh[1]]], np.float64)
    depth = corners @ matrix[2, :2] + matrix[2, 2]
    if (depth * depth[0] <= 0).any():
        return False
    quad = apply_homography(matrix, corners).astype(np.float32)
    area = cv2.contourArea(quad, oriented=True)
    share = area / (wh[0] * wh[1])
    return bool(cv2.isContourConvex(quad)) and 0.1 < share < 10  # noqa: PLR2004 - tenfold zoom
