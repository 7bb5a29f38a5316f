"""A month of a gate-counted garage: what misses, a wrap and a reset do to its count.

    python benchmarks/gate_month.py [--days 30] [--seed 1]

The truth is simulated: vehicles arrive by day, stay for hours, and have all left at night. Each is
missed by its gate with 1 % of probability, on the way in and on the way out alike. The gates tell
running totals of 16 bits once a minute; the one of the entrance wraps in the second week, that of
the exit is reset in the third. Three counts are kept of the same readings: the difference of both
totals as they stand; in minus out from the first day on, with wrap and reset understood; and ours,
which on top of that is set to 0 at night once nothing has passed for half an hour.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from statistics import fmean
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from sensors.counting import Balance, NightRule
from sensors.gates import Total
from sensors.totals import Counter, StepKind, step
from telemetry import PassageDirection

ZONE = ZoneInfo("Europe/Berlin")
# With the night in which the clocks go forward.
FIRST_DAY = datetime(2026, 3, 9, tzinfo=ZONE)
MODULUS = 65_536
IN, OUT = PassageDirection.IN, PassageDirection.OUT
_COUNTS = ("totals", "naive", "shown")


@dataclass(frozen=True)
class Plan:
    """What is simulated.

    Attributes:
        days: how many.
        capacity: of the garage.
        vehicles: that come each day.
        missed: share of them that a gate does not see, each way.
        seed: of chance.
        every: how often the counters are read.
    """

    days: int = 30
    capacity: int = 300
    vehicles: int = 900
    missed: float = 0.01
    seed: int = 1
    every: timedelta = timedelta(minutes=1)


@dataclass
class Minute:
    """A moment of the month: the truth, and the counts of it."""

    at: datetime
    truth: int
    shown: int
    naive: int
    totals: int


@dataclass
class Month:
    """What came of it."""

    minutes: list[Minute] = field(default_factory=list)
    drifts: list[int] = field(default_factory=list)
    zeroing_errors: list[int] = field(default_factory=list)
    kinds: set[StepKind] = field(default_factory=set)

    def error(self, name: str) -> float:
        """Mean absolute error of a count."""
        return fmean(abs(getattr(each, name) - each.truth) for each in self.minutes)


def passages(plan: Plan) -> list[tuple[datetime, PassageDirection]]:
    """The truth: who passes which way when; the garage is full at most, and empty at night."""
    source = random.Random(plan.seed)
    found: list[tuple[datetime, PassageDirection]] = []
    for day in range(plan.days):
        date = (FIRST_DAY + timedelta(days=day)).date()
        opens = datetime.combine(date, time(6), tzinfo=ZONE).astimezone(UTC)
        stays = []
        for _ in range(plan.vehicles):
            arrives = min(15.5, max(0.0, source.gauss(4.5, 2.5)))
            leaves = min(17.5, arrives + source.expovariate(1 / 3.0) + 0.1)
            stays.append((arrives, leaves))
        found += _admitted(sorted(stays), opens, plan.capacity)
    return sorted(found, key=lambda each: each[0])


def _admitted(
    stays: Sequence[tuple[float, float]], opens: datetime, capacity: int
) -> Iterator[tuple[datetime, PassageDirection]]:
    inside: list[float] = []
    for arrives, leaves in stays:
        inside = [each for each in inside if each > arrives]
        if len(inside) < capacity:
            inside.append(leaves)
            yield opens + timedelta(hours=arrives), IN
            yield opens + timedelta(hours=leaves), OUT


def readings(
    plan: Plan, truth: Sequence[tuple[datetime, PassageDirection]]
) -> Iterator[tuple[datetime, int, dict[PassageDirection, Total]]]:
    """Minute by minute: the true count, and what the counters stand at."""
    source = random.Random(plan.seed + 1)
    # So that it wraps in the second week.
    totals = {IN: (MODULUS - 10 * plan.vehicles) % MODULUS, OUT: 12_345}
    reset_at = (FIRST_DAY + timedelta(days=17, hours=11)).astimezone(UTC)
    at = FIRST_DAY.astimezone(UTC)
    end = (FIRST_DAY + timedelta(days=plan.days)).astimezone(UTC)
    count, index = 0, 0
    while at < end:
        if at <= reset_at < at + plan.every:
            totals[OUT] = 0
        while index < len(truth) and truth[index][0] <= at:
            way = truth[index][1]
            count += 1 if way is IN else -1
            if source.random() >= plan.missed:
                totals[way] = (totals[way] + 1) % MODULUS
            index += 1
        yield at, count, {way: Total(way, totals[way], at) for way in (IN, OUT)}
        at += plan.every


def count_month(plan: Plan) -> Month:
    """Count a month in all three ways."""
    month, counter = Month(), Counter(MODULUS)
    rule = NightRule(time(3), ZONE)
    balance, naive = Balance(FIRST_DAY.astimezone(UTC)), 0
    before: dict[PassageDirection, Total] = {}
    first: dict[PassageDirection, int] = {}
    last_passage: datetime | None = None
    last_zero: datetime | None = None
    for at, truth, totals in readings(plan, passages(plan)):
        for way, total in totals.items():
            if way in before:
                found = step(before[way], total, counter)
                month.kinds.add(found.kind)
                balance = balance.passed(way, found.count, at)
                naive += found.count if way is IN else -found.count
                last_passage = at if found.count else last_passage
            before[way] = total
            first.setdefault(way, total.total)
        if rule.due(at, last_passage, last_zero):
            balance, drift = balance.zeroed(at, rule.count)
            last_zero = at
            month.drifts.append(drift)
            month.zeroing_errors.append(balance.shown(plan.capacity) - truth)
        ins, outs = (totals[way].total - first[way] for way in (IN, OUT))
        shown = balance.shown(plan.capacity)
        month.minutes.append(Minute(at, truth, shown, naive, ins - outs))
    return month


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--days", type=int, default=Plan.days)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    given = parser.parse_args()
    plan = Plan(days=given.days, seed=given.seed)
    month = count_month(plan)
    table = Table(
        title=f"{plan.days} days, {plan.vehicles} vehicles a day, capacity {plan.capacity}, "
        f"{plan.missed:.0%} missed each way"
    )
    for head in ("", "bare totals", "in minus out", "re-zeroed at night"):
        table.add_column(head, justify="left" if not head else "right")
    counts = {name: [getattr(each, name) for each in month.minutes] for name in _COUNTS}
    rows = (
        ("mean error (vehicles)", *(f"{month.error(name):.2f}" for name in _COUNTS)),
        ("largest error", *(_largest(month, name) for name in _COUNTS)),
        ("lowest and highest count", *(f"{min(each)} to {max(each)}" for each in counts.values())),
        ("minutes outside 0 to capacity", *(_outside(each, plan) for each in counts.values())),
        ("re-zeroings", "-", "-", str(len(month.drifts))),
        ("largest error just after one", "-", "-", str(max(map(abs, month.zeroing_errors)))),
        ("mean drift found by one", "-", "-", f"{fmean(map(abs, month.drifts)):.2f}"),
    )
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(f"steps of the counters: {', '.join(sorted(month.kinds))}")


def _largest(month: Month, name: str) -> str:
    return str(max(abs(getattr(each, name) - each.truth) for each in month.minutes))


def _outside(counts: Sequence[int], plan: Plan) -> str:
    return str(sum(not 0 <= each <= plan.capacity for each in counts))


if __name__ == "__main__":
    main()
