"""The edge box's memory: bay states and the outbox of events, in one SQLite file.

A change of state and its event are one transaction, so neither exists without the other. When the
disk cannot be written, changes wait in a bounded buffer in memory, unnumbered: states continue,
the snapshot says `degraded`, and the events follow once the disk answers again.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from edge_app.delivery.blocks import outweighs
from edge_app.delivery.buffer import ChangeBuffer
from edge_app.delivery.changes import BayChange
from edge_app.delivery.config import OutboxConfig
from edge_app.delivery.database import is_full, open_database, remember_epoch
from edge_app.delivery.documents import Documents
from edge_app.delivery.entries import LAYOUT, Entry, HeldBay, Notice, changed_event, write_kept
from edge_app.delivery.held_bays import HeldBays
from edge_app.delivery.incidents import IncidentChange, OpenIncidents, incident_event
from edge_app.delivery.outbox import OutboxRow
from edge_app.delivery.passages import GateCounts, GatePassage, GateTotals
from edge_app.delivery.retry import DiskRetry
from edge_app.delivery.stream import EventStream
from edge_app.delivery.timesync import clock_stamp
from edge_app.delivery.vacuum import Vacuum
from telemetry.bounds import MAX_INCIDENTS
from telemetry.clock import Clock
from telemetry.health import OutboxHealth
from telemetry.layout import Layout
from telemetry.messages import Blocked, ClockStamp, Snapshot
from telemetry.vocabulary import BayState, BlockSource, Cause
from vision.incidents import Incident

_log = logging.getLogger(__name__)


class Store:
    """Bay states, outbox and small documents of one edge box. Safe to use from several threads."""

    def __init__(
        self,
        path: Path,
        database: sqlite3.Connection,
        clock: Clock,
        bounds: OutboxConfig,
        stamp: Callable[[], ClockStamp],
    ) -> None:
        self.path = path
        self._database = database
        self._clock = clock
        self._stamp = stamp
        self._lock = threading.RLock()
        self._listeners: list[Callable[[], None]] = []
        self.documents = Documents(database, self._lock)
        self._stream = EventStream(database, clock, bounds, stamp)
        self._buffer = ChangeBuffer(bounds.max_buffered)
        self._incidents = OpenIncidents(database)
        self._gates = GateCounts(database)
        self._retry = DiskRetry(path, clock)
        self._vacuum = Vacuum(path, database, clock)
        self._bays = HeldBays(path, clock, database, self.documents.get(LAYOUT))

    @classmethod
    def open(
        cls,
        path: Path,
        clock: Clock,
        bounds: OutboxConfig | None = None,
        stamp: Callable[[], ClockStamp] = clock_stamp,
    ) -> Self:
        """Open the store, or make it.

        Args:
            path: the SQLite file.
            clock: durations and wall time.
            bounds: of the outbox.
            stamp: what an event says of the clock.

        Raises:
            StoreError: the file cannot be opened or another process owns it.
        """
        bounds = bounds or OutboxConfig()
        return cls(path, open_database(path, clock, bounds.max_pages), clock, bounds, stamp)

    def close(self) -> None:
        """Write what waits in memory, if the disk allows it, and let go of the file."""
        with self._lock:
            self._flush(force=True)
            self._database.close()

    def record(self, changes: Sequence[BayChange]) -> None:
        """Take over new states, and queue their events in the same transaction.

        Never fails for want of disk. A change of a bay that the layout no longer holds is dropped.

        Raises:
            StoreError: no layout was set.
        """
        with self._lock:
            layout = self._bays.need_layout()
            entries = [
                changed_event(change, held, layout.hash, self._stamp())
                for change in changes
                if (held := self._bays.find(change.state.bay)) is not None
            ]
            self._take(entries)
        self._tell()

    def record_incidents(self, changes: Sequence[IncidentChange]) -> None:
        """Take over incidents that began or ended, as `record` does with states."""
        with self._lock:
            layout = self._bays.need_layout()
            self._take([incident_event(change, layout.hash, self._stamp()) for change in changes])
            for change in changes:
                self._incidents.take(change)
        self._tell()

    def record_notices(self, notices: Sequence[Notice]) -> None:
        """Queue what is to be told besides, and write the documents that go along."""
        with self._lock:
            self._take([each.entry(self._stamp()) for each in notices])
        self._tell()

    def record_passages(self, passages: Sequence[GatePassage]) -> None:
        """Count passages over lines, and queue their events in the transaction of the totals."""
        with self._lock:
            self._take(self._gates.take(passages, self._stamp()))
        self._tell()

    def gate_totals(self, gate: str) -> GateTotals:
        """What passed a gate: ever, and on the day of its last passage."""
        with self._lock:
            return self._gates.totals(gate)

    def incidents(self) -> tuple[Incident, ...]:
        """The incidents that last, oldest first."""
        with self._lock:
            return self._incidents.all()

    def set_closed(self, bay: str, closed: bool, cause: Cause = Cause.MANUAL) -> bool:
        """Close or open a bay; occupancy is independent and unchanged.

        Returns:
            Whether that changed anything.

        Raises:
            StoreError: the layout does not hold the bay.
        """
        with self._lock:
            held = self._bays.need(bay)
            return held.closed != closed and self._restate(replace(held, closed=closed), cause)

    def set_blocked(
        self, bay: str, blocked: Blocked | None, by: BlockSource, cause: Cause = Cause.MANUAL
    ) -> bool:
        """Say what blocks a bay, or that nothing does; occupancy is independent and unchanged.

        A person's word comes before a sensor's, and that before a camera's: nobody takes back what
        one of these said who comes before him.

        Args:
            bay: its id.
            blocked: why; None: nothing blocks it.
            by: who says so.
            cause: of the event.

        Returns:
            Whether that changed anything.

        Raises:
            StoreError: the layout does not hold the bay.
        """
        with self._lock:
            held = self._bays.need(bay)
            known = held.blocked
            if known is not None and outweighs(known.by, by):
                return False
            return known != blocked and self._restate(replace(held, blocked=blocked), cause)

    def _restate(self, held: HeldBay, cause: Cause) -> bool:
        """Tell a bay's present state again, with another fact beside it."""
        change, layout = self._bays.restated(held, cause), self._bays.need_layout()
        entry = changed_event(change, held, layout.hash, self._stamp())
        self._take([replace(entry, time=self._clock.utc())])
        self._tell()
        return True

    def set_layout(self, layout: Layout) -> None:
        """Say which bays there are. New ones are unknown; those that went are forgotten."""
        with self._lock:
            if not self._bays.set_layout(layout):
                return
            with self._retry.tolerant("save the layout"):
                self._write(self._buffer.entries())
                self._buffer.clear()
        self._tell()

    @property
    def layout(self) -> Layout | None:
        """The bays, in order; None before the first `set_layout`."""
        return self._bays.layout

    def states(self) -> tuple[BayState, ...]:
        """What is known of each bay, in the order of the layout."""
        with self._lock:
            return self._bays.states()

    def closed_bays(self) -> frozenset[str]:
        """The bays that are closed."""
        with self._lock:
            return self._bays.closed()

    def blocked_bays(self) -> Mapping[str, Blocked]:
        """The bays that no vehicle can use, and why."""
        with self._lock:
            return self._bays.blocked()

    def snapshot(self) -> Snapshot | None:
        """All bays now and the number of the last event that is in them; None without a layout."""
        with self._lock:
            layout = self._bays.layout
            if layout is None:
                return None
            incidents = self._incidents.ids()
            return Snapshot(
                epoch=self._stream.state.epoch,
                seq=self._stream.state.last_seq,
                layout=layout.hash,
                at=self._clock.utc(),
                degraded=self.degraded,
                bays=self._bays.in_snapshot(),
                # Null says nothing of incidents; a part of them would say that the others ended.
                incidents=incidents if len(incidents) <= MAX_INCIDENTS else None,
            )

    @property
    def epoch(self) -> int:
        """Which store this is; a new one has a higher epoch."""
        return self._stream.state.epoch

    @property
    def last_seq(self) -> int:
        """The highest number given so far."""
        return self._stream.state.last_seq

    @property
    def acked(self) -> int:
        """The consumer's watermark."""
        return self._stream.state.acked

    @property
    def degraded(self) -> bool:
        """Whether changes wait in memory because the disk cannot be written."""
        return bool(self._buffer)

    def pending(self, after: int, limit: int, *, refused: bool = False) -> list[OutboxRow]:
        """The next events above number `after`, in order.

        Args:
            after: numbers above it.
            limit: how many at most.
            refused: whether those that the broker refused come too.
        """
        with self._lock, self._retry.tolerant("read events"):
            return self._stream.pending(after, limit, refused=refused)
        return []

    def acknowledge(self, upto: int) -> None:
        """The consumer has everything up to `upto`: release it."""
        with self._lock:
            # On a full disk even a deletion fails. The watermark counts at once, so that nothing
            # is sent again; the rows go when the disk is tried again.
            self._stream.acknowledge(upto)
            self._settle()

    def release(self, seqs: Sequence[int]) -> None:
        """The broker has these events, and that is enough for this cloud."""
        with self._lock, self._retry.tolerant("release events"):
            self._stream.release(seqs)

    def refuse(self, seq: int, code: int) -> None:
        """The broker refuses this event: keep it, but let the others pass."""
        with self._lock, self._retry.tolerant("quarantine an event"):
            self._stream.refuse(seq, code)

    def release_quarantined(self) -> int:
        """Let refused events try again; gives how many."""
        with self._lock, self._retry.tolerant("retry quarantined events"):
            return self._stream.release_quarantined()
        return 0

    def begin_connection(self) -> int:
        """The number of a new connection."""
        with self._lock:
            conn = self._stream.state.conn + 1
            with self._retry.tolerant("number a connection"):
                self._stream.begin_connection(conn)
            # Even if the disk cannot keep it: two connections of one run must differ.
            self._stream.state.conn = conn
            return conn

    def renew_epoch(self, above: int) -> None:
        """Go past an epoch that the consumer has seen: waiting events are renumbered from 1.

        Needed when both the store and the file beside it were lost and the clock is behind.
        """
        with self._lock, self._retry.tolerant("renew the epoch"):
            self._stream.renew_epoch(above)
            remember_epoch(self.path, self._stream.state.epoch)

    def health(self) -> OutboxHealth:
        """How full the outbox is."""
        with self._lock:
            oldest_age_s, refused = 0.0, 0
            with self._retry.tolerant("count events"):
                oldest_age_s, refused = self._stream.oldest_and_refused()
            return OutboxHealth(
                rows=self._stream.usage.rows,
                bytes=self._stream.usage.bytes,
                oldest_age_s=oldest_age_s,
                quarantined=refused,
                evicted=self._stream.state.evicted,
                buffered=len(self._buffer),
                lost=self._stream.state.lost + self._buffer.dropped,
            )

    def add_listener(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change; it must return at once."""
        self._listeners.append(listener)

    def tick(self) -> None:
        """Now and then: try a disk that failed again, give up what is too old."""
        with self._lock:
            self._settle()
            self._flush(force=False)
            with self._retry.tolerant("discard old events"):
                self._stream.evict_old()

    def vacuum(self) -> None:
        """Now and then: give a little of the file's free room back to the disk."""
        with self._lock:
            if not self._buffer:  # else the disk fails, and what waits in memory comes first
                self._vacuum.step(self._stream.usage.bytes)

    def _take(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        self._bays.take(entries)
        if not self._buffer:
            try:
                self._write(entries)
            except sqlite3.Error as exc:
                _log.error("cannot write %s, holding changes in memory: %s", self.path, exc)
                self._retry.wait()
            else:
                return
        self._buffer.add(entries)
        self._flush(force=False)

    def _write(self, entries: Sequence[Entry]) -> None:
        """All in one transaction: a changed layout, what was dropped, states and events."""
        with self._stream.writing() as work:
            self._bays.write_layout(self._database)
            if self._buffer.dropped:
                self._stream.append_lost(work, self._buffer.dropped)
            for entry in entries:
                write_kept(self._database, entry)
            self._stream.append(work, entries)
        self._bays.layout_saved()

    def _settle(self) -> None:
        if self._retry.may_try:
            with self._retry.tolerant("release events"):
                self._stream.settle()

    def _flush(self, *, force: bool) -> None:
        """Write what waits in memory, if it is time to try."""
        if not self._buffer or not (force or self._retry.may_try):
            return
        self._retry.wait()
        try:
            self._write(self._buffer.entries())
        except sqlite3.Error as exc:
            if is_full(exc) and self._buffer.is_half_full:
                with self._retry.tolerant("free space"):
                    self._stream.evict_tenth()
            return
        _log.warning("%s is writable again: %d changes saved", self.path, len(self._buffer))
        self._buffer.clear()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
