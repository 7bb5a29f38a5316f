"""Counted lines over a camera's picture: the line, an arrow that leads in, and what was counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from telemetry.gates import PassageDirection
from vision.draw import SUBPIXEL_BITS, unit_px
from vision.labels import BOLD, DARK, INK, Colour, put_text, text_width_px
from vision.lanes.line import CountedLine, Doubles, LineSide
from vision.types import Floats, ImageBgr
from vision.view_match import apply_matrix

LINE: Colour = (167, 121, 204)
"""Reddish purple of Okabe and Ito's palette: no state of a bay and no incident has it."""
Counts = Mapping[PassageDirection, int]


def draw_lines(
    image_bgr: ImageBgr,
    lines: Sequence[CountedLine],
    counts: Mapping[str, Counts] | None = None,
    homography: Floats | None = None,
) -> None:
    """Draw counted lines over a picture, in place.

    Args:
        image_bgr: shape (H, W, 3), uint8.
        lines: to draw.
        counts: what was counted, by line and direction; None leaves the figures out.
        homography: how the view has moved since they were drawn, shape (3, 3); None: not at all.
    """
    height, width = image_bgr.shape[:2]
    unit = unit_px(width, height)
    for line in lines:
        points = line.points_norm
        if homography is not None:
            points = apply_matrix(points, homography.astype(np.float64))
        points_px = points.astype(np.float64) * (width, height)
        _stroke(image_bgr, points_px, unit)
        _arrow(image_bgr, points_px, line.in_side, unit)
        text = line.id
        if counts is not None:
            said = counts.get(line.id, {})
            text += f"  in {said.get(PassageDirection.IN, 0)}"
            text += f"  out {said.get(PassageDirection.OUT, 0)}"
        _label(image_bgr, text, points_px, unit)


def _stroke(image_bgr: ImageBgr, points_px: Doubles, unit: float) -> None:
    points = [_fixed(points_px)]
    thick = max(2, round(3 * unit))
    for colour, wide in ((DARK, thick + 2), (LINE, thick)):
        cv2.polylines(image_bgr, points, False, colour, wide, cv2.LINE_AA, SUBPIXEL_BITS)


def _arrow(image_bgr: ImageBgr, points_px: Doubles, in_side: LineSide, unit: float) -> None:
    middle, along = _middle(points_px)
    # Left of somebody who walks along `along`, as seen with y down.
    way = np.array([along[1], -along[0]]) * (1 if in_side is LineSide.LEFT else -1)
    tip, wing = middle + way * 34 * unit, along * 9 * unit
    neck = middle + way * 20 * unit
    thick = max(2, round(3 * unit))
    for colour, more in ((DARK, 2), (LINE, 0)):
        shaft = [_fixed(np.stack([middle, neck]))]
        cv2.polylines(image_bgr, shaft, False, colour, thick + more, cv2.LINE_AA, SUBPIXEL_BITS)
        head = [_fixed(np.stack([neck + wing, tip, neck - wing]))]
        if more:
            cv2.polylines(image_bgr, head, True, colour, more + 2, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.fillPoly(image_bgr, head, colour, cv2.LINE_AA, SUBPIXEL_BITS)


def _middle(points_px: Doubles) -> tuple[Doubles, Doubles]:
    """The place half way along the line, and its direction there, of length 1."""
    steps = np.diff(points_px, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    way = np.concatenate([[0.0], np.cumsum(lengths)])
    index = min(int(np.searchsorted(way, way[-1] / 2, side="right")) - 1, len(steps) - 1)
    along = steps[index] / max(lengths[index], 1e-9)
    return points_px[index] + along * (way[-1] / 2 - way[index]), along


def _label(image_bgr: ImageBgr, text: str, points_px: Doubles, unit: float) -> None:
    height, width = image_bgr.shape[:2]
    size = max(9, round(14 * unit))
    long, tall = text_width_px(text, size, BOLD) + size, round(1.6 * size)
    # At the end that lies higher: the lower one is nearer, where vehicles are large.
    x, y = points_px[0] if points_px[0, 1] <= points_px[-1, 1] else points_px[-1]
    left = int(np.clip(round(x - long / 2), 0, max(width - long, 0)))
    top = int(np.clip(round(y - tall - 8 * unit), 0, max(height - tall, 0)))
    cv2.rectangle(image_bgr, (left, top), (left + long, top + tall), DARK, cv2.FILLED)
    cv2.rectangle(image_bgr, (left, top), (left + size // 4, top + tall), LINE, cv2.FILLED)
    put_text(image_bgr, text, (left + size // 2, top + tall // 2), size, INK, BOLD)


def _fixed(points_px: Doubles) -> cv2.typing.MatLike:
    fixed = np.round((points_px - 0.5) * (1 << SUBPIXEL_BITS))
    return fixed.astype(np.int32).reshape(-1, 1, 2)
