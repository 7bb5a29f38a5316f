"""The events of bays in a span of time, read through the index by bay and time.

The stream's order is the truth about what followed what, and a box's clock may have been set back.
So events are found by their time and then put into the stream's order; the last one before a span
is the last in the stream among the few that are newest by time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import CTE, ColumnElement, FromClause, ScalarSelect, and_, select

from cloud_app.storage.database import Row, Session
from cloud_app.storage.tables import bay, edge, event
from cloud_app.storage.upsert import names

# Enough to see past the events of a clock that was ahead for a while.
_LAST_FEW = 8


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, milliseconds since 1970; `end_ms` is not part of it."""

    start_ms: int
    end_ms: int


Condition: TypeAlias = ColumnElement[bool]

_IN_FORCE = select(*(bay.c[name] for name in names(bay) if name != "picture")).join(
    edge, and_(edge.c.edge == bay.c.edge, edge.c.layout == bay.c.layout)
)


def lot_bays(session: Session, site: str, lot: str, name: str | None = None) -> Sequence[Row]:
    """Rows of `bay`: a lot's bays in the layouts in force, or one of them."""
    return session.rows(_IN_FORCE.where(*_which(site, lot, name)))


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
    bays = bays_in_force(_which(site, lot, name))
    found = [
        *session.rows(select(*FOUND).select_from(last_events(bays, since_before(window)))),
        *session.rows(select(*FOUND).select_from(events_within(bays, window))),
    ]
    return sorted(found, key=lambda row: (row.edge, row.bay, row.epoch, row.seq))


def _which(site: str, lot: str, name: str | None) -> list[Condition]:
    wanted = [bay.c.site == site, bay.c.lot == lot]
    return wanted if name is None else [*wanted, bay.c.bay == name]


FOUND = (event.c.edge, event.c.bay, event.c.epoch, event.c.seq, event.c.since_ms, event.c.occ)


def bays_in_force(which: Sequence[Condition]) -> CTE:
    """Bays of the layouts in force.

    They are looked up first, whatever a planner thinks of the tables: then each bay's events are a
    range of the index, and the events of the other bays of an edge are not read.

    Args:
        which: conditions on `bay`.
    """
    return _IN_FORCE.where(*which).cte("bays").prefix_with("MATERIALIZED")


def events_within(bays: CTE, window: Window) -> FromClause:
    """The bays with their events within a window."""
    within = and_(event.c.since_ms >= window.start_ms, event.c.since_ms < window.end_ms)
    return bays.join(event, and_(_is_of(bays, event), within))


def last_events(bays: CTE, known: Callable[[FromClause], Condition]) -> FromClause:
    """The bays with the last event of each that was known.

    Args:
        bays: those of which nothing was known are left out.
        known: a condition on events.
    """
    last = [_last(bays, known, name) for name in ("epoch", "seq")]
    # Found by the key of `event`: an index holds it, unlike the pair of both.
    is_last = and_(event.c.edge == bays.c.edge, event.c.epoch == last[0], event.c.seq == last[1])
    return bays.join(event, is_last)


def _last(bays: CTE, known: Callable[[FromClause], Condition], name: str) -> ScalarSelect[int]:
    seen = event.alias("seen")
    last_few = (
        select(seen.c.epoch, seen.c.seq)
        .where(_is_of(bays, seen), known(seen))
        .order_by(seen.c.since_ms.desc(), seen.c.epoch.desc(), seen.c.seq.desc())
        .limit(_LAST_FEW)
        .correlate(bays)
        .subquery("last_few")
    )
    return (
        select(last_few.c[name])
        .order_by(last_few.c.epoch.desc(), last_few.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )


def _is_of(bays: FromClause, events: FromClause) -> Condition:
    return and_(events.c.edge == bays.c.edge, events.c.bay == bays.c.bay)


def since_before(window: Window) -> Callable[[FromClause], Condition]:
    """Events of what began before a window."""
    return lambda seen: seen.c.since_ms < window.start_ms
