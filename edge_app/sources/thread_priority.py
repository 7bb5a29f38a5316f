"""Threads that must not keep the judge waiting."""

from __future__ import annotations

import logging
import os
import sys
import threading

_log = logging.getLogger(__name__)

# A step of one is about a fifth more or less of a contested core: against five, a thread that is
# not nice gets three times as much.
NICENESS = 5


def step_back() -> None:
    """Let the present thread yield to others of this process when cores are short.

    Linux alone has a niceness for each thread; elsewhere nothing happens.
    """
    if sys.platform != "linux":
        return
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    except OSError as exc:  # a sandbox may forbid it, or the whole process is nicer already
        _log.debug(
            "cannot lower the priority of thread %s: %s", threading.current_thread().name, exc
        )
