"""Reading the past: stays of a bay, occupancy of a lot over time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cloud_app.storage.database import Session
from cloud_app.storage.queries import occupancy_of
from cloud_app.storage.times import from_ms
from cloud_app.views import SeriesPoint, Stay


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, milliseconds since 1970; `end_ms` is not part of it."""

    start_ms: int
    end_ms: int


def stays(session: Session, edge: str, bay: str, window: Window, limit: int) -> list[Stay]:
    """How a bay was occupied, newest first: events with the same occupancy make one stay.

    Args:
        session: to read with.
        edge: whose bay.
        bay: which.
        window: stays that lie in it at least in part.
        limit: how many events are looked at, at most.
    """
    rows = session.rows(
        "SELECT epoch, seq, occ, reason, since_ms, cause, conf, closed, body FROM event"
        " WHERE edge = ? AND bay = ? AND kind = 'changed' AND time_ms < ?"
        " ORDER BY epoch DESC, seq DESC LIMIT ?",
        (edge, bay, window.end_ms, limit),
    )
    ranges = session.rows("SELECT epoch, first_seq, last_seq FROM gap WHERE edge = ?", (edge,))
    result: list[Stay] = []
    end_ms: int | None = None
    after: tuple[int, int] | None = None
    for index, row in enumerate(rows):
        epoch, seq, occ = row[:3]
        older = rows[index + 1] if index + 1 < len(rows) else None
        if older is not None and older[2] == occ and older[3] == row[3]:
            continue  # the stay began with an older event
        if end_ms is not None and end_ms <= window.start_ms:
            break
        certain = after is None or not _is_cut(ranges, (epoch, seq), after)
        result.append(_stay(row, end_ms, certain=certain))
        end_ms, after = row[4], (epoch, seq)
    return result


def _is_cut(
    ranges: Iterable[tuple[Any, ...]], first: tuple[int, int], last: tuple[int, int]
) -> bool:
    """Whether events between two positions of a stream are known to be missing."""
    return first[0] != last[0] or any(
        epoch == first[0] and start < last[1] and end > first[1] for epoch, start, end in ranges
    )


def _stay(row: tuple[Any, ...], end_ms: int | None, *, certain: bool) -> Stay:
    _, _, occ, reason, since_ms, cause, conf, closed, body = row
    data = json.loads(body)["data"]
    model = data.get("model")
    return Stay(
        state=occupancy_of(occ),
        reason=reason,
        start=from_ms(since_ms),
        end=from_ms(end_ms),
        # A box whose clock was set back may end a stay before it began.
        dwell_s=None if end_ms is None else max(0, end_ms - since_ms) / 1000,
        certain=certain,
        cause=cause,
        conf=conf,
        closed=bool(closed),
        model=f"{model['name']} {model['version']}" if model else None,
        calibration=data["calibration"],
    )


Change = tuple[int, str, int | None]
"""(time_ms, bay, occ)"""


def lot_series(
    session: Session, site: str, lot: str, window: Window, step_ms: int
) -> list[SeriesPoint]:
    """A lot's occupancy over time, from its bays' events."""
    start = {
        f"{edge}/{bay}": occ
        for edge, bay, occ in session.rows(
            "SELECT bay.edge, bay.bay, (SELECT e.occ FROM event e WHERE e.edge = bay.edge"
            " AND e.bay = bay.bay AND e.since_ms <= ? ORDER BY e.epoch DESC, e.seq DESC LIMIT 1)"
            " FROM edge JOIN bay ON bay.edge = edge.edge AND bay.layout = edge.layout"
            " WHERE bay.site = ? AND bay.lot = ?",
            (window.start_ms, site, lot),
        )
    }
    changes = [
        (int(since_ms), f"{edge}/{bay}", occ)
        for since_ms, edge, bay, occ in session.rows(
            "SELECT e.since_ms, e.edge, e.bay, e.occ FROM event e"
            " JOIN bay ON bay.edge = e.edge AND bay.bay = e.bay"
            " JOIN edge ON edge.edge = bay.edge AND edge.layout = bay.layout"
            " WHERE bay.site = ? AND bay.lot = ? AND e.since_ms > ? AND e.since_ms < ?"
            " ORDER BY e.since_ms, e.edge, e.epoch, e.seq",
            (site, lot, window.start_ms, window.end_ms),
        )
    ]
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
