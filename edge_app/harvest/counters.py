"""What the harvest did since the start, counted: for metrics and the status page."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Limit(StrEnum):
    """What kept a frame out, or made one leave."""

    DAY = "day"
    """`harvest.frames_per_day` of a camera."""
    ROOM = "room"
    """`harvest.max_bytes`."""
    AGE = "age"
    """`harvest.keep_days`."""
    DISK = "disk"
    """Free space on the disk, which states and events need first."""
    BUSY = "busy"
    """The harvest's own thread was behind."""
    PURGE = "purge"
    """Deleted by a user."""


REFUSING = (Limit.DAY, Limit.ROOM, Limit.DISK, Limit.BUSY)
EVICTING = (Limit.DAY, Limit.ROOM, Limit.AGE, Limit.PURGE)


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong last.

    Attributes:
        text: in words; no address, which may carry a permission.
        utc: when.
    """

    text: str
    utc: datetime


@dataclass(frozen=True, slots=True)
class HarvestStats:
    """The harvest at a moment; all but the first three count since the service started.

    Attributes:
        frames: kept on the disk, by camera.
        size_bytes: of these.
        max_bytes: what they may take.
        kept: frames kept.
        refused: frames worth keeping that were not, by limit.
        evicted: kept frames that left, by limit.
        sent: bundles sent by jobs.
        failed: jobs whose bundle did not arrive.
        sent_frames: frames in the sent bundles.
        sent_bytes: of the sent bundles.
        faults: frames and bundles that could not be written or sent.
        last_fault: the last of them; None: none since the start.
    """

    frames: Mapping[str, int]
    size_bytes: int
    max_bytes: int
    kept: int
    refused: Mapping[Limit, int]
    evicted: Mapping[Limit, int]
    sent: int
    failed: int
    sent_frames: int
    sent_bytes: int
    faults: int
    last_fault: Fault | None


class HarvestCounters:
    """Counts; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = self._sent = self._failed = 0
        self._sent_frames = self._sent_bytes = 0
        self._refused: Counter[Limit] = Counter()
        self._evicted: Counter[Limit] = Counter()
        self._faults = 0
        self._last_fault: Fault | None = None

    def keep(self) -> None:
        """A frame was kept."""
        with self._lock:
            self._kept += 1

    def refuse(self, limit: Limit) -> None:
        """A frame was not kept."""
        with self._lock:
            self._refused[limit] += 1

    def evict(self, limit: Limit, count: int) -> None:
        """Kept frames left."""
        with self._lock:
            self._evicted[limit] += count

    def send(self, frames: int, size_bytes: int) -> None:
        """A bundle arrived where a job wanted it."""
        with self._lock:
            self._sent += 1
            self._sent_frames += frames
            self._sent_bytes += size_bytes

    def fail(self, text: str, utc: datetime, *, of_job: bool = False) -> None:
        """Something could not be written, or sent."""
        with self._lock:
            self._faults += 1
            self._failed += of_job
            self._last_fault = Fault(text, utc)

    def stats(self, frames: Mapping[str, int], size_bytes: int, max_bytes: int) -> HarvestStats:
        """All counts now, beside what lies on the disk."""
        with self._lock:
            return HarvestStats(
                frames=frames,
                size_bytes=size_bytes,
                max_bytes=max_bytes,
                kept=self._kept,
                refused={limit: self._refused[limit] for limit in REFUSING},
                evicted={limit: self._evicted[limit] for limit in EVICTING},
                sent=self._sent,
                failed=self._failed,
                sent_frames=self._sent_frames,
                sent_bytes=self._sent_bytes,
                faults=self._faults,
                last_fault=self._last_fault,
            )
