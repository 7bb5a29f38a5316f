"""USB cameras through Video4Linux (OpenCV)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge_app.sources.base import Grab
from telemetry import CameraError, Clock
from vision.image_file import decode_image
from vision.types import ImageBgr

_MJPG = cv2.VideoWriter.fourcc(*"MJPG")


def as_picture(taken: ImageBgr, name: str) -> ImageBgr:
    """What OpenCV took from a device: an image, or the bytes of a JPEG, which must be whole.

    Raises:
        CameraError: it is not whole.
    """
    if taken.ndim == 3 and taken.shape[2] == 3:  # noqa: PLR2004 - height, width, colours
        return taken
    return decode_image(taken.tobytes(), name)


class UsbSource:
    """A camera under `/dev/video*`.

    Args:
        device: number, or path of the device.
        interval_s: wanted time between images; others are grabbed and not decoded.
        frame_timeout_s: longest wait for an image, seconds.
        clock: tells when an image is due.
    """

    def __init__(
        self, device: int | str, interval_s: float, frame_timeout_s: float, clock: Clock
    ) -> None:
        self._device = device
        self._path = Path(f"/dev/video{device}") if isinstance(device, int) else Path(device)
        self._interval_s = interval_s
        self._frame_timeout_s = frame_timeout_s
        self._clock = clock
        self._capture: cv2.VideoCapture | None = None
        self._next_due_s = 0.0

    @property
    def self_paced(self) -> bool:
        """The driver's buffers fill at the camera's speed."""
        return True

    def open(self) -> None:
        """Take the device.

        Raises:
            CameraError: there is none, or it is taken.
        """
        self.close()
        if not self._path.exists():
            msg = f"camera source {self._path}: expected a video device, but there is none"
            raise CameraError(msg)
        capture = cv2.VideoCapture()
        try:
            opened = capture.open(self._device, cv2.CAP_V4L2)
        except cv2.error as exc:
            msg = f"camera source {self._path}: cannot open: {exc.err}"
            raise CameraError(msg) from exc
        if not opened:
            capture.release()
            msg = f"camera source {self._path}: cannot open: in use, or not readable?"
            raise CameraError(msg)
        # MJPEG is what most cameras need for full size over USB 2; those without it ignore this.
        capture.set(cv2.CAP_PROP_FOURCC, _MJPG)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        # OpenCV would fill what is missing of a JPEG with grey, so it is requested undecoded.
        if int(capture.get(cv2.CAP_PROP_FOURCC)) == _MJPG:
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        self._capture = capture

    def read(self) -> Grab:
        """The next image that is due.

        Raises:
            CameraError: the device stopped to deliver, or the image is not whole.
        """
        if self._capture is None:
            msg = f"camera source {self._path}: read before open"
            raise CameraError(msg)
        begin_s = self._clock.mono_s()
        frames = 0
        while True:
            frames += 1
            if not self._capture.grab():
                msg = f"camera source {self._path} stopped: no more frames from the device"
                raise CameraError(msg)
            now_s = self._clock.mono_s()
            if now_s >= self._next_due_s:
                break
            if now_s - begin_s > self._frame_timeout_s + self._interval_s:
                msg = f"camera source {self._path}: no frame within {self._frame_timeout_s:g} s"
                raise CameraError(msg)
        good, image = self._capture.retrieve()
        if not good:
            msg = f"camera source {self._path}: cannot decode the frame"
            raise CameraError(msg)
        self._next_due_s = max(self._next_due_s, now_s - self._interval_s) + self._interval_s
        return Grab(as_picture(np.asarray(image, np.uint8), f"camera source {self._path}"), frames)

    def close(self) -> None:
        """Give the device back."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()
