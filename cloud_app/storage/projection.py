"""What is so now: states of bays, and the counts that are kept of them.

A state moves by position (epoch, seq, rank, time) and only forward, so it is the maximum over all
that was seen: order and repetition cannot matter. States come in bulk: they are staged in a
temporary table, and three statements carry them over. The counts move first, by what each staged
state changes; then the states; then each edge's `told_*`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import (
    MetaData,
    Table,
    Tuple,
    and_,
    delete,
    func,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.schema import CreateTable

from cloud_app.storage.counts import GROUP, GROUP_COLUMNS, SAME_BAY, STATES, share
from cloud_app.storage.database import Session, Values
from cloud_app.storage.tables import bay, bay_count, bay_state, edge
from cloud_app.storage.upsert import Upsert, names, same

StateKey = tuple[str, str, str]
"""(edge, layout, bay)"""

SNAPSHOT_RANK, EVENT_RANK = 0, 1
_POSITION = ("epoch", "seq", "rank", "at_ms")

_staged = Table(
    "staged_state",
    MetaData(),
    *(column._copy() for column in bay_state.columns),  # noqa: SLF001 - SQLAlchemy's own way
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DELETE ROWS",
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
).of_select(select(_staged).where(true()))
_newest = select(
    _staged.c.edge,
    _staged.c.layout,
    *(_staged.c[name] for name in _POSITION),
    func.row_number()
    .over(partition_by=_staged.c.edge, order_by=[_staged.c[n].desc() for n in _POSITION])
    .label("place"),
).subquery("newest")
_MOVE_EDGES = (
    update(edge)
    .values(
        told_layout=_newest.c.layout,
        told_epoch=_newest.c.epoch,
        told_seq=_newest.c.seq,
        told_rank=_newest.c.rank,
        told_ms=_newest.c.at_ms,
    )
    .where(
        _newest.c.place == 1,
        _newest.c.edge == edge.c.edge,
        tuple_(edge.c.told_epoch, edge.c.told_seq, edge.c.told_rank, edge.c.told_ms)
        < tuple_(*(_newest.c[name] for name in _POSITION)),
    )
)
_UNSTAGE = delete(_staged)
# Each time: a connection may be new, or have made the table in a transaction that was rolled back.
_MAKE_STAGE = CreateTable(_staged, if_not_exists=True)


def project(session: Session, states: Mapping[StateKey, Values]) -> None:
    """Move states, counts and edges forward.

    Args:
        session: a transaction that has touched these edges.
        states: (epoch, seq, rank, at_ms, occ, closed, reason, since_ms, conf) of each bay.
    """
    if not states:
        return
    session.run(_MAKE_STAGE)
    session.load(_staged, [(*key, *state) for key, state in states.items()])
    for statement in (_MOVE_COUNTS, _MOVE_STATES, _MOVE_EDGES, _UNSTAGE):
        session.run(statement)
