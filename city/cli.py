"""`scripts/city`: a small city in one command."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from city.settings import CitySettings, page_port, work_folder
from telemetry import LotsightError, SystemClock

app = typer.Typer(add_completion=False)


@app.command()
def city(
    duration_s: Annotated[
        float | None,
        typer.Option(min=1, help="How long, seconds, once all of it is up; without: until Ctrl-C."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the past and of what happens: the same seed, the same.")
    ] = 7,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Of the pages; 8090 if it is free.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the pages.")] = True,
    keep: Annotated[
        Path | None,
        typer.Option(help="Folder for all that it makes; without, it is deleted at the end."),
    ] = None,
) -> None:
    """Run a small city on cameras, sensors, gates and a script, with its cloud and a score.

    The exit code is 1 if an event was lost, or a lot was judged worse than it should be.
    """
    begin_s, stop = SystemClock().mono_s(), threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, on_signal)
    console = Console(highlight=False)
    with ExitStack() as stack:
        own_port, folder = page_port(port), work_folder(keep, stack)
        settings = CitySettings(begin_s, own_port, folder, seed, duration_s, browser)
        # Checked first: this takes seconds.
        from city.run import run_city
        from edge_app.config import LogConfig
        from edge_app.config.settings import LogLevel
        from edge_app.logs import set_up_logging

        set_up_logging(LogConfig(level=LogLevel.ERROR))
        score = run_city(settings, console, stop)
    if keep is not None:
        again = f"lotsight-cloud serve -c {folder / 'cloud.toml'}"
        console.print(f"kept in {folder}; to look at it again: {again}", soft_wrap=True)
    if score is not None and score.faults():
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; an error of ours is one red line and exit code 1, no traceback."""
    try:
        app(prog_name="scripts/city")
    except LotsightError as exc:
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        console.print("error:", style="bold red", end=" ")
        console.print(str(exc), markup=False)
        sys.exit(1)
