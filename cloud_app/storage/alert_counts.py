"""How many alerts are open."""

from __future__ import annotations

from sqlalchemy import func, select

from cloud_app.storage.database import Session
from cloud_app.storage.queries import Sites, of_sites
from cloud_app.storage.tables import alert


def open_by_severity(session: Session, sites: Sites = None) -> dict[str, int]:
    """How many alerts of some sites are open, by severity."""
    [(number,)] = session.rows(
        select(func.count()).where(alert.c.closed_ms.is_(None), of_sites(alert.c.site, sites))
    )
    return {"info": 0, "warning": int(number), "critical": 0}


def open_by_site(session: Session) -> dict[str, tuple[int, int]]:
    """How many alerts are open at each site that has any, and a number that differs if they do."""
    rows = session.rows(
        select(
            alert.c.site, func.count().label("alerts"), func.sum(alert.c.opened_ms).label("which")
        )
        .where(alert.c.closed_ms.is_(None))
        .group_by(alert.c.site)
    )
    return {row.site: (row.alerts, int(row.which)) for row in rows}
