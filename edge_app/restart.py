"""A service that restarts itself: the process stays, its program begins anew."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable

from edge_app.launcher import ENVIRONMENT
from telemetry import ConfigError

_log = logging.getLogger(__name__)

DELAY_S = 2.0
"""Answers to whoever asked for it go out first."""


class Restart:
    """Asks the service to stop and, once it has, to begin anew; from any thread."""

    def __init__(self) -> None:
        self._stop: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self.is_wanted = False

    def stop_by(self, stop: Callable[[], None]) -> None:
        """Say how the service is stopped; without it nothing can be restarted."""
        self._stop = stop

    def ask(self, why: str, delay_s: float = DELAY_S) -> None:
        """Restart soon; asked twice, once.

        Raises:
            ConfigError: whoever runs this service did not say how to stop it.
        """
        if self._stop is None:
            msg = "this service cannot restart itself: expected `lotsight run`"
            raise ConfigError(msg)
        with self._lock:
            if self.is_wanted:
                return
            self.is_wanted = True
        _log.warning("restart in %.0f s: %s", delay_s, why)
        timer = threading.Timer(delay_s, self._stop)
        timer.daemon = True
        timer.start()


def begin_anew() -> None:
    """Replace this process by a new one with the same command line, id and parent.

    No supervisor is needed, and one that watches the process sees it go on. Where a launcher chose
    this software, it chooses again.
    """
    logging.shutdown()
    if (launcher := os.environ.get(ENVIRONMENT)) is not None:
        again: list[str] = json.loads(launcher)["argv"]
        os.execv(again[0], again)  # noqa: S606  # nosec B606 - our own
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # nosec B606 - our own
