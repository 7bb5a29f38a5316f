"""`lotsight outputs`: see whether signs and barriers do what they are told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge_app.cli.check_config import show
from edge_app.config import load_config
from edge_app.diagnostics.checks import worst
from edge_app.diagnostics.device_checks import check_devices, operate_outputs
from telemetry import ConfigError

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def outputs() -> None:
    """Signs, alarm inputs and barriers of a box; see docs/outputs.md."""


@app.command("test")
def check_outputs(
    config_file: Annotated[
        Path, typer.Option("--config", "-c", help="Configuration file of the box.")
    ],
    ids: Annotated[
        list[str] | None, typer.Argument(help="Signs and barriers to operate; all by default.")
    ] = None,
    operate: Annotated[
        bool,
        typer.Option("--operate", help="Switch them: signs show 8888, barriers open and close."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before barriers open.")] = False,
) -> None:
    """See whether outputs and inputs can be reached; with --operate, switch them.

    May run beside the service. Exit code 1 when something does not work.
    """
    config = load_config(config_file)
    known = [*(each.id for each in config.sign), *(each.id for each in config.barrier)]
    wrong = [name for name in ids or () if name not in known]
    if wrong:
        msg = f"expected signs or barriers ({', '.join(known) or 'none'}), but got {wrong[0]!r}"
        raise ConfigError(msg)
    if operate:
        names = ", ".join(ids or known)
        if not yes:
            typer.confirm(f"This switches {names}. Is nobody in a barrier's way?", abort=True)
        checks = operate_outputs(config, ids or ())
    else:
        checks = check_devices(config)
    if not checks:
        typer.echo("no sign, alarm input or barrier is configured")
        return
    show(checks)
    if worst(checks).is_bad:
        raise typer.Exit(1)
