"""How long bays were so in each step, by zone and kind of bay, and why they were unknown.

`cloud_app.storage.quarters` keeps it. As in `cloud_app.storage.series`, the database adds up what
each event changes, so only steps travel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from cloud_app.storage.bay_events import Window, bays_in_force, events_within, last_events
from cloud_app.storage.counts import COUNTS_HERE
from cloud_app.storage.database import Session
from cloud_app.storage.past import NO_RECORD
from cloud_app.storage.steps import Steps
from cloud_app.storage.tables import bay, edge, event

_OCCUPIED, _FREE = "occupied", "free"
_BEFORE = -1
"""The step of what was so when the span began."""

_NO_ZONE = func.coalesce(bay.c.zone, literal_column("''"))
_BAYS = (
    select(
        bay.c.edge, bay.c.site, bay.c.lot, _NO_ZONE.label("zone"), bay.c.kind,
        func.count().label("bays"),
    )
    .select_from(edge)
    .join(bay, and_(bay.c.edge == edge.c.edge, bay.c.layout == edge.c.layout, COUNTS_HERE))
    .group_by(bay.c.edge, bay.c.site, bay.c.lot, _NO_ZONE, bay.c.kind)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """Bays of an edge's lot that are alike."""

    edge: str
    site: str
    lot: str
    zone: str
    kind: str


@dataclass(slots=True)
class PartSums:
    """Milliseconds of bays, summed over the bays of a part in one step.

    Attributes:
        occupied_ms: known to be.
        free_ms: known to be.
        unknown_ms: by reason.
    """

    occupied_ms: int = 0
    free_ms: int = 0
    unknown_ms: dict[str, int] = field(default_factory=dict)


def part_sums(
    session: Session, which: Sequence[ColumnElement[bool]], span: Window, step_ms: int
) -> dict[Part, dict[int, PartSums]]:
    """What events say of a span, by part and step.

    Args:
        session: to read with.
        which: conditions on `bay`: whose events.
        span: whole steps.
        step_ms: length of a step.
    """
    steps = Steps(span, step_ms)
    moves: dict[Part, dict[str, dict[int, tuple[int, int]]]] = defaultdict(dict)
    for row in session.rows(_moves(which, steps)):
        part = Part(row.edge, row.site, row.lot, row.zone, row.kind)
        of_state = moves[part].setdefault(row.state, {})
        of_state[int(row.step)] = (int(row.moved), int(row.moved_at))
    found = {}
    for row in session.rows(_BAYS.where(*which)):
        part = Part(row.edge, row.site, row.lot, row.zone, row.kind)
        found[part] = _sums(row.bays, moves.get(part, {}), steps)
    return found


def _sums(
    bays: int, moves: Mapping[str, Mapping[int, tuple[int, int]]], steps: Steps
) -> dict[int, PartSums]:
    sums = {step: PartSums() for step in range(steps.count)}
    told_ms = dict.fromkeys(sums, 0)
    for state, of_state in moves.items():
        for step, ms in _integrated(of_state, steps):
            if not ms:
                continue
            told_ms[step] += ms
            if state == _OCCUPIED:
                sums[step].occupied_ms += ms
            elif state == _FREE:
                sums[step].free_ms += ms
            else:
                sums[step].unknown_ms[state.removeprefix("?")] = ms
    for step, each in sums.items():
        rest_ms = bays * steps.step_ms - told_ms[step]
        if rest_ms > 0:
            each.unknown_ms[NO_RECORD] = each.unknown_ms.get(NO_RECORD, 0) + rest_ms
    return sums


def _integrated(moves: Mapping[int, tuple[int, int]], steps: Steps) -> Iterator[tuple[int, int]]:
    """Of each step the time that bays were so; `moves` says how their number changes."""
    level = moves.get(_BEFORE, (0, 0))[0]
    for step in range(steps.count):
        moved, moved_at = moves.get(step, (0, 0))
        yield step, level * steps.step_ms + moved * (step + 1) * steps.step_ms - moved_at
        level += moved


def _moves(which: Sequence[ColumnElement[bool]], steps: Steps) -> Select[Any]:
    """How many bays came into each state in each step less those that left it, and when, summed."""
    span = steps.window
    bays = bays_in_force(which)
    told = union_all(
        last_events(
            bays,
            literal(span.start_ms, BigInteger),
            [literal_column("0").label("is_in"), event.c.reason],
        ),
        events_within(bays, span, literal_column("1").label("is_in"), event.c.reason),
    ).subquery("told")
    state = case(
        (told.c.occ == literal_column("1"), literal_column(f"'{_OCCUPIED}'")),
        (told.c.occ == literal_column("0"), literal_column(f"'{_FREE}'")),
        else_=literal_column("'?'") + func.coalesce(told.c.reason, literal_column("''")),
    )
    stated = select(told, state.label("state")).subquery("stated")
    order = (stated.c.is_in, stated.c.since_ms, stated.c.epoch, stated.c.seq)
    before = func.lag(stated.c.state).over(
        partition_by=(stated.c.edge, stated.c.bay), order_by=order
    )
    # Read twice, made once.
    changes = (
        select(
            *(stated.c[name] for name in ("edge", "bay", "site", "lot", "is_in", "since_ms")),
            stated.c.state,
            before.label("before"),
        )
        .cte("changes")
        .prefix_with("MATERIALIZED")
    )
    came_and_left = union_all(
        *(
            select(
                changes.c.edge, changes.c.bay, changes.c.site, changes.c.lot, changes.c.is_in,
                changes.c.since_ms, of.label("state"), literal_column(sign).label("moved"),
            ).where(of.is_not(None))
            for of, sign in ((changes.c.state, "1"), (changes.c.before, "-1"))
        )
    ).subquery("came_and_left")  # fmt: skip
    since_ms = came_and_left.c.since_ms - span.start_ms
    step = case((came_and_left.c.is_in == 1, since_ms // steps.step_ms), else_=_BEFORE)
    zone = func.coalesce(bays.c.zone, literal_column("''"))
    group = (
        came_and_left.c.edge, came_and_left.c.site, came_and_left.c.lot, zone.label("zone"),
        bays.c.kind, came_and_left.c.state, step.label("step"),
    )  # fmt: skip
    moved = came_and_left.c.moved
    return (
        select(
            *group,
            func.sum(moved).label("moved"),
            func.sum(cast(moved, BigInteger) * since_ms).label("moved_at"),
        )
        .select_from(came_and_left)
        .join(bays, and_(bays.c.edge == came_and_left.c.edge, bays.c.bay == came_and_left.c.bay))
        .group_by(*(getattr(each, "element", each) for each in group))
    )
