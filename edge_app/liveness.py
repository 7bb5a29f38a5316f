"""The mark that tells after a restart how long the box was down."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from telemetry import Clock

_log = logging.getLogger(__name__)

ALIVE_FILE = "alive"
_EVERY_S = 10.0


class LivenessFile:
    """A file whose time says when the service was last alive.

    Only its time changes, so it wears no flash; and it is wall time, since no other clock outlives
    a reboot.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._touched_s: float | None = None

    def age_s(self) -> float | None:
        """Seconds since the last mark; None when there is none. Negative if the clock went back."""
        try:
            return self._clock.utc().timestamp() - self._path.stat().st_mtime
        except OSError:
            return None

    def is_younger_than(self, limit_s: float) -> bool:
        """Whether the last mark is so young that what was known then still holds."""
        age_s = self.age_s()
        return age_s is not None and 0 <= age_s <= limit_s

    def touch(self) -> None:
        """Mark."""
        now = self._clock.utc().timestamp()
        try:
            self._path.touch()
            os.utime(self._path, (now, now))
        except OSError as exc:  # a full disk: only effect: bays restart as unknown
            _log.debug("no liveness signal: %s", exc)
        self._touched_s = self._clock.mono_s()

    def touch_if_due(self) -> None:
        """Mark, if the last one is some time ago."""
        if self._touched_s is None or self._clock.mono_s() - self._touched_s >= _EVERY_S:
            self.touch()
