"""The events of bays in a span of time, read through the index by bay and time.

The stream's order is the truth about what followed what, and a box's clock may have been set back.
So events are found by their time and then put into the stream's order; the last one before a span
is the last in the stream among the few that are newest by time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, tuple_

from cloud_app.storage.database import Row, Session
from cloud_app.storage.tables import bay, edge, event

# Enough to see past the events of a clock that was ahead for a while.
_LAST_FEW = 8


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, milliseconds since 1970; `end_ms` is not part of it."""

    start_ms: int
    end_ms: int


_FOUND = (event.c.edge, event.c.bay, event.c.epoch, event.c.seq, event.c.since_ms, event.c.occ)
_OF_BAY = and_(event.c.edge == bay.c.edge, event.c.bay == bay.c.bay)
_BAYS = select(bay.c.edge, bay.c.bay, bay.c.zone, bay.c.kind).join(
    edge, and_(edge.c.edge == bay.c.edge, edge.c.layout == bay.c.layout)
)


def lot_bays(session: Session, site: str, lot: str, name: str | None = None) -> Sequence[Row]:
    """(edge, bay, zone, kind) of a lot's bays in the layouts in force, or of one of them."""
    return session.rows(_BAYS.where(*_which(site, lot, name)))


def lot_events(
    session: Session, site: str, lot: str, window: Window, name: str | None = None
) -> list[Row]:
    """Events of a lot's bays within a window, and the last one before it of each bay.

    Args:
        session: to read with.
        site: of the lot.
        lot: whose bays, of the layouts in force.
        window: what to look at.
        name: only this bay.

    Returns:
        (edge, bay, epoch, seq, since_ms, occ), in the order of bay and stream.
    """
    which = _which(site, lot, name)
    found = [
        *session.rows(events_before(window.start_ms).where(*which)),
        *session.rows(events_within(window).where(*which)),
    ]
    return sorted(found, key=lambda row: (row.edge, row.bay, row.epoch, row.seq))


def _which(site: str, lot: str, name: str | None) -> list[ColumnElement[bool]]:
    wanted = [bay.c.site == site, bay.c.lot == lot]
    return wanted if name is None else [*wanted, bay.c.bay == name]


def events_before(start_ms: int, *more: ColumnElement[Any]) -> Select[Any]:
    """Of each bay of the layouts in force the last event before a time, with further columns."""
    seen = event.alias("seen")
    last_few = (
        select(seen.c.epoch, seen.c.seq)
        .where(seen.c.edge == bay.c.edge, seen.c.bay == bay.c.bay, seen.c.since_ms < start_ms)
        .order_by(seen.c.since_ms.desc(), seen.c.epoch.desc(), seen.c.seq.desc())
        .limit(_LAST_FEW)
        .correlate(bay)
        .subquery("last_few")
    )
    last = (
        select(last_few.c.epoch, last_few.c.seq)
        .order_by(last_few.c.epoch.desc(), last_few.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    return _joined(tuple_(event.c.epoch, event.c.seq) == last, more)


def events_within(window: Window, *more: ColumnElement[Any]) -> Select[Any]:
    """The events of the bays of the layouts in force within a window, with further columns."""
    within = and_(event.c.since_ms >= window.start_ms, event.c.since_ms < window.end_ms)
    return _joined(within, more)


def _joined(condition: ColumnElement[bool], more: Sequence[ColumnElement[Any]]) -> Select[Any]:
    return (
        select(*_FOUND, bay.c.site, bay.c.lot, *more)
        .select_from(edge)
        .join(bay, and_(edge.c.edge == bay.c.edge, edge.c.layout == bay.c.layout))
        .join(event, and_(_OF_BAY, condition))
    )
