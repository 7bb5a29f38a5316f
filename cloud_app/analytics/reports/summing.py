"""From sums of quarters to figures: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from cloud_app.analytics.past import is_full, known_shares
from cloud_app.analytics.reports.figures import (
    LEAST_OBSERVED,
    DayFigure,
    Figure,
    HeatCell,
    Peak,
    Stays,
    Unmet,
)
from cloud_app.analytics.reports.period import (
    HOURS_A_WEEK,
    LocalHours,
    Places,
    hour_of_week,
    local_day,
)
from cloud_app.analytics.reports.reading import StaySums
from cloud_app.analytics.reports.stays import LENGTHS_MIN, quantile_min
from cloud_app.storage.quarter_sums import Lot, Sums
from cloud_app.storage.steps import QUARTER_MS

SHOWN_MIN: tuple[int, ...] = (0, 15, 30, 60, 120, 240, 480, 1440, LENGTHS_MIN[-1])
"""Classes of lengths as a report shows them."""
QUARTER_MIN = QUARTER_MS // 60_000
_FIELDS = 6


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums of a group, or of several.

    Attributes:
        occupied_ms: of bays.
        known_ms: of bays.
        whole_ms: of bays, known or not: what the observed share is of.
        seen: quarters of which enough is known.
        full: of those, full ones.
        quarters: all there were.
    """

    occupied_ms: int = 0
    known_ms: int = 0
    whole_ms: int = 0
    seen: int = 0
    full: int = 0
    quarters: int = 0

    @property
    def observed(self) -> float:
        """Share of the time of the bays that was known."""
        return self.known_ms / self.whole_ms if self.whole_ms else 0.0

    @property
    def share(self) -> float | None:
        """Of the known time that was occupied: unknown is never free."""
        return self.occupied_ms / self.known_ms if self.known_ms else None

    @property
    def occupancy(self) -> Figure:
        """How full."""
        return Figure.of(self.share, self.observed)


def tally(sums: Places) -> Tally:
    """Of sums, (6,) in the order of the fields."""
    return Tally(*map(int, sums))


@dataclass(slots=True, eq=False)
class Kept:
    """What is kept of a group by local hour; more lots can be added.

    Attributes:
        sums: (5, h), bay milliseconds occupied, known and told of; quarters seen, and full ones.
    """

    sums: Places

    @classmethod
    def of(cls, hours: LocalHours, quarters: Sums) -> Kept:
        """Of a lot, or a part of it, (3, n) quarters."""
        share = known_shares(quarters)
        known = quarters[0] + quarters[1]
        rows = (quarters[0], known, known + quarters[2], np.isfinite(share), is_full(share))
        return cls(np.stack([hours.sum(row) for row in rows]))

    def add(self, other: Kept) -> None:
        """Of another lot in the same hours."""
        self.sums += other.sums


@dataclass(slots=True, eq=False)
class Hours:
    """The local hours of some lots together.

    Attributes:
        hours: (h,), local, counted from 1970, in order.
        sums: (6, h), a column for each hour, in the order of a `Tally`'s fields.
    """

    hours: Places = field(default_factory=lambda: np.empty(0, np.int64))
    sums: Places = field(default_factory=lambda: np.empty((_FIELDS, 0), np.int64))

    @classmethod
    def of(cls, hours: LocalHours, kept: Kept, bays: float, lots: int = 1) -> Hours:
        """Of one group.

        Args:
            hours: of the period.
            kept: what is kept of it.
            bays: how many each lot has now, on average: so much is expected where less is kept.
            lots: whose quarters are expected.
        """
        quarters = hours.quarters * lots
        expected_ms = np.rint(bays * quarters * QUARTER_MS).astype(np.int64)
        occupied_ms, known_ms, told_ms, seen, full = kept.sums
        whole_ms = np.maximum(told_ms, expected_ms)
        sums = np.stack([occupied_ms, known_ms, whole_ms, seen, full, quarters])
        return cls(hours.hours, sums)

    def add(self, other: Hours) -> None:
        """More lots, whose time zone may be another."""
        hours = np.union1d(self.hours, other.hours)
        sums = np.zeros((_FIELDS, len(hours)), np.int64)
        for each in (self, other):
            sums[:, np.searchsorted(hours, each.hours)] += each.sums
        self.hours, self.sums = hours, sums

    def total(self) -> Tally:
        """All together."""
        return tally(self.sums.sum(axis=1))

    def heat(self) -> tuple[HeatCell, ...]:
        """By hour of the week; an hour that did not occur is refused like an unobserved one."""
        week = np.zeros((HOURS_A_WEEK, _FIELDS), np.int64)
        np.add.at(week, hour_of_week(self.hours), self.sums.T)
        return tuple(
            HeatCell(weekday=place // 24, hour=place % 24, occupancy=tally(sums).occupancy)
            for place, sums in enumerate(week)
        )

    def days(self) -> tuple[DayFigure, ...]:
        """By day."""
        days, place = np.unique(self.hours // 24, return_inverse=True)
        sums = np.zeros((len(days), _FIELDS), np.int64)
        np.add.at(sums, place, self.sums.T)
        return tuple(
            DayFigure(day=local_day(int(day) * 24), occupancy=tally(each).occupancy)
            for day, each in zip(days, sums, strict=True)
        )

    def peak(self) -> Peak | None:
        """The fullest hour, the first of several."""
        occupied_ms, known_ms, whole_ms = self.sums[:3]
        may_be = (known_ms > 0) & (known_ms >= LEAST_OBSERVED * whole_ms)
        if not may_be.any():
            return None
        share = np.where(may_be, occupied_ms / np.maximum(known_ms, 1), -1.0)
        best = int(np.argmax(share))
        hour = int(self.hours[best])
        start = datetime(1970, 1, 1) + timedelta(hours=hour)  # noqa: DTZ001  # a local hour
        return Peak(start=start, occupancy=float(share[best]))


def unmet(total: Tally, full: Places | None) -> Unmet:
    """Time without a free bay.

    Args:
        total: of a lot, or of several.
        full: places of the full quarters of a lot, in order; None for several lots.
    """
    observed = total.seen / total.quarters if total.quarters else 0.0
    share = total.full / total.seen if total.seen else None
    spells = None if full is None else _spells(full)
    return Unmet(
        full_min=Figure.of(total.full * float(QUARTER_MIN) if total.seen else None, observed),
        share=Figure.of(share, observed),
        spells=None if spells is None else len(spells),
        longest_min=None if spells is None else max(spells, default=0) * QUARTER_MIN,
    )


def _spells(full: Places) -> list[int]:
    """Lengths of runs of quarters that follow each other."""
    ends = np.flatnonzero(np.diff(full, append=np.iinfo(np.int64).max) != 1)
    return np.diff(ends, prepend=-1).tolist() if len(full) else []


def stays(sums: StaySums, bays: Mapping[Lot, int], days: int) -> Stays:
    """How vehicles stayed.

    Args:
        sums: that ended.
        bays: of each lot.
        days: of the period.
    """
    bay_days = sum(bays.get(lot, 0) for lot, _ in sums.days)
    whole = sum(bays.values()) * days
    return Stays(
        turnover_per_day=Figure.of(
            sums.stays / bay_days if bay_days else None, bay_days / whole if whole else 0.0
        ),
        count=sums.stays,
        unsure=sums.unsure,
        mean_min=sums.total_ms / sums.stays / 60_000 if sums.stays else None,
        median_min=quantile_min(sums.lengths, 0.5),
        p90_min=quantile_min(sums.lengths, 0.9),
        lengths=shown(sums.lengths),
    )


def shown(lengths: Sequence[int]) -> tuple[int, ...]:
    """Counts by the classes that a report shows."""
    return tuple(
        sum(
            count
            for count, at in zip(lengths, LENGTHS_MIN, strict=False)
            if low <= at < high
        )
        for low, high in pairwise(SHOWN_MIN)
    )  # fmt: skip
