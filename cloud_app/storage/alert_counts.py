"""How many alerts are open at each site."""

from __future__ import annotations

from sqlalchemy import func, select

from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Session


def open_by_site(session: Session) -> dict[str, tuple[int, int, int]]:
    """Of each site that has open alerts: how many, and numbers that differ if any of them does."""
    rows = session.rows(
        select(
            alert.c.site,
            func.count().label("alerts"),
            func.sum(alert.c.opened_ms).label("which"),
            func.sum(alert.c.version).label("versions"),
        )
        .where(alert.c.closed_ms.is_(None))
        .group_by(alert.c.site)
    )
    return {row.site: (row.alerts, int(row.which), int(row.versions)) for row in rows}
