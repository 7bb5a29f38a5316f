"""Reading the streams themselves: the newest events, what is missing, what is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select, tuple_

from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Sites, occupancy_of
from cloud_app.storage.tables import edge, event, gap, stream
from cloud_app.storage.times import from_ms, to_ms
from cloud_app.storage.upsert import names
from cloud_app.stream import Hole
from cloud_app.views import EventItem, GapItem

_NEWEST_FIRST = (
    event.c.time_ms.desc(),
    event.c.edge,
    event.c.epoch.desc(),
    event.c.seq.desc(),
)
_EVENTS = select(*(event.c[name] for name in names(event) if name != "body"))


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; None does not matter.

    Attributes:
        sites: that they happened at; an empty collection has none.
        edge: that told them; then the last in its stream come first.
        window: when they happened.
        after: (time_ms, edge, epoch, seq) of the last event of the page before.
    """

    sites: Sites = None
    edge: str | None = None
    window: Window | None = None
    after: tuple[int, str, int, int] | None = None

    def query(self, limit: int) -> Select[Any]:
        """A page of them at one of the sites, which is bound as `of`, or at any."""
        found = (
            _EVENTS.where(event.c.site == bindparam("of")) if self.sites is not None else _EVENTS
        )
        if self.window is not None:
            found = found.where(
                event.c.time_ms >= self.window.start_ms, event.c.time_ms < self.window.end_ms
            )
        if self.edge is not None:
            order = (event.c.epoch.desc(), event.c.seq.desc())
            found = found.where(event.c.edge == self.edge)
            if self.after is not None:
                found = found.where(tuple_(event.c.epoch, event.c.seq) < self.after[2:])
            return found.order_by(*order).limit(limit)
        if self.after is not None:
            found = found.where(_comes_after(*self.after))
        return found.order_by(*_NEWEST_FIRST).limit(limit)


def _comes_after(time_ms: int, edge: str, epoch: int, seq: int) -> ColumnElement[bool]:
    at_once = and_(
        event.c.time_ms == time_ms,
        or_(
            event.c.edge > edge,
            and_(event.c.edge == edge, tuple_(event.c.epoch, event.c.seq) < (epoch, seq)),
        ),
    )
    # The first condition is the index's, the second takes out what was told.
    return and_(event.c.time_ms <= time_ms, or_(event.c.time_ms < time_ms, at_once))


def recent_events(
    session: Session, limit: int, wanted: EventFilter | None = None
) -> list[EventItem]:
    """The newest events that are wanted, newest first.

    Site by site, so that each is read from the end of its index: the newest events of a quiet site
    may lie behind a million of others.
    """
    wanted = wanted or EventFilter()
    query = wanted.query(limit)
    if wanted.sites is None:
        rows = list(session.rows(query))
    else:
        rows = [row for site in sorted(wanted.sites) for row in session.rows(query, {"of": site})]
        rows.sort(key=lambda row: (-row.time_ms, row.edge, -row.epoch, -row.seq))
    return [_event(row) for row in rows[:limit]]


def place_of(item: EventItem) -> tuple[int, str, int, int]:
    """Where an event stands among all: what `EventFilter.after` takes."""
    epoch, seq = item.id.split("-")
    return to_ms(item.time), item.edge, int(epoch), int(seq)


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
