"""A bay as the store holds it, and a change on its way into the outbox."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from edge_app.delivery.changes import BayChange, Note
from telemetry.bounds import clamped
from telemetry.cloudevents import BAY_CHANGED_TYPE
from telemetry.layout import Layout
from telemetry.messages import BayChanged, Blocked, ClockStamp, Message, Occupancy, SnapshotBay
from telemetry.payload_checks import describe
from telemetry.vocabulary import BayState, UnknownReason

_log = logging.getLogger(__name__)

LAYOUT = "layout"
"""The document that holds the layout."""


@dataclass(frozen=True, slots=True)
class HeldBay:
    """A bay's state, whether it is closed or blocked, and the calibration's revision."""

    state: BayState
    closed: bool
    calibration: int
    blocked: Blocked | None = None

    def in_snapshot(self) -> SnapshotBay:
        """As a line of the snapshot."""
        state = self.state
        return SnapshotBay(
            bay=state.bay,
            occ=state.occ,
            closed=self.closed,
            blocked=self.blocked,
            state=Occupancy.of(state.occ),
            reason=state.reason,
            since=clamped(state.since),
            conf=state.conf,
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """An event without a number yet, and what the store keeps with it: a bay's state, a note."""

    subject: str
    time: datetime
    data: str
    type: str = BAY_CHANGED_TYPE
    held: HeldBay | None = None
    note: Note | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told besides states of bays: a passage, a count, a sensor's health, a barrier.

    Attributes:
        type: of the event.
        subject: what it is about.
        time: when it happened.
        say: gives its data, with what is known of the clock.
        note: a document of the store that is written in the same transaction.
    """

    type: str
    subject: str
    time: datetime
    say: Callable[[ClockStamp], Message]
    note: Note | None = None

    def entry(self, stamp: ClockStamp) -> Entry:
        """The event."""
        data = self.say(stamp).model_dump_json()
        return Entry(self.subject, self.time, data, type=self.type, note=self.note)


def changed_event(change: BayChange, known: HeldBay, layout: str, stamp: ClockStamp) -> Entry:
    """The event of a change, written out at once: a later layout does not touch it.

    Args:
        change: the new state.
        known: says whether the bay is closed or blocked.
        layout: hash of the layout in force.
        stamp: what is known of the clock.
    """
    state = change.state
    data = BayChanged(
        occ=state.occ,
        closed=known.closed,
        blocked=known.blocked,
        state=Occupancy.of(state.occ),
        reason=state.reason,
        since=clamped(state.since),
        conf=state.conf,
        cause=change.cause,
        camera=change.camera,
        sensor=change.sensor,
        method=change.method,
        model=change.model,
        calibration=change.calibration_revision,
        layout=layout,
        clock=stamp,
    )
    held = replace(known, state=state, calibration=change.calibration_revision)
    return Entry(state.bay, change.time, data.model_dump_json(), held=held, note=change.note)


def write_kept(database: sqlite3.Connection, entry: Entry) -> None:
    """Write what belongs to an event, in its transaction."""
    if entry.held is not None:
        write_bay(database, entry.held)
    if entry.note is None:
        return
    if entry.note.body is None:
        database.execute("DELETE FROM document WHERE name = ?", (entry.note.name,))
    else:
        database.execute(
            "INSERT INTO document (name, body) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET body = excluded.body",
            (entry.note.name, entry.note.body),
        )


def write_bay(database: sqlite3.Connection, held: HeldBay) -> None:
    """Insert or replace one bay."""
    state = held.state
    database.execute(
        "INSERT INTO bay (bay, occ, reason, conf, since, closed, calibration, blocked) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (bay) DO UPDATE SET occ = excluded.occ, "
        "reason = excluded.reason, conf = excluded.conf, since = excluded.since, "
        "closed = excluded.closed, calibration = excluded.calibration, "
        "blocked = excluded.blocked",
        (
            state.bay,
            None if state.occ is None else int(state.occ),
            state.reason,
            state.conf,
            state.since.isoformat(),
            int(held.closed),
            held.calibration,
            None if held.blocked is None else held.blocked.model_dump_json(),
        ),
    )


def read_bays(database: sqlite3.Connection) -> dict[str, HeldBay]:
    """All bays of the store."""
    bays: dict[str, HeldBay] = {}
    for row in database.execute("SELECT * FROM bay"):
        state = BayState(
            bay=row["bay"],
            occ=None if row["occ"] is None else bool(row["occ"]),
            reason=None if row["reason"] is None else UnknownReason(row["reason"]),
            conf=row["conf"],
            since=datetime.fromisoformat(row["since"]),
        )
        blocked = row["blocked"]
        bays[state.bay] = HeldBay(
            state,
            bool(row["closed"]),
            row["calibration"],
            None if blocked is None else Blocked.model_validate_json(blocked),
        )
    return bays


def read_layout(path: Path, body: str | None) -> Layout | None:
    """The layout that the store kept, None if there is none or it is of no use any more."""
    try:
        return None if body is None else Layout.model_validate_json(body)
    except ValidationError as exc:  # from before layouts had bounds; the calibrations make another
        _log.warning("%s: stored layout skipped: %s", path, describe(exc, "layout"))
        return None


def write_layout(database: sqlite3.Connection, layout: Layout, bays: Iterable[HeldBay]) -> None:
    """Keep the layout and, in place of all bays of the one before, its bays."""
    database.execute(
        "INSERT INTO document (name, body) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET body = excluded.body",
        (LAYOUT, layout.model_dump_json()),
    )
    database.execute("DELETE FROM bay")
    for held in bays:
        write_bay(database, held)
