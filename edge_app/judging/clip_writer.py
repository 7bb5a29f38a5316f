"""Writing clips with PyAV; its errors become ours here."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

import av
import numpy as np
from av.error import FFmpegError

from telemetry import CameraError
from vision import ImageBgr

if TYPE_CHECKING:
    from av.video.stream import VideoStream

CODECS = ("libx264", "mpeg4")
"""The first that this build of FFmpeg has: every browser plays H.264, every player MPEG-4."""
MP4_OPTIONS = {"movflags": "faststart"}
"""The index comes first, so that a browser plays before it has everything."""
TIME_BASE = Fraction(1, 90_000)


class ClipWriter:
    """Writes images of one size to an MP4."""

    def __init__(self, path: Path, image_wh: tuple[int, int], rate_hz: Fraction) -> None:
        """Open a clip for images of `image_wh` pixels; odd sides lose their last row or column.

        Raises:
            CameraError: the file cannot be written.
        """
        self.path = path
        # H.264 halves the colour planes, so it takes even sides only.
        self._wh = (image_wh[0] // 2 * 2, image_wh[1] // 2 * 2)
        codec = next(name for name in CODECS if name in av.codecs_available)
        try:
            self._container = av.open(str(path), "w", format="mp4", options=MP4_OPTIONS)
        except (FFmpegError, OSError) as exc:
            msg = f"{path}: cannot write this clip: {exc}"
            raise CameraError(msg) from exc
        options = {"crf": "20", "preset": "veryfast"} if codec == "libx264" else {"qscale": "3"}
        stream = self._container.add_stream(codec, rate=rate_hz, options=options)
        self._stream = cast("VideoStream", stream)
        self._stream.width, self._stream.height = self._wh
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = TIME_BASE

    def write(self, time_s: float, image_bgr: ImageBgr) -> None:
        """Add one image; times must rise.

        Raises:
            CameraError: it cannot be encoded or the disk is full.
        """
        width, height = self._wh
        picture = np.ascontiguousarray(image_bgr[:height, :width])
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts, frame.time_base = round(time_s / TIME_BASE), TIME_BASE
        self._mux(frame)

    def __enter__(self) -> Self:
        """Keep the clip open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is still in the encoder, and close."""
        try:
            if kind is None:
                self._mux(None)
            self._container.close()
        except (FFmpegError, OSError) as exc:
            if kind is None:
                msg = f"{self.path}: cannot write this clip: {exc}"
                raise CameraError(msg) from exc

    def _mux(self, frame: av.VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except (FFmpegError, OSError) as exc:
            msg = f"{self.path}: cannot write this clip: {exc}"
            raise CameraError(msg) from exc
