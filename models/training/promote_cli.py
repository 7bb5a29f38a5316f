"""`lotsight promote`: accept a candidate model if no camera that it has never seen loses by it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from datasets.lots import data_root
from models.registry import WEIGHTS
from models.training.held_out import HELD_OUT, held_out_plan
from models.training.promote import (
    CameraChange,
    Candidate,
    changes,
    data_refusals,
    incumbent_manifest,
    install,
    int8_refusals,
    losses,
)

app = typer.Typer(help="Accept a candidate model if no camera gets worse.")


@app.command()
def promote(
    candidate: Annotated[Path, typer.Argument(help="NAME.json, with NAME-int8.json beside it.")],
    incumbent: Annotated[
        Path | None, typer.Option(help="Manifest to compare with; default: the default model.")
    ] = None,
    held_out: Annotated[list[str] | None, typer.Option(help="Set and split; repeatable.")] = None,
    into: Annotated[Path, typer.Option(help="Output folder for an accepted model.")] = WEIGHTS,
) -> None:
    """Judge candidate and incumbent; install the candidate if it is worse on no camera."""
    console = Console()
    plan = held_out_plan(held_out or HELD_OUT, data_root())
    new = Candidate.load(candidate)
    refusals = data_refusals(new.manifest, [f"{name}/{split}" for name, split in plan.sets])
    of_float = new.judge(plan)
    refusals += int8_refusals(of_float, new.judge(plan, int8=True))
    old_path = incumbent or incumbent_manifest()
    if incumbent is None and not old_path.exists():
        console.print("No incumbent to compare with.")
    elif old_path.resolve() != candidate.resolve():
        # One that is there but cannot be judged ends it: nothing is promoted without comparison.
        found = changes(of_float, Candidate.load(old_path).judge(plan))
        console.print(_table(found))
        refusals += losses(found)
    if refusals:
        console.print("Refused:", style="bold red")
        for refusal in refusals:
            console.print(f"  {refusal}", highlight=False)
        raise typer.Exit(1)
    for path in install(new, into):
        console.print(f"installed {path.name}")


def _table(found: Sequence[CameraChange]) -> Table:
    table = Table("camera", box=None)
    for heading in ("bays", "incumbent %", "candidate %", "gain (95 %)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        points = (100 * share for share in (one.gain.value, one.gain.low, one.gain.high))
        table.add_row(
            one.camera,
            str(one.bays),
            f"{100 * one.was:.2f}",
            f"{100 * one.now:.2f}",
            "{:+.2f} ({:+.2f} to {:+.2f})".format(*points),
            style="red" if one.is_loss else "",
        )
    return table
