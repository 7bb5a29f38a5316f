"""How one camera does, in words and figures; its pipeline keeps them."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from edge_app.broken_frames import BrokenFrames
from edge_app.live_state import CameraCondition, CameraStatus
from edge_app.redaction import mask_secrets
from edge_app.sources import FeedStatus
from telemetry import Clock
from vision.types import Frame

_FPS_WINDOW_S = 30.0
_LATENCIES_KEPT = 256


class CameraStats:
    """One camera's status. Not thread-safe.

    Args:
        clock: time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.status = CameraStatus()
        """The present one."""
        self._started_s = clock.mono_s()
        self._broken = BrokenFrames()
        self._superseded = self._dropped = 0
        self._passed_at_s: deque[float] = deque()
        self._latencies_s: deque[float] = deque(maxlen=_LATENCIES_KEPT)

    def set(
        self, condition: CameraCondition, detail: str, *, shift_px: float | None = None
    ) -> None:
        """Say how it does."""
        detail = mask_secrets(detail)
        self.status = replace(self.status, condition=condition, detail=detail, shift_px=shift_px)

    def is_told(self, condition: CameraCondition, detail: str) -> bool:
        """Whether just that was said last."""
        return (condition, detail) == (self.status.condition, self.status.detail)

    def take(self, feed: FeedStatus) -> None:
        """Take over what the feed counted."""
        self._dropped = feed.dropped
        self.status = replace(
            self.status,
            frames=feed.frames,
            dropped=self._dropped + self._superseded,
            restarts=feed.restarts,
            broken=feed.broken,
        )
        self._broken.count(feed.broken, self._clock.mono_s())

    def broken_detail(self) -> str:
        """Text about incomplete frames; empty if there are none."""
        return self._broken.detail(self._clock.mono_s())

    def silent_s(self, feed: FeedStatus) -> float:
        """How long the camera has given nothing that can be used, waiting for this box aside."""
        last_s = self._started_s if feed.last_frame_s is None else feed.last_frame_s
        return self._clock.mono_s() - last_s - feed.starved_s

    def gated(self) -> None:
        """Count a frame that needed no pass."""
        self.status = replace(self.status, gated=self.status.gated + 1)

    def superseded(self) -> None:
        """Count a frame that a newer one replaced while it waited for its pass."""
        self._superseded += 1
        self.status = replace(self.status, dropped=self._dropped + self._superseded)

    def shown(self, frame: Frame) -> None:
        """Note the frame that is shown."""
        self.status = replace(self.status, last_frame_utc=frame.captured_utc)

    def passed(self, begin_s: float) -> None:
        """Count a pass that began at `begin_s` and ends now."""
        now_s = self._clock.mono_s()
        times = self._passed_at_s
        times.append(now_s)
        while now_s - times[0] > _FPS_WINDOW_S:
            times.popleft()
        watched_s = min(now_s - self._started_s, _FPS_WINDOW_S)
        self.status = replace(
            self.status,
            judged=self.status.judged + 1,
            fps=round(len(times) / watched_s, 3) if watched_s > 0 else 0.0,
            infer_ms=round((now_s - begin_s) * 1000, 1),
        )

    def decided(self, frame: Frame) -> None:
        """Note that the states that follow from `frame` are recorded."""
        self._latencies_s.append(self._clock.mono_s() - frame.captured_mono_s)

    def latency_p95_ms(self) -> float | None:
        """From a frame's arrival to its states in the store, over the last frames."""
        latencies_s = tuple(self._latencies_s)  # read from other threads
        return float(np.percentile(latencies_s, 95)) * 1000 if latencies_s else None
