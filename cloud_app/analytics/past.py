"""The past of a site's lots as grids, from the quarters of an hour that are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias
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
PARTS_MAX = 64
"""Zones and kinds of a lot that are learned of and forecast: each takes a sixth of a second."""
FULL_SHARE = 0.98
"""A quarter is full if on average so many of the known bays were occupied."""


def zone_of(session: Session, site: str) -> ZoneInfo:
    """A site's time zone; UTC where nobody said it."""
    return ZoneInfo(time_zones_of(session, [site]).get(site) or "UTC")


@dataclass(frozen=True, slots=True)
class LotPart:
    """The bays of a lot that lie in a zone, or are of a kind; all of them if neither is named."""

    zone: str = ""
    kind: str = ""

    def name(self, lot: str) -> str:
        """What its past and its forecasts go by; no lot or zone has these signs in its name."""
        if self.zone:
            return f"{lot}/{self.zone}"
        return f"{lot}:{self.kind}" if self.kind else lot


Part: TypeAlias = tuple[str, str]
"""(zone, kind)"""


def parts_among(bays: Collection[Part]) -> dict[LotPart, list[Part]]:
    """The zones and kinds that a lot is told apart by, and what belongs to each.

    Where all bays are of one zone, or of one kind, that is the whole lot.
    """
    found: dict[LotPart, list[Part]] = defaultdict(list)
    for zone, kind in bays:
        if zone and len({each for each, _ in bays}) > 1:
            found[LotPart(zone=zone)].append((zone, kind))
        if len({each for _, each in bays}) > 1:
            found[LotPart(kind=kind)].append((zone, kind))
    return found


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
    span = _Span.of(zone, days)
    lots = kept_lots(session, site) if lot is None else [(site, lot)]
    laid = (span.laid(kept.lot, kept.whole) for kept in lot_quarters(session, lots, span.window))
    return [grid for grid in laid if grid is not None]


def past_of_parts(
    session: Session, site: str, zone: ZoneInfo, days: tuple[date, int], lots: Iterable[str]
) -> list[DemandGrid]:
    """The same of the zones and kinds of lots; of a lot with very many only the largest."""
    span = _Span.of(zone, days)
    found = []
    of = [(site, lot) for lot in lots]
    for kept in lot_quarters(session, of, span.window, with_parts=True):
        for part, sums in _largest(kept.parts).items():
            grid = span.laid(part.name(kept.lot), sums)
            if grid is not None:
                found.append(grid)
    return found


def _largest(parts: Mapping[Part, Sums]) -> dict[LotPart, Sums]:
    summed = {
        part: np.sum([parts[each] for each in of], axis=0)
        for part, of in parts_among(parts.keys()).items()
    }
    order = sorted(summed, key=lambda part: (-int(summed[part].sum()), part.zone, part.kind))
    return {part: summed[part] for part in order[:PARTS_MAX]}


@dataclass(frozen=True, slots=True)
class _Span:
    """Local days.

    Attributes:
        days: the first day, and how many.
        window: the quarters of an hour in them.
        local: when each begins, on the clock of the wall.
    """

    days: tuple[date, int]
    window: Window
    local: Sequence[datetime]

    @classmethod
    def of(cls, zone: ZoneInfo, days: tuple[date, int]) -> _Span:
        first, count = days
        start_ms, end_ms = (
            to_ms(datetime.combine(day, datetime.min.time(), zone)) // QUARTER_MS * QUARTER_MS
            for day in (first, first + timedelta(days=count))
        )
        starts = range(start_ms, end_ms, QUARTER_MS)
        local = [from_ms(each).astimezone(zone).replace(tzinfo=None) for each in starts]
        return cls(days, Window(start_ms, end_ms), local)

    def laid(self, name: str, sums: Sums) -> DemandGrid | None:
        """None where nothing is known."""
        shares = known_shares(sums)
        told = [(self.local[at], float(shares[at])) for at in np.flatnonzero(shares >= 0).tolist()]
        return DemandGrid.of(name, told, QUARTERS, self.days) if told else None


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
