"""The outbox's rows: append, read, release, evict. All of it runs inside the store's transaction.

Numbers are given without a gap. An event that must be discarded because a bound is reached leaves
a gap event behind, which names exactly the numbers that will never come.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from edge_app.delivery.config import OutboxConfig
from telemetry.bounds import MAX_RANGES, clamped
from telemetry.cloudevents import STREAM_GAP_TYPE, event_id
from telemetry.messages import ClockStamp, GapReason, SeqRange, StreamGap

LOW_WATER = 0.9
"""Eviction frees a tenth at once: a gap event per evicted row would fill the room it frees."""
NewEvent = tuple[str, str | None, datetime, str]
"""Type, subject, time, data as JSON."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One event that waits for its release.

    Attributes:
        seq: its number.
        type: CloudEvents type.
        subject: the bay or incident; None for a gap.
        time: RFC 3339.
        data: JSON.
        refused: reason code by which the broker refused it; None: not refused.
    """

    seq: int
    type: str
    subject: str | None
    time: str
    data: str
    refused: int | None

    def payload(self, epoch: int, source: str) -> bytes:
        """The CloudEvent."""
        head = {
            "specversion": "1.0",
            "id": event_id(epoch, self.seq),
            "source": source,
            "type": self.type,
            "time": self.time,
            "datacontenttype": "application/json",
        }
        if self.subject is not None:
            head["subject"] = self.subject
        # `data` is JSON already: splicing it in saves a decode and an encode for every event.
        return f'{json.dumps(head)[:-1]}, "data": {self.data}}}'.encode()


@dataclass(slots=True)
class Usage:
    """How full the outbox is; kept beside the table, since counting is slow."""

    rows: int
    bytes: int


def measure(database: sqlite3.Connection) -> Usage:
    """Count what the outbox holds."""
    row = database.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM outbox").fetchone()
    return Usage(rows=row[0], bytes=row[1])


def append(
    database: sqlite3.Connection,
    seq: int,
    event: NewEvent,
    *,
    running_s: float,
) -> int:
    """Add an event; earlier waiting events of the same bay or incident are superseded.

    Args:
        database: in a transaction.
        seq: the next number.
        event: type, subject, time, data as JSON.
        running_s: the store's age, seconds.

    Returns:
        The row's size in bytes, as the bounds count it.
    """
    kind, subject, time, data = event
    size = len(data.encode()) + len(kind) + len(subject or "") + 64
    if subject is not None:
        database.execute(
            "UPDATE outbox SET superseded = 1 WHERE subject = ? AND type = ? AND superseded = 0",
            (subject, kind),
        )
    database.execute(
        "INSERT INTO outbox (seq, type, subject, time, data, bytes, running_s) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (seq, kind, subject, rfc3339(clamped(time)), data, size, running_s),
    )
    return size


def rows_after(
    database: sqlite3.Connection, seq: int, limit: int, *, refused: bool
) -> list[OutboxRow]:
    """The next rows in order.

    Args:
        database: the store.
        seq: rows above it.
        limit: how many at most.
        refused: whether rows that the broker refused come too.
    """
    found = database.execute(
        "SELECT seq, type, subject, time, data, refused FROM outbox "
        "WHERE seq > ? AND (? OR refused IS NULL) ORDER BY seq LIMIT ?",
        (seq, refused, limit),
    )
    return [OutboxRow(*row) for row in found]


def delete_upto(database: sqlite3.Connection, upto: int, usage: Usage) -> None:
    """Drop what the consumer has, and take it off `usage`."""
    gone = database.execute(
        "SELECT count(*), coalesce(sum(bytes), 0) FROM outbox WHERE seq <= ?", (upto,)
    ).fetchone()
    database.execute("DELETE FROM outbox WHERE seq <= ?", (upto,))
    usage.rows -= gone[0]
    usage.bytes -= gone[1]


def delete(database: sqlite3.Connection, seqs: Iterable[int], usage: Usage) -> None:
    """Drop single events, and take them off `usage`."""
    for seq in seqs:
        found = database.execute("SELECT bytes FROM outbox WHERE seq = ?", (seq,)).fetchone()
        if found is not None:
            database.execute("DELETE FROM outbox WHERE seq = ?", (seq,))
            usage.rows -= 1
            usage.bytes -= found[0]


def overfull(usage: Usage, bounds: OutboxConfig) -> GapReason | None:
    """Which bound is passed, if any."""
    if usage.rows > bounds.max_rows:
        return GapReason.ROWS
    if usage.bytes > bounds.max_bytes:
        return GapReason.BYTES
    return None


def choose_for_size(database: sqlite3.Connection, usage: Usage, bounds: OutboxConfig) -> list[int]:
    """Numbers to give up so that both bounds hold again: superseded ones first, then the oldest.

    Superseded ones that lie so scattered that a gap event could not name them all stay. Gap events
    are never chosen: they would be replaced by themselves.
    """
    rows_over = usage.rows - int(bounds.max_rows * LOW_WATER)
    bytes_over = usage.bytes - int(bounds.max_bytes * LOW_WATER)
    chosen: list[int] = []
    ranges = 0
    for superseded in (1, 0):
        candidates = database.execute(
            "SELECT seq, bytes FROM outbox WHERE type <> ? AND superseded = ? ORDER BY seq",
            (STREAM_GAP_TYPE, superseded),
        )
        for seq, size in candidates:
            ranges += not chosen or chosen[-1] + 1 != seq
            if (rows_over <= 0 and bytes_over <= 0) or (superseded and ranges > MAX_RANGES):
                break
            chosen.append(seq)
            rows_over -= 1
            bytes_over -= size
    return chosen


def choose_for_age(database: sqlite3.Connection, oldest_running_s: float) -> list[int]:
    """Numbers of events that are older than the bound allows."""
    found = database.execute(
        "SELECT seq FROM outbox WHERE running_s < ? AND type <> ? ORDER BY seq",
        (oldest_running_s, STREAM_GAP_TYPE),
    )
    return [row[0] for row in found]


def take_out(database: sqlite3.Connection, chosen: Sequence[int], acked: int) -> list[int]:
    """Delete the chosen rows and every waiting gap event that the new one can stand for.

    Args:
        database: in a transaction.
        chosen: numbers to give up.
        acked: the consumer's watermark; what lies below need not be named any more.

    Returns:
        All numbers that the new gap event must name, rising.
    """
    numbers = set(chosen)
    gaps = database.execute(
        "SELECT seq, data FROM outbox WHERE type = ?", (STREAM_GAP_TYPE,)
    ).fetchall()
    merged: list[int] = []
    for seq, data in gaps:
        named = numbers | {seq} | _named(data)
        if len(to_ranges(named)) > MAX_RANGES:
            continue
        numbers = named
        merged.append(seq)
    database.executemany("DELETE FROM outbox WHERE seq = ?", [(seq,) for seq in (*chosen, *merged)])
    return sorted(number for number in numbers if number > acked)


def gaps(numbers: Iterable[int], reason: GapReason, stamp: ClockStamp) -> list[StreamGap]:
    """The fewest gap events that name `numbers`: one, unless they lie very scattered."""
    ranges = to_ranges(numbers)
    parts = [ranges[first : first + MAX_RANGES] for first in range(0, len(ranges), MAX_RANGES)]
    return [
        StreamGap(ranges=part, lost=sum(map(len, part)), reason=reason, clock=stamp)
        for part in parts
    ]


def to_ranges(numbers: Iterable[int]) -> tuple[SeqRange, ...]:
    """Numbers as the fewest ranges that hold exactly them."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return tuple(SeqRange(first=first, last=last) for first, last in ranges)


def rfc3339(moment: datetime) -> str:
    """UTC with milliseconds and a Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _named(data: str) -> set[int]:
    ranges = StreamGap.model_validate_json(data).ranges
    return {number for part in ranges for number in range(part.first, part.last + 1)}
