"""Images for the page: crops and thumbnails, cut once and kept as JPEG."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from datasets.crops import cut, window_of
from datasets.errors import DatasetError
from datasets.frames import read_picture
from datasets.labelling.queue import Queue, QueuedFrame, QueueItem, picture_path
from vision.geometry import to_pixels
from vision.types import Floats, ImageBgr, as_floats

CROP_SIDES_PX = (320, 720)
"""Of a crop among many, and of one alone; no other is made, so the cache stays small."""
FRAME_SIDE_PX = 720
_QUALITY = 88
_FRAMES_KEPT = 4
_PICTURES_KEPT = 1500
"""Some 25 kB each: two thousand questions' crops stay below 50 MB."""


class Pictures:
    """Cuts the images of a queue; called from several threads."""

    def __init__(self, folder: Path, queue: Queue) -> None:
        """Serve the queue that lies in `folder`."""
        self._folder = folder
        self._queue = queue
        self._lock = threading.Lock()
        self._frames: OrderedDict[int, ImageBgr] = OrderedDict()
        self._jpegs: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()

    def crop(self, item: QueueItem, side_px: int) -> bytes:
        """A bay with its surroundings, as JPEG.

        Raises:
            DatasetError: the image is gone, or no such side is made.
        """
        if side_px not in CROP_SIDES_PX:
            msg = f"side: expected one of {CROP_SIDES_PX}, but got {side_px}"
            raise DatasetError(msg)
        frame = self._queue.frames[item.frame]
        window = window_of(polygons_px(frame)[item.bay], frame.image_wh)
        return self._kept(
            (self._queue.id_of(item), item.bay, side_px),
            lambda: cut(self._frame(item.frame), window, side_px),
        )

    def frame(self, number: int) -> bytes:
        """A whole image, small, as JPEG.

        Raises:
            DatasetError: the image is gone.
        """
        return self._kept(("frame", number, FRAME_SIDE_PX), lambda: self._thumbnail(number))

    def _thumbnail(self, number: int) -> ImageBgr:
        image = self._frame(number)
        share = min(1.0, FRAME_SIDE_PX / max(image.shape[:2]))
        small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8)

    def _kept(self, key: tuple[str, int, int], make: Callable[[], ImageBgr]) -> bytes:
        # One at a time: twenty crops of one image are requested together, and decoding it once
        # is what costs.
        with self._lock:
            found = self._jpegs.get(key)
            if found is None:
                found = _jpeg(make())
                self._jpegs[key] = found
                while len(self._jpegs) > _PICTURES_KEPT:
                    self._jpegs.popitem(last=False)
            else:
                self._jpegs.move_to_end(key)
            return found

    def _frame(self, number: int) -> ImageBgr:
        image = self._frames.get(number)
        if image is None:
            frame = self._queue.frames[number]
            path = picture_path(self._folder, frame)
            image = read_picture(path)
            if (image.shape[1], image.shape[0]) != frame.image_wh:
                got = f"{image.shape[1]} x {image.shape[0]}"
                msg = f"{path}: expected {frame.image_wh[0]} x {frame.image_wh[1]} px, but got "
                raise DatasetError(msg + got)
            self._frames[number] = image
            while len(self._frames) > _FRAMES_KEPT:
                self._frames.popitem(last=False)
        else:
            self._frames.move_to_end(number)
        return image


def polygons_px(frame: QueuedFrame) -> list[Floats]:
    """Outlines of a frame's bays, pixels."""
    return [to_pixels(as_floats(bay.polygon), frame.image_wh) for bay in frame.bays]


def _jpeg(image: ImageBgr) -> bytes:
    good, buffer = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not good:
        msg = f"expected an image that can be encoded, but got one of shape {image.shape}"
        raise DatasetError(msg)
    return buffer.tobytes()
