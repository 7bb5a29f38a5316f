"""What has to be looked at occasionally while a service runs: the thread that does it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from telemetry import Clock

_log = logging.getLogger(__name__)

PERIOD_S = 1.0
Chore = Callable[[], object]


class Maintenance:
    """The thread that does small chores, one after the other, about once a second.

    Args:
        chores: each returns within milliseconds, does nothing unless it is due, and comes in turn
            even if one before it failed.
        period_s: between two rounds.
    """

    def __init__(self, chores: Sequence[Chore], period_s: float = PERIOD_S) -> None:
        self._chores = tuple(chores)
        self._period_s = period_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="maintenance", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def look(self) -> None:
        """Do every chore once."""
        for chore in self._chores:
            try:
                chore()
            except Exception:  # maintenance must outlive its own faults
                _log.exception("maintenance: unexpected fault")

    def _run(self) -> None:
        while not self._stop.wait(self._period_s):
            self.look()


def every(period_s: float, work: Chore, clock: Clock) -> Chore:
    """The chore that does `work` once in `period_s` seconds, for the first time after one."""
    due_s = clock.mono_s() + period_s

    def chore() -> None:
        nonlocal due_s
        now_s = clock.mono_s()
        if now_s >= due_s:
            due_s = now_s + period_s
            work()

    return chore
