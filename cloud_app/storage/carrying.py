"""Which bays of boxes a cloud edge carries: those count there, and are one of its sources here."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, case, exists, select, text, update

from cloud_app.storage.database import Session
from cloud_app.storage.source_tables import cloud_edge
from cloud_app.storage.tables import bay, edge
from cloud_app.storage.upsert import among

_other, _its_edge = bay.alias("other"), edge.alias("its_edge")
_IS_CARRIED = exists(
    select(_other.c.bay)
    .select_from(cloud_edge)
    .join(_its_edge, _its_edge.c.edge == cloud_edge.c.edge)
    .join(
        _other,
        and_(_other.c.edge == _its_edge.c.edge, _other.c.layout == _its_edge.c.layout),
    )
    .where(
        cloud_edge.c.site == bay.c.site,
        cloud_edge.c.lot == bay.c.lot,
        _other.c.bay == bay.c.bay,
        _other.c.edge != bay.c.edge,
    )
    .correlate(bay)
)
_SHOULD_BE = case((_IS_CARRIED, text("1")), else_=text("0"))
_BOXES = among(bay.c.edge, "edges")
_MARK = update(bay).values(carried=_SHOULD_BE).where(_BOXES, bay.c.carried != _SHOULD_BE)
# Only lots that have a cloud edge have anything to mark, and those that had marks to take away.
_WRONG = (
    select(bay.c.edge)
    .select_from(edge)
    .join(bay, and_(bay.c.edge == edge.c.edge, bay.c.layout == edge.c.layout))
    .join(cloud_edge, and_(cloud_edge.c.site == bay.c.site, cloud_edge.c.lot == bay.c.lot))
    .where(edge.c.kind == text("'box'"), bay.c.carried != _SHOULD_BE)
    .distinct()
)


def mark_carried(session: Session, boxes: Sequence[str]) -> int:
    """Mark the bays of these boxes that a cloud edge carries, and no others.

    Args:
        session: a transaction that has locked the boxes; it recounts them where marks changed.
        boxes: which.

    Returns:
        How many marks changed.
    """
    return session.run(_MARK, {"edges": list(boxes)})


def wrongly_marked(session: Session) -> list[str]:
    """Boxes with bays whose mark is not as it should be: a layout came while another was made."""
    return sorted(row.edge for row in session.rows(_WRONG))
