"""Reading clips: every frame that is whole, upright, with its time."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from telemetry.errors import CameraError
from vision.types import ImageBgr
from vision.video_frame import frame_to_bgr, pixel_aspect

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

DEFAULT_RATE_HZ = Fraction(25)
_STRICT = {"err_detect": "explode"}
"""Stop at errors instead of guessing what the image showed."""


class ClipReader:
    """The frames of a clip, each with its time from the beginning.

    A frame that is damaged is skipped, and so are those after it up to the next key frame, which
    build on it. Turned and mirrored clips come upright, and pixels that are not square are made so.
    """

    def __init__(self, path: Path) -> None:
        """Open a clip.

        Raises:
            CameraError: the file is missing, no video, or has no image.
        """
        import av  # slow to import, and few commands read clips

        self.path = path
        self.broken = 0
        self.fault = ""
        self._errors = (av.FFmpegError, OSError, ValueError)
        try:
            self._container = av.open(str(path))
        except self._errors as exc:
            msg = f"{path}: cannot open this clip: {_reason(exc)}"
            raise CameraError(msg) from exc
        if not self._container.streams.video:
            self._container.close()
            msg = f"{path}: expected a video stream, but there is none"
            raise CameraError(msg)
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.options = dict(_STRICT)
        self._start_s = 0.0
        self._first = self._read_first()

    @property
    def image_wh(self) -> tuple[int, int]:
        """Size of the images, pixels."""
        image = self._first[1]
        return (image.shape[1], image.shape[0])

    @property
    def rate_hz(self) -> Fraction:
        """Frames per second of the clip."""
        return self._stream.average_rate or DEFAULT_RATE_HZ

    @property
    def frame_count(self) -> int | None:
        """How many frames the container says there are; None if it does not."""
        return self._stream.frames or None

    @property
    def duration_s(self) -> float:
        """Time of the last frame, seconds, as the container tells."""
        if self.frame_count:
            return (self.frame_count - 1) / float(self.rate_hz)
        return (self._container.duration or 0) / 1_000_000  # libav's own unit, microseconds

    def frames(self) -> Iterator[tuple[float, ImageBgr]]:
        """Yield time (s) and image (H, W, 3) of each frame; once.

        A clip that breaks off ends there; `broken` and `fault` report what was skipped.
        """
        yield self._first
        for frame in self._rest:
            yield self._time_s(frame), self._picture(frame)

    def frame_at(self, time_s: float) -> ImageBgr:
        """The frame shown at `time_s` seconds from the beginning; the nearest there is before it.

        Not to be mixed with `frames`.

        Raises:
            CameraError: it cannot be decoded.
        """
        half_s = 0.5 / float(self.rate_hz)
        found = None
        for start_s in (time_s, 0.0):  # from the key frame before; else from the beginning
            time_base = self._stream.time_base or Fraction(1, 1000)
            try:
                self._container.seek(
                    int((start_s + self._start_s) / time_base), stream=self._stream
                )
            except self._errors as exc:
                msg = f"{self.path}: cannot seek to {time_s:.2f} s in this clip: {_reason(exc)}"
                raise CameraError(msg) from exc
            for frame in self._decode():
                if found is not None and self._time_s(frame) > time_s + half_s:
                    break
                found = frame
            if found is not None:
                return self._picture(found)
        msg = f"{self.path}: expected a frame at {time_s:.2f} s, but got none{self._why()}"
        raise CameraError(msg)

    def close(self) -> None:
        """Close the clip."""
        self._container.close()

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
        self.close()

    def _read_first(self) -> tuple[float, ImageBgr]:
        self._rest = self._decode()
        first = next(self._rest, None)
        if first is None:
            self._container.close()
            msg = f"{self.path}: expected a clip, but it contains no complete frame{self._why()}"
            raise CameraError(msg)
        self._start_s = first.time or 0.0
        self._count = 0
        return 0.0, self._picture(first)

    def _why(self) -> str:
        return f": {self.fault}" if self.fault else ""

    def _time_s(self, frame: VideoFrame) -> float:
        if frame.time is not None:
            return frame.time - self._start_s
        self._count += 1
        return self._count / float(self.rate_hz)

    def _picture(self, frame: VideoFrame) -> ImageBgr:
        return frame_to_bgr(frame, pixel_aspect(self._stream))

    def _decode(self) -> Iterator[VideoFrame]:
        """The frames that are whole, from where the container stands."""
        is_chained = True
        for frame in self._decode_all():
            if frame is None or frame.is_corrupt:
                is_chained = False
            elif frame.key_frame:
                is_chained = True
            if frame is not None and is_chained:
                yield frame
            else:
                self.broken += 1

    def _decode_all(self) -> Iterator[VideoFrame | None]:
        """Every frame; None for one that cannot be decoded."""
        import av

        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except self._errors as exc:
                self.fault = f"it is truncated: {_reason(exc)}"
                return
            if packet is None:
                return
            try:
                yield from packet.decode()
            except av.error.EOFError:
                return
            except self._errors as exc:
                self.fault = _reason(exc)
                yield None


def _reason(exc: Exception) -> str:
    return getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
