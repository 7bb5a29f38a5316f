"""The bays of a lot as they were at one time."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, or_, select, tuple_

from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import occupancy_of
from cloud_app.storage.tables import alert, bay, edge, event
from cloud_app.storage.times import from_ms
from cloud_app.views import BayNow

NO_RECORD = "no_record"
"""Why a bay is unknown of which no event tells at or before the time that is asked for."""

# Enough to see past the events of a clock that was ahead for a while.
_LAST_FEW = 8

_seen = event.alias("seen")
_last_few = (
    select(_seen.c.epoch, _seen.c.seq)
    .where(
        _seen.c.edge == bay.c.edge,
        _seen.c.bay == bay.c.bay,
        _seen.c.kind == "changed",
        _seen.c.since_ms <= bindparam("at_ms"),
        # A later word on the same state, such as that the bay was closed, was not known yet.
        _seen.c.time_ms <= bindparam("at_ms"),
    )
    .order_by(_seen.c.since_ms.desc(), _seen.c.epoch.desc(), _seen.c.seq.desc())
    .limit(_LAST_FEW)
    .correlate(bay)
    .subquery("last_few")
)
_LAST = (
    select(_last_few.c.epoch, _last_few.c.seq)
    .order_by(_last_few.c.epoch.desc(), _last_few.c.seq.desc())
    .limit(1)
    .scalar_subquery()
)
_BAYS = (
    select(
        bay,
        event.c.occ,
        event.c.closed,
        event.c.reason,
        event.c.conf,
        event.c.since_ms,
        event.c.seq,
    )
    .select_from(edge)
    .join(bay, and_(bay.c.edge == edge.c.edge, bay.c.layout == edge.c.layout))
    .outerjoin(
        event,
        and_(
            event.c.edge == bay.c.edge,
            event.c.bay == bay.c.bay,
            tuple_(event.c.epoch, event.c.seq) == _LAST,
        ),
    )
    .where(bay.c.site == bindparam("at_site"), bay.c.lot == bindparam("of_lot"))
    .order_by(bay.c.edge, bay.c.place)
)
# An edge's absence is an alert; nothing else keeps when it was away.
_AWAY = select(alert.c.subject).where(
    alert.c.rule == "edge_offline",
    alert.c.site == bindparam("at_site"),
    alert.c.opened_ms <= bindparam("at_ms"),
    or_(alert.c.closed_ms.is_(None), alert.c.closed_ms > bindparam("at_ms")),
)


def bays_at(session: Session, site: str, lot: str, at_ms: int) -> list[BayNow]:
    """The bays of the layouts in force, with their states at a time.

    A bay is stale if an alert says that its edge was away then. It is unknown before its first
    event.

    Args:
        session: to read with.
        site: of the lot.
        lot: whose bays.
        at_ms: the time, milliseconds since 1970.
    """
    given = {"at_site": site, "of_lot": lot, "at_ms": at_ms}
    rows: Sequence[Row] = session.rows(_BAYS, given)
    away = {row.subject for row in session.rows(_AWAY, given)} if rows else set()
    return [_bay(row, is_away=row.edge in away) for row in rows]


def _bay(row: Row, *, is_away: bool) -> BayNow:
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
        reason=NO_RECORD if row.seq is None else row.reason,
        conf=row.conf,
        since=from_ms(row.since_ms),
        stale=is_away,
    )
