"""Reading incidents: vehicles that stand, or stood, as they should not.

A snapshot lists what lasts: an incident that began before it and is not in it is over, though its
end never came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Double,
    Label,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)

from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Given, Row, Session
from cloud_app.storage.incident_tables import incident as incident_table
from cloud_app.storage.incident_tables import incident_list
from cloud_app.storage.paging import By, Order, beyond, lost, ordered
from cloud_app.storage.queries import Now, Sites, of_sites
from cloud_app.storage.tables import bay, bay_count, edge
from cloud_app.storage.text_search import has_word
from cloud_app.storage.times import from_ms
from cloud_app.storage.upsert import names
from cloud_app.views import IncidentItem
from telemetry.vocabulary import IncidentKind

END_NOT_TOLD = "not_told"
"""The edge does not list the incident any more, and its end was lost."""


class IncidentOrder(StrEnum):
    """What a list of incidents is sorted by."""

    STATE = "state"
    BEGAN = "began"
    STOOD = "stood"
    KIND = "kind"
    SITE = "site"


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
        q: words in its ids, place, kind or vehicle, whatever their case.
        order: of the list; by state: those that are open, then the newest.
        is_down: the opposite order.
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
    q: str | None = None
    order: IncidentOrder = IncidentOrder.STATE
    is_down: bool = False
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
_IS_OVER = case((_ENDED.is_(None), 0), else_=1)
_UNTIL_NOW_S = (bindparam("now_ms", type_=Double) - _i.c.began_ms) / 1000.0
_STOOD_S = case((_ENDED.is_(None), _UNTIL_NOW_S), else_=_i.c.stood_s)
_NAME = (By(_i.c.edge), By(_i.c.incident))
_NEWEST = (By(_i.c.began_ms, is_down=True), *_NAME)
_ORDERS: Final[Mapping[IncidentOrder, Order]] = {
    IncidentOrder.STATE: (By(_IS_OVER), *_NEWEST),
    IncidentOrder.BEGAN: (By(_i.c.began_ms), *_NAME),
    IncidentOrder.STOOD: (By(_STOOD_S), *_NAME),
    IncidentOrder.KIND: (By(_i.c.kind), *_NEWEST),
    IncidentOrder.SITE: (By(_i.c.site), *_NEWEST),
}
# What has its own end is over, and stood as long as that says: so its order is that of an index.
_ONE: ColumnElement[int] = literal_column("1")
_OF_OVER: Final[Mapping[IncidentOrder, Order]] = {
    **_ORDERS,
    IncidentOrder.STATE: (By(_ONE), *_NEWEST),
    IncidentOrder.STOOD: (By(_i.c.stood_s), *_NAME),
}
_PRUNE = delete(_i).where(
    # Follows from the next, and has an index.
    _i.c.began_ms < bindparam("before_ms"),
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
    """A page of incidents, in the order that is wanted.

    Raises:
        PageLostError: the incident before it is gone.
    """
    order = _directed(_ORDERS[wanted.order], wanted)
    given = {"now_ms": now.now_ms}
    place = None if wanted.after is None else _place(session, order, wanted.after, given)
    query = _INCIDENTS.where(*_conditions(wanted, now, session.connection.dialect.name))
    # Those that may be open have an index of their own, and are few. Of the others only as many
    # are read as the page has.
    parts = [_page(query.where(_i.c.ended_ms.is_(None)), order, place, limit)]
    if not wanted.is_open:
        over = _directed(_OF_OVER[wanted.order], wanted)
        parts.append(_page(query.where(_i.c.ended_ms.is_not(None)), over, place, limit))
    found = union_all(*(select(part.subquery()) for part in parts)).subquery()
    whole = [By(found.c[f"by_{n}"], by.is_down) for n, by in enumerate(order)]
    rows = session.rows(select(found).order_by(*ordered(whole)).limit(limit), given)
    return [_item(row, now) for row in rows]


def _directed(order: Order, wanted: IncidentFilter) -> Order:
    return [By(by.column, not by.is_down) for by in order] if wanted.is_down else order


def _labelled(order: Order) -> list[Label[Any]]:
    return [by.column.label(f"by_{n}") for n, by in enumerate(order)]


def _page(query: Select[Any], order: Order, place: Row | None, limit: int) -> Select[Any]:
    if place is not None:
        query = query.where(beyond(order, place))
    sorted_by = ordered([by for by in order if by.column is not _ONE])
    return query.add_columns(*_labelled(order)).order_by(*sorted_by).limit(limit)


def _place(session: Session, order: Order, name: tuple[str, str], given: Given) -> Row:
    """Where an incident stands in an order."""
    query = select(*_labelled(order)).select_from(_i).outerjoin(_l, _l.c.edge == _i.c.edge)
    rows = session.rows(query.where(_i.c.edge == name[0], _i.c.incident == name[1]), given)
    if not rows:
        raise lost("/".join(name))
    return rows[0]


def count_open(session: Session, sites: Sites) -> int:
    """How many incidents of some sites last."""
    [(number,)] = session.rows(
        select(func.count())
        .select_from(_i)
        .outerjoin(_l, _l.c.edge == _i.c.edge)
        .where(_i.c.ended_ms.is_(None), _ENDED.is_(None), of_sites(_i.c.site, sites))
    )
    return int(number)


def _conditions(wanted: IncidentFilter, now: Now, dialect: str) -> list[ColumnElement[bool]]:
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
    needed += [_has(word, dialect) for word in (wanted.q or "").split()]
    if wanted.window is not None:
        needed.append(_i.c.began_ms < wanted.window.end_ms)
        needed.append(func.coalesce(_ENDED, now.now_ms) >= wanted.window.start_ms)
    return needed


def _has(word: str, dialect: str) -> ColumnElement[bool]:
    """Whether an incident has a word; its lot is read only where its edge serves such a one."""
    own = (_i.c.edge, _i.c.incident, _i.c.site, _i.c.kind, _i.c.bays, _i.c.area, _i.c.vehicle)
    lots = select(bay_count.c.edge).where(has_word(word, (bay_count.c.lot,), dialect))
    return or_(
        has_word(word, own, dialect),
        and_(_i.c.edge.in_(lots), has_word(word, (_LOT,), dialect)),
    )


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
