"""Key frames: how often they come, how far behind they are read, decoding one by itself."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from telemetry import Clock
from vision.types import ImageBgr
from vision.video_frame import frame_to_bgr, pixel_aspect

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


class KeyFrameMeter:
    """How often key frames come, from the packets' own times."""

    def __init__(self, window: int = 3) -> None:
        self._gaps_s: deque[float] = deque(maxlen=window)
        self._last_key_s: float | None = None
        self._since_key_s = 0.0

    def saw(self, time_s: float | None, is_key: bool) -> None:
        """Count one packet; `time_s` is its time in the stream."""
        if time_s is None:
            return
        if self._last_key_s is not None:
            self._since_key_s = time_s - self._last_key_s
        if not is_key:
            return
        if self._last_key_s is not None and self._since_key_s > 0:
            self._gaps_s.append(self._since_key_s)
        self._last_key_s = time_s
        self._since_key_s = 0.0

    def forget_position(self) -> None:
        """The stream jumped: times before and after do not compare, but the habit stays."""
        self._last_key_s = None
        self._since_key_s = 0.0

    def every_s(self) -> float:
        """Longest recent time between two key frames; infinite while not known."""
        if not self._gaps_s:
            return float("inf")
        return max(*self._gaps_s, self._since_key_s)


class LagMeter:
    """How far behind the camera its stream is read, from the packets' own times.

    What was least behind since the start counts as not behind at all.
    """

    def __init__(self) -> None:
        self._ahead_s: float | None = None

    def lag_s(self, time_s: float | None, now_s: float) -> float:
        """Count one packet of the stream's time `time_s`, read at `now_s`; seconds."""
        if time_s is None:
            return 0.0
        offset_s = now_s - time_s
        if self._ahead_s is None or offset_s < self._ahead_s:
            self._ahead_s = offset_s
        return offset_s - self._ahead_s

    def reset(self) -> None:
        """The next packet is not behind: the backlog was thrown away, or the stream jumped.

        It also keeps a camera's clock that is slow from looking like a growing backlog forever.
        """
        self._ahead_s = None


class KeyFrameDecoder:
    """Decodes key frames of one opened stream, one at a time; safe between threads.

    Args:
        clock: time.
        max_width_px: wider images are scaled down while they are converted.
    """

    def __init__(self, clock: Clock, max_width_px: int) -> None:
        self._clock = clock
        self._max_width_px = max_width_px
        self._lock = threading.Lock()
        self._is_closed = False
        self._bad_since_s: float | None = None

    def decode(self, packet: Packet[VideoStream]) -> ImageBgr | None:
        """The image in a key frame's packet; None when it is broken or the stream was closed."""
        import av

        with self._lock:
            if self._is_closed:
                return None
            context = packet.stream.codec_context
            frames: list[VideoFrame] = []
            try:
                # Draining at once gives the key frame out now; else a decoder with reordering
                # keeps it back until the next one.
                frames = [*packet.decode(), *context.decode(None)]
            except (av.FFmpegError, OSError, ValueError):
                frames = []  # one broken frame is a glitch; `bad_for_s` catches more
            finally:
                context.flush_buffers()
            good = [frame for frame in frames if not frame.is_corrupt]
            if not good:
                if self._bad_since_s is None:
                    self._bad_since_s = self._clock.mono_s()
                return None
            self._bad_since_s = None
            return frame_to_bgr(good[-1], pixel_aspect(packet.stream), self._max_width_px)

    def bad_for_s(self) -> float:
        """For how long nothing could be decoded of what was tried, seconds."""
        since_s = self._bad_since_s
        return 0.0 if since_s is None else self._clock.mono_s() - since_s

    def close(self) -> None:
        """Wait for the image in hand; none is decoded after it."""
        with self._lock:
            self._is_closed = True
