"""What the store does about a disk that fails: continues, retries, logs occasionally."""

from __future__ import annotations

import logging
import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telemetry.clock import Clock

_log = logging.getLogger(__name__)

RETRY_PERIOD_S = 1.0
"""How often a store that cannot be written is tried again."""
COMPLAINT_PERIOD_S = 60.0
"""A disk that stays full is worth a line a minute, not one per event."""


class DiskRetry:
    """When a disk that failed is tried again.

    Args:
        path: of the store, for the log.
        clock: time.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._retry_at_s = -math.inf
        self._complaint = ""
        self._complain_at_s = 0.0

    @property
    def may_try(self) -> bool:
        """Whether it is time to try."""
        return self._clock.mono_s() >= self._retry_at_s

    def wait(self) -> None:
        """Do not try for a while."""
        self._retry_at_s = self._clock.mono_s() + RETRY_PERIOD_S

    @contextmanager
    def tolerant(self, what: str) -> Iterator[None]:
        """A disk that fails must not stop the link: it tries again on the next occasion."""
        try:
            yield
        except sqlite3.Error as exc:
            self.wait()
            now_s = self._clock.mono_s()
            complaint = f"cannot {what} now: {exc}"
            if complaint != self._complaint or now_s >= self._complain_at_s:
                self._complaint, self._complain_at_s = complaint, now_s + COMPLAINT_PERIOD_S
                _log.error("%s: %s", self._path, complaint)
