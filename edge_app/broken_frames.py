"""What a camera's condition says of images that did not arrive whole."""

from __future__ import annotations

from collections import deque

_WINDOW_S = 60.0


class BrokenFrames:
    """Counts broken images over the last minute; one camera's."""

    def __init__(self) -> None:
        self._total = 0
        self._seen: deque[tuple[float, int]] = deque()

    def count(self, total: int, now_s: float) -> None:
        """Take the camera's count since its start."""
        if total > self._total:
            self._seen.append((now_s, total - self._total))
        self._total = total

    def detail(self, now_s: float) -> str:
        """Text of the alarm, in one sentence; empty if there is none."""
        while self._seen and now_s - self._seen[0][0] > _WINDOW_S:
            self._seen.popleft()
        count = sum(more for _, more in self._seen)
        if count == 0:
            return ""
        pictures = "1 frame was" if count == 1 else f"{count} frames were"
        return (
            f"{pictures} incomplete in the last minute and discarded: packets are lost in "
            "transit, or the camera sends damaged data"
        )
