"""The past of a site's lots as grids, from the quarters of an hour that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from cloud_app.analytics.demand import DemandGrid, Shares, Slots
from cloud_app.registry.queries import time_zones_of
from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Session
from cloud_app.storage.quarter_sums import Sums, kept_lots, lot_quarters
from cloud_app.storage.steps import QUARTER_MS
from cloud_app.storage.tables import edge
from cloud_app.storage.times import from_ms, to_ms

QUARTERS = Slots(15, 0, 96)
KNOWN_SHARE = 0.5
"""Of a quarter of which less is known no figure is made."""
FULL_SHARE = 0.98
"""A quarter is full if on average so many of the known bays were occupied."""


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
    start_ms, end_ms = (
        to_ms(datetime.combine(day, datetime.min.time(), zone)) // QUARTER_MS * QUARTER_MS
        for day in (first, first + timedelta(days=count))
    )
    lots = kept_lots(session, site) if lot is None else [(site, lot)]
    starts = range(start_ms, end_ms, QUARTER_MS)
    local = [from_ms(each).astimezone(zone).replace(tzinfo=None) for each in starts]
    found = []
    for kept in lot_quarters(session, lots, Window(start_ms, end_ms)):
        shares = known_shares(kept.whole)
        told = [(local[place], float(shares[place])) for place in np.flatnonzero(shares >= 0)]
        if told:
            found.append(DemandGrid.of(kept.lot, told, QUARTERS, days))
    return found


def known_shares(sums: Sums) -> Shares:
    """(3, n) sums of quarters to (n,) occupied shares; NaN where less than half of it is known."""
    known = sums[0] + sums[1]
    is_known = (known > 0) & (known >= KNOWN_SHARE * (known + sums[2]))
    shares: Shares = np.where(is_known, sums[0] / np.maximum(known, 1), np.nan)
    return shares


def is_full(shares: Shares) -> npt.NDArray[np.bool_]:
    """(n,) whether so full that whoever came found no bay."""
    full: npt.NDArray[np.bool_] = shares >= FULL_SHARE
    return full


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
