"""Polygons of bays: pixels, areas, extents."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from vision.types import Floats, as_floats


def to_pixels(points_norm: Floats, image_wh: tuple[int, int]) -> Floats:
    """Points, shape (..., 2), from fractions of the image to its pixels."""
    return as_floats(as_floats(points_norm) * as_floats(image_wh))


def to_norm(points_px: Floats, image_wh: tuple[int, int]) -> Floats:
    """Points, shape (..., 2), from pixels to fractions of the image."""
    return as_floats(as_floats(points_px) / as_floats(image_wh))


def polygon_area(polygon: Floats) -> float:
    """Area of a simple polygon, shape (K, 2), by the shoelace formula, in its own units squared."""
    x, y = np.asarray(polygon, np.float64).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def extents(polygons: Sequence[Floats]) -> Floats:
    """Bounding boxes of polygons, shape (M, 4): x_min, y_min, x_max, y_max."""
    if not polygons:
        return np.zeros((0, 4), np.float32)
    corners = np.concatenate(polygons)
    starts = np.cumsum([0, *(len(polygon) for polygon in polygons[:-1])])
    low, high = np.minimum.reduceat(corners, starts), np.maximum.reduceat(corners, starts)
    return as_floats(np.concatenate([low, high], 1))


def bay_sizes_px(polygons_norm: Sequence[Floats], image_wh: tuple[int, int]) -> Floats:
    """Size of each bay, the side of the square of its area, pixels, shape (M,)."""
    areas = [polygon_area(to_pixels(p, image_wh)) for p in polygons_norm]
    return np.sqrt(np.asarray(areas, np.float32))


def nearest_bay(
    polygons_norm: Sequence[Floats], size_wh: tuple[int, int], values: Floats
) -> Floats:
    """For each place of an image the value of the bay next to it, shape (h, w).

    Args:
        polygons_norm: M bays, M > 0, each (K, 2), fractions.
        size_wh: of the image that is given, pixels.
        values: shape (M,); where outlines meet, the larger one counts, and the largest everywhere
            where every bay has left the image.
    """
    free = np.full(size_wh[::-1], 255, np.uint8)
    found = np.ones(size_wh[::-1], np.float32)
    for index in np.argsort(values):
        outline = [np.round(to_pixels(polygons_norm[index], size_wh)).astype(np.int32)]
        cv2.fillPoly(free, outline, (0,))
        cv2.polylines(free, outline, isClosed=True, color=(0,))
        cv2.fillPoly(found, outline, (float(values[index]),))
        cv2.polylines(found, outline, isClosed=True, color=(float(values[index]),))
    if free.all():
        return np.full(size_wh[::-1], values.max(), np.float32)
    _, nearest = cv2.distanceTransformWithLabels(
        free, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(nearest.max()) + 1, np.float32)
    of_label[nearest[free == 0]] = found[free == 0]
    return as_floats(of_label[nearest])
