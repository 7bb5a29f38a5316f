"""Making a report: what is read, and what is said of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import select

from cloud_app.analytics.past import is_full, known_shares, zone_of
from cloud_app.analytics.reports import reading, summing
from cloud_app.analytics.reports.figures import (
    CauseShare,
    ComparedPeriod,
    Figures,
    Report,
    SystemAvailability,
)
from cloud_app.analytics.reports.period import (
    HOUR_MS,
    LocalHours,
    Period,
    ReportError,
)
from cloud_app.analytics.reports.reading import Scope, StaySums
from cloud_app.analytics.reports.summing import SHOWN_MIN, Hours, Kept
from cloud_app.storage.database import Session
from cloud_app.storage.quarter_sums import Lot, LotQuarters, Sums, lot_quarters
from cloud_app.storage.tables import bay_count, lot
from cloud_app.storage.times import to_ms

_GroupOf: TypeAlias = Callable[[str, str, str, str], Lot]
"""The group of a (site, lot, zone, kind), two names."""
NOT_KEPT = "not_kept"
LOT_DAYS_MAX = 20_000
"""A month of 600 lots, or a year of 50."""


class Compared(StrEnum):
    """Beside which period another is put."""

    NONE = "none"
    BEFORE = "before"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Order:
    """What a report is to be about.

    Attributes:
        sites: whose lots.
        lot: only this one.
        period: local days.
        compared: beside which other period.
        title: of the report.
    """

    sites: tuple[str, ...]
    lot: str | None
    period: Period
    compared: Compared
    title: str


@dataclass(slots=True)
class _Sums:
    """What was read of all sites.

    Attributes:
        total: hours of all lots.
        lots: figures of each.
        zones: of a report on one lot.
        kinds: of all lots.
        causes: milliseconds by reason.
        away_ms: of bays whose edges were away.
    """

    total: Hours
    lots: list[Figures]
    zones: list[Figures]
    kinds: dict[str, Hours]
    kind_stays: dict[str, StaySums]
    kind_bays: dict[str, dict[Lot, int]]
    stays: StaySums
    bays: dict[Lot, int]
    causes: Counter[str]
    away_ms: int = 0

    @classmethod
    def empty(cls) -> _Sums:
        """Before anything is read."""
        return cls(
            Hours(), [], [], {}, defaultdict(StaySums), defaultdict(dict), StaySums(), {}, Counter()
        )


def make_report(session: Session, order: Order, now: datetime) -> Report:
    """Make a report.

    Args:
        session: to read with; one state of the database.
        order: what about.
        now: aware; nothing is expected of what comes later.

    Raises:
        ReportError: there is no such lot, or too much is asked for at once.
    """
    zones = _by_zone(session, order.sites)
    _check_size(session, order)
    sums = _read(session, order, zones, order.period, to_ms(now))
    compared = _compared(session, order, zones, to_ms(now))
    return Report(
        title=order.title,
        first=order.period.first,
        last=order.period.last,
        time_zones=tuple(sorted(map(str, zones))),
        made=now,
        total=_together(sums, order.period.days),
        heat=sums.total.heat(),
        days=sums.total.days(),
        lots=tuple(sums.lots),
        zones=tuple(sums.zones),
        kinds=tuple(_kinds(sums, order.period.days)),
        availability=_availability(sums),
        length_bounds_min=SHOWN_MIN[:-1],
        compared=compared,
    )


def _compared(
    session: Session, order: Order, zones: Mapping[ZoneInfo, list[str]], now_ms: int
) -> ComparedPeriod | None:
    if order.compared is Compared.NONE:
        return None
    is_year = order.compared is Compared.YEAR
    period = order.period.year_before if is_year else order.period.before
    sums = _read(session, order, zones, period, now_ms, with_parts=False)
    return ComparedPeriod(
        first=period.first,
        last=period.last,
        total=_together(sums, period.days),
        heat=sums.total.heat(),
        lots=tuple(sums.lots),
    )


def _by_zone(session: Session, sites: Sequence[str]) -> dict[ZoneInfo, list[str]]:
    found: dict[ZoneInfo, list[str]] = defaultdict(list)
    for site in sorted(sites):
        found[zone_of(session, site)].append(site)
    return found


def _check_size(session: Session, order: Order) -> None:
    query = select(bay_count.c.site, bay_count.c.lot).where(bay_count.c.site.in_(order.sites))
    if order.lot is not None:
        query = query.where(bay_count.c.lot == order.lot)
    lots = len(session.rows(query.distinct()))
    if not lots and order.lot is not None:
        msg = "expected at least one lot with bays, but there is none"
        raise ReportError(msg)
    if lots * order.period.days > LOT_DAYS_MAX:
        msg = (
            f"expected lots times days to be at most {LOT_DAYS_MAX}, but got {lots} lots and "
            f"{order.period.days} days: ask for one site or a shorter period"
        )
        raise ReportError(msg)


def _read(
    session: Session,
    order: Order,
    zones: Mapping[ZoneInfo, list[str]],
    period: Period,
    now_ms: int,
    *,
    with_parts: bool = True,
) -> _Sums:
    sums = _Sums.empty()
    for zone, sites in zones.items():
        scope = Scope(sites, order.lot, period.segments(zone), now_ms)
        _Reader(session, scope, period, sums).read(with_parts=with_parts)
        sums.away_ms += reading.away_ms(session, scope)
    sums.lots.sort(key=lambda each: (each.site or "", each.lot or ""))
    return sums


class _Reader:
    """Reads the lots of the sites of one time zone, one after the other.

    Args:
        session: to read with.
        scope: which.
        period: of the scope.
        sums: to add to.
    """

    def __init__(self, session: Session, scope: Scope, period: Period, sums: _Sums) -> None:
        self._session = session
        self._scope = scope
        self._period = period
        self._into = sums
        self._hours = LocalHours.of(scope.segments, scope.until_ms)
        self._sizes = reading.sizes(session, scope)
        days = (period.first.isoformat(), period.last.isoformat())
        self._stays = reading.stays(session, scope, days)
        self._bays = self._grouped(lambda site, lot, _zone, _kind: (site, lot))
        self._kinds: dict[str, Kept] = {}

    def read(self, *, with_parts: bool) -> None:
        """Each lot, and all together; zones if it is one lot only, and kinds."""
        window, names = self._hours.window, self._names()
        lots = sorted({(site, name) for site, name, _, _ in self._sizes})
        stays = self._stays_by(lambda site, lot, _zone, _kind: (site, lot))
        for kept in lot_quarters(self._session, lots, window, with_parts=with_parts):
            of = (kept.site, kept.lot)
            hours, figures = self._figures(kept.whole, stays[of], self._bays[of])
            self._into.total.add(hours)
            self._into.stays.add(stays[of])
            self._into.bays |= self._bays[of]
            shown = names.get(of) or kept.lot
            told = {"site": kept.site, "lot": kept.lot, "name": shown}
            self._into.lots.append(figures.model_copy(update=told))
            for cause, unknown_ms in kept.causes.items():
                self._into.causes[cause] += int(unknown_ms.sum())
            self._keep_kinds(kept)
            if with_parts and self._scope.lot is not None:
                self._read_zones(kept)
        if with_parts:
            self._read_kinds()

    def _read_zones(self, kept: LotQuarters) -> None:
        stays = self._stays_by(lambda site, _lot, zone, _kind: (site, zone))
        bays = self._grouped(lambda site, _lot, zone, _kind: (site, zone))
        for (site, zone), of_zone in sorted(bays.items()):
            if site == kept.site:
                quarters = _together_of(kept, 0, zone)
                _, figures = self._figures(quarters, stays[site, zone], of_zone)
                self._into.zones.append(figures.model_copy(update={"name": zone}))

    def _keep_kinds(self, kept: LotQuarters) -> None:
        for kind in {kind for _, kind in kept.parts}:
            quarters = _together_of(kept, 1, kind)
            found = Kept.of(self._hours, quarters)
            if kind in self._kinds:
                self._kinds[kind].add(found)
            else:
                self._kinds[kind] = found

    def _read_kinds(self) -> None:
        """The kinds of bays: a kind's quarter of a lot is full if no bay of that kind was free."""
        stays = self._stays_by(lambda _site, _lot, _zone, kind: ("", kind))
        for (_, kind), of_lots in self._grouped(lambda _s, _l, _z, kind: ("", kind)).items():
            # Time of several lots is summed: bays that are expected in each, not in all of them.
            mean = sum(of_lots.values()) / len(of_lots)
            kept = self._kinds.get(kind) or Kept.of(self._hours, _nothing(self._hours))
            found = Hours.of(self._hours, kept, mean, len(of_lots))
            self._into.kinds.setdefault(kind, Hours()).add(found)
            self._into.kind_stays[kind].add(stays["", kind])
            self._into.kind_bays[kind] |= of_lots

    def _figures(
        self, quarters: Sums, stays: StaySums, bays: Mapping[Lot, int]
    ) -> tuple[Hours, Figures]:
        hours = Hours.of(self._hours, Kept.of(self._hours, quarters), sum(bays.values()))
        total = hours.total()
        full = np.flatnonzero(is_full(known_shares(quarters)))
        return hours, Figures(
            site=None,
            lot=None,
            name="",
            bays=sum(bays.values()),
            occupancy=total.occupancy,
            peak=hours.peak(),
            unmet=summing.unmet(total, full),
            stays=summing.stays(stays, bays, self._period.days),
        )

    def _grouped(self, group_of: _GroupOf) -> dict[Lot, dict[Lot, int]]:
        """Bays of each lot, by group."""
        found: dict[Lot, dict[Lot, int]] = defaultdict(lambda: defaultdict(int))
        for (site, name, zone, kind), bays in self._sizes.items():
            found[group_of(site, name, zone, kind)][site, name] += bays
        return found

    def _stays_by(self, group_of: _GroupOf) -> dict[Lot, StaySums]:
        found: dict[Lot, StaySums] = defaultdict(StaySums)
        for part, stays in self._stays.items():
            found[group_of(*part)].add(stays)
        return found

    def _names(self) -> dict[Lot, str | None]:
        rows = self._session.rows(
            select(lot.c.site, lot.c.lot, lot.c.name).where(lot.c.site.in_(self._scope.sites))
        )
        return {(row.site, row.lot): row.name for row in rows}


def _together_of(kept: LotQuarters, place: int, name: str) -> Sums:
    """The parts of a lot whose zone (place 0) or kind (1) has that name, together."""
    parts = [sums for key, sums in kept.parts.items() if key[place] == name]
    return np.sum(parts, axis=0) if parts else np.zeros_like(kept.whole)


def _nothing(hours: LocalHours) -> Sums:
    return np.zeros((3, len(hours.place)), np.int64)


def _together(sums: _Sums, days: int) -> Figures:
    total = sums.total.total()
    only = sums.lots[0] if len(sums.lots) == 1 else None
    if only is not None:
        return only
    return Figures(
        site=None,
        lot=None,
        name="",
        bays=sum(sums.bays.values()),
        occupancy=total.occupancy,
        peak=sums.total.peak(),
        unmet=summing.unmet(total, None),
        stays=summing.stays(sums.stays, sums.bays, days),
    )


def _kinds(sums: _Sums, days: int) -> list[Figures]:
    found = []
    for kind, hours in sorted(sums.kinds.items()):
        total, bays = hours.total(), sums.kind_bays[kind]
        found.append(
            Figures(
                site=None,
                lot=None,
                name=kind,
                bays=sum(bays.values()),
                occupancy=total.occupancy,
                peak=hours.peak(),
                unmet=summing.unmet(total, None),
                stays=summing.stays(sums.kind_stays[kind], bays, days),
            )
        )
    return found


def _availability(sums: _Sums) -> SystemAvailability:
    total = sums.total.total()
    told_ms = sum(sums.causes.values())
    causes = {**sums.causes, NOT_KEPT: max(0, total.whole_ms - total.known_ms - told_ms)}
    whole_ms = total.whole_ms or 1
    return SystemAvailability(
        bay_hours=total.whole_ms / HOUR_MS,
        known=total.observed,
        causes=tuple(
            CauseShare(cause=cause, bay_hours=ms / HOUR_MS, share=ms / whole_ms)
            for cause, ms in sorted(causes.items(), key=lambda each: -each[1])
            if ms
        ),
        away_bay_hours=sums.away_ms / HOUR_MS,
    )


def last_days(today: date, days: int) -> Period:
    """The last whole days before today."""
    return Period(today - timedelta(days=days), today - timedelta(days=1))
