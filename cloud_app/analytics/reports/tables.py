"""A report as rows: what its CSV and XLSX files are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TypeAlias

from cloud_app.analytics.reports.figures import Figure, Figures, Report

Cell: TypeAlias = str | int | float | None


class TableName(StrEnum):
    """Which figures of a report."""

    FIGURES = "figures"
    HEAT = "heat"
    DAYS = "days"
    LENGTHS = "lengths"
    AVAILABILITY = "availability"


@dataclass(frozen=True, slots=True)
class RowTable:
    """Rows under heads; the heads are for programs and the same in every language."""

    name: TableName
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def table_of(report: Report, name: TableName) -> RowTable:
    """One table of a report."""
    heads, rows = {
        TableName.FIGURES: (_FIGURES, _figures(report)),
        TableName.HEAT: (("weekday", "hour", *_of("occupancy")), _heat(report)),
        TableName.DAYS: (("day", *_of("occupancy")), _days(report)),
        TableName.LENGTHS: (("from_min", "to_min", "vehicles"), _lengths(report)),
        TableName.AVAILABILITY: (("cause", "bay_hours", "share"), _availability(report)),
    }[name]
    return RowTable(name, heads, tuple(rows))


def _of(name: str) -> tuple[str, str, str]:
    return name, f"{name}_observed", f"{name}_mark"


_FIGURES = (
    "period", "of", "site", "lot", "name", "bays", *_of("occupancy"), "peak_start",
    "peak_occupancy", *_of("full_min"), *_of("full_share"), "full_spells", "full_longest_min",
    *_of("turnover_per_day"), "stays", "stays_unsure", "stay_mean_min", "stay_median_min",
    "stay_p90_min",
)  # fmt: skip


def _figure(figure: Figure) -> tuple[Cell, Cell, Cell]:
    return figure.value, figure.observed, figure.mark.value


def _figures(report: Report) -> Iterator[tuple[Cell, ...]]:
    period = f"{report.first}/{report.last}"
    groups: Sequence[tuple[str, Sequence[Figures]]] = (
        ("total", (report.total,)),
        ("lot", report.lots),
        ("zone", report.zones),
        ("kind", report.kinds),
    )
    for of, some in groups:
        yield from (_row(period, of, each) for each in some)
    if report.compared is not None:
        other = report.compared
        period = f"{other.first}/{other.last}"
        yield _row(period, "total", other.total)
        yield from (_row(period, "lot", each) for each in other.lots)


def _row(period: str, of: str, each: Figures) -> tuple[Cell, ...]:
    peak, unmet, stays = each.peak, each.unmet, each.stays
    return (
        period, of, each.site, each.lot, each.name, each.bays,
        *_figure(each.occupancy),
        None if peak is None else peak.start.isoformat(timespec="minutes"),
        None if peak is None else peak.occupancy,
        *_figure(unmet.full_min), *_figure(unmet.share), unmet.spells, unmet.longest_min,
        *_figure(stays.turnover_per_day), stays.count, stays.unsure, stays.mean_min,
        stays.median_min, stays.p90_min,
    )  # fmt: skip


def _heat(report: Report) -> Iterator[tuple[Cell, ...]]:
    return ((each.weekday, each.hour, *_figure(each.occupancy)) for each in report.heat)


def _days(report: Report) -> Iterator[tuple[Cell, ...]]:
    return ((each.day.isoformat(), *_figure(each.occupancy)) for each in report.days)


def _lengths(report: Report) -> Iterator[tuple[Cell, ...]]:
    bounds = [*report.length_bounds_min, None]
    classes = pairwise(bounds)
    for (low, high), count in zip(classes, report.total.stays.lengths, strict=True):
        yield low, high, count


def _availability(report: Report) -> Iterator[tuple[Cell, ...]]:
    told = report.availability
    yield "known", told.bay_hours * told.known, told.known
    for each in told.causes:
        yield each.cause, each.bay_hours, each.share
    yield "away", told.away_bay_hours, told.away_bay_hours / (told.bay_hours or 1)
