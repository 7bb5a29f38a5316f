"""What the demo prints: a line for each event, and the score at the end."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge_app.demo.score import Score
from telemetry.messages import BayChanged

_SIGNS = {
    True: ("■", "occupied", "#ff9452"),
    False: ("○", "free", "#2fd0a3"),
    None: ("?", "unknown", "bright_black"),
}
_GOOD, _FAIR = 0.97, 0.90


def show_start(
    console: Console, *, bays: int, model: str, broker: str, url: str | None, topic: str
) -> None:
    """What runs, and where to look."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bright_black")
    table.add_column(overflow="fold")
    table.add_row("lot", f"simulated, {bays} bays in view; no real camera, no network")
    table.add_row("model", model)
    table.add_row("broker", f"mqtt://{broker}, topic {topic}")
    table.add_row("live page", Text(url, style=f"bold cyan link {url}") if url else "off")
    console.print(
        Panel(table, title="[bold]lotsight demo[/]", title_align="left", border_style="cyan")
    )


def show_initial(console: Console, lot_s: float, states: Mapping[str, bool | None]) -> None:
    """The first states of all bays, as one line."""
    line = Text(f"{lot_s:6.1f} s  first states  ", style="bright_black")
    for bay, occ in states.items():
        sign, _, colour = _SIGNS[occ]
        line.append(f"{bay}{sign} ", style=colour)
    console.print(line)


def show_event(
    console: Console, lot_s: float, bay: str, data: BayChanged, delay_s: float | None
) -> None:
    """One bay event."""
    sign, said, colour = _SIGNS[data.occ]
    line = Text(f"{lot_s:6.1f} s  ", style="bright_black")
    line.append(f"{sign} {bay}  ", style=f"bold {colour}")
    line.append(f"{said:<9}", style=colour)
    if data.occ is None:
        line.append(f" {str(data.reason).replace('_', ' ')}", style="bright_black")
    else:
        line.append(f" {data.conf:5.0%}", style="default")
        if delay_s is not None:
            line.append(f"   {delay_s:4.1f} s after the real change", style="bright_black")
    console.print(line)


def show_score(
    console: Console, score: Score, limit_s: float, link: Mapping[str, int], judged_hz: float
) -> None:
    """How good it was."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bright_black")
    table.add_column(justify="right")
    table.add_column(style="bright_black", overflow="fold")
    shade = (
        "green" if score.right_share >= _GOOD else "yellow" if score.right_share >= _FAIR else "red"
    )
    table.add_row(
        "right",
        f"[bold {shade}]{score.right_share:.1%}[/]",
        f"of {score.bay_seconds:,.0f} bay-seconds, delays included",
    )
    table.add_row(
        "settled",
        f"[bold]{score.settled_share:.1%}[/]",
        "excluding the seconds right after a change",
    )
    table.add_row(
        "changes",
        f"{score.right} of {score.changes}",
        f"published within {limit_s:.0f} s; {score.late} late, {score.missed} missed, "
        f"{score.false} false",
    )
    if score.delays_s:
        p50, p95 = statistics.median(score.delays_s), score.delay_s(0.95)
        table.add_row(
            "delay",
            f"{p50:.1f} s",
            f"median, from half a car in (or out of) the bay to message; 95 % within {p95:.1f} s",
        )
    if score.first_state_s is not None:
        table.add_row("first state", f"{score.first_state_s:.1f} s", "after the first image")
    events = link.get("event", 0)
    table.add_row(
        "messages",
        f"{sum(link.values())}",
        f"received, {events} of them events; {judged_hz:.1f} frames judged per second",
    )
    console.print(
        Panel(
            table,
            title="[bold]published states against the simulator's truth[/]",
            title_align="left",
            border_style=shade,
        )
    )


def show_next(console: Console) -> None:
    """Where to look next."""
    console.print(
        "[bright_black]Next:[/] [bold]lotsight judge PICTURE[/] on an image of your lot · "
        "[bold]lotsight calibrate SOURCE[/] to draw its bays · [bold]lotsight run --config "
        "FILE[/] to publish them",
        highlight=False,
    )
