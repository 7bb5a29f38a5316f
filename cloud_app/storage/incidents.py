"""Reading incidents: vehicles that stand, or stood, as they should not.

A snapshot lists what lasts: an incident that began before it and is not in it is over, though its
end never came.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cloud_app.storage.database import Session, Value
from cloud_app.storage.history import Window
from cloud_app.storage.queries import Now, Sites, of_sites
from cloud_app.storage.times import from_ms
from cloud_app.views import IncidentItem
from telemetry.words import IncidentKind

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
    """

    site: str | None = None
    lot: str | None = None
    edge: str | None = None
    bay: str | None = None
    kind: IncidentKind | None = None
    is_open: bool | None = None
    window: Window | None = None
    sites: Sites = None


# Over by its own event, or since a later snapshot of its edge does not list it.
_NOT_LISTED = (
    "(l.epoch, l.seq) >= (i.epoch, i.seq)"
    " AND REPLACE(l.ids, '\"' || i.incident || '\"', '') = l.ids"
)
_ENDED = f"COALESCE(i.ended_ms, CASE WHEN {_NOT_LISTED} THEN l.at_ms END)"
# Layouts may come after the events that name them, so the lot is looked up when it is asked for.
_LOT = (
    "(SELECT MIN(bay.lot) FROM bay WHERE bay.edge = i.edge AND bay.layout = i.layout"
    " AND bay.camera = i.camera)"
)


def incidents(session: Session, now: Now, wanted: IncidentFilter, limit: int) -> list[IncidentItem]:
    """Incidents, those that last first, then the newest."""
    where: list[str] = []
    values: list[Value] = []

    def need(condition: str, *given: Value) -> None:
        where.append(condition)
        values.extend(given)

    condition, sites = of_sites("i.site", wanted.sites)
    need(condition, *sites)
    for column, value in (
        ("i.site", wanted.site),
        (_LOT, wanted.lot),
        ("i.edge", wanted.edge),
        ("i.kind", wanted.kind),
    ):
        if value is not None:
            need(f"{column} = ?", value)
    if wanted.bay is not None:
        # Not LIKE: SQLite's knows no case, and an id may hold '_', which stands for any letter.
        need("REPLACE(i.bays, ?, '') <> i.bays", json.dumps(wanted.bay))
    if wanted.is_open is not None:
        need(f"{_ENDED} IS {'NULL' if wanted.is_open else 'NOT NULL'}")
    if wanted.window is not None:
        need("i.began_ms < ?", wanted.window.end_ms)
        need(f"COALESCE({_ENDED}, ?) >= ?", now.now_ms, wanted.window.start_ms)
    return [
        _item(row, now)
        for row in session.rows(
            # Only constants of this module are pieced together; what is asked for is bound.
            f"SELECT i.edge, i.incident, i.site, {_LOT}, i.camera, i.kind, i.bays, i.area,"  # noqa: S608
            " i.vehicle, i.conf, i.box, i.began_ms, i.last_seen_ms, i.stood_s, i.limit_s,"
            f" {_ENDED}, i.ended_ms, i.reason, edge.dead, edge.seen_ms"
            " FROM incident i JOIN edge ON edge.edge = i.edge"
            " LEFT JOIN incident_list l ON l.edge = i.edge"
            f" WHERE {' AND '.join(where)} ORDER BY CASE WHEN {_ENDED} IS NULL THEN 0 ELSE 1 END,"
            " i.began_ms DESC, i.edge, i.incident LIMIT ?",
            (*values, limit),
        )
    ]


def _item(row: Sequence[Any], now: Now) -> IncidentItem:
    began_ms, ended_ms, told_ms = row[11], row[15], row[16]
    stood_s = float(row[13])
    if ended_ms is None:
        # Nothing is told while it lasts, so it has stood until now, as far as anybody knows.
        stood_s = max(stood_s, (now.now_ms - began_ms) / 1000)
    return IncidentItem(
        edge=row[0],
        incident=row[1],
        site=row[2],
        lot=row[3],
        camera=row[4],
        kind=row[5],
        bays=tuple(json.loads(row[6])),
        area=row[7],
        vehicle=row[8],
        conf=row[9],
        box=None if row[10] is None else tuple(json.loads(row[10])),
        began=from_ms(began_ms),
        last_seen=from_ms(row[12]),
        stood_s=stood_s,
        limit_s=row[14],
        ended=from_ms(ended_ms),
        end=row[17] if told_ms is not None or ended_ms is None else END_NOT_TOLD,
        stale=now.staleness(row[18], row[19]) is not None,
    )
