"""The bays of a lot as they were at one time."""

from __future__ import annotations

from sqlalchemy import BigInteger, bindparam, or_, select

from cloud_app.storage.alert_tables import alert
from cloud_app.storage.bay_events import bays_in_force, last_events, lot_bays
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import occupancy_of
from cloud_app.storage.tables import bay, event
from cloud_app.storage.times import from_ms
from cloud_app.views import BayNow
from telemetry.messages import Occupancy

NO_RECORD = "no_record"
"""Why a bay is unknown of which no event tells at or before the time that is asked for."""

_bays = bays_in_force((bay.c.site == bindparam("at_site"), bay.c.lot == bindparam("of_lot")))
_LAST = last_events(
    _bays,
    bindparam("at_ms", type_=BigInteger) + 1,
    (event.c.closed, event.c.reason, event.c.conf),
    # A later word on the same state, such as that the bay was closed, was not known yet.
    lambda seen: seen.c.time_ms <= bindparam("at_ms"),
)
# An edge's absence is an alert; nothing else keeps when it was away. A person who closes the alert
# does not bring the edge back.
_AWAY = select(alert.c.subject).where(
    alert.c.rule == "edge_offline",
    alert.c.site == bindparam("at_site"),
    alert.c.opened_ms <= bindparam("at_ms"),
    or_(alert.c.ceased_ms.is_(None), alert.c.ceased_ms > bindparam("at_ms")),
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
    known = {(row.edge, row.bay): row for row in session.rows(_LAST, given)}
    away = {row.subject for row in session.rows(_AWAY, given)}
    bays = sorted(lot_bays(session, site, lot), key=lambda row: (row.edge, row.place))
    return [_bay(row, known.get((row.edge, row.bay)), is_away=row.edge in away) for row in bays]


def _bay(row: Row, last: Row | None, *, is_away: bool) -> BayNow:
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
        state=Occupancy.UNKNOWN if last is None else occupancy_of(last.occ),
        closed=last is not None and bool(last.closed),
        reason=NO_RECORD if last is None else last.reason,
        conf=None if last is None else last.conf,
        since=None if last is None else from_ms(last.since_ms),
        stale=is_away,
    )
