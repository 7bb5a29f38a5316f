"""Reading the past of a bay: its stays."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import bindparam, select

from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import occupancy_of
from cloud_app.storage.tables import event, gap
from cloud_app.storage.times import from_ms
from cloud_app.views import Stay

_EVENTS = (
    select(event)
    .where(
        event.c.edge == bindparam("of"),
        event.c.bay == bindparam("in"),
        event.c.kind == "changed",
        event.c.since_ms < bindparam("end_ms"),
        event.c.time_ms < bindparam("end_ms"),
    )
    .order_by(event.c.since_ms.desc(), event.c.epoch.desc(), event.c.seq.desc())
    .limit(bindparam("rows"))
)
_GAPS = select(gap.c.epoch, gap.c.first_seq, gap.c.last_seq).where(gap.c.edge == bindparam("of"))


def stays(session: Session, edge: str, bay: str, window: Window, limit: int) -> list[Stay]:
    """How a bay was occupied, newest first: events with the same occupancy make one stay.

    Args:
        session: to read with.
        edge: whose bay.
        bay: which.
        window: stays that lie in it at least in part.
        limit: how many events are looked at, at most, the newest by time.
    """
    given = {"of": edge, "in": bay, "end_ms": window.end_ms, "rows": limit}
    rows = sorted(session.rows(_EVENTS, given), key=lambda row: (row.epoch, row.seq), reverse=True)
    ranges = [(epoch, first, last) for epoch, first, last in session.rows(_GAPS, {"of": edge})]
    result: list[Stay] = []
    end_ms: int | None = None
    after: tuple[int, int] | None = None
    for index, row in enumerate(rows):
        here = (row.epoch, row.seq)
        older = rows[index + 1] if index + 1 < len(rows) else None
        if older is not None and older.occ == row.occ and older.reason == row.reason:
            continue  # the stay began with an older event
        if end_ms is not None and end_ms <= window.start_ms:
            break
        certain = after is None or not _is_cut(ranges, here, after)
        result.append(_stay(row, end_ms, certain=certain))
        end_ms, after = row.since_ms, here
    return result


def _is_cut(
    ranges: Iterable[tuple[int, int, int]], first: tuple[int, int], last: tuple[int, int]
) -> bool:
    """Whether events between two positions of a stream are known to be missing."""
    return first[0] != last[0] or any(
        epoch == first[0] and start < last[1] and end > first[1] for epoch, start, end in ranges
    )


def _stay(row: Row, end_ms: int | None, *, certain: bool) -> Stay:
    data = json.loads(row.body)["data"]
    model = data.get("model")
    return Stay(
        state=occupancy_of(row.occ),
        reason=row.reason,
        start=from_ms(row.since_ms),
        end=from_ms(end_ms),
        # A box whose clock was set back may end a stay before it began.
        dwell_s=None if end_ms is None else max(0, end_ms - row.since_ms) / 1000,
        certain=certain,
        cause=row.cause,
        conf=row.conf,
        closed=bool(row.closed),
        model=f"{model['name']} {model['version']}" if model else None,
        calibration=data["calibration"],
    )
