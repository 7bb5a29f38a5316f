"""Whether a view stands where it stood, at a fiftieth of what it costs to say where it went.

Phase correlation (Kuglin and Hines 1975) of the images' edges: once over the whole image, for a
hint with every frame, and occasionally in parts, for certainty. Only what is not clear in this way
is worth the search for features in `view_match`.
"""

from __future__ import annotations

from enum import Enum, auto

import cv2
import numpy as np
import numpy.typing as npt

from vision.types import Floats, as_floats

THUMB_WH = (128, 96)
FINE_WIDTH_PX = 320
PARTS = (3, 2)
"""Columns and rows: a car passes through one or two parts, a moved camera through all."""
LEAST_STILL_PARTS = 4
STILL_PX = 0.35
"""Of the fine image: the finest movement that counts, a pixel or two of the camera's."""
LEAST_RESPONSE = 0.25


class Sight(Enum):
    """What a look says of a view."""

    STILL = auto()
    MOVED = auto()
    UNCLEAR = auto()


def edges(grey: npt.NDArray[np.uint8], size_wh: tuple[int, int]) -> Floats:
    """Strength of the edges of a grey image, scaled to `size_wh`: a cloud is no movement."""
    small = cv2.resize(grey, size_wh, interpolation=cv2.INTER_AREA).astype(np.float32)
    across, down = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
    return as_floats(cv2.magnitude(across, down))


def thumbnail(grey: npt.NDArray[np.uint8]) -> Floats:
    """An image for `seems_moved`."""
    return edges(grey, THUMB_WH)


def fine_edges(grey: npt.NDArray[np.uint8]) -> Floats:
    """An image for `compare`."""
    height, width = grey.shape
    return edges(grey, (FINE_WIDTH_PX, max(1, round(height * FINE_WIDTH_PX / width))))


def seems_moved(before: Floats, now: Floats) -> bool:
    """Whether a coarse look says that the whole image moved, by 1 % of its width or more."""
    (x, y), response = _correlate(before, now)
    return bool(np.hypot(x, y) > 1.2 or response < 0.08)  # noqa: PLR2004 - measured on smartlot


def compare(before: Floats, now: Floats) -> Sight:
    """Where most parts of the image stand.

    One may stand elsewhere in a still view: a car left and another came. A camera that was turned
    moves four of six.
    """
    if before.shape != now.shape:
        return Sight.UNCLEAR
    still, elsewhere = 0, 0
    columns, rows = PARTS
    for part_before, part_now in zip(
        _parts(before, columns, rows), _parts(now, columns, rows), strict=True
    ):
        (x, y), response = _correlate(part_before, part_now)
        if response < LEAST_RESPONSE:
            continue
        is_here = np.hypot(x, y) <= STILL_PX
        still, elsewhere = still + is_here, elsewhere + (not is_here)
    if still >= LEAST_STILL_PARTS and elsewhere <= 1:
        return Sight.STILL
    return Sight.MOVED if elsewhere > still else Sight.UNCLEAR


def _parts(picture: Floats, columns: int, rows: int) -> list[Floats]:
    return [
        as_floats(np.ascontiguousarray(part))
        for band in np.array_split(picture, rows)
        for part in np.array_split(band, columns, 1)
    ]


def _correlate(before: Floats, now: Floats) -> tuple[tuple[float, float], float]:
    window = cv2.createHanningWindow((now.shape[1], now.shape[0]), cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(before, now, window)
    return (float(x), float(y)), float(response)
