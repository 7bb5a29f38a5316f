"""The limit of heaps is set where there is glibc, and holes in the heaps go back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from edge_app.memory import limit_arenas

HAS_GLIBC = platform.libc_ver()[0] == "glibc"

# In a process of its own: another test's holes would count. Every second of many blocks below the
# size that is mapped apart is freed, so that the heap's end stays taken.
HOLES = """
import ctypes, psutil
from edge_app.memory import give_back
process, libc = psutil.Process(), ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
blocks = [libc.malloc(100_000) for _ in range(2_000)]
for each in blocks:
    ctypes.memset(ctypes.c_void_p(each), 1, 100_000)
for each in blocks[::2]:
    libc.free(each)
before = process.memory_info().rss
print(give_back(), before - process.memory_info().rss)
"""


def test_heaps_are_limited_where_the_c_library_can() -> None:
    assert limit_arenas() is HAS_GLIBC


@pytest.mark.skipif(not HAS_GLIBC, reason="glibc alone has malloc_trim")
def test_holes_go_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOLES], capture_output=True, text=True, check=True, timeout=60
    )
    had_some, bytes_back = done.stdout.split()
    assert had_some == "True"
    assert int(bytes_back) > 80_000_000, "a hundred megabytes lay in holes"
