"""The alarm about the disk that holds the state folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge_app.alarms import Alarm, AlarmKind, Alarms
from edge_app.host_metrics import disk_free_bytes

# Enough for a day of events of a large box, and small enough to warn in time.
_LOW_BYTES = 100 * 1024 * 1024


class DiskWatch:
    """Raises the alarm when the disk is full or cannot be written, and ends it.

    Args:
        folder: on the disk.
        is_degraded: whether the store could not be written.
        alarms: where it is raised.
    """

    def __init__(self, folder: Path, is_degraded: Callable[[], bool], alarms: Alarms) -> None:
        self._folder = folder
        self._is_degraded = is_degraded
        self._alarms = alarms

    def look(self) -> None:
        """Look once."""
        free = disk_free_bytes(self._folder)
        if self._is_degraded():
            self._alarms.set(
                Alarm(
                    AlarmKind.DISK,
                    "cannot write to the disk: states are held in memory",
                    f"{self._folder}: {_free_text(free)}",
                    "Free up space on this disk. If there is enough, the disk is faulty or "
                    "read-only: replace it. Do not restart the service first: states held in "
                    "memory would be lost.",
                )
            )
        elif free is not None and free < _LOW_BYTES:
            self._alarms.set(
                Alarm(
                    AlarmKind.DISK,
                    "the disk is almost full",
                    f"{self._folder}: {_free_text(free)}, expected {_LOW_BYTES // 2**20} or more",
                    "Free up space on this disk; `lotsight doctor` shows what uses it.",
                )
            )
        else:
            self._alarms.clear(AlarmKind.DISK)


def _free_text(free_bytes: int | None) -> str:
    return "free space unknown" if free_bytes is None else f"{free_bytes // 2**20} MiB free"
