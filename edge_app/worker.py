"""A thread for what takes long."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Worker:
    """One thread that does one thing after another, away from the one that asks.

    It starts with the first piece of work and ends when there was none for a while, so an idle box
    has no idle thread.
    """

    IDLE_S = 5.0

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._runs = False

    def do(self, work: Callable[[], None]) -> None:
        """Do this after all that was asked before; it must catch its own errors."""
        with self._lock:
            self._work.put(work)
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                work = self._work.get(timeout=self.IDLE_S)
            except queue.Empty:
                with self._lock:
                    if self._work.empty():
                        self._runs = False
                        return
                continue
            try:
                work()
            except Exception:
                _log.exception("%s: unexpected failure", self._name)
