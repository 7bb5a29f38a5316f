"""`lotsight promote`: accept a candidate model if it is no worse on lots it has never seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from datasets.lots import data_root
from models.registry import WEIGHTS
from models.training.held_out import HELD_OUT, held_out_plan
from models.training.promote import (
    Candidate,
    data_refusals,
    incumbent_manifest,
    install,
    int8_refusals,
    worse_sets,
)

app = typer.Typer(help="Accept a candidate model if it is no worse on lots it has never seen.")


@app.command()
def promote(
    candidate: Annotated[Path, typer.Argument(help="NAME.json, with NAME-int8.json beside it.")],
    incumbent: Annotated[
        Path | None, typer.Option(help="Manifest to compare with; the default model if not given.")
    ] = None,
    held_out: Annotated[list[str] | None, typer.Option(help="Set and split; repeatable.")] = None,
    into: Annotated[Path, typer.Option(help="Folder that receives an accepted model.")] = WEIGHTS,
) -> None:
    """Judge candidate and incumbent on every held-out set; install the candidate if accepted."""
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
        refusals += worse_sets(of_float, Candidate.load(old_path).judge(plan))
    if refusals:
        console.print("Refused:", style="bold red")
        for refusal in refusals:
            console.print(f"  {refusal}", highlight=False)
        raise typer.Exit(1)
    for path in install(new, into):
        console.print(f"installed {path.name}")
