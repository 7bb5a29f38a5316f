"""Figures of the machine, from the kernel; None where it does not tell."""

from __future__ import annotations

import shutil
from pathlib import Path

_THERMAL = Path("/sys/class/thermal")
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = 4096
# Sensors that are disabled or broken report figures far outside of any box's life.
_PLAUSIBLE_C = (-40.0, 125.0)


def disk_free_bytes(folder: Path) -> int | None:
    """Free bytes for this user on the disk that holds `folder`."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def memory_bytes() -> int | None:
    """Resident memory of this process."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return None


def temperature_c(folder: Path = _THERMAL) -> float | None:
    """Warmest of the kernel's thermal zones, degrees Celsius."""
    found: list[float] = []
    for zone in folder.glob("thermal_zone*/temp"):
        try:
            degrees_c = int(zone.read_text(encoding="ascii")) / 1000
        except (OSError, ValueError):
            continue
        if _PLAUSIBLE_C[0] < degrees_c < _PLAUSIBLE_C[1]:
            found.append(degrees_c)
    return max(found, default=None)
