"""Reading and writing clips with PyAV; its errors become ours here."""

from __future__ import annotations

from collections.abc import Iterator
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
DEFAULT_RATE_HZ = Fraction(25)
MP4_OPTIONS = {"movflags": "faststart"}
"""The index comes first, so that a browser plays before it has everything."""
TIME_BASE = Fraction(1, 90_000)


class ClipReader:
    """The frames of a clip, each with its time from the beginning."""

    def __init__(self, path: Path) -> None:
        """Open a clip.

        Raises:
            CameraError: the file is missing, no video, or has no picture.
        """
        self.path = path
        try:
            self._container = av.open(str(path))
        except (FFmpegError, OSError) as exc:
            msg = f"{path}: cannot open this clip: {exc}"
            raise CameraError(msg) from exc
        if not self._container.streams.video:
            self._container.close()
            msg = f"{path}: expected a video stream, but there is none"
            raise CameraError(msg)
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"

    @property
    def image_wh(self) -> tuple[int, int]:
        """Size of the pictures, pixels."""
        return (self._stream.width, self._stream.height)

    @property
    def rate_hz(self) -> Fraction:
        """Frames per second of the clip."""
        return self._stream.average_rate or DEFAULT_RATE_HZ

    @property
    def frame_count(self) -> int | None:
        """How many frames the container says there are; None if it does not."""
        return self._stream.frames or None

    def frames(self) -> Iterator[tuple[float, ImageBgr]]:
        """Yield time (s) and picture (H, W, 3) of each frame.

        Raises:
            CameraError: the first frame cannot be decoded. A clip that breaks off later ends there.
        """
        start_s: float | None = None
        count = 0
        try:
            for frame in self._container.decode(self._stream):
                time_s = frame.time if frame.time is not None else count / float(self.rate_hz)
                start_s = time_s if start_s is None else start_s
                count += 1
                yield time_s - start_s, np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
        except (FFmpegError, OSError) as exc:
            if count == 0:
                msg = f"{self.path}: cannot decode this clip: {exc}"
                raise CameraError(msg) from exc
        if count == 0:
            msg = f"{self.path}: expected a clip, but there is no frame in it"
            raise CameraError(msg)

    def __enter__(self) -> Self:
        """Keep the clip open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the clip."""
        self._container.close()


class ClipWriter:
    """Writes pictures of one size to an MP4."""

    def __init__(self, path: Path, image_wh: tuple[int, int], rate_hz: Fraction) -> None:
        """Open a clip for pictures of `image_wh` pixels; odd sides lose their last row or column.

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
        """Add one picture; times must rise.

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
