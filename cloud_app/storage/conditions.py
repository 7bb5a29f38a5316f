"""Reading what the rules ask: who is away, which camera tells nothing.

The counts say where to look, so a round reads the bays of cameras that tell nothing and no others.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, func, not_, select

from cloud_app.storage.counts import SAME_BAY
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Now
from cloud_app.storage.tables import bay, bay_count, bay_state, edge


def edges_away(session: Session, now: Now, away_ms: int) -> Sequence[Row]:
    """(edge, site, seen_ms, reason, bays) of stale edges not heard of for so long, or longer."""
    bays = (
        select(func.coalesce(func.sum(bay_count.c.bays), 0))
        .where(bay_count.c.edge == edge.c.edge)
        .scalar_subquery()
    )
    return session.rows(
        select(edge.c.edge, edge.c.site, edge.c.seen_ms, edge.c.reason, bays.label("bays")).where(
            now.is_stale, edge.c.seen_ms <= now.now_ms - away_ms
        )
    )


def edges_unheard(session: Session, since_ms: int) -> Sequence[Row]:
    """(edge, site) of edges not heard of since then."""
    return session.rows(
        select(edge.c.edge, edge.c.site).where(func.coalesce(edge.c.seen_ms, 0) < since_ms)
    )


def blind_cameras(session: Session, now: Now) -> Sequence[Row]:
    """(site, edge, camera, bays, youngest_ms, reason) of cameras of which no bay is known.

    Those of absent edges are left out: the absence is the news, nothing is known of the cameras.
    """
    candidates = (
        select(bay_count.c.edge, bay_count.c.camera)
        .join(edge, edge.c.edge == bay_count.c.edge)
        .where(not_(now.is_stale))
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
