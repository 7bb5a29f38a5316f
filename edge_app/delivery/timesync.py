"""State of the box's clock."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import time
import uuid
from functools import cache
from pathlib import Path

from telemetry.messages import ClockStamp

_BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR = 5  # ntp_gettime(3): the clock is not synchronised
_NTPTIMEVAL_BYTES = 128  # struct ntptimeval is 72 bytes with 64-bit glibc; the rest is slack


@cache
def boot_id() -> str:
    """The kernel's id of this boot; where there is none, one of this process."""
    try:
        return _BOOT_ID_FILE.read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid.uuid4())


def clock_synced() -> bool | None:
    """Whether the kernel calls the wall clock synchronised; None where it cannot be asked."""
    gettime = getattr(_libc(), "ntp_gettime", None)
    if gettime is None:
        return None
    state = gettime(ctypes.create_string_buffer(_NTPTIMEVAL_BYTES))
    return None if state < 0 else state != _TIME_ERROR


def clock_stamp() -> ClockStamp:
    """The stamp that an event carries."""
    since_boot_s = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    return ClockStamp(synced=clock_synced(), mono_ms=int(since_boot_s * 1000), boot_id=boot_id())


@cache
def _libc() -> ctypes.CDLL | None:
    if os.name != "posix":
        return None
    try:
        return ctypes.CDLL(ctypes.util.find_library("c"))
    except OSError:
        return None
