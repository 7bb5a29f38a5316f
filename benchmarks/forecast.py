"""Backtest of the forecasts on real demand: the last 14 days held out.

    python -m benchmarks.forecast

Birmingham: 30 car parks, half-hourly from 8:00 to 16:30, 2016. Malaga: 11 car parks, some 16
readings a day, 2026; their capacity is not published, so the largest number of free places ever
seen stands for it. Errors are mean absolute errors in per cent of the capacity.
"""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cloud_app.analytics.demand import DemandGrid, ForecastError, Slots
from cloud_app.analytics.forecast import ForecastModel, fit
from cloud_app.analytics.forecast.backtest import Score, backtest
from datasets.lots import data_root

HELD_OUT_DAYS = 14
BIRMINGHAM_MIN = (30, 60, 120, 240, 1440, 10_080)
MALAGA_MIN = (60, 120, 240, 1440, 10_080)
# A reading of Malaga stands until the next one, for as long as this.
_STANDS = timedelta(hours=2)

Readings = Mapping[str, list[tuple[datetime, float]]]


def birmingham(folder: Path) -> list[DemandGrid]:
    readings: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    with (folder / "birmingham_2016.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["LastUpdated"])
            share = int(row["Occupancy"]) / int(row["Capacity"])
            readings[row["SystemCodeNumber"]].append((at, share))
    return _grids(readings, Slots(30, 480, 18))


def malaga(folder: Path) -> list[DemandGrid]:
    free: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    with (folder / "malaga_2026.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            free[row["lot"]].append((datetime.fromisoformat(row["time_local"]), int(row["free"])))
    readings = {
        lot: _standing([(at, 1 - left / max(n for _, n in told)) for at, left in sorted(told)])
        for lot, told in free.items()
    }
    return _grids(readings, Slots(60, 0, 24))


def _standing(readings: Sequence[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    """Readings and, on each full hour until the next one, the one that stands."""
    ends = [at for at, _ in readings[1:]] + [readings[-1][0] + _STANDS]
    filled = []
    for (at, share), end in zip(readings, ends, strict=True):
        filled.append((at, share))
        hour = at.replace(minute=0) + timedelta(hours=1)
        while hour < min(end, at + _STANDS):
            filled.append((hour, share))
            hour += timedelta(hours=1)
    return filled


def _grids(readings: Readings, slots: Slots) -> list[DemandGrid]:
    days = [at.date() for each in readings.values() for at, _ in each]
    span: tuple[date, int] = (min(days), (max(days) - min(days)).days + 1)
    return [DemandGrid.of(lot, each, slots, span) for lot, each in sorted(readings.items())]


def _show(console: Console, name: str, scores: Sequence[Score]) -> None:
    table = Table(title=f"{name}: error in % of the capacity, last {HELD_OUT_DAYS} days")
    heads = ("ahead", "n", "forecast", "stays as it is", "3 weekdays", "3 weekdays + 0.9 x today",
             "80 % interval holds", "its width", "worst lot")  # fmt: skip
    for head in heads:
        table.add_column(head, justify="right")
    for score in scores:
        worst = max(score.by_lot, key=lambda lot: score.by_lot[lot])
        errors = (score.error, score.persistence, score.weekday, score.carried)
        table.add_row(
            f"{score.horizon_min} min", f"{score.count}", *(f"{100 * each:.2f}" for each in errors),
            f"{100 * score.covered:.1f} %", f"{100 * score.width:.1f}",
            f"{100 * score.by_lot[worst]:.2f} {worst}",
        )  # fmt: skip
    console.print(table)


def main() -> None:
    console = Console()
    folder = data_root() / "demand"
    for name, grids, horizons in (
        ("Birmingham", birmingham(folder), BIRMINGHAM_MIN),
        ("Malaga", malaga(folder), MALAGA_MIN),
    ):
        _show(console, name, backtest(grids, HELD_OUT_DAYS, horizons))
        begin_s = time.perf_counter()
        model = fit(grids, horizons)
        console.print(f"fit of {len(grids)} lots: {time.perf_counter() - begin_s:.1f} s")
        _serve(console, model, grids)


def _serve(console: Console, model: ForecastModel, grids: Sequence[DemandGrid]) -> None:
    """Forecast every lot from noon of the last whole day."""
    refused, made = [], 0
    begin_s = time.perf_counter()
    for grid in grids:
        noon = (12 * 60 - grid.slots.first_min) // grid.slots.step_min
        try:
            made += len(model.forecast(grid.until(grid.days - 1), noon, [1, 2, 3, 4]))
        except ForecastError as exc:
            refused.append(str(exc))
    each_ms = (time.perf_counter() - begin_s) / len(grids) * 1000
    console.print(f"{made} forecasts, {each_ms:.1f} ms a lot; refused {len(refused)}")
    for text in refused:
        console.print(f"  {text}")


if __name__ == "__main__":
    main()
