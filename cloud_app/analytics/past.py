"""The past of a site's lots as grids, from the quarters of an hour that are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import bindparam, func, select

from cloud_app.analytics.demand import DemandGrid, Slots
from cloud_app.registry.queries import time_zones_of
from cloud_app.storage.database import Session
from cloud_app.storage.tables import edge, quarter
from cloud_app.storage.times import from_ms, to_ms

QUARTERS = Slots(15, 0, 96)
# Of a quarter of which less is known no figure is made.
_KNOWN_SHARE = 0.5

_SUMS = (
    select(
        quarter.c.lot,
        quarter.c.start_ms,
        func.sum(quarter.c.occupied_ms).label("occupied_ms"),
        func.sum(quarter.c.free_ms).label("free_ms"),
        func.sum(quarter.c.unknown_ms).label("unknown_ms"),
    )
    .where(
        quarter.c.site == bindparam("at"),
        quarter.c.start_ms >= bindparam("since_ms"),
        quarter.c.start_ms < bindparam("until_ms"),
    )
    .group_by(quarter.c.lot, quarter.c.start_ms)
    .order_by(quarter.c.lot, quarter.c.start_ms)
)


def zone_of(session: Session, site: str) -> ZoneInfo:
    """A site's time zone; UTC where nobody said it."""
    return ZoneInfo(time_zones_of(session, [site]).get(site) or "UTC")


def past_of(
    session: Session, site: str, zone: ZoneInfo, days: tuple[date, int], lot: str | None = None
) -> list[DemandGrid]:
    """How full the lots of a site were.

    Args:
        session: to read with.
        site: whose.
        zone: in whose days.
        days: the first day, and how many.
        lot: only this one.
    """
    first, count = days
    bounds = [
        to_ms(datetime.combine(day, datetime.min.time(), zone))
        for day in (first, first + timedelta(days=count))
    ]
    query = _SUMS if lot is None else _SUMS.where(quarter.c.lot == lot)
    told: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for row in session.rows(query, {"at": site, "since_ms": bounds[0], "until_ms": bounds[1]}):
        share = known_share(int(row.occupied_ms), int(row.free_ms), int(row.unknown_ms))
        if share is not None:
            at = from_ms(row.start_ms).astimezone(zone).replace(tzinfo=None)
            told[row.lot].append((at, share))
    return [DemandGrid.of(name, each, QUARTERS, days) for name, each in told.items()]


def known_share(occupied_ms: int, free_ms: int, unknown_ms: int) -> float | None:
    """The occupied share of a quarter; None where less than half of it is known."""
    known = occupied_ms + free_ms
    if not known or known < _KNOWN_SHARE * (known + unknown_ms):
        return None
    return occupied_ms / known


def with_now(grid: DemandGrid, slot: int, share: float | None) -> DemandGrid:
    """The grid with what is so now; nothing is known after it."""
    shares = grid.shares.copy()
    shares[-1, slot:] = np.nan
    if share is not None:
        shares[-1, slot] = share
    return DemandGrid(grid.lot, grid.first_day, grid.slots, shares)


def every_site(session: Session) -> Sequence[str]:
    """Sites that something tells of; asked often, so the past itself is not searched for them."""
    return [row.site for row in session.rows(select(edge.c.site).distinct())]
