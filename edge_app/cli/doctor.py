"""`lotsight doctor`: everything a box needs, looked at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge_app.cli.check_config import show
from edge_app.config import load_config
from edge_app.diagnostics.checks import (
    check_cameras,
    check_machine,
    check_parts,
    unverified_cameras,
    worst,
)
from edge_app.diagnostics.device_checks import check_devices

app = typer.Typer(add_completion=False)


@app.command()
def doctor(
    config_file: Annotated[
        Path, typer.Option("--config", "-c", help="Configuration file of the box.")
    ],
) -> None:
    """Look at state folder, disk, clock, port, brokers, model, calibrations, cameras, devices.

    Changes nothing, and may run beside the service. Exit code 1 when something does not work.
    """
    config = load_config(config_file)
    checks = check_machine(config) + unverified_cameras(config)
    checks += check_parts(config) + check_cameras(config) + check_devices(config)
    show(checks)
    if worst(checks).is_bad:
        raise typer.Exit(1)
