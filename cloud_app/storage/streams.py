"""Reading the streams themselves: the newest events, what is missing, what is lost."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select

from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Sites, occupancy_of
from cloud_app.storage.tables import edge, event, gap, stream
from cloud_app.storage.times import from_ms
from cloud_app.storage.upsert import names
from cloud_app.stream import Hole
from cloud_app.views import EventItem, GapItem

_NEWEST_FIRST = (
    event.c.time_ms.desc(),
    event.c.edge,
    event.c.epoch.desc(),
    event.c.seq.desc(),
)
_EVENTS = (
    select(*(event.c[name] for name in names(event) if name != "body"))
    .order_by(*_NEWEST_FIRST)
    .limit(bindparam("rows"))
)
_OF_SITE = _EVENTS.where(event.c.site == bindparam("of"))


def recent_events(session: Session, limit: int, sites: Sites = None) -> list[EventItem]:
    """The newest events of some sites, newest first.

    Site by site, so that each is read from the end of its index: the newest events of a quiet site
    may lie behind a million of others.
    """
    if sites is None:
        rows = list(session.rows(_EVENTS, {"rows": limit}))
    else:
        rows = [
            row
            for site in sorted(sites)
            for row in session.rows(_OF_SITE, {"rows": limit, "of": site})
        ]
        rows.sort(key=lambda row: (-row.time_ms, row.edge, -row.epoch, -row.seq))
    return [_event(row) for row in rows[:limit]]


def _event(row: Row) -> EventItem:
    return EventItem(
        id=f"{row.epoch}-{row.seq}",
        site=row.site,
        edge=row.edge,
        kind=row.kind,
        bay=row.bay,
        time=from_ms(row.time_ms),
        state=occupancy_of(row.occ) if row.kind == "changed" else None,
        reason=row.reason,
        cause=row.cause,
        conf=row.conf,
    )


_GAPS = select(gap).where(gap.c.edge == bindparam("of")).order_by(gap.c.epoch, gap.c.first_seq)
_HOLES = (
    select(
        edge.c.site,
        stream.c.edge,
        stream.c.epoch,
        stream.c.upto,
        stream.c.top,
        edge.c.dead,
        edge.c.epoch.label("edge_epoch"),
    )
    .join(edge, edge.c.edge == stream.c.edge)
    .where(stream.c.upto < stream.c.top)
    .order_by(stream.c.edge, stream.c.epoch)
)
_HOLE_END = select(
    select(func.min(event.c.seq))
    .where(
        event.c.edge == bindparam("of"),
        event.c.epoch == bindparam("in"),
        event.c.seq > bindparam("upto"),
    )
    .scalar_subquery(),
    select(func.min(gap.c.first_seq))
    .where(
        gap.c.edge == bindparam("of"),
        gap.c.epoch == bindparam("in"),
        gap.c.first_seq > bindparam("upto"),
    )
    .scalar_subquery(),
)


def gaps(session: Session, name: str) -> list[GapItem]:
    """What is known to be lost of an edge's stream."""
    return [
        GapItem(
            edge=row.edge,
            epoch=row.epoch,
            first=row.first_seq,
            last=row.last_seq,
            reason=row.reason,
        )
        for row in session.rows(_GAPS, {"of": name})
    ]


def holes(session: Session) -> list[Hole]:
    """Streams that are incomplete."""
    return [
        Hole(
            site=row.site,
            edge=row.edge,
            epoch=row.epoch,
            upto=row.upto,
            top=row.top,
            online=not row.dead,
            is_current=row.epoch >= row.edge_epoch,
        )
        for row in session.rows(_HOLES)
    ]


def hole_end(session: Session, hole: Hole) -> int:
    """The last number of a stream's first hole."""
    [(next_event, next_gap)] = session.rows(
        _HOLE_END, {"of": hole.edge, "in": hole.epoch, "upto": hole.upto}
    )
    return min(n for n in (next_event, next_gap, hole.top + 1) if n is not None) - 1
