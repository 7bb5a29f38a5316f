"""`lotsight dataset pseudo-label`: automatic labels for a new lot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from datasets.cluster import runner_of, threads_each
from datasets.frames import LotFrame
from datasets.jobs import TravellingDetector
from datasets.labelling.sources import read_sources
from datasets.lots import data_root, read_sequence
from datasets.manifest import About
from datasets.native import Placing, write_dataset
from datasets.pseudo_labels import ADAPT, CHECK, LabelSettings, pseudo_label
from models import default_model, find_model


def command(  # noqa: PLR0913, PLR0917 - one for each option of the command
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Harvest bundles, data sets (folder, name or name:split), or folders of images "
            "(with --calibration); existing labels are ignored.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for the data set.")],
    calibration: Annotated[
        Path | None, typer.Option("--calibration", "-c", help="Calibration file, for plain images.")
    ] = None,
    sequence: Annotated[
        bool, typer.Option(help="Use every image of the sets' sequence.json.")
    ] = False,
    until: Annotated[
        datetime | None, typer.Option(help="Only images captured before this local time.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Name or path of a model.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the named sets.")] = None,
    threads: Annotated[int, typer.Option(help="Inference threads; 0: all cores.", min=0)] = 0,
    cluster: Annotated[
        str | None,
        typer.Option(help="`local:N` processes, or a Dask scheduler, e.g. tcp://10.0.0.5:8786."),
    ] = None,
) -> None:
    """Label bays by what three opinions and the neighbouring time agree on."""
    console = Console(highlight=False, soft_wrap=True)
    root = data or data_root()
    frames = (
        [frame for name in sources for frame in _sequence(root / name)]
        if sequence
        else _pooled(sources, calibration, data)
    )
    if until is not None:
        frames = [f for f in frames if f.time_local is not None and f.time_local < until]
    entry = default_model() if model is None else find_model(model)
    entry.verify()
    detector = TravellingDetector(entry, threads_each(cluster, threads))
    with runner_of(cluster) as runner, Progress(console=console, transient=True) as bar:
        task = bar.add_task("labelling", total=len(frames))
        labelled = pseudo_label(
            detector, frames, LabelSettings(), lambda: bar.advance(task), runner
        )
    note = f"pseudo-labels by {entry.name} {entry.manifest.version}; not reviewed"
    kept = [frame.with_known_bays() for frame in labelled]
    write_dataset(kept, out, About(note=note), Placing.LINK)
    for split in (ADAPT, CHECK):
        console.print(_line(split, [frame for frame in labelled if frame.split == split]))
    console.print(f"wrote [bold]{out}[/]")


def _line(split: str, frames: Sequence[LotFrame]) -> str:
    count = Counter(state for frame in frames for state in frame.states)
    bays = max(count.total(), 1)
    return (
        f"{split}: {len(frames)} images, {count[True]} bays occupied, {count[False]} free, "
        f"{count[None]} unlabelled ({100 * count[None] / bays:.1f} %)"
    )


def _pooled(sources: Sequence[str], calibration: Path | None, data: Path | None) -> list[LotFrame]:
    return [
        LotFrame(
            set_name=frame.source,
            split="",
            path=frame.path,
            polygons_norm=frame.polygons_norm,
            states=(None,) * len(frame.bay_ids),
            bay_ids=frame.bay_ids,
            camera=frame.camera,
            time_local=frame.time_local,
        )
        for frame in read_sources(sources, calibration, data)
    ]


def _sequence(folder: Path) -> list[LotFrame]:
    """Images of a fixed camera; those where the bays could not be found are skipped."""
    return [
        LotFrame(
            set_name=folder.name,
            split="",
            path=frame.path,
            polygons_norm=frame.polygons_norm,
            states=(None,) * len(frame.polygons_norm),
            bay_ids=tuple(str(bay) for bay in range(len(frame.polygons_norm))),
            camera=folder.name,
            time_local=frame.time_local,
        )
        for frame in read_sequence(folder)
        if frame.polygons_norm
    ]
