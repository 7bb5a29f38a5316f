"""Reading the kept past for reports: the database adds quarters up to local hours.

Nothing here reads events; what is not kept yet is not observed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Select,
    Subquery,
    Table,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)

from cloud_app.analytics.reports.period import HOUR_MS, Segment
from cloud_app.analytics.reports.stays import LENGTHS_MIN
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Session
from cloud_app.storage.report_tables import quarter_cause, stay_day
from cloud_app.storage.tables import bay_count

KNOWN_SHARE = 0.5
"""Of a quarter of which less is known no figure is made, as in forecasts."""
FULL_SHARE = 0.98
"""A quarter is full if on average so many of the known bays were occupied."""

Lot = tuple[str, str]
"""(site, lot)"""
_SUMS = ("occupied_ms", "free_ms", "unknown_ms")
Group = tuple[str, ...]
"""Values of the columns that rows are grouped by."""


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

    def of(self, table: Table) -> list[ColumnElement[bool]]:
        """The rows of a table of quarters that are meant."""
        wanted = [
            table.c.site.in_(self.sites),
            table.c.start_ms >= self.window.start_ms,
            table.c.start_ms < self.window.end_ms,
        ]
        return wanted if self.lot is None else [*wanted, table.c.lot == self.lot]


@dataclass(frozen=True, slots=True)
class HourSums:
    """A group's quarters in one local hour.

    Attributes:
        hour: local, counted from 1970.
        occupied_ms: of bays.
        free_ms: of bays.
        unknown_ms: of bays.
        seen: quarters of which enough is known.
        full: of those, the full ones.
    """

    hour: int
    occupied_ms: int
    free_ms: int
    unknown_ms: int
    seen: int
    full: int


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


def hours(
    session: Session, scope: Scope, table: Table, by: Sequence[str]
) -> dict[Group, list[HourSums]]:
    """Sums of each local hour, by group.

    Args:
        session: to read with.
        scope: of what.
        table: `quarter` or `quarter_part`.
        by: columns that make a group.
    """
    inner = _quarters(scope, table, by)
    hour = _local_hour(inner.c.start_ms, scope.segments)
    is_seen, is_full = _seen(inner), _full(inner)
    query = select(
        *(inner.c[name] for name in by),
        hour.label("hour"),
        *(_sum(inner.c[name]).label(name) for name in _SUMS),
        _sum(case((is_seen, 1), else_=0)).label("seen"),
        _sum(case((and_(is_seen, is_full), 1), else_=0)).label("full"),
    ).group_by(*(inner.c[name] for name in by), hour)
    found: dict[Group, list[HourSums]] = defaultdict(list)
    places = len(by)
    for row in session.rows(query):
        found[tuple(row[:places])].append(HourSums(*row[places:]))
    return found


def full_quarters(
    session: Session, scope: Scope, table: Table, by: Sequence[str]
) -> dict[Group, list[int]]:
    """When the full quarters of each group began, in order."""
    inner = _quarters(scope, table, by)
    group = [inner.c[name] for name in by]
    query = (
        select(*group, inner.c.start_ms)
        .where(_seen(inner), _full(inner))
        .order_by(*group, inner.c.start_ms)
    )
    found: dict[Group, list[int]] = defaultdict(list)
    for row in session.rows(query):
        found[tuple(row[:-1])].append(row[-1])
    return found


def _quarters(scope: Scope, table: Table, by: Sequence[str]) -> Subquery:
    """The quarters of each lot, all its edges together, split by group."""
    columns = dict.fromkeys(["site", "lot", *by, "start_ms"])
    key = [table.c[name] for name in columns]
    sums = [_sum(table.c[name]).label(name) for name in _SUMS]
    return select(*key, *sums).where(*scope.of(table)).group_by(*key).subquery("quarters")


def _sum(column: ColumnElement[Any]) -> ColumnElement[int]:
    # PostgreSQL's sum of integers is a decimal number, which is slow to add and to read.
    return cast(func.sum(column), BigInteger)


def _seen(quarters: Subquery) -> ColumnElement[bool]:
    known = quarters.c.occupied_ms + quarters.c.free_ms
    return and_(known > 0, known >= KNOWN_SHARE * (known + quarters.c.unknown_ms))


def _full(quarters: Subquery) -> ColumnElement[bool]:
    return quarters.c.occupied_ms >= FULL_SHARE * (quarters.c.occupied_ms + quarters.c.free_ms)


def _local_hour(start_ms: ColumnElement[int], segments: Sequence[Segment]) -> ColumnElement[int]:
    # As text: PostgreSQL must see that what is selected is what is grouped by.
    cases = [
        (
            start_ms < literal_column(str(each.window.end_ms)),
            (start_ms + literal_column(str(each.offset_ms))) // literal_column(str(HOUR_MS)),
        )
        for each in segments[:-1]
    ]
    last = (start_ms + literal_column(str(segments[-1].offset_ms))) // literal_column(str(HOUR_MS))
    return case(*cases, else_=last) if cases else last


def causes(session: Session, scope: Scope) -> dict[str, int]:
    """Milliseconds of bays that were unknown, by reason."""
    query = (
        select(quarter_cause.c.cause, func.sum(quarter_cause.c.unknown_ms))
        .where(*scope.of(quarter_cause))
        .group_by(quarter_cause.c.cause)
    )
    return {row[0]: int(row[1]) for row in session.rows(query)}


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


def sizes(session: Session, scope: Scope) -> dict[tuple[str, str, str, str], int]:
    """Bays now by (site, lot, zone, kind): what is expected of time of which nothing is kept."""
    key = [bay_count.c[name] for name in ("site", "lot", "zone", "kind")]
    query = select(*key, func.sum(bay_count.c.bays)).where(bay_count.c.site.in_(scope.sites))
    if scope.lot is not None:
        query = query.where(bay_count.c.lot == scope.lot)
    rows = session.rows(query.group_by(*key))
    return {(row[0], row[1], row[2], row[3]): int(row[4]) for row in rows}


def stays(
    session: Session, scope: Scope, days: tuple[str, str], by: Sequence[str]
) -> dict[Group, StaySums]:
    """Stays that ended in some days, by group.

    Args:
        session: to read with.
        scope: of what.
        days: the first and the last one, ISO 8601.
        by: columns that make a group.
    """
    columns: Iterable[Column[Any]] = [stay_day.c[name] for name in by]
    query: Select[Any] = select(stay_day, *(each.label(f"by_{each.name}") for each in columns))
    query = query.where(
        stay_day.c.site.in_(scope.sites), stay_day.c.day >= days[0], stay_day.c.day <= days[1]
    )
    if scope.lot is not None:
        query = query.where(stay_day.c.lot == scope.lot)
    found: dict[Group, StaySums] = defaultdict(StaySums)
    for row in session.rows(query):
        lengths: list[int] = json.loads(row.lengths)
        found[tuple(getattr(row, f"by_{name}") for name in by)].add(
            StaySums(row.stays, row.unsure, row.total_ms, lengths, {((row.site, row.lot), row.day)})
        )
    return found
