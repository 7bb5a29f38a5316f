"""Changes that wait in memory while the disk cannot be written."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from edge_app.delivery.entries import Entry


class ChangeBuffer:
    """Keeps the newest `limit` changes; older ones are dropped and counted.

    The dropped ones come before the kept ones in the stream: a gap event names their numbers.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: deque[Entry] = deque()
        self.dropped = 0

    def __len__(self) -> int:
        """How many changes wait."""
        return len(self._entries)

    @property
    def is_half_full(self) -> bool:
        """Whether it is time to give up older events for these."""
        return 2 * len(self._entries) >= self._limit

    def add(self, entries: Sequence[Entry]) -> None:
        """Take changes in."""
        self._entries.extend(entries)
        while len(self._entries) > self._limit:
            self._entries.popleft()
            self.dropped += 1

    def entries(self) -> Sequence[Entry]:
        """What waits, oldest first."""
        return tuple(self._entries)

    def clear(self) -> None:
        """All of it is written."""
        self._entries.clear()
        self.dropped = 0
