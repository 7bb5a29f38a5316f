"""What the city prints: steps of the start, how it stands, and the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console, Group, JustifyMethod
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from city.accounts import Login
from city.count_score import CountScore
from city.filling import WeekDone
from city.plan import TIME_ZONE, TOWN, City, PlannedLot, Watch
from city.score import CityScore, LotScore, quantile_s

_DIM = "bright_black"
_PARTS = {
    Watch.PICTURES: "boxes with cameras",
    Watch.SCRIPT: "boxes that are told what they see",
    Watch.SENSORS: "a sensor in each bay, over LoRaWAN",
    Watch.GATES: "counted at its gates",
}
_MARKS = {Watch.PICTURES: "*", Watch.SENSORS: "+"}


def show_step(console: Console, after_s: float, what: str) -> None:
    """Something is done, so long after the start."""
    console.print(Text.assemble((f"{after_s:6.1f} s  ", _DIM), what))


def part_line(lots: Sequence[PlannedLot]) -> str:
    """The lots of a part are on the air."""
    what = _PARTS[lots[0].watch]
    if len(lots) == 1:
        return f"{lots[0].spec.name} is on the air: {what}"
    return f"{len(lots)} lots are on the air: {what}"


def show_start(
    console: Console, city: City, url: str, logins: Sequence[Login], boxes: Mapping[str, str]
) -> None:
    """Where to look, and how to get in."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style=_DIM)
    table.add_column(overflow="fold")
    operators = len({lot.spec.site for lot in city.lots})
    table.add_row(
        "town", f"{TOWN}: {len(city.lots)} lots at {operators} sites, {city.bays} bays; invented"
    )
    table.add_row("pages", Text(url, style=f"bold cyan link {url}"))
    for name, page in boxes.items():
        table.add_row(
            "a box", Text.assemble((page, f"cyan link {page}"), f"  {name}, as it sees it")
        )
    people = Table.grid(padding=(0, 2))
    for _ in range(3):
        people.add_column(overflow="fold")
    for login in logins:
        member = login.member
        people.add_row(
            Text(login.email, style="bold"),
            login.password,
            Text(f"{member.role.value} of {member.tenant.name}", style=_DIM),
        )
    console.print(
        Panel(
            Group(table, Text("\nlog in as, with the password:", style=_DIM), people),
            title="[bold]lotsight city[/]",
            title_align="left",
            border_style="cyan",
        )
    )


def week_line(week: WeekDone) -> str:
    """A week of history is there."""
    begin = week.begin.astimezone(ZoneInfo(TIME_ZONE))
    many = f"{week.weeks} of {week.of} weeks, {week.events:,} events"
    return f"history from {begin:%d %B} on is there ({many})"


def standing_line(
    lots: Sequence[Mapping[str, Mapping[str, int]]], alerts: int, at: datetime
) -> str:
    """How the city stands."""
    bays, occupied, unknown, stale = (
        sum(lot["counts"][name] for lot in lots)
        for name in ("bays", "occupied", "unknown", "stale")
    )
    local = at.astimezone(ZoneInfo(TIME_ZONE))
    return (
        f"{local:%H:%M}  {occupied} of {bays} bays occupied, {unknown + stale} unknown, "
        f"{alerts} alert{'' if alerts == 1 else 's'} open"
    )


def show_score(console: Console, score: CityScore) -> None:
    """The table, and what it comes to; it fits into 80 columns."""
    faults = score.faults()
    shade = "red" if faults else "green"
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for title, side in _COLUMNS:
        table.add_column(title, justify=side, header_style=_DIM, no_wrap=True)
    for lot in score.lots:
        table.add_row(*_row(lot))
    table.add_section()
    table.add_row(*_sum(score))
    heading = f"[bold]what the API said in {score.run_s:.0f} s against the truth[/]"
    console.print(Rule(heading, align="left", style=shade))
    console.print(table)
    console.print(
        "right, wrong, unknown: % of the time in which no change was on its way; changes: true "
        "ones that the API showed in time; p50, p95: seconds from a true change to the API; "
        "* judged by the real pipeline, + by a sensor in each bay",
        style=_DIM,
    )
    if score.counted:
        console.print(_counted_table(score.counted))
        console.print(
            "spaces, and vehicles: true and said in the end, what was said off the truth over "
            "time, and what in minus out alone would be off",
            style=_DIM,
        )
    for fault in faults:
        console.print(Text.assemble(("failed: ", "bold red"), fault))


_COLUMNS: tuple[tuple[str, JustifyMethod], ...] = (
    ("lot", "left"), ("bays", "right"), ("right", "right"), ("wrong", "right"),
    ("unknown", "right"), ("changes", "right"), ("events", "right"), ("taken", "right"),
    ("lost", "right"), ("p50", "right"), ("p95", "right"),
)  # fmt: skip


_COUNT_COLUMNS = (
    "spaces", "true", "said", "mean off", "most off", "in-out off", "set", "heard", "taken", "lost",
)  # fmt: skip


def _counted_table(lots: Sequence[CountScore]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("counted lot", header_style=_DIM, no_wrap=True)
    for title in _COUNT_COLUMNS:
        table.add_column(title, justify="right", header_style=_DIM, no_wrap=True)
    for lot in lots:
        good = not lot.faults(is_settled=True)
        mean = "-" if lot.mean_off is None else f"{lot.mean_off:.1f}"
        table.add_row(
            lot.lot.spec.name,
            f"{len(lot.lot.bays)}",
            f"{lot.truth}",
            Text(_whole(lot.said), style="bold green" if good else "bold red"),
            mean,
            f"{lot.most_off}",
            f"{lot.alone_off:+d}",
            f"{lot.corrections}",
            f"{lot.delivery.published}",
            f"{lot.delivery.taken}",
            _lost(lot.delivery.lost),
        )
    return table


def _whole(value: int | None) -> str:
    return "-" if value is None else f"{value}"


def _row(lot: LotScore) -> list[str | Text]:
    name = lot.lot.spec.name + _MARKS.get(lot.lot.watch, "")
    delivery, score = lot.delivery, lot.score
    shares: list[str | Text] = ["-", "-", "-"]
    if lot.is_seen:
        good = lot.accuracy is None or lot.accuracy >= lot.least_right
        shares = [
            Text(_percent(lot.right), style="bold green" if good else "bold red"),
            _percent(lot.wrong),
            _percent(lot.unknown),
        ]
    return [
        name,
        f"{len(lot.lot.bays)}",
        *shares,
        f"{score.right}/{score.changes}",
        f"{delivery.published}",
        f"{delivery.taken}",
        _lost(delivery.lost),
        _seconds(quantile_s(score.delays_s, 0.5)),
        _seconds(quantile_s(score.delays_s, 0.95)),
    ]


def _sum(score: CityScore) -> list[str | Text]:
    total = sum(lot.score.bay_seconds for lot in score.lots) or 1.0
    weighted = [
        [share * lot.score.bay_seconds / total for share in (lot.right, lot.wrong, lot.unknown)]
        for lot in score.lots
    ]
    shares = [sum(column) for column in zip(*weighted, strict=True)]
    delivery = score.delivery
    changes = [(lot.score.right, lot.score.changes) for lot in score.lots]
    return [
        Text("the city", style="bold"),
        f"{sum(len(lot.lot.bays) for lot in score.lots)}",
        *map(_percent, shares),
        "/".join(f"{sum(each)}" for each in zip(*changes, strict=True)),
        f"{delivery.published}",
        f"{delivery.taken}",
        _lost(delivery.lost),
        _seconds(quantile_s(score.delays_s, 0.5)),
        _seconds(quantile_s(score.delays_s, 0.95)),
    ]


def _lost(lost: int) -> Text:
    return Text(f"{lost}", style="bold red" if lost else "bold green")


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
