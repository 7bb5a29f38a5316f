"""How far the lake is behind the events that were acknowledged."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, func, select

from cloud_app.storage.database import Row, Session
from cloud_app.storage.lake_tables import lake_late, lake_stream
from cloud_app.storage.tables import event, stream

_UPTO = func.coalesce(lake_stream.c.upto, 0)
_PENDING = select(func.coalesce(func.sum(stream.c.upto - _UPTO), 0)).select_from(
    stream.outerjoin(
        lake_stream,
        and_(lake_stream.c.edge == stream.c.edge, lake_stream.c.epoch == stream.c.epoch),
    )
)
_LATE = select(lake_late.c.edge, lake_late.c.epoch, lake_late.c.seq).join(
    lake_stream,
    and_(
        lake_stream.c.edge == lake_late.c.edge,
        lake_stream.c.epoch == lake_late.c.epoch,
        lake_late.c.seq <= lake_stream.c.upto,
    ),
)
_OLDEST = (
    select(func.min(event.c.time_ms))
    .select_from(
        event.join(
            stream, and_(stream.c.edge == event.c.edge, stream.c.epoch == event.c.epoch)
        ).outerjoin(
            lake_stream,
            and_(lake_stream.c.edge == event.c.edge, lake_stream.c.epoch == event.c.epoch),
        )
    )
    .where(
        event.c.time_ms < bindparam("before"),
        event.c.seq > _UPTO,
        event.c.seq <= stream.c.upto,
    )
)


def pending(session: Session) -> int:
    """How many acknowledged events the lake lacks, at most: numbers given up as lost count too."""
    [(count,)] = session.rows(_PENDING)
    return int(count)


def late_events(session: Session) -> Sequence[Row]:
    """Events (edge, epoch, seq) behind where their stream stands in the lake."""
    return session.rows(_LATE)


def kept_for_lake(session: Session, before_ms: int) -> int:
    """Events older than which may be deleted: `before_ms`, or less where the lake lacks some."""
    if late_events(session):
        return 0
    [(oldest_ms,)] = session.rows(_OLDEST, {"before": before_ms})
    return before_ms if oldest_ms is None else min(before_ms, int(oldest_ms))
