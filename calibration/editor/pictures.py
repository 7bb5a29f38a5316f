"""What the editor draws on: a picture, a clip with a slider, or a camera that is running."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import cv2

from telemetry.errors import CameraError
from vision.types import ImageBgr


class PictureSource(Protocol):
    """Pictures of one camera; called from several threads."""

    @property
    def name(self) -> str:
        """What people call it; holds no password."""
        ...

    @property
    def live(self) -> bool:
        """Whether `picture` gives what the camera sees now, so that asking again is worth it."""
        ...

    @property
    def duration_s(self) -> float | None:
        """Length of a clip; None where there is nothing to slide over."""
        ...

    def picture(self, time_s: float) -> ImageBgr:
        """A picture, shape (H, W, 3); `time_s` is a place in a clip and else ignored.

        Raises:
            CameraError: there is none.
        """
        ...


class StillPicture:
    """A picture from a file."""

    live = False
    duration_s = None

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            CameraError: it is no picture.
        """
        self.name = str(path)
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            msg = f"{path}: expected a picture, but got a file that cannot be decoded as one"
            raise CameraError(msg)
        self._image_bgr = cast(ImageBgr, image)

    def picture(self, time_s: float) -> ImageBgr:
        """The picture."""
        return self._image_bgr


class ClipPictures:
    """A video file; any place in it can be asked for."""

    live = False

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            CameraError: it cannot be opened, or has no pictures.
        """
        self.name = str(path)
        self._lock = threading.Lock()
        self._capture = cv2.VideoCapture(str(path))
        self._fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._frames = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if not self._capture.isOpened() or self._frames < 1 or not self._fps > 0:
            msg = f"{path}: expected a video, but got a file without pictures that can be decoded"
            raise CameraError(msg)
        self.duration_s: float | None = round((self._frames - 1) / self._fps, 2)
        self._latest: tuple[int, ImageBgr] = (0, self._decode(0))

    def picture(self, time_s: float) -> ImageBgr:
        """The frame shown at `time_s` seconds from the start; the nearest there is.

        Raises:
            CameraError: it cannot be decoded.
        """
        wanted = min(max(round(time_s * self._fps), 0), self._frames - 1)
        with self._lock:
            if self._latest[0] != wanted:
                self._latest = (wanted, self._decode(wanted))
            return self._latest[1]

    def _decode(self, frame: int) -> ImageBgr:
        # The count in the header is an estimate: the last frames it promises may not be there.
        for number in range(frame, max(frame - 10, -1), -1):
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, number)
            good, image = self._capture.read()
            if good:
                return cast(ImageBgr, image)
        msg = f"{self.name}: expected a picture at frame {frame}, but got none"
        raise CameraError(msg)


class LivePictures:
    """Whatever a function gives: the newest picture of a running camera."""

    live = True
    duration_s = None

    def __init__(self, name: str, newest: Callable[[], ImageBgr | None]) -> None:
        """Ask nothing yet.

        Args:
            name: for people.
            newest: gives the newest picture, None before the first.
        """
        self.name = name
        self._newest = newest

    def picture(self, time_s: float) -> ImageBgr:
        """The newest picture.

        Raises:
            CameraError: there was none yet.
        """
        image = self._newest()
        if image is None:
            msg = f"{self.name}: expected a picture, but got none yet: is the camera running?"
            raise CameraError(msg)
        return image
