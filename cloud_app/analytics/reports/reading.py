"""Reading what reports are made of beside the quarters (`cloud_app.storage.quarter_sums`).

Nothing here reads events; what is not kept yet is not observed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlalchemy import func, or_, select

from cloud_app.analytics.reports.period import Segment
from cloud_app.analytics.reports.stays import LENGTHS_MIN
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Session
from cloud_app.storage.quarter_sums import Lot
from cloud_app.storage.report_tables import stay_day
from cloud_app.storage.tables import bay_count

Part: TypeAlias = tuple[str, str, str, str]
"""(site, lot, zone, kind)"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Lots that a report is about, in the days of one time zone.

    Attributes:
        sites: whose.
        lot: only this one of each.
        segments: the period, in the zone of these sites.
        until_ms: nothing is expected of what comes later.
    """

    sites: Sequence[str]
    lot: str | None
    segments: Sequence[Segment]
    until_ms: int

    @property
    def window(self) -> Window:
        """From the first segment to the last."""
        return Window(self.segments[0].window.start_ms, self.segments[-1].window.end_ms)


@dataclass(slots=True)
class StaySums:
    """Stays that ended.

    Attributes:
        stays: how many.
        unsure: of those, the ones through which the bay was unknown for a while.
        total_ms: of all.
        lengths: how many by length.
        days: (lot, day) of which stays are kept.
    """

    stays: int = 0
    unsure: int = 0
    total_ms: int = 0
    lengths: list[int] = field(default_factory=lambda: [0] * (len(LENGTHS_MIN) - 1))
    days: set[tuple[Lot, str]] = field(default_factory=set)

    def add(self, other: StaySums) -> None:
        """More of them."""
        self.stays += other.stays
        self.unsure += other.unsure
        self.total_ms += other.total_ms
        self.lengths = [a + b for a, b in zip(self.lengths, other.lengths, strict=True)]
        self.days |= other.days


def away_ms(session: Session, scope: Scope) -> int:
    """Milliseconds of bays whose edge was away, as alerts tell it; its states came later."""
    window = Window(scope.window.start_ms, min(scope.window.end_ms, scope.until_ms))
    spans = session.rows(
        select(alert.c.subject, alert.c.opened_ms, alert.c.ceased_ms).where(
            alert.c.rule == "edge_offline",
            alert.c.site.in_(scope.sites),
            alert.c.opened_ms < window.end_ms,
            or_(alert.c.ceased_ms.is_(None), alert.c.ceased_ms > window.start_ms),
        )
    )
    bays = _bays_of_edges(session, scope)
    total_ms = 0
    for row in spans:
        end_ms = min(row.ceased_ms or window.end_ms, window.end_ms)
        away_ms = max(0, end_ms - max(row.opened_ms, window.start_ms))
        total_ms += bays.get(row.subject, 0) * away_ms
    return total_ms


def _bays_of_edges(session: Session, scope: Scope) -> dict[str, int]:
    query = select(bay_count.c.edge, func.sum(bay_count.c.bays)).where(
        bay_count.c.site.in_(scope.sites)
    )
    if scope.lot is not None:
        query = query.where(bay_count.c.lot == scope.lot)
    return {row[0]: int(row[1]) for row in session.rows(query.group_by(bay_count.c.edge))}


def sizes(session: Session, scope: Scope) -> dict[Part, int]:
    """Bays now by (site, lot, zone, kind): what is expected of time of which nothing is kept."""
    key = [bay_count.c[name] for name in ("site", "lot", "zone", "kind")]
    query = select(*key, func.sum(bay_count.c.bays)).where(bay_count.c.site.in_(scope.sites))
    if scope.lot is not None:
        query = query.where(bay_count.c.lot == scope.lot)
    rows = session.rows(query.group_by(*key))
    return {(row[0], row[1], row[2], row[3]): int(row[4]) for row in rows}


def stays(session: Session, scope: Scope, days: tuple[str, str]) -> dict[Part, StaySums]:
    """Stays that ended in some days, by part of a lot.

    Args:
        session: to read with.
        scope: of what.
        days: the first and the last one, ISO 8601.
    """
    columns = ("site", "lot", "zone", "kind", "day", "stays", "unsure", "total_ms", "lengths")
    query = select(*(stay_day.c[name] for name in columns)).where(
        stay_day.c.site.in_(scope.sites), stay_day.c.day >= days[0], stay_day.c.day <= days[1]
    )
    if scope.lot is not None:
        query = query.where(stay_day.c.lot == scope.lot)
    found: dict[Part, StaySums] = defaultdict(StaySums)
    for site, lot, zone, kind, day, count, unsure, total_ms, lengths in session.tuples(query):
        found[site, lot, zone, kind].add(
            StaySums(count, unsure, total_ms, json.loads(lengths), {((site, lot), day)})
        )
    return found
