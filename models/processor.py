"""What this machine's processor can do for an 8-bit network."""

from __future__ import annotations

import functools
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
BYTE_PRODUCTS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"})
"""x86 VNNI and AMX, Arm dot product: bytes are multiplied and summed in 32 bits. Older x86 sums
pairs in 16 bits, which saturates with unsigned activations and full-range weights."""


@functools.cache
def multiplies_bytes(cpuinfo: Path = CPUINFO) -> bool:
    """Whether the processor multiplies bytes exactly and fast; False where that is not known.

    Args:
        cpuinfo: Linux's description of the processor.
    """
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    words = (
        line.partition(":")[2].split()
        for line in text.splitlines()
        if line.lower().startswith(("flags", "features"))
    )
    return any(not BYTE_PRODUCTS.isdisjoint(line) for line in words)
