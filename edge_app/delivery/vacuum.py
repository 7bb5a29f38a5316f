"""Free pages of the store's file, given back to the disk a little at a time.

Once a long outage's events are delivered, SQLite keeps their pages for itself. Pages in use must
move from the file's end to free places before it is cut; each step is a transaction like any other,
so a kill or a full disk leaves the store as it was before it or after it.
"""

from __future__ import annotations

import logging
import math
import sqlite3
from pathlib import Path

from telemetry.clock import Clock

_log = logging.getLogger(__name__)

MIB = 1024 * 1024
BEGIN_BYTES = 16 * MIB
"""Less free room is left alone: it is 40,000 events, eight hours of a box with 100 cameras, so the
outages of every day move and cut nothing, and wear no flash."""
KEEP_BYTES = 2 * MIB
"""What stays free: the next short outage needs no growing file."""
WAITING_SHARE = 1 / 16
"""Most that may wait, as a share of the free room: what will soon be deleted is not moved first."""
STEP_PAGES = 256
"""A megabyte, 1 to 4 ms of the store's lock. They fit SQLite's page cache: to cut 80 MiB took
1.3 MB of writing, but 49 MB in steps of 1,024 pages, which do not."""
RETRY_S = 60.0
_INCREMENTAL = 2


class Vacuum:
    """Gives room back. One thread at a time, outside of a transaction.

    Every store that this package made can do it. One without `auto_vacuum`, put together by hand
    say, keeps its size: to rewrite it whole would take as much room again, and hold up its start.

    Args:
        path: of the store, for the log.
        database: the store.
        clock: time.
    """

    def __init__(self, path: Path, database: sqlite3.Connection, clock: Clock) -> None:
        self._path = path
        self._database = database
        self._clock = clock
        self._page_bytes = self._ask("page_size")
        self._can_give = self._ask("auto_vacuum") == _INCREMENTAL
        self._given_bytes = 0
        self._not_before_s = -math.inf

    def step(self, waiting_bytes: int) -> None:
        """Give some room back, if there is much of it.

        Args:
            waiting_bytes: of the events that wait.
        """
        if not self._can_give or self._clock.mono_s() < self._not_before_s:
            return
        try:
            self._step(waiting_bytes)
        except sqlite3.Error as exc:
            self._not_before_s = self._clock.mono_s() + RETRY_S
            _log.warning("%s: cannot vacuum now: %s", self._path, exc)

    def _step(self, waiting_bytes: int) -> None:
        free_bytes = self._ask("freelist_count") * self._page_bytes
        least_bytes = KEEP_BYTES if self._given_bytes else BEGIN_BYTES
        if free_bytes > least_bytes and waiting_bytes <= WAITING_SHARE * free_bytes:
            spare = (free_bytes - KEEP_BYTES) // self._page_bytes
            self._cut(min(STEP_PAGES, spare))
        elif self._given_bytes:
            # The file is cut when the journal is carried over: now, not after the next 4 MiB.
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            _log.info("%s: %d MiB returned to the disk", self._path, self._given_bytes // MIB)
            self._given_bytes = 0

    def _cut(self, pages: int) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for _ in range(pages):
                # One by one: Python runs this statement up to its first row, which is one page.
                self._database.execute("PRAGMA incremental_vacuum(1)").close()
            self._database.execute("COMMIT")
        finally:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
        self._given_bytes += pages * self._page_bytes

    def _ask(self, pragma: str) -> int:
        return int(self._database.execute(f"PRAGMA {pragma}").fetchone()[0])
