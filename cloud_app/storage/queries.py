"""Reading what is so now: lots, bays, edges. Every function sees one state of the database.

Nothing here reads all bays or all events: counts come from `bay_count`, bays are read by lot.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Double,
    Select,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    not_,
    or_,
    select,
    text,
    true,
    tuple_,
)

from cloud_app.json_values import read_json
from cloud_app.storage.counts import COUNTS_HERE, SAME_BAY
from cloud_app.storage.database import Given, Row, Session
from cloud_app.storage.tables import bay, bay_count, bay_state, edge, edge_fault, gap, lot, stream
from cloud_app.storage.times import from_ms
from cloud_app.storage.upsert import among, names
from cloud_app.stream import StreamKey
from cloud_app.views import (
    KEPT_KINDS,
    Availability,
    BayNow,
    Counts,
    EdgeNow,
    LotNow,
    StaleReason,
    StreamNow,
)
from telemetry.messages import Location, Occupancy
from telemetry.vocabulary import BayKind

Sites: TypeAlias = Collection[str] | None
"""Which sites are wanted; None for all, and an empty one for none."""

IS_BOX = edge.c.kind == text("'box'")
"""What is told of boxes alone."""
# An edge heard of within it is speaking now.
_JUST_HEARD_MS = 60_000


@dataclass(frozen=True, slots=True)
class Now:
    """The moment that a reading is for.

    Attributes:
        now_ms: wall time.
        stale_after_ms: an edge not heard of for so long is stale.
    """

    now_ms: int
    stale_after_ms: int

    def staleness(self, dead: int, seen_ms: int | None) -> StaleReason | None:
        """Why an edge's bays are stale, None while they are fresh: offline is stale, not free."""
        if dead:
            return StaleReason.OFFLINE
        if seen_ms is None or self.now_ms - seen_ms > self.stale_after_ms:
            return StaleReason.SILENT
        return None

    @property
    def is_stale(self) -> ColumnElement[bool]:
        """The same, as a condition on rows of `edge`."""
        return or_(
            edge.c.dead == 1,
            edge.c.seen_ms.is_(None),
            edge.c.seen_ms < self.now_ms - self.stale_after_ms,
        )


def occupancy_of(occ: int | None) -> Occupancy:
    """The word for a stored occupancy."""
    return Occupancy.of(None if occ is None else bool(occ))


def of_sites(column: ColumnElement[Any], sites: Sites) -> ColumnElement[bool]:
    """A condition on a column that holds a site."""
    if sites is None:
        return true()
    return column.in_(sorted(sites)) if sites else false()


def lots_now(session: Session, now: Now, sites: Sites = None) -> list[LotNow]:
    """The lots of some sites, with counts."""
    return _lots(session, now, of_sites(bay_count.c.site, sites))


def lot_now(session: Session, now: Now, site: str, name: str) -> LotNow | None:
    """One lot with its counts; None if no layout in force names it."""
    which = and_(bay_count.c.site == site, bay_count.c.lot == name)
    return next(iter(_lots(session, now, which)), None)


def lots_of_edges(session: Session, now: Now, edges: Collection[str]) -> list[LotNow]:
    """The lots that some edges serve, with the counts of all their edges."""
    served = select(bay_count.c.site, bay_count.c.lot).where(among(bay_count.c.edge, "edges"))
    which = tuple_(bay_count.c.site, bay_count.c.lot).in_(served)
    return _lots(session, now, which, {"edges": sorted(edges)}) if edges else []


def _lots(
    session: Session, now: Now, which: ColumnElement[bool], given: Given | None = None
) -> list[LotNow]:
    """The lots of some rows of `bay_count`, with counts."""
    return [_lot(row) for row in session.rows(_lots_query(now, which), given)]


def totals(session: Session, now: Now, sites: Sites = None) -> tuple[int, Counts]:
    """How many lots some sites have, and the sum of their counts."""
    number = func.count(func.distinct(bay_count.c.site + "/" + bay_count.c.lot)).label("lots")
    [row] = session.rows(_counted(now, of_sites(bay_count.c.site, sites), number))
    return row.lots, _counts(row)


def _counted(now: Now, which: ColumnElement[bool], *columns: ColumnElement[Any]) -> Select[Any]:
    """The sums of some rows of `bay_count`, with further columns."""
    open_bays = bay_count.c.bays - bay_count.c.closed
    stale = now.is_stale
    sums = {
        "bays": bay_count.c.bays,
        "stale": case((stale, open_bays), else_=0),
        "closed": bay_count.c.closed,
        **{
            state: case((stale, 0), else_=bay_count.c[state])
            for state in ("occupied", "free", "unknown", "blocked")
        },
    }
    kept = bay_count.c.kind.in_(sorted(KEPT_KINDS))
    sums["capacity"] = case((kept, 0), else_=open_bays)
    usable = bay_count.c.free - bay_count.c.blocked
    sums["available"] = case((or_(stale, kept), 0), else_=usable)
    return (
        select(
            *columns, *(func.coalesce(func.sum(each), 0).label(name) for name, each in sums.items())
        )
        .select_from(bay_count)
        .join(edge, edge.c.edge == bay_count.c.edge)
        .where(which)
    )


def _lots_query(now: Now, which: ColumnElement[bool]) -> Select[Any]:
    key = (bay_count.c.site, bay_count.c.lot)
    counts = _counted(now, which, *key).group_by(*key).subquery()
    return (
        select(counts, lot.c.name, lot.c.levels, lot.c.lat, lot.c.lon)
        .outerjoin(lot, and_(lot.c.site == counts.c.site, lot.c.lot == counts.c.lot))
        .order_by(counts.c.site, counts.c.lot)
    )


def _counts(row: Row) -> Counts:
    return Counts(
        bays=row.bays,
        occupied=row.occupied,
        free=row.free,
        unknown=row.unknown,
        stale=row.stale,
        closed=row.closed,
        blocked=row.blocked,
        capacity=row.capacity,
        available=row.available,
    )


def availability(session: Session, now: Now, site: str, name: str) -> list[Availability]:
    """What a driver may take of a lot, by kind of bay; kinds that are kept are left out."""
    which = and_(
        bay_count.c.site == site,
        bay_count.c.lot == name,
        bay_count.c.kind.not_in(sorted(KEPT_KINDS)),
    )
    query = _counted(now, which, bay_count.c.kind).group_by(bay_count.c.kind)
    return [
        Availability(
            kind=BayKind(row.kind),
            capacity=row.capacity,
            available=row.available,
            occupied=row.occupied,
            unknown=row.unknown + row.stale,
        )
        for row in session.rows(query.order_by(bay_count.c.kind))
    ]


def _lot(row: Row) -> LotNow:
    counts = _counts(row)
    return LotNow(
        site=row.site,
        lot=row.lot,
        name=row.name,
        levels=tuple(json.loads(row.levels or "[]")),
        location=None if row.lat is None or row.lon is None else Location(lat=row.lat, lon=row.lon),
        counts=counts,
        occupancy=counts.occupancy,
    )


def lot_size(session: Session, site: str, name: str) -> int:
    """How many bays a lot has in the layouts in force; 0 for a lot that is not known."""
    [(bays,)] = session.rows(
        select(func.coalesce(func.sum(bay_count.c.bays), 0)).where(
            bay_count.c.site == site, bay_count.c.lot == name
        )
    )
    return int(bays)


_IN_FORCE = and_(bay.c.edge == edge.c.edge, bay.c.layout == edge.c.layout)


def bays_now(
    session: Session, now: Now, *, site: str, lot: str | None = None, edge: str | None = None
) -> list[BayNow]:
    """Bays of the layouts in force, in the order of edge and layout."""
    wanted = [bay.c.site == site, COUNTS_HERE]
    if lot is not None:
        wanted.append(bay.c.lot == lot)
    if edge is not None:
        wanted.append(bay.c.edge == edge)
    return [_bay(row, now) for row in session.rows(_BAYS.where(*wanted))]


def edge_bays_now(session: Session, now: Now, name: str) -> list[BayNow]:
    """The bays of one edge's layout in force, in its order, whether or not they count there."""
    return [_bay(row, now) for row in session.rows(_BAYS.where(bay.c.edge == name))]


_BAYS = (
    select(
        *(bay.c[name] for name in names(bay) if name not in {"picture", "carried"}),
        bay_state.c.occ,
        bay_state.c.closed,
        bay_state.c.reason,
        bay_state.c.conf,
        bay_state.c.since_ms,
        bay_state.c.blocked,
        edge.c.dead,
        edge.c.seen_ms,
        edge.c.kind.label("edge_kind"),
    )
    .select_from(edge)
    .join(bay, _IN_FORCE)
    .outerjoin(bay_state, SAME_BAY)
    .order_by(bay.c.edge, bay.c.place)
)


def _bay(row: Row, now: Now) -> BayNow:
    return BayNow(
        site=row.site,
        lot=row.lot,
        zone=row.zone,
        level=row.level,
        edge=row.edge,
        bay=row.bay,
        camera=row.camera,
        kind=row.kind,
        angle=row.angle,
        state=occupancy_of(row.occ),
        closed=bool(row.closed),
        blocked=row.blocked,
        reason=row.reason if row.closed is not None else "starting",
        conf=row.conf,
        since=from_ms(row.since_ms),
        stale=now.staleness(row.dead, row.seen_ms) is not None,
        reconciled=row.edge_kind == "cloud",
    )


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
        last_seen=from_ms(row.seen_ms),
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
