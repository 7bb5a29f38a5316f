"""Taking incidents in, as the edges tell of them.

Both events of an incident carry all that is known of it, so the row is the one with the highest
position (epoch, seq), whatever came first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from cloud_app.storage.database import Session, Value
from cloud_app.storage.times import to_ms
from telemetry.cloudevents import IncidentChangedEvent
from telemetry.messages import Snapshot


def take_incidents(
    session: Session, events: Iterable[tuple[str, str, IncidentChangedEvent]]
) -> None:
    """Write incidents.

    Args:
        session: a transaction that has touched these edges.
        events: (site, edge, event), in any order, any of them taken before.
    """
    rows = [_row(*each) for each in events]
    if rows:
        session.run_many(
            "INSERT INTO incident (edge, incident, epoch, seq, site, layout, camera, kind, bays,"
            " area, vehicle, conf, box, began_ms, last_seen_ms, stood_s, limit_s, ended_ms, reason)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (edge, incident) DO UPDATE SET epoch = excluded.epoch,"
            " seq = excluded.seq, layout = excluded.layout, camera = excluded.camera,"
            " kind = excluded.kind, bays = excluded.bays, area = excluded.area,"
            " vehicle = excluded.vehicle, conf = excluded.conf, box = excluded.box,"
            " began_ms = excluded.began_ms, last_seen_ms = excluded.last_seen_ms,"
            " stood_s = excluded.stood_s, limit_s = excluded.limit_s,"
            " ended_ms = excluded.ended_ms, reason = excluded.reason"
            " WHERE (incident.epoch, incident.seq) < (excluded.epoch, excluded.seq)",
            rows,
        )


def _row(site: str, edge: str, event: IncidentChangedEvent) -> tuple[Value, ...]:
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
    session.run(
        "INSERT INTO incident_list (edge, epoch, seq, at_ms, ids) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (edge) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq,"
        " at_ms = excluded.at_ms, ids = excluded.ids"
        " WHERE (incident_list.epoch, incident_list.seq, incident_list.at_ms)"
        " < (excluded.epoch, excluded.seq, excluded.at_ms)",
        (edge, snapshot.epoch, snapshot.seq, to_ms(snapshot.at), json.dumps(snapshot.incidents)),
    )


def prune_incidents(session: Session, before_ms: int) -> int:
    """Delete incidents that were over before that; return how many."""
    return session.run("DELETE FROM incident WHERE ended_ms < ?", (before_ms,))
