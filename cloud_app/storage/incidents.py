"""Reading incidents: vehicles that stand, or stood, as they should not.

A snapshot lists what lasts: an incident that began before it and is not in it is over, though its
end never came.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Row, Session
from cloud_app.storage.incident_tables import incident as incident_table
from cloud_app.storage.incident_tables import incident_list
from cloud_app.storage.queries import Now, Sites, of_sites
from cloud_app.storage.tables import bay, edge
from cloud_app.storage.times import from_ms, to_ms
from cloud_app.storage.upsert import names
from cloud_app.views import IncidentItem
from telemetry.vocabulary import IncidentKind

END_NOT_TOLD = "not_told"
"""The edge does not list the incident any more, and its end was lost."""


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents are wanted; None does not matter.

    Attributes:
        site: of the edge.
        lot: of the camera's bays.
        edge: that told of it.
        bay: among those concerned.
        kind: what is wrong.
        is_open: whether it lasts.
        window: incidents that stood in it at least in part.
        sites: of the edge, those that the reader sees; an empty collection has no incidents.
        after: (edge, incident) of the last one of the page before.
    """

    site: str | None = None
    lot: str | None = None
    edge: str | None = None
    bay: str | None = None
    kind: IncidentKind | None = None
    is_open: bool | None = None
    window: Window | None = None
    sites: Sites = None
    after: tuple[str, str] | None = None


_i, _l = incident_table, incident_list
# Over by its own event, or since a later snapshot of its edge does not list it.
_NOT_LISTED = and_(
    tuple_(_l.c.epoch, _l.c.seq) >= tuple_(_i.c.epoch, _i.c.seq),
    func.replace(_l.c.ids, '"' + _i.c.incident + '"', "") == _l.c.ids,
)
_ENDED = func.coalesce(_i.c.ended_ms, case((_NOT_LISTED, _l.c.at_ms)))
# Layouts may come after the events that name them, so the lot is looked up when it is asked for.
_LOT = (
    select(func.min(bay.c.lot))
    .where(bay.c.edge == _i.c.edge, bay.c.layout == _i.c.layout, bay.c.camera == _i.c.camera)
    .scalar_subquery()
)
_INCIDENTS = (
    select(
        *(_i.c[name] for name in names(_i) if name != "ended_ms"),
        _LOT.label("lot"),
        _ENDED.label("ended_ms"),
        _i.c.ended_ms.label("told_ms"),
        edge.c.dead,
        edge.c.seen_ms,
    )
    .join(edge, edge.c.edge == _i.c.edge)
    .outerjoin(_l, _l.c.edge == _i.c.edge)
)
_rank = case((_ENDED.is_(None), 0), else_=1)
_NEWEST_FIRST = (_i.c.began_ms.desc(), _i.c.edge, _i.c.incident)
_PLACE = (
    select(_rank.label("rank"), _i.c.began_ms)
    .outerjoin(_l, _l.c.edge == _i.c.edge)
    .where(_i.c.edge == bindparam("of"), _i.c.incident == bindparam("named"))
)
_PRUNE = delete(_i).where(
    _i.c.last_seen_ms < bindparam("before_ms"),
    or_(
        _i.c.ended_ms < bindparam("before_ms"),
        # Its end was lost, and its edge has not listed it since.
        and_(
            _i.c.ended_ms.is_(None),
            exists(select(_l.c.edge).where(_l.c.edge == _i.c.edge, _NOT_LISTED).correlate(_i)),
        ),
    ),
)


def incidents(session: Session, now: Now, wanted: IncidentFilter, limit: int) -> list[IncidentItem]:
    """Incidents, those that last first, then the newest."""
    # Those that may last have an index of their own; whoever asks for them alone reads no others.
    # The others are over, all of them, so that the index of their beginnings has their order.
    states = [_INCIDENTS.where(_i.c.ended_ms.is_(None)).order_by(_rank, *_NEWEST_FIRST)]
    if not wanted.is_open:
        states.append(_INCIDENTS.where(_i.c.ended_ms.is_not(None)).order_by(*_NEWEST_FIRST))
    conditions = _conditions(wanted, now)
    if wanted.after is not None:
        edge_name, name = wanted.after
        rows = session.rows(_PLACE, {"of": edge_name, "named": name})
        if not rows:
            return []
        conditions.append(_comes_after(rows[0].rank, rows[0].began_ms, edge_name, name))
    found = [
        _item(row, now)
        for state in states
        for row in session.rows(state.where(*conditions).limit(limit))
    ]
    found.sort(
        key=lambda item: (item.ended is not None, -to_ms(item.began), item.edge, item.incident)
    )
    return found[:limit]


def _comes_after(rank: int, began_ms: int, edge_name: str, name: str) -> ColumnElement[bool]:
    later = or_(
        _i.c.began_ms < began_ms,
        and_(_i.c.began_ms == began_ms, tuple_(_i.c.edge, _i.c.incident) > (edge_name, name)),
    )
    return or_(_rank > rank, and_(_rank == rank, later))


def count_open(session: Session, sites: Sites) -> int:
    """How many incidents of some sites last."""
    [(number,)] = session.rows(
        select(func.count())
        .select_from(_i)
        .outerjoin(_l, _l.c.edge == _i.c.edge)
        .where(_i.c.ended_ms.is_(None), _ENDED.is_(None), of_sites(_i.c.site, sites))
    )
    return int(number)


def _conditions(wanted: IncidentFilter, now: Now) -> list[ColumnElement[bool]]:
    needed = [of_sites(_i.c.site, wanted.sites)]
    needed += [
        column == value
        for column, value in (
            (_i.c.site, wanted.site),
            (_LOT, wanted.lot),
            (_i.c.edge, wanted.edge),
            (_i.c.kind, wanted.kind),
        )
        if value is not None
    ]
    if wanted.bay is not None:
        # Not LIKE: SQLite's knows no case, and an id may hold '_', which stands for any letter.
        needed.append(func.replace(_i.c.bays, json.dumps(wanted.bay), "") != _i.c.bays)
    if wanted.is_open is not None:
        needed.append(_ENDED.is_(None) if wanted.is_open else _ENDED.is_not(None))
    if wanted.window is not None:
        needed.append(_i.c.began_ms < wanted.window.end_ms)
        needed.append(func.coalesce(_ENDED, now.now_ms) >= wanted.window.start_ms)
    return needed


def _item(row: Row, now: Now) -> IncidentItem:
    stood_s = float(row.stood_s)
    if row.ended_ms is None:
        # Nothing is told while it lasts, so it has stood until now, as far as anybody knows.
        stood_s = max(stood_s, (now.now_ms - row.began_ms) / 1000)
    return IncidentItem(
        edge=row.edge,
        incident=row.incident,
        site=row.site,
        lot=row.lot,
        camera=row.camera,
        kind=row.kind,
        bays=tuple(json.loads(row.bays)),
        area=row.area,
        vehicle=row.vehicle,
        conf=row.conf,
        box=None if row.box is None else tuple(json.loads(row.box)),
        began=from_ms(row.began_ms),
        last_seen=from_ms(row.last_seen_ms),
        stood_s=stood_s,
        limit_s=row.limit_s,
        ended=from_ms(row.ended_ms),
        end=row.reason if row.told_ms is not None or row.ended_ms is None else END_NOT_TOLD,
        stale=now.staleness(row.dead, row.seen_ms) is not None,
    )


def prune_incidents(session: Session, before_ms: int) -> int:
    """Delete incidents that were over before that; return how many."""
    return session.run(_PRUNE, {"before_ms": before_ms})
