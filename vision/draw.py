"""Images for people: bays, states and vehicles drawn over a camera's image.

Colours are of Okabe and Ito's palette (2008), which people with any form of colour blindness tell
apart; every state also has its own shape (filled square, ring, question mark over
hatching), so a grey print reads the same. All sizes follow the image's: 480 and 2160 lines look
alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from telemetry.vocabulary import BayState
from vision.geometry import to_pixels
from vision.labels import (
    DARK,
    INK,
    Colour,
    Label,
    draw_pill,
    draw_symbol,
    fit_label,
    put_text,
    short_ids,
    symbol_of,
    text_width_px,
)
from vision.types import Detections, Floats, ImageBgr

FREE: Colour = (115, 158, 0)
OCCUPIED: Colour = (0, 94, 213)
UNKNOWN: Colour = (190, 190, 190)
VEHICLE: Colour = (233, 180, 86)

SUBPIXEL_BITS = 4
"""OpenCV draws polygons on a grid of 1/16 pixel: edges of small bays do not jump."""


@dataclass(frozen=True, slots=True)
class DrawOptions:
    """What is drawn beside the bays.

    Attributes:
        caption: text at the right of the summary strip, e.g. camera and time.
        show_confidence: whether labels carry the confidence where there is room.
        show_labels: whether bays carry labels at all.
        show_summary: whether a strip with legend and counts is added below the image.
    """

    caption: str = ""
    show_confidence: bool = True
    show_labels: bool = True
    show_summary: bool = True


def colour_of(state: BayState) -> Colour:
    """Colour of a state, blue, green, red."""
    if state.occ is None:
        return UNKNOWN
    return OCCUPIED if state.occ else FREE


def annotate(
    image_bgr: ImageBgr,
    polygons_norm: Sequence[Floats],
    states: Sequence[BayState],
    detections: Detections | None = None,
    options: DrawOptions | None = None,
) -> ImageBgr:
    """Draw the state of every bay over an image.

    Args:
        image_bgr: shape (H, W, 3), uint8; not changed.
        polygons_norm: M polygons, each (K, 2), fractions of width and height.
        states: M states in the same order.
        detections: vehicles to mark with the corners of their boxes, pixels of the image.
        options: what is drawn beside the bays.

    Returns:
        Shape (H + strip, W, 3), uint8; the strip is there unless `show_summary` is off, and has an
        even number of rows, which video encoders ask for.

    Raises:
        ValueError: not one state for each polygon.
    """
    if len(polygons_norm) != len(states):
        msg = f"expected a state for each of {len(polygons_norm)} bays, but got {len(states)}"
        raise ValueError(msg)
    options = options or DrawOptions()
    height, width = image_bgr.shape[:2]
    unit = unit_px(width, height)
    polygons = [to_pixels(polygon, (width, height)) for polygon in polygons_norm]
    canvas = _fill_bays(image_bgr, polygons, states, unit)
    # Occupied outlines last: of two neighbours' common edge the occupied one's is seen.
    for polygon, state in sorted(zip(polygons, states, strict=True), key=_drawing_order):
        _outline(canvas, polygon, colour_of(state), unit)
    if detections is not None:
        _mark_vehicles(canvas, detections, unit)
    if options.show_labels:
        short = short_ids([state.bay for state in states])
        for polygon, state, name in zip(polygons, states, short, strict=True):
            label = fit_label(polygon, state, unit, options.show_confidence, name)
            draw_pill(canvas, label, state, colour_of(state))
    if options.show_summary:
        return np.vstack([canvas, _summary_strip(width, unit, states, options.caption)])
    return canvas


def unit_px(width: int, height: int) -> float:
    """The size that lines and letters are multiples of: 1 for an image of about 1280 x 720."""
    return max(0.6, float(np.sqrt(width * height / (1280 * 720))))


def _drawing_order(item: tuple[Floats, BayState]) -> int:
    return {None: 0, False: 1, True: 2}[item[1].occ]


def _grid_points(polygon_px: Floats) -> npt.NDArray[np.int32]:
    # Pixel centres lie at +0.5 in the image, at whole numbers for OpenCV's drawing.
    fixed = np.round((polygon_px - 0.5) * (1 << SUBPIXEL_BITS))
    return fixed.astype(np.int32).reshape(-1, 1, 2)


def _fill_bays(
    image_bgr: ImageBgr, polygons: Sequence[Floats], states: Sequence[BayState], unit: float
) -> ImageBgr:
    colour_layer = image_bgr.copy()
    share = np.zeros(image_bgr.shape[:2], np.uint8)
    hatching = np.zeros(image_bgr.shape[:2], np.uint8)
    for polygon, state in zip(polygons, states, strict=True):
        points = [_grid_points(polygon)]
        alpha = {True: 76, False: 46, None: 46}[state.occ]
        cv2.fillPoly(colour_layer, points, colour_of(state), cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.fillPoly(share, points, alpha, cv2.LINE_AA, SUBPIXEL_BITS)
        if state.occ is None:
            cv2.fillPoly(hatching, points, 255, cv2.LINE_8, SUBPIXEL_BITS)
    if hatching.any():
        share[(hatching > 0) & _stripes(hatching.shape, unit)] = 150
    weight = share.astype(np.float32) / 255
    return np.asarray(cv2.blendLinear(image_bgr, colour_layer, 1 - weight, weight), np.uint8)


def _stripes(shape: tuple[int, ...], unit: float) -> npt.NDArray[np.bool]:
    period = max(6, round(11 * unit))
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows + columns) % period < max(2, period // 5)


def _outline(canvas: ImageBgr, polygon: Floats, colour: Colour, unit: float) -> None:
    points = [_grid_points(polygon)]
    thick = max(1, round(1.9 * unit))
    # A dark line below the coloured one keeps it visible on white paint and on pale concrete.
    cv2.polylines(
        canvas, points, True, DARK, thick + max(1, round(unit)), cv2.LINE_AA, SUBPIXEL_BITS
    )
    cv2.polylines(canvas, points, True, colour, thick, cv2.LINE_AA, SUBPIXEL_BITS)


def _mark_vehicles(canvas: ImageBgr, detections: Detections, unit: float) -> None:
    thick = max(1, round(1.5 * unit))
    for box in detections.xyxy_px:
        left, top, right, bottom = (round(float(side)) for side in box)
        arm = max(3, round(0.2 * min(right - left, bottom - top)))
        for x, step_x in ((left, arm), (right, -arm)):
            for y, step_y in ((top, arm), (bottom, -arm)):
                corner = np.array([[x + step_x, y], [x, y], [x, y + step_y]], np.int32)
                cv2.polylines(canvas, [corner], False, VEHICLE, thick, cv2.LINE_AA)


def _summary_strip(width: int, unit: float, states: Sequence[BayState], caption: str) -> ImageBgr:
    height = 2 * round(18 * unit)
    strip = np.full((height, width, 3), DARK, np.uint8)
    size = max(9, round(15 * unit))
    x, middle = round(14 * unit), height // 2
    for occ, word, colour in (
        (True, "occupied", OCCUPIED),
        (False, "free", FREE),
        (None, "unknown", UNKNOWN),
    ):
        count = sum(state.occ is occ for state in states)
        draw_symbol(strip, symbol_of(occ), (x + size // 2, middle), size, colour)
        x = put_text(strip, f"{count} {word}", (x + round(1.5 * size), middle), size, INK)
        x += round(1.6 * size)
    room = width - x - round(14 * unit)
    while caption and text_width_px(caption, size) > room:
        caption = caption[:-2].rstrip(" .") + "." if len(caption) > 2 else ""  # noqa: PLR2004
    if caption:
        start = width - round(14 * unit) - text_width_px(caption, size)
        put_text(strip, caption, (start, middle), size, (160, 160, 160))
    return strip


__all__ = ["DrawOptions", "Label", "annotate", "colour_of", "unit_px"]
