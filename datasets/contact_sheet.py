"""The bays judged worst, side by side: where to look first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from datasets.crops import cut, window_of
from datasets.frames import LotFrame
from datasets.judging import Verdicts
from vision.draw import FREE, OCCUPIED
from vision.geometry import to_pixels
from vision.labels import BOLD, DARK, INK, Colour, put_text, text_width_px
from vision.types import ImageBgr

CELL_PX = 220
CAPTION_PX = 58
GAP_PX = 10
COLUMNS = 5


@dataclass(frozen=True, slots=True)
class WorstBay:
    """A bay that was judged wrong, or right with least certainty.

    Attributes:
        frame: the image.
        bay: index of the bay in it.
        prob: stated probability of occupied.
        occupied: the truth.
    """

    frame: LotFrame
    bay: int
    prob: float
    occupied: bool

    @property
    def error(self) -> float:
        """How far the statement is from the truth, 0 to 1."""
        return abs(self.prob - self.occupied)


def worst_bays(verdicts: Sequence[Verdicts], count: int) -> list[WorstBay]:
    """The bays whose probability is farthest from the truth, worst first."""
    found = []
    for one in verdicts:
        error = np.abs(one.prob - one.occupied)
        for index in np.argsort(-error, kind="stable")[:count]:
            frame = one.frames[int(one.frame[index])]
            prob, truth = float(one.prob[index]), bool(one.occupied[index])
            found.append(WorstBay(frame, int(one.bay[index]), prob, truth))
    return sorted(found, key=lambda bay: -bay.error)[:count]


def contact_sheet(bays: Sequence[WorstBay]) -> ImageBgr:
    """Draw bays with their surroundings.

    Returns:
        Shape (H, W, 3), uint8; one row of cells at least.

    Raises:
        DatasetError: an image cannot be read.
    """
    rows = max(1, -(-len(bays) // COLUMNS))
    step_x, step_y = CELL_PX + GAP_PX, CELL_PX + CAPTION_PX + GAP_PX
    sheet = np.full((rows * step_y + GAP_PX, COLUMNS * step_x + GAP_PX, 3), DARK, np.uint8)
    for number, bay in enumerate(bays):
        top = GAP_PX + number // COLUMNS * step_y
        left = GAP_PX + number % COLUMNS * step_x
        sheet[top : top + CELL_PX, left : left + CELL_PX] = _crop(bay)
        _caption(sheet, bay, (left, top + CELL_PX))
    return sheet


def _crop(bay: WorstBay) -> ImageBgr:
    image = bay.frame.read()
    polygon = to_pixels(bay.frame.polygons_norm[bay.bay], (image.shape[1], image.shape[0]))
    window = window_of(polygon, (image.shape[1], image.shape[0]))
    crop = cut(image, window, CELL_PX)
    outline = (window.to_window(polygon) * CELL_PX).round().astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(crop, [outline], True, _colour(bay.occupied), 2, cv2.LINE_AA)
    return crop


def _caption(sheet: ImageBgr, bay: WorstBay, left_top: tuple[int, int]) -> None:
    left, top = left_top
    is_wrong = (bay.prob >= 0.5) != bay.occupied  # noqa: PLR2004 - even odds
    truth = "occupied" if bay.occupied else "free"
    said = f"{truth}, predicted {100 * bay.prob:.0f}% occ"
    put_text(sheet, said, (left, top + 16), 15, INK if is_wrong else (170, 170, 170), BOLD)
    name = f"{bay.frame.set_name} {bay.frame.path.stem[-18:]} #{bay.frame.bay_ids[bay.bay]}"
    while text_width_px(name, 13) > CELL_PX:
        name = name[1:]
    put_text(sheet, name, (left, top + 38), 13, (150, 150, 150))


def _colour(occupied: bool) -> Colour:
    return OCCUPIED if occupied else FREE


def sheet_jpeg(sheet: ImageBgr, quality: int = 86) -> bytes:
    """Encode a sheet."""
    _, data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(np.asarray(data, np.uint8))


__all__ = ["WorstBay", "contact_sheet", "sheet_jpeg", "worst_bays"]
