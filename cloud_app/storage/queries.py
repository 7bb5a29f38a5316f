"""Reading what is so now: lots, bays, edges. Every function sees one state of the database.

Nothing here reads all bays or all events: counts come from `bay_count`, bays are read by lot.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    false,
    func,
    or_,
    select,
    true,
    tuple_,
)

from cloud_app.storage.counts import COUNTS_HERE, SAME_BAY
from cloud_app.storage.database import Given, Row, Session
from cloud_app.storage.tables import bay, bay_count, bay_state, edge, lot
from cloud_app.storage.times import from_ms
from cloud_app.storage.upsert import among, names
from cloud_app.views import (
    KEPT_KINDS,
    Availability,
    BayNow,
    Counts,
    LotNow,
    StaleReason,
)
from telemetry.messages import Location, Occupancy
from telemetry.vocabulary import BayKind

Sites: TypeAlias = Collection[str] | None
"""Which sites are wanted; None for all, and an empty one for none."""


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


def parts_now(
    session: Session, now: Now, site: str, lots: Collection[str]
) -> dict[str, dict[tuple[str, str], Counts]]:
    """Of each lot of a site the counts of its bays by (zone, kind); zone '' for bays without."""
    which = and_(bay_count.c.site == site, bay_count.c.lot.in_(sorted(lots)))
    key = (bay_count.c.lot, bay_count.c.zone, bay_count.c.kind)
    found: dict[str, dict[tuple[str, str], Counts]] = {}
    for row in session.rows(_counted(now, which, *key).group_by(*key)):
        found.setdefault(row.lot, {})[row.zone, row.kind] = _counts(row)
    return found


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
