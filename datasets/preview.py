"""Labelled images to look at: one sheet of many, and a page to browse."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from string import Template

import cv2
import numpy as np

from datasets.contact_sheet import sheet_jpeg
from datasets.errors import DatasetError
from datasets.frames import LotFrame, State
from datasets.native import claim_folder, write_bytes, write_text
from vision.draw import FREE, OCCUPIED, UNKNOWN, VEHICLE
from vision.geometry import to_pixels
from vision.labels import DARK, INK, Colour, put_text, text_width_px
from vision.types import Floats, ImageBgr

SHEET = "sheet.png"
PAGE = "index.html"
_COLOURS: dict[State, Colour] = {True: OCCUPIED, False: FREE, None: UNKNOWN}
_CELL_WH = (400, 300)
_CAPTION_PX = 50
_GAP_PX = 12
_SIDE_PX = 1400
"""Longer side of an image on the page: large enough to see a car, small enough for a thousand."""
_FILL = 0.28
_TEMPLATE = Path(__file__).parent / "page.html"


def draw_labels(frame: LotFrame, long_side_px: int) -> ImageBgr:
    """An image with its bays in the colour of their state, and its vehicles' boxes.

    Returns:
        Shape (H, W, 3), uint8, its longer side as asked, or as it is where it is smaller.

    Raises:
        DatasetError: the image cannot be read.
    """
    image = frame.read()
    scale = min(1.0, long_side_px / max(image.shape[:2]))
    image_wh = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    canvas = np.asarray(cv2.resize(image, image_wh, interpolation=cv2.INTER_AREA), np.uint8)
    bays = [
        (_points(polygon, image_wh), _COLOURS[state])
        for polygon, state in zip(frame.polygons_norm, frame.states, strict=True)
    ]
    filled = canvas.copy()
    for points, colour in bays:
        cv2.fillPoly(filled, [points], colour, cv2.LINE_AA)
    canvas = np.asarray(cv2.addWeighted(filled, _FILL, canvas, 1 - _FILL, 0), np.uint8)
    width = max(1, round(max(image_wh) / 500))
    for points, colour in bays:
        cv2.polylines(canvas, [points], True, colour, width, cv2.LINE_AA)
    for vehicle in frame.vehicles:
        low, high = np.reshape(vehicle.xyxy_norm, (2, 2)) * image_wh
        corners = [(round(float(x)), round(float(y))) for x, y in (low, high)]
        cv2.rectangle(canvas, corners[0], corners[1], VEHICLE, width, cv2.LINE_AA)
    return canvas


def _points(
    polygon: Floats, image_wh: tuple[int, int]
) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return to_pixels(polygon, image_wh).round().astype(np.int32).reshape(-1, 1, 2)


def spread(frames: Sequence[LotFrame], count: int) -> list[LotFrame]:
    """So many images, evenly over a set: from all its splits, cameras and days."""
    if len(frames) <= count:
        return list(frames)
    places = np.linspace(0, len(frames) - 1, count).round().astype(int)
    return [frames[int(place)] for place in places]


def label_sheet(frames: Sequence[LotFrame]) -> ImageBgr:
    """Images side by side, as nearly square as they go, each with what is in it.

    Raises:
        DatasetError: there is none, or one cannot be read.
    """
    if not frames:
        msg = "sheet: expected images to show, but got none"
        raise DatasetError(msg)
    columns = max(1, min(len(frames), round(len(frames) ** 0.5)))
    rows = -(-len(frames) // columns)
    step_x, step_y = _CELL_WH[0] + _GAP_PX, _CELL_WH[1] + _CAPTION_PX + _GAP_PX
    sheet = np.full((rows * step_y + _GAP_PX, columns * step_x + _GAP_PX, 3), DARK, np.uint8)
    for number, frame in enumerate(frames):
        left = _GAP_PX + number % columns * step_x
        top = _GAP_PX + number // columns * step_y
        cell = _fitted(draw_labels(frame, 2 * max(_CELL_WH)))
        sheet[top : top + _CELL_WH[1], left : left + _CELL_WH[0]] = cell
        _caption(sheet, frame, (left, top + _CELL_WH[1]))
    return sheet


def _fitted(image: ImageBgr) -> ImageBgr:
    """Whole in a cell, what is left over dark."""
    width, height = _CELL_WH
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    cell = np.full((height, width, 3), DARK, np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    cell[top : top + size[1], left : left + size[0]] = small
    return cell


def _caption(sheet: ImageBgr, frame: LotFrame, left_top: tuple[int, int]) -> None:
    left, top = left_top
    name = f"{frame.set_name}{':' if frame.split else ''}{frame.split}  {frame.path.name}"
    while text_width_px(name, 15) > _CELL_WH[0]:
        name = name[:-1]
    put_text(sheet, name, (left, top + 18), 15, INK)
    put_text(sheet, _counts(frame), (left, top + 40), 14, (170, 170, 170))


def _counts(frame: LotFrame) -> str:
    occupied, known = int(frame.occupied.sum()), int(frame.known.sum())
    parts = [(occupied, "occupied"), (known - occupied, "free"),
             (len(frame.states) - known, "unknown"), (len(frame.vehicles), "vehicles")]  # fmt: skip
    return ", ".join(f"{count} {name}" for count, name in parts if count) or "nothing labelled"


def write_page(
    frames: Sequence[LotFrame],
    folder: Path,
    title: str,
    on_picture: Callable[[], None] = lambda: None,
) -> Path:
    """Write a page to browse the images, and the sheet; nothing is fetched from elsewhere.

    Args:
        frames: what is shown.
        folder: new, or empty.
        title: of the page.
        on_picture: called after each.

    Returns:
        Path of the page.

    Raises:
        DatasetError: an image cannot be read, or the disk does not take the page.
    """
    claim_folder(folder)
    rows = []
    for number, frame in enumerate(frames):
        name = f"pictures/{number:05d}.jpg"
        write_bytes(folder / name, sheet_jpeg(draw_labels(frame, _SIDE_PX)))
        rows.append(_row(frame, name))
        on_picture()
    _, png = cv2.imencode(".png", label_sheet(spread(frames, 24)))
    write_bytes(folder / SHEET, bytes(np.asarray(png, np.uint8)))
    # What could end the script element is written in another way, which JSON allows.
    data = json.dumps(rows).replace("<", "\\u003c")
    page = Template(_TEMPLATE.read_text(encoding="utf-8"))
    write_text(folder / PAGE, page.substitute(title=escape(title), rows=data))
    return folder / PAGE


def _row(frame: LotFrame, name: str) -> dict[str, str | int]:
    return {
        "picture": name,
        "file": frame.path.name,
        "set": frame.set_name,
        "split": frame.split,
        "camera": frame.camera,
        "day": "" if frame.time_local is None else frame.time_local.date().isoformat(),
        "time": "" if frame.time_local is None else frame.time_local.strftime("%H:%M"),
        "occupied": int(frame.occupied.sum()),
        "free": int((frame.known & ~frame.occupied).sum()),
        "unknown": int((~frame.known).sum()),
        "vehicles": len(frame.vehicles),
    }
