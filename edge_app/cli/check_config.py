"""`lotsight check-config`: is this file right, and does what it names load?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edge_app.config import LotsightConfig, load_config, render_sample
from edge_app.diagnostics.checks import Check, check_cameras, check_parts, unverified_cameras, worst
from telemetry import ConfigError

app = typer.Typer(add_completion=False)


@app.command()
def check_config(
    config_file: Annotated[Path | None, typer.Argument(help="Configuration file.")] = None,
    open_cameras: Annotated[
        bool, typer.Option("--open", help="Also fetch one image from each camera.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Check only the file itself: no model, no calibration.")
    ] = False,
    print_sample: Annotated[
        bool, typer.Option("--print-sample", help="Print an annotated sample and exit.")
    ] = False,
) -> None:
    """Check a configuration file, and that its calibrations and model load.

    Exit code 1 when something in it cannot be used.
    """
    if print_sample:
        typer.echo(render_sample(), nl=False)
        return
    if config_file is None:
        msg = "expected a configuration file, or --print-sample"
        raise ConfigError(msg)
    config = load_config(config_file)
    parts: list[Callable[[LotsightConfig], list[Check]]] = [] if quick else [check_parts]
    if open_cameras:
        parts.append(check_cameras)
    checks = [Check.good("configuration", f"{config_file}: {len(config.camera)} cameras")]
    checks += unverified_cameras(config)
    for part in parts:
        checks += part(config)
    show(checks)
    if worst(checks).is_bad:
        raise typer.Exit(1)


def show(checks: list[Check]) -> None:
    """Print checks, one line each."""
    console = Console(highlight=False, soft_wrap=True)
    marks = {"ok": "[green]ok  [/]", "warning": "[yellow]warn[/]", "bad": "[red]bad [/]"}
    width = max(len(check.what) for check in checks)
    for check in checks:
        console.print(f"{marks[check.level.value]}  {check.what:<{width}}  ", end="")
        console.print(check.text, markup=False)
