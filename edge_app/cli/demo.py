"""`lotsight demo`: watch a simulated lot; no camera, broker or network is needed."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from simulator import Weather

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    duration_s: Annotated[
        float, typer.Option(min=0, help="Duration in seconds; 0: until Ctrl+C.")
    ] = 60.0,
    seed: Annotated[
        int,
        typer.Option(min=0, help="Random seed of the traffic: the same seed gives the same day."),
    ] = 7,
    speed: Annotated[
        float, typer.Option(min=0.5, max=4, help="Simulated seconds per real second.")
    ] = 1.0,
    weather: Annotated[Weather, typer.Option(help="Weather.")] = Weather.SUN,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65_535, help="Port of the live page; default: 8008 if free."),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the live page.")] = True,
) -> None:
    """Run a simulated lot through the real pipeline to a real MQTT broker, and score the result."""
    from edge_app.config import LogConfig
    from edge_app.config.settings import LogLevel
    from edge_app.demo import DemoSettings, run_demo
    from edge_app.logs import set_up_logging

    set_up_logging(LogConfig(level=LogLevel.ERROR))
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, on_signal)
    settings = DemoSettings(duration_s or None, seed, speed, weather, port, browser)
    run_demo(settings, Console(highlight=False), stop)
