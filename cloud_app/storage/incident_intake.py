"""Taking incidents in, as the edges tell of them.

Both events of an incident carry all that is known of it, so the row is the one with the highest
position (epoch, seq), whatever came first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import tuple_

from cloud_app.storage.database import Session, Values
from cloud_app.storage.incident_tables import incident, incident_list
from cloud_app.storage.times import to_ms
from cloud_app.storage.upsert import Upsert, names, same
from telemetry.cloudevents import IncidentChangedEvent
from telemetry.messages import Snapshot

_TAKE = Upsert(
    incident,
    names(incident),
    same(*(name for name in names(incident, with_key=False) if name != "site")),
    lambda new: tuple_(incident.c.epoch, incident.c.seq) < tuple_(new.epoch, new.seq),
)
_LIST = Upsert(
    incident_list,
    names(incident_list),
    same("epoch", "seq", "at_ms", "ids"),
    lambda new: (
        tuple_(incident_list.c.epoch, incident_list.c.seq, incident_list.c.at_ms)
        < tuple_(new.epoch, new.seq, new.at_ms)
    ),
)


def take_incidents(
    session: Session, events: Iterable[tuple[str, str, IncidentChangedEvent]]
) -> None:
    """Write incidents.

    Args:
        session: a transaction that has touched these edges.
        events: (site, edge, event), in any order, any of them taken before.
    """
    newest: dict[tuple[str, str], Values] = {}
    for site, edge, event in sorted(events, key=lambda each: (each[2].epoch, each[2].seq)):
        newest[edge, event.subject] = _row(site, edge, event)
    session.upsert(_TAKE, list(newest.values()))


def _row(site: str, edge: str, event: IncidentChangedEvent) -> Values:
    """A row of `incident`, in the order of its columns."""
    data = event.data
    return (
        edge,
        event.subject,
        event.epoch,
        event.seq,
        site,
        data.layout,
        data.camera,
        data.kind,
        json.dumps(data.bays),
        data.area,
        data.vehicle,
        data.conf,
        None if data.box is None else json.dumps(data.box),
        to_ms(data.began),
        to_ms(data.last_seen),
        data.stood_s,
        data.limit_s,
        None if data.ended is None else to_ms(data.ended),
        data.end,
    )


def take_open_list(session: Session, edge: str, snapshot: Snapshot) -> None:
    """Keep which incidents last, as the newest snapshot says."""
    if snapshot.incidents is None:
        return
    ids = json.dumps(snapshot.incidents)
    session.upsert(_LIST, [(edge, snapshot.epoch, snapshot.seq, to_ms(snapshot.at), ids)])
