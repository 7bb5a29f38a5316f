"""The counts that are kept of bays: what they are made of, and whether they are still right.

`bay_count` has a row for each edge, camera, lot, zone, level and kind, and each bay of the layout
in force counts in one of the first four of `STATES`; those that are free but blocked count in the
last one too. The intake moves the counts in the transaction that moves the
states (`cloud_app.storage.projection`) and rebuilds them where a layout changes. Nothing recounts
bays for a page; the leader recounts in the background, edge by edge, and tells of any drift. Rows
of lots that are only counted are made of no bays: nothing here touches them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Integer,
    Table,
    and_,
    case,
    delete,
    func,
    insert,
    literal_column,
    select,
)

from cloud_app.storage.database import Session
from cloud_app.storage.tables import bay, bay_count, bay_state, edge
from cloud_app.storage.upsert import among

STATES = ("occupied", "free", "unknown", "closed", "blocked")
GROUP = ("edge", "camera", "lot", "zone", "level", "kind")

# As text, not bound: the statements that use them run with every batch.
_NO: ColumnElement[int] = literal_column("0", Integer)
_YES: ColumnElement[int] = literal_column("1", Integer)
_NONE: ColumnElement[str] = literal_column("''")
GROUP_COLUMNS = (
    bay.c.edge,
    bay.c.camera,
    bay.c.lot,
    func.coalesce(bay.c.zone, _NONE).label("zone"),
    func.coalesce(bay.c.level, _NONE).label("level"),
    bay.c.kind,
)
COUNTS_HERE: ColumnElement[bool] = bay.c.carried == _NO
"""A bay that a cloud edge carries counts there, and not with the box that sees it."""
_OF_BAYS = bay_count.c.counted == _NO
SAME_BAY = and_(
    bay_state.c.edge == bay.c.edge,
    bay_state.c.layout == bay.c.layout,
    bay_state.c.bay == bay.c.bay,
)


def share(table: Table, state: str) -> ColumnElement[int]:
    """1 where a bay counts as `state`, else 0; a bay that was never told of is unknown.

    Blocked are those that are free and of no use.
    """
    is_open = func.coalesce(table.c.closed, _NO) == _NO
    occ = {
        "occupied": table.c.occ == _YES,
        "free": table.c.occ == _NO,
        "unknown": table.c.occ.is_(None),
    }
    if state == "closed":
        is_so: ColumnElement[bool] = table.c.closed == _YES
    elif state == "blocked":
        is_so = and_(is_open, occ["free"], table.c.blocked.is_not(None))
    else:
        is_so = and_(is_open, occ[state])
    return case((is_so, _YES), else_=_NO)


_SHOULD_BE = (
    select(
        *GROUP_COLUMNS,
        func.min(bay.c.site).label("site"),
        func.count().label("bays"),
        *(func.sum(share(bay_state, state)).label(state) for state in STATES),
    )
    .select_from(edge)
    .join(bay, and_(bay.c.edge == edge.c.edge, bay.c.layout == edge.c.layout))
    .outerjoin(bay_state, SAME_BAY)
    .where(among(edge.c.edge, "edges"), COUNTS_HERE)
    .group_by(*GROUP_COLUMNS)
)
_IS = select(*(bay_count.c[column.name] for column in _SHOULD_BE.selected_columns)).where(
    among(bay_count.c.edge, "edges"), _OF_BAYS
)
_FORGET = delete(bay_count).where(among(bay_count.c.edge, "edges"), _OF_BAYS)
_COUNT = insert(bay_count).from_select(
    [column.name for column in _SHOULD_BE.selected_columns], _SHOULD_BE
)


@dataclass(frozen=True, slots=True)
class Drift:
    """An edge whose kept counts are not those of its bays.

    Attributes:
        edge: which.
        kept: sums of `STATES` as kept.
        true: as recounted.
    """

    edge: str
    kept: Mapping[str, int]
    true: Mapping[str, int]


def recount(session: Session, edges: Sequence[str]) -> None:
    """Rebuild the counts of these edges; the transaction has touched them."""
    session.run(_FORGET, {"edges": edges})
    session.run(_COUNT, {"edges": edges})


def drifts(session: Session, edges: Sequence[str]) -> list[Drift]:
    """Which of these edges have other counts than their bays say; reads one state of both."""
    kept, true = (
        {tuple(row)[: len(GROUP)]: row for row in session.rows(query, {"edges": edges})}
        for query in (_IS, _SHOULD_BE)
    )
    wrong = {
        str(key[0])
        for key in kept.keys() | true.keys()
        if key not in kept or key not in true or tuple(kept[key]) != tuple(true[key])
    }
    return [
        Drift(
            name,
            *(
                {
                    s: sum(getattr(row, s) for row in rows.values() if row.edge == name)
                    for s in STATES
                }
                for rows in (kept, true)
            ),
        )
        for name in sorted(wrong)
    ]
