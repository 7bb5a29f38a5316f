"""Memory that goes back: how glibc keeps what many threads have freed.

Images come and go between small things that stay, so the heaps grow holes: after 18 minutes with
20 cameras 446 MiB were taken from the system and 269 MiB of them in use. Holes are given back now
and then; without that the memory of a busy box creeps up for hours.
"""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8
"""Of glibc's malloc.h."""
ARENAS = 2


def limit_arenas(count: int = ARENAS) -> bool:
    """Let all threads share a few heaps; call it before threads start.

    By default glibc gives each thread its own heap, up to eight a core, and images freed by
    one thread are of no use to another. With 40 cameras (`benchmarks/cameras_per_box.py`, two
    cores) two heaps took 889 MiB instead of 1,014 and grew by 20 MiB instead of 75 in the next 50
    seconds, at the same processor time.

    Returns:
        Whether it could be set; other C libraries have no such setting.
    """
    return _call("mallopt", _M_ARENA_MAX, count)


def give_back() -> bool:
    """Give whole free pages of all heaps back to the system; takes milliseconds.

    Returns:
        Whether there were any; other C libraries than glibc have no such function.
    """
    return _call("malloc_trim", 0)


def _call(function: str, *arguments: int) -> bool:
    try:
        return bool(getattr(ctypes.CDLL(None), function)(*arguments))
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
