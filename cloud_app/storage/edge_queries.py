"""Reading what is so now of edges: how each is, which of them are stale, where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Double,
    and_,
    bindparam,
    case,
    cast,
    func,
    not_,
    or_,
    select,
    text,
    tuple_,
)

from cloud_app.json_values import read_json
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Now, Sites, of_sites
from cloud_app.storage.tables import bay, bay_count, edge, edge_fault, gap, stream
from cloud_app.storage.times import from_ms
from cloud_app.storage.upsert import among
from cloud_app.stream import StreamKey
from cloud_app.views import EdgeNow, StreamNow

IS_BOX = edge.c.kind == text("'box'")
"""What is told of boxes alone."""
# An edge heard of within it is speaking now.
_JUST_HEARD_MS = 60_000


_other = stream.alias("other")
_LAST_EPOCH = select(func.max(_other.c.epoch)).where(_other.c.edge == edge.c.edge).scalar_subquery()
_SIZE = (
    select(func.coalesce(func.sum(bay_count.c.bays), 0))
    .where(bay_count.c.edge == edge.c.edge)
    .scalar_subquery()
)
_CARRIED = (
    select(func.count())
    .where(bay.c.edge == edge.c.edge, bay.c.layout == edge.c.layout, bay.c.carried == text("1"))
    .scalar_subquery()
)
_EDGES = (
    select(
        edge,
        (_SIZE + _CARRIED).label("bays"),
        stream.c.epoch.label("stream_epoch"),
        stream.c.upto,
        stream.c.top,
    )
    .select_from(edge)
    .outerjoin(stream, and_(stream.c.edge == edge.c.edge, stream.c.epoch == _LAST_EPOCH))
    .order_by(edge.c.site, edge.c.edge)
)
# In whole numbers SQLite's sum could overflow: a range may be told many times over.
_LOST = (
    select(gap.c.edge, gap.c.epoch, func.sum(cast(gap.c.last_seq - gap.c.first_seq + 1, Double)))
    .where(among(gap.c.edge, "edges"))
    .group_by(gap.c.edge, gap.c.epoch)
)

_FAULTS = (
    select(edge_fault.c.edge, edge_fault.c.kind)
    .where(among(edge_fault.c.edge, "edges"))
    .order_by(edge_fault.c.edge, edge_fault.c.kind)
)


@dataclass(frozen=True, slots=True)
class EdgeFilter:
    """Which edges are wanted; None does not matter. A cloud edge is found by its name alone.

    Attributes:
        sites: that they belong to; an empty collection has none.
        name: this one.
        is_stale: away or silent, or not.
        part: of the name, whatever its case.
        after: those that come after this one, for the next page.
        limit: most of them.
    """

    sites: Sites = None
    name: str | None = None
    is_stale: bool | None = None
    part: str | None = None
    after: str | None = None
    limit: int | None = None

    def conditions(self, now: Now) -> list[ColumnElement[bool]]:
        """On rows of `edge`."""
        wanted = [of_sites(edge.c.site, self.sites)]
        if self.name is None:
            wanted.append(IS_BOX)
        else:
            wanted.append(edge.c.edge == self.name)
        if self.is_stale is not None:
            wanted.append(now.is_stale if self.is_stale else not_(now.is_stale))
        if self.part is not None:
            wanted.append(func.lower(edge.c.edge).contains(self.part.lower(), autoescape=True))
        if self.after is not None:
            before = edge.alias("before")
            last = select(before.c.site, before.c.edge).where(before.c.edge == self.after)
            wanted.append(tuple_(edge.c.site, edge.c.edge) > last.scalar_subquery())
        return wanted


def edges_now(session: Session, now: Now, wanted: EdgeFilter | None = None) -> list[EdgeNow]:
    """Edges, by site and name."""
    wanted = wanted or EdgeFilter()
    rows = session.rows(_EDGES.where(*wanted.conditions(now)).limit(wanted.limit))
    given = {"edges": [row.edge for row in rows]}
    lost = {(e, epoch): int(n) for e, epoch, n in session.rows(_LOST, given)}
    faults: dict[str, list[str]] = {}
    for row in session.rows(_FAULTS, given):
        faults.setdefault(row.edge, []).append(row.kind)
    return [_edge(row, now, lost, faults.get(row.edge, ())) for row in rows]


def edge_counts(session: Session, now: Now, sites: Sites = None) -> tuple[int, int]:
    """How many edges there are, and how many of them are stale."""
    [(edges, stale)] = session.rows(
        select(func.count(), func.coalesce(func.sum(case((now.is_stale, 1), else_=0)), 0))
        .select_from(edge)
        .where(of_sites(edge.c.site, sites), IS_BOX)
    )
    return int(edges), int(stale)


def _edge(row: Row, now: Now, lost: Mapping[StreamKey, int], faults: Sequence[str]) -> EdgeNow:
    birth = read_json(row.birth) if row.birth else {}
    stale = now.staleness(row.dead, row.seen_ms)
    return EdgeNow(
        edge=row.edge,
        site=row.site,
        online=not row.dead,
        stale=stale is not None,
        stale_reason=stale,
        # A cloud edge is no box: what is kept of when it was seen only says that it is never away.
        last_seen=from_ms(row.seen_ms) if row.kind == "box" else None,
        since=from_ms(row.at_ms),
        offline_reason=row.reason,
        software=birth.get("software"),
        platform=birth.get("platform"),
        cameras=tuple(birth.get("cameras", ())),
        layout=row.layout,
        bays=row.bays,
        stream=None
        if row.stream_epoch is None
        else StreamNow(
            epoch=row.stream_epoch,
            upto=row.upto,
            top=row.top,
            lost=min(row.top, lost.get((row.edge, row.stream_epoch), 0)),
        ),
        health=read_json(row.health) if row.health else None,
        faults=tuple(faults),
    )


_SITE = select(edge.c.site).where(edge.c.edge == bindparam("of"))


def site_of(session: Session, name: str) -> str | None:
    """Where an edge is; None if it is not known."""
    rows = session.rows(_SITE, {"of": name})
    return rows[0].site if rows else None


def edges_of(session: Session, sites: Sites) -> frozenset[str]:
    """The names of the edges of some sites."""
    rows = session.rows(select(edge.c.edge).where(of_sites(edge.c.site, sites)))
    return frozenset(row.edge for row in rows)


def edges_to_reread(session: Session, now: Now) -> list[tuple[str, str]]:
    """Edges (site, edge) of which a retained message must have been missed.

    Either the birth or the layout never came, or the newest state was reported against another
    layout than the one in force, or an edge that is called dead goes on speaking.
    """
    missed = or_(
        edge.c.birth.is_(None),
        edge.c.layout.is_(None),
        and_(edge.c.dead == 1, edge.c.seen_ms > now.now_ms - _JUST_HEARD_MS),
        edge.c.layout != edge.c.told_layout,
    )
    rows = session.rows(
        select(edge.c.site, edge.c.edge).where(IS_BOX, missed).order_by(edge.c.site, edge.c.edge)
    )
    return [(row.site, row.edge) for row in rows]
