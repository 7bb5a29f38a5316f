"""What the editor draws on: an image, a clip with a slider, or a camera that is running."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from calibration.clips import ClipReader
from telemetry.errors import CameraError
from vision.image_file import decode_image
from vision.types import ImageBgr


def wh_of(image_bgr: ImageBgr) -> tuple[int, int]:
    """Width and height of an image, shape (H, W, 3)."""
    height, width = image_bgr.shape[:2]
    return width, height


class PictureSource(Protocol):
    """Images of one camera; called from several threads."""

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

    def image_wh(self) -> tuple[int, int]:
        """Width and height of the images.

        Raises:
            CameraError: it is not known yet.
        """
        ...

    def picture(self, time_s: float) -> ImageBgr:
        """An image, shape (H, W, 3); `time_s` is a place in a clip and else ignored.

        Raises:
            CameraError: there is none.
        """
        ...


class StillPicture:
    """An image from a file."""

    live = False
    duration_s = None

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            CameraError: it is no image.
        """
        self.name = str(path)
        try:
            self._image_bgr = decode_image(path.read_bytes(), self.name)
        except OSError as exc:
            msg = f"{path}: cannot read the image: {exc.strerror}"
            raise CameraError(msg) from exc

    def image_wh(self) -> tuple[int, int]:
        """Width and height of the image."""
        return wh_of(self._image_bgr)

    def picture(self, time_s: float) -> ImageBgr:
        """The image."""
        return self._image_bgr


class ClipPictures:
    """A video file; any position in it can be requested."""

    live = False

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            CameraError: it cannot be opened, or has no images.
        """
        self.name = str(path)
        self._lock = threading.Lock()
        self._clip = ClipReader(path)
        self.duration_s: float | None = round(self._clip.duration_s, 2)
        self._latest: tuple[int, ImageBgr] = (0, self._clip.frame_at(0.0))
        self._image_wh = wh_of(self._latest[1])

    def image_wh(self) -> tuple[int, int]:
        """Width and height of the frames."""
        return self._image_wh

    def picture(self, time_s: float) -> ImageBgr:
        """The frame shown at `time_s` seconds from the start; the nearest there is.

        Raises:
            CameraError: it cannot be decoded.
        """
        time_s = min(max(time_s, 0.0), self.duration_s or 0.0)
        number = round(time_s * self._clip.rate_hz)
        with self._lock:
            if self._latest[0] != number:
                self._latest = (number, self._clip.frame_at(time_s))
            return self._latest[1]


class LivePictures:
    """Whatever a function gives: the newest image of a running camera."""

    live = True
    duration_s = None

    def __init__(self, name: str, newest: Callable[[], ImageBgr | None]) -> None:
        """Ask nothing yet.

        Args:
            name: for people.
            newest: gives the newest image, None before the first.
        """
        self.name = name
        self._newest = newest

    def image_wh(self) -> tuple[int, int]:
        """Width and height of the newest image.

        Raises:
            CameraError: there was none yet.
        """
        return wh_of(self.picture(0.0))

    def picture(self, time_s: float) -> ImageBgr:
        """The newest image.

        Raises:
            CameraError: there was none yet.
        """
        image = self._newest()
        if image is None:
            msg = f"{self.name}: expected an image, but got none yet: is the camera running?"
            raise CameraError(msg)
        return image
