"""The events of bays in a span of time, read through the index by bay and time.

The stream's order is the truth about what followed what, and a box's clock may have been set back.
So events are found by their time and then put into the stream's order; the last one before a span
is the last in the stream among the few that are newest by time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Label,
    Select,
    and_,
    literal,
    select,
    tuple_,
)

from cloud_app.storage.counts import COUNTS_HERE
from cloud_app.storage.database import Row, Session
from cloud_app.storage.tables import bay, edge, event
from cloud_app.storage.upsert import names

_POSITION = ("epoch", "seq")
# Enough to see past the events of a clock that was ahead for a while.
_LAST_FEW = 8


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, milliseconds since 1970; `end_ms` is not part of it."""

    start_ms: int
    end_ms: int


Condition: TypeAlias = ColumnElement[bool]
Bound: TypeAlias = ColumnElement[int]
Known: TypeAlias = Callable[[FromClause], Condition]

_IN_FORCE = (
    select(*(bay.c[name] for name in names(bay) if name not in {"picture", "carried"}))
    .join(edge, and_(edge.c.edge == bay.c.edge, edge.c.layout == bay.c.layout))
    .where(COUNTS_HERE)
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
        *session.rows(last_events(bays, literal(window.start_ms, BigInteger))),
        *session.rows(events_within(bays, window)),
    ]
    return sorted(found, key=lambda row: (row.edge, row.bay, row.epoch, row.seq))


def _which(site: str, lot: str, name: str | None) -> list[Condition]:
    wanted = [bay.c.site == site, bay.c.lot == lot]
    return wanted if name is None else [*wanted, bay.c.bay == name]


_FOUND = (event.c.edge, event.c.bay, event.c.epoch, event.c.seq, event.c.since_ms, event.c.occ)


def bays_in_force(which: Sequence[Condition]) -> CTE:
    """Bays of the layouts in force.

    They are looked up first, whatever a planner thinks of the tables: then each bay's events are a
    range of the index, and the events of the other bays of an edge are not read.

    Args:
        which: conditions on `bay`.
    """
    return _IN_FORCE.where(*which).cte("bays").prefix_with("MATERIALIZED")


def events_within(bays: CTE, window: Window, *more: ColumnElement[Any]) -> Select[Any]:
    """Events of bays within a window, with the bay's site and lot, and with further columns."""
    within = and_(event.c.since_ms >= window.start_ms, event.c.since_ms < window.end_ms)
    return select(*_FOUND, bays.c.site, bays.c.lot, *more).select_from(
        bays.join(event, and_(_is_of(bays, event), within))
    )


def last_events(
    bays: CTE, before_ms: Bound, more: Sequence[ColumnElement[Any]] = (), known: Known | None = None
) -> Select[Any]:
    """The last event of each bay, in the same columns; bays without one are left out.

    Args:
        bays: which.
        before_ms: of what began before.
        more: further columns, of `event`.
        known: only if this holds of the newest few.
    """
    # Looked up apart, else PostgreSQL does it once more for each month of events.
    last = (
        select(*bays.c, *(_last(bays, before_ms, known, name) for name in _POSITION))
        .cte("last")
        .prefix_with("MATERIALIZED")
    )
    # Found by the key of `event`.
    is_last = and_(
        event.c.edge == last.c.edge,
        event.c.epoch == last.c.last_epoch,
        event.c.seq == last.c.last_seq,
    )
    return select(*_FOUND, last.c.site, last.c.lot, *more).select_from(last.join(event, is_last))


def _last(bays: CTE, before_ms: Bound, known: Known | None, name: str) -> Label[int]:
    seen = event.alias("seen")
    # A place in the index and the entries before it, and not two equal columns: PostgreSQL takes
    # edge and bay for independent, so it thinks that a bay has hardly an event and reads all.
    last_few = (
        select(seen.c.edge, seen.c.bay, seen.c.time_ms, seen.c.epoch, seen.c.seq)
        .where(
            tuple_(seen.c.edge, seen.c.bay, seen.c.since_ms)
            < tuple_(bays.c.edge, bays.c.bay, before_ms)
        )
        .order_by(seen.c.edge.desc(), seen.c.bay.desc(), seen.c.since_ms.desc())
        .limit(_LAST_FEW)
        .correlate(bays)
        .subquery("last_few")
    )
    return (
        select(last_few.c[name])
        .where(_is_of(bays, last_few), *(() if known is None else (known(last_few),)))
        .order_by(last_few.c.epoch.desc(), last_few.c.seq.desc())
        .limit(1)
        .correlate(bays)
        .scalar_subquery()
        .label(f"last_{name}")
    )


def _is_of(bays: FromClause, events: FromClause) -> Condition:
    return and_(events.c.edge == bays.c.edge, events.c.bay == bays.c.bay)
