"""Reading the past: stays of a bay, occupancy of a lot over time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, select

from cloud_app.storage.bay_events import Window, lot_bays, lot_events
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import occupancy_of
from cloud_app.storage.tables import event, gap
from cloud_app.storage.times import from_ms
from cloud_app.views import SeriesPoint, Stay

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


Change = tuple[int, str, int | None]
"""(time_ms, bay, occ)"""


def lot_series(
    session: Session, site: str, lot: str, window: Window, step_ms: int
) -> list[SeriesPoint]:
    """A lot's occupancy over time, from its bays' events."""
    start: dict[str, int | None] = {
        f"{row.edge}/{row.bay}": None for row in lot_bays(session, site, lot)
    }
    changes: list[Change] = []
    for row in lot_events(session, site, lot, window):
        if row.since_ms < window.start_ms:
            start[f"{row.edge}/{row.bay}"] = row.occ
        else:
            changes.append((row.since_ms, f"{row.edge}/{row.bay}", row.occ))
    # A stable sort keeps the stream's order of what happened at one time.
    changes.sort(key=lambda change: change[0])
    return occupancy_series(start, changes, window, step_ms)


def occupancy_series(
    start: Mapping[str, int | None], changes: Iterable[Change], window: Window, step_ms: int
) -> list[SeriesPoint]:
    """Mean numbers of occupied, free and unknown bays in each step.

    Args:
        start: each bay's occupancy at the start of the window (1, 0, None unknown).
        changes: in order of time, within the window, of these bays.
        window: what to cover; a last step that does not fit is cut.
        step_ms: length of a step.
    """
    occ = dict(start)
    counts = {1: 0, 0: 0, None: 0}
    for value in occ.values():
        counts[value] += 1
    points: list[SeriesPoint] = []
    sums: dict[int | None, float] = {1: 0.0, 0: 0.0, None: 0.0}
    now_ms, step_start_ms = window.start_ms, window.start_ms

    def run_to(end_ms: int) -> None:
        nonlocal now_ms, step_start_ms
        while now_ms < end_ms:
            step_end_ms = min(step_start_ms + step_ms, window.end_ms)
            until_ms = min(end_ms, step_end_ms)
            for value, number in counts.items():
                sums[value] += number * (until_ms - now_ms)
            now_ms = until_ms
            if now_ms == step_end_ms:
                points.append(_point(step_start_ms, sums, step_end_ms - step_start_ms))
                sums.update({1: 0.0, 0: 0.0, None: 0.0})
                step_start_ms = step_end_ms

    for time_ms, bay, value in changes:
        run_to(time_ms)
        counts[occ[bay]] -= 1
        counts[value] += 1
        occ[bay] = value
    run_to(window.end_ms)
    return points


def _point(start_ms: int, sums: Mapping[int | None, float], length_ms: int) -> SeriesPoint:
    known = sums[1] + sums[0]
    return SeriesPoint(
        start=from_ms(start_ms),
        occupied=sums[1] / length_ms,
        free=sums[0] / length_ms,
        unknown=sums[None] / length_ms,
        occupancy=sums[1] / known if known else None,
    )
