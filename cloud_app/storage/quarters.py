"""Keeping the quarters of an hour: what `cloud_app.storage.series` reads of the past.

A quarter is made of events once they are complete: the edge's stream has no hole, and its newest
word is some time after the quarter's end. The last two hours are rebuilt each time, so an event
that tells late of a state that began early still counts. Edges that are away wait; their events are
read until they are back. What was made stays as it is when bays come and go later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import BigInteger, bindparam, case, delete, exists, func, not_, select, text

from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Row, Session, Values
from cloud_app.storage.quarter_parts import Part, PartSums, part_sums
from cloud_app.storage.quarter_sums import prune_days, unpack_days
from cloud_app.storage.report_tables import quarter_cause, quarter_part, stay_day
from cloud_app.storage.steps import QUARTER_MS
from cloud_app.storage.tables import bay, edge, event, quarter, quarter_mark, stream
from cloud_app.storage.upsert import Upsert, names, same

# So long after the end of a quarter an event of it may come in order.
_SETTLE_MS = QUARTER_MS
_ANEW_MS = 8 * QUARTER_MS
# Of an edge at once, so that no transaction is long: after an upgrade there is much to make.
_AT_ONCE_MS = 2 * 86_400_000

# A cloud edge tells of every change at once, so it is complete up to now.
_told_ms = case(
    (edge.c.kind == text("'cloud'"), bindparam("now_ms", type_=BigInteger)), else_=edge.c.told_ms
)
_DUE = (
    select(edge.c.edge, _told_ms.label("told_ms"), quarter_mark.c.upto_ms)
    .outerjoin(quarter_mark, quarter_mark.c.edge == edge.c.edge)
    .where(
        _told_ms >= func.coalesce(quarter_mark.c.upto_ms, 0) + QUARTER_MS + _SETTLE_MS,
        func.coalesce(quarter_mark.c.upto_ms, 0) + QUARTER_MS + _SETTLE_MS
        <= bindparam("now_ms", type_=BigInteger),
        not_(
            exists(
                select(stream.c.edge).where(
                    stream.c.edge == edge.c.edge, stream.c.upto < stream.c.top
                )
            )
        ),
    )
    .order_by(func.coalesce(quarter_mark.c.upto_ms, 0), edge.c.edge)
    .limit(bindparam("rows"))
)
_FIRST = (
    select(event.c.time_ms)
    .where(event.c.edge == bindparam("of"))
    .order_by(event.c.epoch, event.c.seq)
    .limit(1)
)
_PRUNE = delete(quarter).where(quarter.c.start_ms < bindparam("before_ms"))
_FIGURES = same("occupied_ms", "free_ms", "unknown_ms")
_KEEP = Upsert(quarter, names(quarter), _FIGURES)
_KEEP_PART = Upsert(quarter_part, names(quarter_part), _FIGURES)
_KEEP_CAUSE = Upsert(quarter_cause, names(quarter_cause), same("unknown_ms"))
# A reason that a quarter no longer has must not stay from the time before.
_FORGET_CAUSES = delete(quarter_cause).where(
    quarter_cause.c.edge.in_(bindparam("of", expanding=True)),
    quarter_cause.c.start_ms >= bindparam("since_ms"),
)
_MARK = Upsert(quarter_mark, names(quarter_mark), same("upto_ms"))


def edges_due(session: Session, now_ms: int, limit: int) -> Sequence[Row]:
    """(edge, told_ms, upto_ms) of edges of which quarters can be made, the most behind first."""
    return session.rows(_DUE, {"now_ms": now_ms, "rows": limit})


def keep_quarters(session: Session, now_ms: int, since_ms: int, edges: int) -> int:
    """Make the quarters that are complete and not made yet, of some edges.

    Args:
        session: to write with; one process may do this at a time (the leader).
        now_ms: wall time; a clock that is ahead of it is not believed.
        since_ms: nothing older is made.
        edges: how many, at most.

    Returns:
        Of how many edges quarters were made.
    """
    due = edges_due(session, now_ms, edges)
    spans: dict[Window, list[str]] = {}
    for row in due:
        spans.setdefault(_span(session, row, now_ms, since_ms), []).append(row.edge)
    for span, some in spans.items():
        if span.start_ms < span.end_ms:
            found = part_sums(session, [bay.c.edge.in_(some)], span, QUARTER_MS)
            session.upsert(_KEEP, list(_of_lots(found, span.start_ms)))
            session.upsert(_KEEP_PART, list(_of_parts(found, span.start_ms)))
            session.run(_FORGET_CAUSES, {"of": some, "since_ms": span.start_ms})
            session.upsert(_KEEP_CAUSE, list(_of_causes(found, span.start_ms)))
            unpack_days(session, {(part.site, part.lot): span.start_ms for part in found})
        session.upsert(_MARK, [(name, span.end_ms) for name in some])
    return len(due)


def _span(session: Session, row: Row, now_ms: int, since_ms: int) -> Window:
    """What is to be made of an edge."""
    end_ms = (min(row.told_ms, now_ms) - _SETTLE_MS) // QUARTER_MS * QUARTER_MS
    if row.upto_ms is None:
        first = [each.time_ms for each in session.rows(_FIRST, {"of": row.edge})]
        start_ms = max(since_ms, *first) if first else end_ms
    else:
        start_ms = row.upto_ms - _ANEW_MS
    start_ms = min(start_ms // QUARTER_MS * QUARTER_MS, end_ms)
    return Window(start_ms, min(end_ms, start_ms + _AT_ONCE_MS))


Found = Mapping[Part, Mapping[int, PartSums]]


def _of_lots(found: Found, first_ms: int) -> Iterator[Values]:
    lots: dict[tuple[str, str, int, str], list[int]] = {}
    for part, steps in found.items():
        for step, each in steps.items():
            key = (part.site, part.lot, first_ms + step * QUARTER_MS, part.edge)
            sums = lots.setdefault(key, [0, 0, 0])
            for place, ms in enumerate(_sums(each)):
                sums[place] += ms
    for key, sums in sorted(lots.items()):
        yield *key, *sums


def _of_parts(found: Found, first_ms: int) -> Iterator[Values]:
    for part, steps in found.items():
        for step, each in steps.items():
            start_ms = first_ms + step * QUARTER_MS
            yield part.site, part.lot, start_ms, part.edge, part.zone, part.kind, *_sums(each)


def _of_causes(found: Found, first_ms: int) -> Iterator[Values]:
    sums: Counter[tuple[str, str, int, str, str]] = Counter()
    for part, steps in found.items():
        for step, each in steps.items():
            for cause, ms in each.unknown_ms.items():
                sums[part.site, part.lot, first_ms + step * QUARTER_MS, part.edge, cause] += ms
    for key, ms in sorted(sums.items()):
        yield *key, ms


def _sums(each: PartSums) -> tuple[int, int, int]:
    return each.occupied_ms, each.free_ms, sum(each.unknown_ms.values())


def forget_quarters(session: Session, edges: Sequence[str]) -> None:
    """Have the past of edges rebuilt: events came that are older than what was made."""
    lots = (
        select(quarter.c.site, quarter.c.lot, func.min(quarter.c.start_ms).label("first_ms"))
        .where(quarter.c.edge.in_(edges))
        .group_by(quarter.c.site, quarter.c.lot)
    )
    unpack_days(session, {(row.site, row.lot): row.first_ms for row in session.rows(lots)})
    for table in (quarter, quarter_part, quarter_cause, quarter_mark, stay_day):
        session.run(delete(table).where(table.c.edge.in_(edges)))


def prune_quarters(session: Session, before_ms: int) -> int:
    """Delete quarters that began before that; return how many."""
    prune_days(session, before_ms, parts=False)
    return session.run(_PRUNE, {"before_ms": before_ms})


def prune_parts(session: Session, before_ms: int) -> None:
    """Delete parts and causes of quarters that began before that."""
    for table in (quarter_part, quarter_cause):
        session.run(delete(table).where(table.c.start_ms < before_ms))
    prune_days(session, before_ms, parts=True)
