"""How many alerts are open."""

from __future__ import annotations

from sqlalchemy import func, select

from cloud_app.storage.database import Session
from cloud_app.storage.tables import alert


def open_by_site(session: Session) -> dict[str, tuple[int, int]]:
    """How many alerts are open at each site that has any, and a number that differs if they do."""
    rows = session.rows(
        select(
            alert.c.site,
            func.count().label("alerts"),
            # What people do to an alert counts its version.
            func.sum(alert.c.opened_ms + alert.c.version).label("which"),
        )
        .where(alert.c.closed_ms.is_(None))
        .group_by(alert.c.site)
    )
    return {row.site: (row.alerts, int(row.which)) for row in rows}
