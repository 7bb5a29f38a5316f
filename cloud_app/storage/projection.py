"""What is so now: states of bays, and the counts that are kept of them.

A state moves by position (epoch, seq, rank, time) and only forward, so it is the maximum over all
that was seen: order and repetition cannot matter. States come in bulk: they are staged, and two
statements carry them over: the counts move first, by what each staged state changes, then the
states. Last comes each edge's `told_*`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Column,
    MetaData,
    Table,
    Tuple,
    and_,
    func,
    or_,
    select,
    text,
    tuple_,
    update,
)

from cloud_app.storage.counts import COUNTS_HERE, GROUP, GROUP_COLUMNS, SAME_BAY, STATES, share
from cloud_app.storage.database import Session, Values
from cloud_app.storage.tables import bay, bay_count, bay_state, edge
from cloud_app.storage.upsert import Staged, Upsert, names, same

StateKey = tuple[str, str, str]
"""(edge, layout, bay)"""

SNAPSHOT_RANK, EVENT_RANK = 0, 1
_POSITION = ("epoch", "seq", "rank", "at_ms")
_TOLD = ("told_epoch", "told_seq", "told_rank", "told_ms")

_staged = Table(
    "staged_state",
    MetaData(),
    *(Column(column.name, column.type) for column in bay_state.columns),
    prefixes=["TEMPORARY"],
)


def _position(table: Table) -> Tuple:
    return tuple_(*(table.c[name] for name in _POSITION))


_moves = (
    select(
        *GROUP_COLUMNS,
        *(func.sum(share(_staged, s) - share(bay_state, s)).label(s) for s in STATES),
    )
    .select_from(_staged)
    .join(edge, and_(edge.c.edge == _staged.c.edge, edge.c.layout == _staged.c.layout))
    .join(
        bay,
        and_(
            bay.c.edge == _staged.c.edge,
            bay.c.layout == _staged.c.layout,
            bay.c.bay == _staged.c.bay,
            COUNTS_HERE,
        ),
    )
    .outerjoin(bay_state, SAME_BAY)
    .where(or_(bay_state.c.edge.is_(None), _position(bay_state) < _position(_staged)))
    .group_by(*GROUP_COLUMNS)
    .subquery("moves")
)
_MOVE_COUNTS = (
    update(bay_count)
    .values({s: bay_count.c[s] + _moves.c[s] for s in STATES})
    .where(*(bay_count.c[name] == _moves.c[name] for name in GROUP))
)
_MOVE_STATES = Upsert(
    bay_state,
    names(bay_state),
    same(*names(bay_state, with_key=False)),
    lambda new: _position(bay_state) < tuple_(*(new[name] for name in _POSITION)),
).of_select(select(_staged).where(text("true")))
_TELL_EDGES = Upsert(
    edge,
    # The row is there and keeps its site.
    ("edge", "site", "told_layout", *_TOLD),
    same("told_layout", *_TOLD),
    lambda new: tuple_(*(edge.c[name] for name in _TOLD)) < tuple_(*(new[n] for n in _TOLD)),
)


# The counts move by what the states were, so they come first.
_CARRY_OVER = Staged(_staged, (_MOVE_COUNTS, _MOVE_STATES))


def project(session: Session, states: Mapping[StateKey, Values]) -> None:
    """Move states, counts and edges forward.

    Args:
        session: a transaction that has touched these edges.
        states: (epoch, seq, rank, at_ms, occ, closed, reason, since_ms, conf, blocked) of each
            bay.
    """
    if not states:
        return
    session.stage(_CARRY_OVER, [(*key, *state) for key, state in states.items()])
    session.upsert(_TELL_EDGES, _newest(states))


def _newest(states: Mapping[StateKey, Values]) -> list[Values]:
    """Of each edge the newest state's layout and position, in order of their names."""
    newest: dict[str, tuple[Any, ...]] = {}
    for (name, layout, _), state in states.items():
        told = (*state[: len(_POSITION)], layout)
        newest[name] = max(newest.get(name, told), told)
    return [(name, "", told[-1], *told[:-1]) for name, told in sorted(newest.items())]
