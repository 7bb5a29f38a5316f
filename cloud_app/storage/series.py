"""A lot's occupancy over time: how many of its bays were occupied, free and unknown in each step.

Two sources give the same figures. Events tell them exactly, for any steps; the database adds up
what each event changes, so only steps travel. Quarters of an hour (`cloud_app.storage.quarters`)
are kept of what is past, so that a year of a large lot is no year of events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from cloud_app.storage.bay_events import (
    Window,
    bays_in_force,
    events_within,
    last_events,
)
from cloud_app.storage.count_points import count_sums, kept_until
from cloud_app.storage.counts import COUNTS_HERE
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import lot_size
from cloud_app.storage.steps import QUARTER_MS, Steps
from cloud_app.storage.tables import bay, bay_count, edge, quarter, quarter_mark
from cloud_app.storage.times import from_ms
from cloud_app.views import SeriesPoint

# A shorter span is read from events: they are few, and its steps need not be quarters.
_LONG_MS = 2 * 86_400_000


@dataclass(slots=True)
class Sums:
    """Milliseconds of bays, summed over the bays of one step."""

    occupied_ms: int = 0
    free_ms: int = 0
    unknown_ms: int = 0

    def add(self, occupied_ms: int, free_ms: int, unknown_ms: int) -> None:
        """More bays of the same step, or more of its time."""
        self.occupied_ms += occupied_ms
        self.free_ms += free_ms
        self.unknown_ms += unknown_ms


Group = tuple[str, str, str]
"""(edge, site, lot)"""


def lot_series(
    session: Session, site: str, lot: str, window: Window, step_ms: int
) -> list[SeriesPoint]:
    """Get a lot's occupancy over time: mean numbers of bays in each step.

    Args:
        session: to read with.
        site: of the lot.
        lot: whose bays.
        window: what to cover; where a long one is cut into steps of whole quarters of an hour, it
            begins with one.
        step_ms: length of a step.
    """
    which = [bay.c.site == site, bay.c.lot == lot]
    is_long = window.end_ms - window.start_ms > _LONG_MS and step_ms % QUARTER_MS == 0
    if not is_long:
        steps = Steps(window, step_ms)
        totals = [Sums() for _ in range(steps.count)]
        _add(totals, event_sums(session, which, steps, window))
        _add_counted(totals, count_sums(session, site, lot, steps, window))
        return _points(steps, totals)
    steps = Steps(Window(window.start_ms // QUARTER_MS * QUARTER_MS, window.end_ms), step_ms)
    totals = [Sums() for _ in range(steps.count)]
    for row in session.rows(_kept(site, lot, steps)):
        totals[row.step].add(int(row.occupied_ms), int(row.free_ms), int(row.unknown_ms))
    for rest_ms, edges in _marks(session, site, lot, steps.window).items():
        rest = Window(rest_ms, window.end_ms)
        if rest.start_ms < rest.end_ms:
            some = [*which, bay.c.edge.in_(edges)]
            _add(totals, event_sums(session, some, steps, rest))
    rest = Window(_counted_from(session, site, lot, steps.window), window.end_ms)
    if rest.start_ms < rest.end_ms:
        _add_counted(totals, count_sums(session, site, lot, steps, rest))
    _fill_up(steps, totals, lot_size(session, site, lot))
    return _points(steps, totals)


def _counted_from(session: Session, site: str, lot: str, window: Window) -> int:
    """From when on points are read; before, there are quarters."""
    whole_ms = window.end_ms // QUARTER_MS * QUARTER_MS
    kept_ms = kept_until(session, site, lot)
    return max(window.start_ms, min(window.start_ms if kept_ms is None else kept_ms, whole_ms))


def _add_counted(totals: Sequence[Sums], found: Mapping[int, tuple[int, int, int]]) -> None:
    for index, sums in found.items():
        totals[index].add(*sums)


def _fill_up(steps: Steps, totals: Sequence[Sums], bays: int) -> None:
    """Let bays be unknown in what was before their time, as events have it."""
    for index, sums in enumerate(totals):
        span = steps.within(index, steps.window)
        whole_ms = bays * (span.end_ms - span.start_ms)
        sums.unknown_ms = max(sums.unknown_ms, whole_ms - sums.occupied_ms - sums.free_ms)


def _kept(site: str, lot: str, steps: Steps) -> Select[Any]:
    whole_ms = steps.window.end_ms // QUARTER_MS * QUARTER_MS
    step = ((quarter.c.start_ms - steps.window.start_ms) // steps.step_ms).label("step")
    sums = (
        func.sum(quarter.c[name]).label(name) for name in ("occupied_ms", "free_ms", "unknown_ms")
    )
    return (
        select(step, *sums)
        .where(
            quarter.c.site == site,
            quarter.c.lot == lot,
            quarter.c.start_ms >= steps.window.start_ms,
            quarter.c.start_ms < whole_ms,
        )
        .group_by(step)
    )


def _marks(session: Session, site: str, lot: str, window: Window) -> dict[int, list[str]]:
    """The edges of a lot by the time from which their events are to be read."""
    rows = session.rows(_EDGES, {"at_site": site, "of_lot": lot})
    whole_ms = window.end_ms // QUARTER_MS * QUARTER_MS
    found: dict[int, list[str]] = {}
    for row in rows:
        kept_ms = min(row.upto_ms or window.start_ms, whole_ms)
        found.setdefault(max(kept_ms, window.start_ms), []).append(row.edge)
    return found


_EDGES = (
    select(bay_count.c.edge, quarter_mark.c.upto_ms)
    .outerjoin(quarter_mark, quarter_mark.c.edge == bay_count.c.edge)
    .where(bay_count.c.site == bindparam("at_site"), bay_count.c.lot == bindparam("of_lot"))
    .distinct()
)


def event_sums(
    session: Session, which: Sequence[ColumnElement[bool]], steps: Steps, part: Window
) -> dict[Group, dict[int, Sums]]:
    """What events say of a part of a span, by edge and lot and step.

    Args:
        session: to read with.
        which: conditions on `bay`: whose events.
        steps: of the whole span.
        part: of it; other steps are left out.
    """
    bays = {tuple(row)[:3]: row.bays for row in session.rows(_BAYS.where(*which))}
    moves: dict[Group, dict[int, Row]] = {}
    for row in session.rows(_moves(which, steps, part)):
        moves.setdefault((row.edge, row.site, row.lot), {})[int(row.step)] = row
    return {
        group: dict(_integrated(number, moves.get(group, {}), steps, part))
        for group, number in bays.items()
    }


_BAYS = (
    select(bay.c.edge, bay.c.site, bay.c.lot, func.count().label("bays"))
    .select_from(edge)
    .join(bay, and_(bay.c.edge == edge.c.edge, bay.c.layout == edge.c.layout, COUNTS_HERE))
    .group_by(bay.c.edge, bay.c.site, bay.c.lot)
)


def _integrated(
    bays: int, moves: Mapping[int, Row], steps: Steps, part: Window
) -> Iterator[tuple[int, Sums]]:
    """Of each step the time that its bays were so; `moves` says how their numbers change."""
    start = moves.get(_BEFORE)
    level = [0, 0] if start is None else [int(start.occupied), int(start.free)]
    for index in steps.of(part):
        span = steps.within(index, part)
        length_ms = span.end_ms - span.start_ms
        sums = [each * length_ms for each in level]
        row = moves.get(index)
        if row is not None:
            end_ms = span.end_ms - steps.window.start_ms
            for n, (moved, moved_ms) in enumerate(
                ((int(row.occupied), int(row.occupied_at)), (int(row.free), int(row.free_at)))
            ):
                sums[n] += moved * end_ms - moved_ms
                level[n] += moved
        yield index, Sums(sums[0], sums[1], bays * length_ms - sum(sums))


_BEFORE = -1
"""The step of what was so when a part began."""


def _moves(which: Sequence[ColumnElement[bool]], steps: Steps, part: Window) -> Select[Any]:
    """How the numbers of occupied and free bays change in each step, and when, summed."""
    bays = bays_in_force(which)
    told = union_all(
        last_events(bays, literal(part.start_ms, BigInteger), [literal_column("0").label("is_in")]),
        events_within(bays, part, literal_column("1").label("is_in")),
    ).subquery("told")
    before = (
        func.lag(told.c.occ)
        .over(
            partition_by=(told.c.edge, told.c.bay),
            order_by=(told.c.is_in, told.c.since_ms, told.c.epoch, told.c.seq),
        )
        .label("before")
    )
    moves = select(told, before).subquery("moves")
    since_ms = moves.c.since_ms - steps.window.start_ms
    step = case((moves.c.is_in == 1, since_ms // steps.step_ms), else_=_BEFORE).label("step")
    sums = []
    for name, occ in (("occupied", 1), ("free", 0)):
        moved = case((moves.c.occ == occ, 1), else_=0) - case((moves.c.before == occ, 1), else_=0)
        sums += [
            func.sum(moved).label(name),
            func.sum(cast(moved, BigInteger) * since_ms).label(f"{name}_at"),
        ]
    group = (moves.c.edge, moves.c.site, moves.c.lot, step)
    return select(*group, *sums).group_by(*group)


def _add(totals: Sequence[Sums], found: Mapping[Group, Mapping[int, Sums]]) -> None:
    for steps in found.values():
        for index, sums in steps.items():
            totals[index].add(sums.occupied_ms, sums.free_ms, sums.unknown_ms)


def _points(steps: Steps, totals: Sequence[Sums]) -> list[SeriesPoint]:
    points = []
    for index, sums in enumerate(totals):
        span = steps.within(index, steps.window)
        length_ms = span.end_ms - span.start_ms
        known_ms = sums.occupied_ms + sums.free_ms
        points.append(
            SeriesPoint(
                start=from_ms(span.start_ms),
                occupied=sums.occupied_ms / length_ms,
                free=sums.free_ms / length_ms,
                unknown=sums.unknown_ms / length_ms,
                occupancy=sums.occupied_ms / known_ms if known_ms else None,
            )
        )
    return points
