"""The past of counted lots: how many of their places were occupied, free and unknown, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import bindparam, delete, func, select, text

from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Row, Session, Values
from cloud_app.storage.quarter_sums import unpack_days
from cloud_app.storage.report_tables import quarter_part
from cloud_app.storage.steps import QUARTER_MS, Steps
from cloud_app.storage.tables import bay_count, count_point, quarter, quarter_mark
from cloud_app.storage.upsert import Upsert, names, same

# Of a lot at once, so that no transaction is long.
_AT_ONCE_MS = 2 * 86_400_000
_SETTLE_MS = 60_000

_STATES = ("occupied", "free", "unknown")
_OF_LOT = (count_point.c.site == bindparam("at_site"), count_point.c.lot == bindparam("of_lot"))
_BEFORE = (
    select(count_point)
    .where(*_OF_LOT, count_point.c.at_ms <= bindparam("start_ms"))
    .order_by(count_point.c.at_ms.desc())
    .limit(1)
)
_WITHIN = (
    select(count_point)
    .where(
        *_OF_LOT,
        count_point.c.at_ms > bindparam("start_ms"),
        count_point.c.at_ms < bindparam("end_ms"),
    )
    .order_by(count_point.c.at_ms)
)
_LOTS = (
    select(bay_count.c.site, bay_count.c.lot)
    .where(bay_count.c.counted == text("1"))
    .order_by(bay_count.c.site, bay_count.c.lot)
)
_FIRST = select(func.min(count_point.c.at_ms)).where(*_OF_LOT)
_MARKS = select(quarter_mark.c.edge, quarter_mark.c.upto_ms).where(
    quarter_mark.c.edge.startswith("#", autoescape=True)
)
_MARK_OF = select(quarter_mark.c.upto_ms).where(quarter_mark.c.edge == bindparam("name"))
_KEEP = Upsert(quarter, names(quarter), same("occupied_ms", "free_ms", "unknown_ms"))
_KEEP_PART = Upsert(quarter_part, names(quarter_part), same("occupied_ms", "free_ms", "unknown_ms"))
# Zone and kind of places that no bay stands for, as `bay_count` has them.
_PART = ("", "standard")
_MARK = Upsert(quarter_mark, names(quarter_mark), same("upto_ms"))

Sums = tuple[int, int, int]
"""Milliseconds of places that were occupied, free and unknown."""


def mark_name(site: str, lot: str) -> str:
    """Under what the quarters of a counted lot stand: no edge can have such a name."""
    return f"#{site}/{lot}"


def count_sums(
    session: Session, site: str, lot: str, steps: Steps, part: Window
) -> dict[int, Sums]:
    """What a counted lot's points say of a part of a span, by step."""
    given = {"at_site": site, "of_lot": lot, "start_ms": part.start_ms, "end_ms": part.end_ms}
    points = [*session.rows(_BEFORE, given), *session.rows(_WITHIN, given)]
    return _integrated(points, steps, part)


def _integrated(points: Sequence[Row], steps: Steps, part: Window) -> dict[int, Sums]:
    found: dict[int, Sums] = {}
    for index, point in enumerate(points):
        start_ms = max(point.at_ms, part.start_ms)
        end_ms = points[index + 1].at_ms if index + 1 < len(points) else part.end_ms
        if start_ms >= end_ms:
            continue
        for step in steps.of(Window(start_ms, end_ms)):
            span = steps.within(step, part)
            length_ms = min(span.end_ms, end_ms) - max(span.start_ms, start_ms)
            before = found.get(step, (0, 0, 0))
            new = (getattr(point, state) * length_ms for state in _STATES)
            found[step] = (before[0] + next(new), before[1] + next(new), before[2] + next(new))
    return found


def kept_until(session: Session, site: str, lot: str) -> int | None:
    """Up to when the quarters of a counted lot are made; None if it has none."""
    rows = session.rows(_MARK_OF, {"name": mark_name(site, lot)})
    return rows[0].upto_ms if rows else None


def keep_count_quarters(session: Session, now_ms: int) -> int:
    """Make the quarters of counted lots that are complete and not made yet.

    Returns:
        Of how many lots quarters were made.
    """
    marks: Mapping[str, int] = {row.edge: row.upto_ms for row in session.rows(_MARKS)}
    last_ms = (now_ms - _SETTLE_MS) // QUARTER_MS * QUARTER_MS
    made = 0
    for row in session.rows(_LOTS):
        name = mark_name(row.site, row.lot)
        start_ms = marks.get(name) or _first_ms(session, row.site, row.lot, last_ms)
        end_ms = min(last_ms, start_ms + _AT_ONCE_MS)
        if start_ms >= end_ms:
            continue
        rows = list(_made(session, row.site, row.lot, Window(start_ms, end_ms)))
        session.upsert(_KEEP, rows)
        session.upsert(_KEEP_PART, [(*each[:4], *_PART, *each[4:]) for each in rows])
        session.upsert(_MARK, [(name, end_ms)])
        unpack_days(session, {(row.site, row.lot): start_ms})
        made += 1
    return made


def _first_ms(session: Session, site: str, lot: str, default_ms: int) -> int:
    [row] = session.rows(_FIRST, {"at_site": site, "of_lot": lot})
    return default_ms if row[0] is None else int(row[0]) // QUARTER_MS * QUARTER_MS


def _made(session: Session, site: str, lot: str, span: Window) -> Iterable[Values]:
    steps = Steps(span, QUARTER_MS)
    for index, sums in sorted(count_sums(session, site, lot, steps, span).items()):
        start_ms = span.start_ms + index * QUARTER_MS
        yield site, lot, start_ms, mark_name(site, lot), *sums


def prune_points(session: Session, before_ms: int) -> int:
    """Delete points older than that, but the newest of each lot; return how many."""
    newest = count_point.alias("newest")
    last = (
        select(func.max(newest.c.at_ms))
        .where(newest.c.site == count_point.c.site, newest.c.lot == count_point.c.lot)
        .correlate(count_point)
        .scalar_subquery()
    )
    return session.run(
        delete(count_point).where(count_point.c.at_ms < before_ms, count_point.c.at_ms < last)
    )
