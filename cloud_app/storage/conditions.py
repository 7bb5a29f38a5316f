"""Reading what the rules ask: who is away, which camera tells nothing.

The counts say where to look, so a round reads the bays of cameras that tell nothing and no others.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, func, not_, select, text

from cloud_app.storage.counts import SAME_BAY
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Now
from cloud_app.storage.tables import bay, bay_count, bay_state, edge


def boxes(session: Session, now: Now, *, is_stale: bool | None = None) -> Sequence[Row]:
    """Rows of `edge` of all edge boxes, or of those that are stale, or not, with their `bays`."""
    bays = (
        select(bay_count.c.edge, func.sum(bay_count.c.bays).label("bays"))
        .group_by(bay_count.c.edge)
        .subquery()
    )
    query = (
        select(edge, func.coalesce(bays.c.bays, 0).label("bays"))
        .outerjoin(bays, bays.c.edge == edge.c.edge)
        .where(edge.c.kind == text("'box'"))
        .order_by(edge.c.edge)
    )
    if is_stale is not None:
        query = query.where(now.is_stale if is_stale else not_(now.is_stale))
    return session.rows(query)


def edges_unheard(session: Session, since_ms: int) -> Sequence[Row]:
    """(edge, site) of edges not heard of since then."""
    return session.rows(
        select(edge.c.edge, edge.c.site).where(func.coalesce(edge.c.seen_ms, 0) < since_ms)
    )


def blind_cameras(session: Session) -> Sequence[Row]:
    """(site, edge, camera, bays, youngest_ms, reason) of cameras of which no bay is known."""
    candidates = (
        select(bay_count.c.edge, bay_count.c.camera)
        .group_by(bay_count.c.edge, bay_count.c.camera)
        .having(func.sum(bay_count.c.occupied + bay_count.c.free) == 0)
        .subquery()
    )
    return session.rows(
        select(
            bay.c.site,
            bay.c.edge,
            bay.c.camera,
            func.count().label("bays"),
            func.max(bay_state.c.since_ms).label("youngest_ms"),
            func.min(bay_state.c.reason).label("reason"),
        )
        .select_from(candidates)
        .join(edge, edge.c.edge == candidates.c.edge)
        .join(
            bay,
            and_(
                bay.c.edge == edge.c.edge,
                bay.c.layout == edge.c.layout,
                bay.c.camera == candidates.c.camera,
            ),
        )
        .outerjoin(bay_state, SAME_BAY)
        .group_by(bay.c.site, bay.c.edge, bay.c.camera)
        .having(func.count(bay_state.c.occ) == 0, func.count(bay_state.c.reason) > 0)
    )


def seeing_cameras(session: Session) -> Sequence[Row]:
    """(site, edge, camera, bays, known) of cameras of which some bay is known."""
    known = func.sum(bay_count.c.occupied + bay_count.c.free)
    return session.rows(
        select(
            bay_count.c.site,
            bay_count.c.edge,
            bay_count.c.camera,
            func.sum(bay_count.c.bays).label("bays"),
            known.label("known"),
        )
        .where(bay_count.c.counted == 0)
        .group_by(bay_count.c.site, bay_count.c.edge, bay_count.c.camera)
        .having(known > 0)
    )


def stale_edges(session: Session, now: Now) -> set[str]:
    """Names of the edges that are stale."""
    return {row.edge for row in session.rows(select(edge.c.edge).where(now.is_stale))}
