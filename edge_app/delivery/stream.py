"""The stream of events in the store's file: numbers, epoch, watermark, bounds.

Every method raises `sqlite3.Error` as it comes; the store decides what a failing disk means.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from edge_app.delivery import outbox
from edge_app.delivery.config import OutboxConfig
from edge_app.delivery.entries import Entry
from telemetry.clock import Clock
from telemetry.cloudevents import STREAM_GAP_TYPE
from telemetry.messages import ClockStamp, GapReason

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class StreamState:
    """The one row that says where the stream stands.

    Attributes:
        epoch: which store this is.
        last_seq: the highest number given so far.
        acked: the consumer's watermark.
        conn: number of the last connection.
        evicted: events discarded because a bound was reached.
        lost: changes that never reached the disk.
        running_s: the store's age, without the hours in which the box was off.
    """

    epoch: int
    last_seq: int
    acked: int
    conn: int
    evicted: int
    lost: int
    running_s: float


@dataclass(slots=True)
class Work:
    """What a transaction changes besides rows; taken over only when it is committed."""

    state: StreamState
    usage: outbox.Usage


class EventStream:
    """Numbers, keeps, releases and gives up events. One thread at a time."""

    def __init__(
        self,
        database: sqlite3.Connection,
        clock: Clock,
        bounds: OutboxConfig,
        stamp: Callable[[], ClockStamp],
    ) -> None:
        self._database = database
        self._clock = clock
        self._bounds = bounds
        self._stamp = stamp
        row = database.execute("SELECT * FROM stream").fetchone()
        self.state = StreamState(*tuple(row)[1:])
        self.usage = outbox.measure(database)
        self._owes_deletion = False
        self._opened_s = clock.mono_s() - self.state.running_s

    @contextmanager
    def writing(self) -> Iterator[Work]:
        """A transaction: rows and stream state together, or nothing."""
        work = Work(replace(self.state, running_s=self.running_s()), replace(self.usage))
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield work
            state = work.state
            self._database.execute(
                "UPDATE stream SET epoch = ?, last_seq = ?, acked = ?, conn = ?, evicted = ?, "
                "lost = ?, running_s = ?",
                (
                    state.epoch,
                    state.last_seq,
                    state.acked,
                    state.conn,
                    state.evicted,
                    state.lost,
                    state.running_s,
                ),
            )
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        self.state, self.usage = work.state, work.usage

    def append(self, work: Work, entries: Sequence[Entry]) -> None:
        """Number events and queue them; keep the bounds."""
        for entry in entries:
            self._add(work, (entry.type, entry.subject, entry.time, entry.data))
        if reason := outbox.overfull(work.usage, self._bounds):
            chosen = outbox.choose_for_size(self._database, work.usage, self._bounds)
            self._evict(work, chosen, reason)

    def append_lost(self, work: Work, count: int) -> None:
        """Number changes that never reached the disk, and report them in a gap event."""
        first = work.state.last_seq + 1
        work.state.last_seq += count
        work.state.lost += count
        self._add_gap(work, range(first, first + count), GapReason.DISK_FULL)

    def evict_old(self) -> None:
        """Give up what is older than the bound."""
        chosen = outbox.choose_for_age(self._database, self.running_s() - self._bounds.max_age_s)
        if chosen:
            with self.writing() as work:
                self._evict(work, chosen, GapReason.AGE)

    def evict_tenth(self) -> None:
        """Give up a tenth of what waits: the disk is full and newer changes need the room."""
        self._database.execute("PRAGMA wal_checkpoint(RESTART)")
        tight = self._bounds.model_copy(update={"max_rows": self.usage.rows})
        chosen = outbox.choose_for_size(self._database, self.usage, tight)
        if chosen:
            with self.writing() as work:
                self._evict(work, chosen, GapReason.DISK_FULL)

    def pending(self, after: int, limit: int, *, refused: bool) -> list[outbox.OutboxRow]:
        """The next events above number `after`, in order."""
        return outbox.rows_after(self._database, after, limit, refused=refused)

    def acknowledge(self, upto: int) -> None:
        """Note the consumer's watermark; the rows below it go with the next `settle`."""
        upto = min(upto, self.state.last_seq)
        if upto > self.state.acked:
            self.state.acked = upto
            self._owes_deletion = True

    def settle(self) -> None:
        """Delete what lies below the watermark."""
        if self._owes_deletion:
            with self.writing() as work:
                outbox.delete_upto(self._database, work.state.acked, work.usage)
            self._owes_deletion = False

    def release(self, seqs: Sequence[int]) -> None:
        """Release single events; the watermark follows the lowest that is left."""
        with self.writing() as work:
            outbox.delete(self._database, seqs, work.usage)
            lowest = self._database.execute("SELECT min(seq) FROM outbox").fetchone()[0]
            work.state.acked = work.state.last_seq if lowest is None else lowest - 1

    def refuse(self, seq: int, code: int) -> None:
        """Mark an event that the broker refuses."""
        with self.writing():
            self._database.execute("UPDATE outbox SET refused = ? WHERE seq = ?", (code, seq))

    def release_quarantined(self) -> int:
        """Let refused events try again; gives how many."""
        with self.writing():
            return self._database.execute(
                "UPDATE outbox SET refused = NULL WHERE refused IS NOT NULL"
            ).rowcount

    def begin_connection(self, conn: int) -> None:
        """Keep the number of a new connection."""
        with self.writing() as work:
            work.state.conn = conn

    def renew_epoch(self, above: int) -> None:
        """Begin an epoch above `above`; waiting events are renumbered from 1."""
        with self.writing() as work:
            # What a gap names belongs to the epoch that ends here.
            self._database.execute("DELETE FROM outbox WHERE type = ?", (STREAM_GAP_TYPE,))
            seqs = self._database.execute("SELECT seq FROM outbox ORDER BY seq").fetchall()
            for fresh, (seq,) in enumerate(seqs, start=1):
                self._database.execute("UPDATE outbox SET seq = ? WHERE seq = ?", (fresh, seq))
            work.state.epoch = max(above, work.state.epoch) + 1
            work.state.last_seq, work.state.acked = len(seqs), 0
            work.usage = outbox.measure(self._database)

    def oldest_and_refused(self) -> tuple[float, int]:
        """Age of the oldest waiting event in seconds, and how many were refused."""
        oldest, refused = self._database.execute(
            "SELECT min(running_s), count(refused) FROM outbox"
        ).fetchone()
        return 0.0 if oldest is None else max(0.0, self.running_s() - oldest), refused

    def running_s(self) -> float:
        """The store's age, without the hours in which the box was off."""
        return self._clock.mono_s() - self._opened_s

    def _evict(self, work: Work, chosen: Sequence[int], reason: GapReason) -> None:
        numbers = outbox.take_out(self._database, chosen, work.state.acked)
        work.state.evicted += len(chosen)
        if numbers:
            self._add_gap(work, numbers, reason)
        work.usage = outbox.measure(self._database)
        _log.warning("%d events discarded (%s)", len(chosen), reason.value)

    def _add_gap(self, work: Work, numbers: Sequence[int], reason: GapReason) -> None:
        for gap in outbox.gaps(numbers, reason, self._stamp()):
            self._add(work, (STREAM_GAP_TYPE, None, self._clock.utc(), gap.model_dump_json()))

    def _add(self, work: Work, event: outbox.NewEvent) -> None:
        work.state.last_seq += 1
        size = outbox.append(
            self._database, work.state.last_seq, event, running_s=work.state.running_s
        )
        work.usage.rows += 1
        work.usage.bytes += size
