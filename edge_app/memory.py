"""Memory that goes back: how glibc keeps what many threads have freed."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8
"""Of glibc's malloc.h."""
ARENAS = 2


def limit_arenas(count: int = ARENAS) -> bool:
    """Let all threads share a few heaps; call it before threads start.

    By default glibc gives each thread a heap of its own, up to eight a core, and pictures freed by
    one thread are of no use to another. With 40 cameras (`benchmarks/cameras_per_box.py`, two
    cores) two heaps took 889 MiB instead of 1,014 and grew by 20 MiB instead of 75 in the next 50
    seconds, at the same processor time.

    Returns:
        Whether it could be set; other C libraries have no such setting.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, count))
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
