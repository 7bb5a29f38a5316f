"""An edge's health over time: its newest figures are kept every ten minutes."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError
from sqlalchemy import bindparam, delete, select

from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Row, Session, Values
from cloud_app.storage.tables import edge, edge_health
from cloud_app.storage.times import from_ms
from cloud_app.storage.upsert import Upsert, names
from cloud_app.views import HealthPoint
from telemetry.health import Health

EVERY_S = 600
_POINTS_MAX = 5_000

_NEWEST = select(edge.c.edge, edge.c.health_ms, edge.c.health).where(
    edge.c.health.is_not(None), edge.c.health_ms >= bindparam("since_ms")
)
_KEEP = Upsert(edge_health, names(edge_health))
_PRUNE = delete(edge_health).where(edge_health.c.at_ms < bindparam("before_ms"))
_POINTS = (
    select(edge_health)
    .where(
        edge_health.c.edge == bindparam("of"),
        edge_health.c.at_ms >= bindparam("start_ms"),
        edge_health.c.at_ms < bindparam("end_ms"),
    )
    .order_by(edge_health.c.at_ms.desc())
    .limit(_POINTS_MAX)
)


def keep_health(session: Session, since_ms: int) -> int:
    """Keep the newest figures of each edge that told some since then; return of how many."""
    rows = session.rows(_NEWEST, {"since_ms": since_ms})
    kept = list(_figures(rows))
    session.upsert(_KEEP, kept)
    return len(kept)


def _figures(rows: Iterable[Row]) -> Iterable[Values]:
    for row in rows:
        try:
            health = Health.model_validate_json(row.health)
        except ValidationError:
            continue  # an older version took it in by other bounds
        latencies = [
            each.latency_p95_ms for each in health.cameras if each.latency_p95_ms is not None
        ]
        yield (
            row.edge,
            row.health_ms,
            health.uptime_s,
            health.outbox.rows,
            health.outbox.oldest_age_s,
            len(health.cameras),
            sum(each.up for each in health.cameras),
            min((each.fps for each in health.cameras), default=None),
            max(latencies, default=None),
            health.disk_free_bytes,
            health.memory_bytes,
            health.temperature_c,
            len(health.alarms),
        )


def health_points(session: Session, name: str, window: Window) -> list[HealthPoint]:
    """The kept figures of an edge within a window, oldest first; the newest of too many."""
    given = {"of": name, "start_ms": window.start_ms, "end_ms": window.end_ms}
    rows = session.rows(_POINTS, given)
    fields = [name for name in HealthPoint.model_fields if name != "at"]
    return [
        HealthPoint(at=from_ms(row.at_ms), **{name: getattr(row, name) for name in fields})
        for row in reversed(rows)
    ]


def prune_health(session: Session, before_ms: int) -> int:
    """Delete figures older than that; return how many."""
    return session.run(_PRUNE, {"before_ms": before_ms})
