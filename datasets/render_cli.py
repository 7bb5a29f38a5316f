"""`lotsight dataset render`: a data set out of nothing but a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from datasets.rendering import RenderPlan, render_dataset
from simulator import LotKind


def command(  # noqa: PLR0913, PLR0917 - one for each option of the command
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for the data set.")],
    count: Annotated[int, typer.Option(help="Pictures.", min=1)] = 60,
    seed: Annotated[int, typer.Option(help="Seed of the first image; later ones count up.")] = 0,
    kind: Annotated[
        list[LotKind] | None,
        typer.Option(help="Weather of the lots, in turn; repeatable; default: all."),
    ] = None,
    width: Annotated[int, typer.Option(help="Pixels.", min=160, max=4096)] = 1280,
    height: Annotated[int, typer.Option(help="Pixels.", min=120, max=4096)] = 720,
    masks: Annotated[
        bool, typer.Option(help="Also write which car or person each pixel shows, as 16-bit PNG.")
    ] = False,
) -> None:
    """Render lots with exact truth: states, boxes, cameras with homographies, masks."""
    console = Console(highlight=False, soft_wrap=True)
    kinds = tuple(kind) if kind else tuple(LotKind)
    plan = RenderPlan(range(seed, seed + count), kinds, (width, height), masks)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("rendering", total=count)
        manifest = render_dataset(plan, out, lambda: progress.advance(task))
    counts = manifest.counts
    console.print(
        f"{out}: {counts.pictures} images, {counts.occupied} occupied and {counts.free} free "
        f"bays, {counts.vehicles} vehicles; version {manifest.version}"
    )
