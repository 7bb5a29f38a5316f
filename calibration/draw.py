"""A calibration drawn on its picture: what an installer prints, and what reviews look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from calibration.findings import Finding, Severity
from calibration.types import Bay, Calibration
from telemetry.vocabulary import BayKind
from vision.draw import unit_px
from vision.geometry import to_pixels
from vision.labels import DARK, INK, Colour, polygon_centroid, put_text, text_width_px
from vision.lanes.draw import draw_lines
from vision.types import Floats, ImageBgr

# Okabe and Ito's palette (2008), told apart with any form of colour blindness; blue, green, red.
KIND_COLOURS: Mapping[BayKind, Colour] = {
    BayKind.STANDARD: (178, 114, 0),
    BayKind.DISABLED: (66, 228, 240),
    BayKind.EV: (115, 158, 0),
    BayKind.LOADING: (0, 159, 230),
    BayKind.RESERVED: (167, 121, 204),
}
FAULT: Colour = (0, 94, 213)
_FILL = 0.28
_SUBPIXEL_BITS = 4


def draw_calibration(
    image_bgr: ImageBgr, calibration: Calibration, findings: Sequence[Finding] = ()
) -> ImageBgr:
    """Draw outlines, ids and kinds of all bays, masks, counted lines, and faults.

    Args:
        image_bgr: the camera's picture, shape (H, W, 3), of any size; not changed.
        calibration: what to draw.
        findings: bays with an error get a thick outline in another colour.

    Returns:
        The picture with a legend below, shape (H + strip, W, 3), uint8.
    """
    height, width = image_bgr.shape[:2]
    unit = unit_px(width, height)
    canvas = image_bgr.copy()
    layer = image_bgr.copy()
    for mask in calibration.masks:
        points = _grid(to_pixels(np.asarray(mask.polygon, np.float32), (width, height)))
        cv2.fillPoly(layer, [points], DARK, cv2.LINE_AA, _SUBPIXEL_BITS)
    for area in calibration.areas:
        points = _grid(to_pixels(np.asarray(area.polygon, np.float32), (width, height)))
        cv2.polylines(layer, [points], True, INK, round(2 * unit), cv2.LINE_AA, _SUBPIXEL_BITS)
    for bay in calibration.bays:
        points = _grid(to_pixels(bay.polygon_norm(), (width, height)))
        cv2.fillPoly(layer, [points], KIND_COLOURS[bay.kind], cv2.LINE_AA, _SUBPIXEL_BITS)
    canvas = np.asarray(cv2.addWeighted(layer, _FILL, canvas, 1 - _FILL, 0), np.uint8)
    faulty = {finding.bay for finding in findings if finding.severity is Severity.ERROR}
    for bay in sorted(calibration.bays, key=lambda item: item.id in faulty):
        _outline(canvas, bay, unit, is_faulty=bay.id in faulty)
    for bay in calibration.bays:
        _label(canvas, bay, unit)
    draw_lines(canvas, calibration.counted_lines())
    return np.vstack([canvas, _legend(width, unit, calibration, len(faulty))])


def _grid(points_px: Floats) -> cv2.typing.MatLike:
    return np.round((points_px - 0.5) * (1 << _SUBPIXEL_BITS)).astype(np.int32).reshape(-1, 1, 2)


def _outline(canvas: ImageBgr, bay: Bay, unit: float, *, is_faulty: bool) -> None:
    height, width = canvas.shape[:2]
    points = [_grid(to_pixels(bay.polygon_norm(), (width, height)))]
    thick = max(1, round((3.4 if is_faulty else 1.7) * unit))
    colour = FAULT if is_faulty else KIND_COLOURS[bay.kind]
    # A light line below keeps the coloured one visible on dark asphalt and on cars.
    cv2.polylines(canvas, points, True, INK, thick + 1, cv2.LINE_AA, _SUBPIXEL_BITS)
    cv2.polylines(canvas, points, True, colour, thick, cv2.LINE_AA, _SUBPIXEL_BITS)
    first = to_pixels(bay.polygon_norm(), (width, height))[0]
    # The first point is where the network's grid and the editor's handles begin.
    centre = (round(float(first[0])), round(float(first[1])))
    cv2.circle(canvas, centre, max(2, round(2.6 * unit)), colour, cv2.FILLED, cv2.LINE_AA)


def _label(canvas: ImageBgr, bay: Bay, unit: float) -> None:
    height, width = canvas.shape[:2]
    polygon = to_pixels(bay.polygon_norm(), (width, height))
    side = float(np.sqrt(max(cv2.contourArea(polygon), 1.0)))
    size = int(np.clip(0.3 * side, 8 * unit, 16 * unit))
    wide = text_width_px(bay.id, size)
    x, y = (round(float(value)) for value in polygon_centroid(polygon))
    pad = max(2, size // 4)
    top, bottom = max(y - size // 2 - pad, 0), min(y + size // 2 + pad, height)
    left, right = max(x - wide // 2 - pad, 0), min(x + wide // 2 + pad, width)
    if right <= left or bottom <= top:
        return
    plate = canvas[top:bottom, left:right]
    plate[:] = (plate * 0.25 + np.array(DARK) * 0.75).astype(np.uint8)
    put_text(canvas, bay.id, (left + pad, (top + bottom) // 2), size, INK)


def _legend(width: int, unit: float, calibration: Calibration, faults: int) -> ImageBgr:
    height = 2 * round(18 * unit)
    strip = np.full((height, width, 3), DARK, np.uint8)
    size, middle = max(9, round(15 * unit)), height // 2
    title = f"{calibration.camera}, revision {calibration.revision}: {len(calibration.bays)} bays"
    x = put_text(strip, title, (round(14 * unit), middle), size, INK) + 2 * size
    kinds = [bay.kind for bay in calibration.bays]
    entries = [(f"{kinds.count(k)} {k}", KIND_COLOURS[k]) for k in BayKind if k in kinds]
    if faults:
        entries.append((f"{faults} with errors", FAULT))
    for text, colour in entries:
        if x + 2 * size + text_width_px(text, size) > width:
            break
        square = (x, middle - size // 3), (x + 2 * size // 3, middle + size // 3)
        cv2.rectangle(strip, *square, colour, cv2.FILLED)
        x = put_text(strip, text, (x + size, middle), size, INK) + 2 * size
    return strip
