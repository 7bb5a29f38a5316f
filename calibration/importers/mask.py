"""Mask images: a blob of colour for each bay, as segmentation tools and paint programs do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from calibration.importers.common import Imported, LeftOut, Points, Shape, to_bays
from calibration.importers.document import Document

_Plane = npt.NDArray[np.int64]
_JPEG = b"\xff\xd8\xff"
_STARTS = (b"\x89PNG", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"GIF8", _JPEG)
# More colours than that are a photograph: each bay is one, and soft edges add a few for each.
_MOST_COLOURS = 4096
# Soft edges: nearly all of the foreground is white, the rest are the shades towards it.
_WHITE, _MOSTLY = 255, 0.8
_MOST_BLOBS = 10_000
_LEAST_AREA_PX = 16
# A drawn outline encloses much more than it covers.
_LEAST_FILLED = 0.5
# Corners are kept that stand out by this share of the outline's length, and at least by a pixel.
_TOLERANCE = 0.012
_LEAST_POINTS = 3


@dataclass(frozen=True, slots=True)
class _Blob:
    """One connected piece of one colour."""

    value: int
    points: Points
    area_px: int
    enclosed_px: float
    at_px: tuple[int, int]


def is_picture(content: bytes) -> bool:
    """Whether a file is an image, by its first bytes."""
    return content.startswith(_STARTS)


def import_mask(document: Document) -> Imported:
    """The blobs of a mask, 8 or 16 bits a channel, grey or coloured; the background is at its rim.

    Each connected piece of one colour is a bay, in the order of reading. Where each grey value is
    one piece, values are instance numbers and become the ids. Specks and drawn outlines are left
    out, with a finding.

    Raises:
        CalibrationError: it is no image, or a photograph.
    """
    plane, is_grey = _read(document)
    background = _rim_value(plane)
    blobs = [blob for value in np.unique(plane) if value != background
             for blob in _blobs(document, plane == value, int(value))]  # fmt: skip
    values = [blob.value for blob in blobs if blob.area_px >= _LEAST_AREA_PX]
    are_ids = is_grey and len(values) == len(set(values)) > 1
    if not are_ids:
        blobs.sort(key=lambda blob: (blob.at_px[1], blob.at_px[0]))
    found = [_bay(blob, named=are_ids) for blob in blobs]
    if not any(isinstance(item, Shape) for item in found):
        document.fail("the image", "a mask with a blob for each bay", f"{len(found)} specks")
    image_wh = (plane.shape[1], plane.shape[0])
    return to_bays(document, found, image_wh, image_wh)


def _read(document: Document) -> tuple[_Plane, bool]:
    """The mask as one number for each pixel, and whether these are its grey values."""
    content = np.frombuffer(document.content, np.uint8)
    try:
        image = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    except cv2.error:  # larger than OpenCV allows
        image = None
    if image is None:
        document.fail("the file", "a picture", f"{len(content)} bytes that cannot be decoded")
    channels = image.reshape(*image.shape[:2], -1).astype(np.int64)
    is_seen = channels[..., 3:4] > 0 if channels.shape[2] == 4 else True  # noqa: PLR2004 - alpha
    colours = np.where(is_seen, channels[..., :3], 0)
    if document.content.startswith(_JPEG):
        return _black_and_white(document, colours), False
    is_grey = bool((colours == colours[..., :1]).all())
    plane = colours[..., 0] if is_grey else colours @ np.array([1 << 32, 1 << 16, 1])
    count = len(np.unique(plane))
    if count > _MOST_COLOURS:
        document.fail("the image", "a mask with one colour for each bay", f"{count} colours")
    if is_grey and _has_soft_edges(plane):
        return np.asarray(plane > _WHITE // 2, np.int64), False
    return plane, is_grey


def _black_and_white(document: Document, colours: npt.NDArray[np.int64]) -> _Plane:
    """A mask saved as JPEG, which smears its colours: only black and white are distinguishable."""
    grey = colours.mean(2)
    is_sharp = (grey < _WHITE / 8) | (grey > _WHITE * 7 / 8)
    if float(is_sharp.mean()) < 0.95:  # noqa: PLR2004 - a mask's edges are few
        document.fail("the image", "a black and white mask, or PNG for coloured ones", "a JPEG")
    return np.asarray(grey > _WHITE / 2, np.int64)


def _has_soft_edges(plane: _Plane) -> bool:
    values, counts = np.unique(plane[plane > 0], return_counts=True)
    if len(values) < 2 or values[-1] != _WHITE:  # noqa: PLR2004 - one value has no edges
        return False
    return bool(counts[-1] > _MOSTLY * counts.sum())


def _rim_value(plane: _Plane) -> int:
    rim = np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])
    values, counts = np.unique(rim, return_counts=True)
    return int(values[counts.argmax()])


def _blobs(document: Document, is_blob: npt.NDArray[np.bool], value: int) -> Iterator[_Blob]:
    picture = is_blob.astype(np.uint8)
    # Bays that touch at a corner only are two.
    count, labels, stats, _ = cv2.connectedComponentsWithStats(picture, connectivity=4)
    if count > _MOST_BLOBS:
        document.fail("the image", "a mask with a blob for each bay", f"{count - 1} of one colour")
    for index in range(1, count):
        left, top, width, height, area = (int(number) for number in stats[index])
        piece = (labels[top : top + height, left : left + width] == index).astype(np.uint8)
        outlines, _ = cv2.findContours(
            piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(left, top)
        )
        outline = max(outlines, key=len)
        tolerance_px = max(1.0, _TOLERANCE * cv2.arcLength(outline, closed=True))
        corners = cv2.approxPolyDP(outline, tolerance_px, closed=True).reshape(-1, 2)
        points = [(float(x), float(y)) for x, y in corners]
        yield _Blob(value, points, area, cv2.contourArea(outline), (left, top))


def _bay(blob: _Blob, *, named: bool) -> Shape | LeftOut:
    place = f"blob at ({blob.at_px[0]}, {blob.at_px[1]})"
    if blob.area_px < _LEAST_AREA_PX or len(blob.points) < _LEAST_POINTS:
        return LeftOut(place, f"a speck of less than {_LEAST_AREA_PX} pixels")
    if blob.area_px < _LEAST_FILLED * blob.enclosed_px:
        return LeftOut(place, "a drawn outline, not a filled mask")
    return Shape(place, blob.points, str(blob.value) if named else None)
