"""`lotsight doctor`: everything a box needs, looked at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edge_app.cli.check_config import show
from edge_app.config import LotsightConfig, load_config
from edge_app.diagnostics.checks import (
    check_cameras,
    check_machine,
    check_parts,
    unverified_cameras,
    worst,
)
from edge_app.diagnostics.device_checks import check_devices
from edge_app.tuning import Tuning, keep, tune
from telemetry import SystemClock

app = typer.Typer(add_completion=False)


@app.command()
def doctor(
    config_file: Annotated[
        Path, typer.Option("--config", "-c", help="Configuration file of the box.")
    ],
    with_tuning: Annotated[
        bool,
        typer.Option(
            "--tune",
            help="First measure which shipped network and how many threads suit this processor, "
            "and keep the result for the service; half a minute of all cores.",
        ),
    ] = False,
) -> None:
    """Look at state folder, disk, clock, port, brokers, model, calibrations, cameras, devices.

    Changes nothing but for --tune, and may run beside the service. Exit code 1 when something does
    not work.
    """
    config = load_config(config_file)
    if with_tuning:
        _tune(config)
    checks = check_machine(config) + unverified_cameras(config)
    checks += check_parts(config) + check_cameras(config) + check_devices(config)
    show(checks)
    if worst(checks).is_bad:
        raise typer.Exit(1)


def _tune(config: LotsightConfig) -> None:
    console = Console(highlight=False)
    with console.status("measuring the networks ...") as status:
        tuning = tune(config, SystemClock().utc(), lambda line: status.update(f"measuring {line}"))
    console.print(_table(tuning))
    console.print(f"{tuning.processor}, {tuning.cores} cores")
    console.print(f"chosen: {tuning.describe()}", soft_wrap=True)
    path = keep(tuning, config.edge.state_dir)
    console.print(f"kept in {path}; a running service uses it after a restart", soft_wrap=True)
    if config.model.name is not None or config.model.manifest_file is not None:
        console.print("[yellow]\\[model] names a network: it is used, whatever was measured[/]")


def _table(tuning: Tuning) -> Table:
    table = Table("network", "threads", "CPU ms a pass", "passes/s", "golden bays right")
    for column in table.columns[1:]:
        column.justify = "right"
    for index, each in enumerate(tuning.candidates):
        table.add_row(
            each.name,
            str(each.threads or "all"),
            f"{each.cpu_ms:.0f}",
            f"{each.passes_hz(tuning.cores):.1f}",
            f"{each.right} of {each.bays}",
            style="bold" if index == tuning.chosen else None,
        )
    return table
