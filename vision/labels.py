"""Text, symbols and labels for annotated images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

import cv2
import numpy as np

from telemetry.vocabulary import BayState
from vision.geometry import polygon_area
from vision.types import Floats, ImageBgr, as_floats

Colour = tuple[int, int, int]
"""Blue, green, red, 0 to 255."""

DARK: Colour = (28, 24, 21)
INK: Colour = (245, 245, 245)
REGULAR, BOLD = 450, 700


class Symbol(Enum):
    """The shape that goes with a state."""

    FILLED = "occupied"
    RING = "free"
    QUESTION = "unknown"


def symbol_of(occ: bool | None) -> Symbol:
    """The symbol of an occupancy."""
    return {True: Symbol.FILLED, False: Symbol.RING, None: Symbol.QUESTION}[occ]


@cache
def _font() -> cv2.FontFace:
    # OpenCV's own scalable font: the same letters on every machine, no font file to find.
    return cv2.FontFace("sans")


def text_width_px(text: str, size_px: int, weight: int = REGULAR) -> int:
    """Width of a line of text, pixels."""
    _, _, width, _ = cv2.getTextSize((1 << 14, 1 << 14), text, (0, 0), _font(), size_px, weight)
    return int(width)


def put_text(
    image: ImageBgr,
    text: str,
    left_middle_xy: tuple[int, int],
    size_px: int,
    colour: Colour,
    weight: int = REGULAR,
) -> int:
    """Write one line of text, centred on a height.

    Returns:
        Where the text ends, pixels from the left.
    """
    # Capitals and digits are 0.72 of the size tall; centring on them looks centred.
    baseline = left_middle_xy[1] + round(0.36 * size_px)
    end, _ = cv2.putText(
        image, text, (left_middle_xy[0], baseline), colour, _font(), size_px, weight
    )
    return int(end[0])


def draw_symbol(
    image: ImageBgr, symbol: Symbol, centre_xy: tuple[int, int], size_px: int, colour: Colour
) -> None:
    """Draw a state's symbol, `size_px` wide."""
    half = max(2, round(0.36 * size_px))
    x, y = centre_xy
    if symbol is Symbol.FILLED:
        cv2.rectangle(image, (x - half, y - half), (x + half, y + half), colour, cv2.FILLED)
    elif symbol is Symbol.RING:
        cv2.circle(image, centre_xy, half, colour, max(1, round(size_px / 7)), cv2.LINE_AA)
    else:
        start = x - text_width_px("?", size_px, BOLD) // 2
        put_text(image, "?", (start, y), size_px, colour, BOLD)


@dataclass(frozen=True, slots=True)
class Label:
    """A label that fits its bay.

    Attributes:
        text: what it says beside the symbol; may be empty.
        centre_xy: pixels.
        size_px: of the letters.
    """

    text: str
    centre_xy: tuple[int, int]
    size_px: int


def short_ids(ids: Sequence[str]) -> tuple[str, ...]:
    """Ids without the words that all begin with: `P2-A1` and `P2-A2` become `A1` and `A2`."""
    if len(ids) < 2:  # noqa: PLR2004 - one id has nothing in common with others
        return tuple(ids)
    words = [re.findall(r"[^._-]*[._-]?", each) for each in ids]
    shared = 0
    for column in zip(*(each[:-2] for each in words), strict=False):  # the last word always stays
        if len(set(column)) > 1:
            break
        shared += len(column[0])
    return tuple(each[shared:] for each in ids)


def fit_label(
    polygon_px: Floats, state: BayState, unit: float, show_confidence: bool, short_id: str = ""
) -> Label:
    """Choose text and size so that the label stays within its bay as far as it can.

    Id with confidence if there is room, else the id, else the short id, else the symbol alone.
    """
    centre = polygon_centroid(polygon_px)
    room = 0.94 * _width_at(polygon_px, float(centre[1]))
    tall = float(np.sqrt(polygon_area(polygon_px)))
    size = int(np.clip(0.2 * tall, 9 * unit, 17 * unit))
    texts = [state.bay, short_id, ""]
    if show_confidence and state.occ is not None:
        texts.insert(0, f"{state.bay} {round(100 * state.conf)}%")
    fitting = [text for text in texts if _label_width(text, size) <= room]
    xy = (round(float(centre[0])), round(float(centre[1])))
    return Label(fitting[0] if fitting else "", xy, size)


def draw_pill(image: ImageBgr, label: Label, state: BayState, colour: Colour) -> None:
    """Draw a label: a dark rounded plate, the state's symbol in its colour, the text in white."""
    size = label.size_px
    width, height = _label_width(label.text, size), round(1.5 * size)
    left = min(max(label.centre_xy[0] - width // 2, 0), image.shape[1] - width)
    top = min(max(label.centre_xy[1] - height // 2, 0), image.shape[0] - height)
    _plate(image, (max(left, 0), max(top, 0)), (width, height))
    middle = top + height // 2
    draw_symbol(image, symbol_of(state.occ), (left + round(0.75 * size), middle), size, colour)
    if label.text:
        put_text(image, label.text, (left + round(1.4 * size), middle), size, INK, BOLD)


def _label_width(text: str, size: int) -> int:
    return round(1.5 * size) + (text_width_px(text, size, BOLD) + size // 3 if text else 0)


def _plate(image: ImageBgr, left_top: tuple[int, int], size_wh: tuple[int, int]) -> None:
    (left, top), (width, height) = left_top, size_wh
    part = image[top : top + height, left : left + width]
    if part.size == 0:
        return
    mask = np.zeros(part.shape[:2], np.uint8)
    radius = max(2, height // 3)
    bottom, right = part.shape[0] - 1, part.shape[1] - 1
    cv2.rectangle(mask, (radius, 0), (right - radius, bottom), 215, cv2.FILLED)
    cv2.rectangle(mask, (0, radius), (right, bottom - radius), 215, cv2.FILLED)
    for x in (radius, right - radius):
        for y in (radius, bottom - radius):
            cv2.circle(mask, (x, y), radius, 215, cv2.FILLED, cv2.LINE_AA)
    weight = (mask.astype(np.float32) / 255)[..., None]
    part[:] = (part * (1 - weight) + as_floats(DARK) * weight).astype(np.uint8)


def polygon_centroid(polygon_px: Floats) -> Floats:
    """Centre of mass of a simple polygon, shape (2,); the mean of its points if it has no area."""
    moments = cv2.moments(polygon_px.astype(np.float32).reshape(-1, 1, 2))
    if moments["m00"] == 0:
        return as_floats(polygon_px.mean(0))
    return as_floats([moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]])


def _width_at(polygon_px: Floats, y: float) -> float:
    """Width of the polygon along one row, from its leftmost to its rightmost crossing."""
    x0, y0 = polygon_px.T
    x1, y1 = np.roll(polygon_px, -1, 0).T
    crosses = (y0 <= y) != (y1 <= y)
    if not crosses.any():
        return 0.0
    share = (y - y0[crosses]) / (y1[crosses] - y0[crosses])
    x = x0[crosses] + share * (x1[crosses] - x0[crosses])
    return float(x.max() - x.min())
