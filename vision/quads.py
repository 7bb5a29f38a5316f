"""Corners of bays in one order, whatever way the installer clicked them.

The bay head samples a grid over the quad, so it sees the bay in the frame that the first corner
defines. To make the answer independent of the clicking, corners are brought into one order before
they reach the network:

1. clockwise as seen in the image (x right, y down);
2. starting at the corner with the least `x + y` in pixels, the top left one (of two equals, the
   upper one).

Where a quad stands on its tip two corners compete for first place, and a hair's movement swaps
them; training therefore also shows bays with their corners shifted and flipped.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from vision.geometry import to_norm, to_pixels
from vision.types import Floats, as_floats

CORNERS = 4


def canonical_quads(quads_px: Floats) -> Floats:
    """Bring the corners of quads into canonical order.

    Args:
        quads_px: shape (M, 4, 2), x and y in pixels (square ones: not normalised by width and
            height apart).

    Returns:
        The same corners in canonical order, shape (M, 4, 2), float32.
    """
    quads = np.asarray(quads_px, np.float32).reshape(-1, CORNERS, 2)
    x, y = quads[..., 0], quads[..., 1]
    signed_area = (x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1)
    # With y down, a positive area runs clockwise in the image.
    clockwise = np.where((signed_area < 0)[:, None, None], quads[:, ::-1], quads)
    # The tiny share of y settles ties in favour of the upper corner.
    first = (clockwise[..., 0] + clockwise[..., 1] * (1 + 1e-4)).argmin(1)
    order = (first[:, None] + np.arange(CORNERS)) % CORNERS
    return as_floats(np.take_along_axis(clockwise, order[..., None], 1))


def polygon_to_quad(polygon_px: Floats) -> Floats:
    """Reduce a polygon to the four canonical corners of its bay.

    Four points stay as they are; of any other number the rectangle of least area around them is
    taken.

    Args:
        polygon_px: shape (K, 2) with K >= 3, pixels.

    Returns:
        Shape (4, 2), float32, pixels, canonical order.
    """
    polygon = np.asarray(polygon_px, np.float32).reshape(-1, 2)
    if len(polygon) != CORNERS:
        polygon = np.asarray(cv2.boxPoints(cv2.minAreaRect(polygon)), np.float32)
    return as_floats(canonical_quads(polygon[None])[0])


def quads_of(polygons_norm: Sequence[Floats], image_wh: tuple[int, int]) -> Floats:
    """Four canonical corners of every bay, shape (M, 4, 2), fractions of width and height."""
    if not polygons_norm:
        return np.zeros((0, 4, 2), np.float32)
    quads = [polygon_to_quad(to_pixels(polygon, image_wh)) for polygon in polygons_norm]
    return to_norm(np.stack(quads), image_wh)
