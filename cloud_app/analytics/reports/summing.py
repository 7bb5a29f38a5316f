"""From sums of quarters to figures: pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

from cloud_app.analytics.reports.figures import (
    LEAST_OBSERVED,
    DayFigure,
    Figure,
    HeatCell,
    Peak,
    Stays,
    Unmet,
)
from cloud_app.analytics.reports.period import HOURS_A_WEEK, hour_of_week, local_day
from cloud_app.analytics.reports.reading import HourSums, Lot, StaySums
from cloud_app.analytics.reports.stays import LENGTHS_MIN, quantile_min
from cloud_app.storage.steps import QUARTER_MS

SHOWN_MIN: tuple[int, ...] = (0, 15, 30, 60, 120, 240, 480, 1440, LENGTHS_MIN[-1])
"""Classes of lengths as a report shows them."""
QUARTER_MIN = QUARTER_MS // 60_000


@dataclass(slots=True)
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

    def add(self, other: Tally) -> None:
        """More time, or more bays."""
        self.occupied_ms += other.occupied_ms
        self.known_ms += other.known_ms
        self.whole_ms += other.whole_ms
        self.seen += other.seen
        self.full += other.full
        self.quarters += other.quarters

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


@dataclass(slots=True)
class Hours:
    """The local hours of some lots together.

    Attributes:
        by_hour: what was, by local hour counted from 1970.
    """

    by_hour: dict[int, Tally] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[HourSums], bays: float, quarters: Mapping[int, int]) -> Hours:
        """Of one group.

        Args:
            rows: what is kept.
            bays: how many there are now: so much is expected where less is kept.
            quarters: real quarters of each local hour.
        """
        made = cls({hour: Tally(quarters=n) for hour, n in quarters.items()})
        for row in rows:
            tally = made.by_hour.get(row.hour)
            if tally is None:
                continue
            known_ms = row.occupied_ms + row.free_ms
            tally.occupied_ms, tally.known_ms = row.occupied_ms, known_ms
            tally.whole_ms = known_ms + row.unknown_ms
            tally.seen, tally.full = row.seen, row.full
        for tally in made.by_hour.values():
            tally.whole_ms = max(tally.whole_ms, round(bays * tally.quarters * QUARTER_MS))
        return made

    def add(self, other: Hours) -> None:
        """More lots."""
        for hour, tally in other.by_hour.items():
            self.by_hour.setdefault(hour, Tally()).add(tally)

    def total(self) -> Tally:
        """All together."""
        return _sum(self.by_hour.values())

    def heat(self) -> tuple[HeatCell, ...]:
        """By hour of the week; an hour that did not occur is refused like an unobserved one."""
        week = [Tally() for _ in range(HOURS_A_WEEK)]
        for hour, tally in self.by_hour.items():
            week[hour_of_week(hour)].add(tally)
        return tuple(
            HeatCell(weekday=place // 24, hour=place % 24, occupancy=tally.occupancy)
            for place, tally in enumerate(week)
        )

    def days(self) -> tuple[DayFigure, ...]:
        """By day."""
        days: dict[date, Tally] = defaultdict(Tally)
        for hour, tally in self.by_hour.items():
            days[local_day(hour)].add(tally)
        return tuple(DayFigure(day=day, occupancy=days[day].occupancy) for day in sorted(days))

    def peak(self) -> Peak | None:
        """The fullest hour, the first of several."""
        best: tuple[float, int] | None = None
        for hour, tally in sorted(self.by_hour.items()):
            share = tally.share
            if share is None or tally.observed < LEAST_OBSERVED:
                continue
            if best is None or share > best[0]:
                best = (share, hour)
        if best is None:
            return None
        start = datetime(1970, 1, 1) + timedelta(hours=best[1])  # noqa: DTZ001  # a local hour
        return Peak(start=start, occupancy=best[0])


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for each in tallies:
        total.add(each)
    return total


def unmet(total: Tally, starts_ms: Sequence[int] | None) -> Unmet:
    """Time without a free bay.

    Args:
        total: of a lot, or of several.
        starts_ms: when the full quarters of a lot began, in order; None for several lots.
    """
    observed = total.seen / total.quarters if total.quarters else 0.0
    share = total.full / total.seen if total.seen else None
    spells = None if starts_ms is None else list(_spells(starts_ms))
    return Unmet(
        full_min=Figure.of(total.full * float(QUARTER_MIN) if total.seen else None, observed),
        share=Figure.of(share, observed),
        spells=None if spells is None else len(spells),
        longest_min=None if spells is None else max(spells, default=0) * QUARTER_MIN,
    )


def _spells(starts_ms: Sequence[int]) -> Iterable[int]:
    """Lengths of runs of quarters that follow each other."""
    length = 0
    last_ms: int | None = None
    for start_ms in starts_ms:
        if last_ms is not None and start_ms != last_ms + QUARTER_MS:
            yield length
            length = 0
        length += 1
        last_ms = start_ms
    if length:
        yield length


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
