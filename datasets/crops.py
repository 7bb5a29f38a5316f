"""A bay with its surroundings, cut from an image: for sheets, pages and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vision.geometry import extents
from vision.types import Floats, ImageBgr, as_floats

CONTEXT = 2.4
"""Side of a crop in larger sides of its bay: the neighbours are seen, so it is clear which bay is
meant, and the bay is still large enough to be judged."""
_LEAST_SIDE_PX = 24.0

FEATURE_SIDE = 8
_WARP_SIDE = 32
_FLAT_LEVELS = 8.0
"""A crop that varies less than this, of 255, is bare ground: its noise is not blown up."""


@dataclass(frozen=True, slots=True)
class Window:
    """A square of an image.

    Attributes:
        left: of the square, pixels of the image; may lie outside it.
        top: likewise.
        side: in pixels of the image.
    """

    left: float
    top: float
    side: float

    def to_window(self, points_px: Floats) -> Floats:
        """Points, shape (..., 2), from pixels of the image to fractions of the square."""
        return as_floats((points_px - as_floats([self.left, self.top])) / self.side)


def window_of(polygon_px: Floats, image_wh: tuple[int, int]) -> Window:
    """The square around a bay, moved inside the image where it fits."""
    left, top, right, bottom = (float(side) for side in extents([polygon_px])[0])
    side = max(CONTEXT * max(right - left, bottom - top), _LEAST_SIDE_PX)
    corner = [(left + right - side) / 2, (top + bottom - side) / 2]
    inside = [
        min(max(at, 0.0), whole - side) if side <= whole else (whole - side) / 2
        for at, whole in zip(corner, image_wh, strict=True)
    ]
    return Window(inside[0], inside[1], side)


def cut(image_bgr: ImageBgr, window: Window, size_px: int) -> ImageBgr:
    """Cut a square and bring it to a size; what lies outside the image is black.

    Returns:
        Shape (size_px, size_px, 3), uint8.
    """
    scale = size_px / window.side
    # Affine warping takes single pixels, so what is shrunk much is cut large and averaged.
    steps = max(1, int(np.ceil(1 / scale)))
    wide = steps * size_px
    factor = wide / window.side
    warp = np.array([[factor, 0, -factor * window.left], [0, factor, -factor * window.top]])
    how = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_LINEAR
    crop = cv2.warpAffine(image_bgr, warp, (wide, wide), flags=how)
    if steps > 1:
        crop = cv2.resize(crop, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.asarray(crop, np.uint8)


def looks_of(image_bgr: ImageBgr, quads_px: Floats) -> Floats:
    """What each bay looks like, as a short vector to tell repeats by.

    The bay is rectified and shrunk to 8 x 8 in CIE Lab; the mean is taken off and the spread is
    brought to one, so that a brighter minute changes nothing. The distance between two vectors is
    then 0 for the same crop and about 1.4 for two that have nothing in common.

    Args:
        image_bgr: shape (H, W, 3).
        quads_px: four canonical corners of each bay, shape (M, 4, 2), pixels.

    Returns:
        Shape (M, 192), float32.
    """
    edge = _WARP_SIDE - 1
    square = as_floats([[0, 0], [edge, 0], [edge, edge], [0, edge]])
    rows = []
    for quad in quads_px:
        warp = cv2.getPerspectiveTransform(as_floats(quad), square)
        crop = cv2.warpPerspective(
            image_bgr, warp, (_WARP_SIDE, _WARP_SIDE), borderMode=cv2.BORDER_REPLICATE
        )
        rows.append(_levelled(np.asarray(crop, np.uint8)))
    return as_floats(rows).reshape(len(rows), 3 * FEATURE_SIDE**2)


def look_of_picture(image_bgr: ImageBgr) -> Floats:
    """As `looks_of`, for the whole image; shape (192,)."""
    return _levelled(image_bgr)


def _levelled(crop: ImageBgr) -> Floats:
    small = cv2.resize(crop, (FEATURE_SIDE, FEATURE_SIDE), interpolation=cv2.INTER_AREA)
    lab = as_floats(cv2.cvtColor(small, cv2.COLOR_BGR2Lab)).reshape(-1, 3)
    centred = (lab - lab.mean(0)).ravel()
    spread = max(float(np.sqrt(np.square(centred).mean())), _FLAT_LEVELS)
    return as_floats(centred / spread / np.sqrt(len(centred)))


def overlay_of(
    polygons_px: Sequence[Floats], bay: int, window: Window
) -> tuple[Floats, list[Floats]]:
    """Outline of a bay and of those of its neighbours that are seen, fractions of the square."""
    outline = window.to_window(polygons_px[bay])
    others = [window.to_window(p) for i, p in enumerate(polygons_px) if i != bay]
    return outline, [p for p in others if (p.max(0) > 0).all() and (p.min(0) < 1).all()]
