"""`lotsight dataset`: what is in the labelled sets, and whether it is sound."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from datasets import pseudo_cli, render_cli
from datasets.checks import check_frame
from datasets.lots import data_root, list_sets, parse_set, read_lot

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Inspect and check datasets.")
app.command("pseudo-label")(pseudo_cli.command)
app.command("render")(render_cli.command)
Data = Annotated[Path | None, typer.Option(help="Folder of the sets.")]
MAX_FAULTS = 40


@app.command()
def info(data: Data = None) -> None:
    """List the sets: pictures, bays, how many are occupied, cameras and days."""
    console = Console(highlight=False)
    root = data or data_root()
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("set", "pictures", "bays", "occupied", "cameras", "days"):
        table.add_column(heading, justify="left" if heading == "set" else "right", no_wrap=True)
    for name, splits in list_sets(root).items():
        for split in splits:
            frames = read_lot(root / name, split)
            occupied = np.concatenate([f.occupied for f in frames] or [np.zeros(0, np.bool)])
            cameras = {f.camera for f in frames if f.camera}
            days = {f.time_local.date() for f in frames if f.time_local is not None}
            table.add_row(
                f"{name}:{split}",
                str(len(frames)),
                str(len(occupied)),
                f"{100 * occupied.mean():.0f} %" if len(occupied) else "",
                str(len(cameras) or ""),
                str(len(days) or ""),
            )
    console.print(table)


@app.command()
def check(
    sets: Annotated[list[str], typer.Argument(help="name:split, name or all.")],
    data: Data = None,
) -> None:
    """Open every picture and look at every bay; list what is wrong, exit 1 if anything is."""
    console = Console(highlight=False, soft_wrap=True)
    root = data or data_root()
    pairs = dict.fromkeys(pair for text in sets for pair in parse_set(text, root))
    frames = [frame for name, split in pairs for frame in read_lot(root / name, split)]
    faults = [
        f"{frame.set_name}:{frame.split} {frame.path.name}: {fault}"
        for frame in track(frames, "checking", console=console, transient=True)
        for fault in check_frame(frame)
    ]
    for fault in faults[:MAX_FAULTS]:
        console.print(f"[yellow]![/] {fault}")
    if len(faults) > MAX_FAULTS:
        console.print(f"[dim]and {len(faults) - MAX_FAULTS} more[/]")
    console.print(f"{len(frames)} pictures checked, {len(faults)} faults")
    if faults:
        sys.exit(1)
