"""`lotsight dataset from-lake`: harvested frames and labels by a query of the lake."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from datasets.cli_common import Note, Out, open_console
from datasets.from_lake import Chosen, choose_frames, labelled_frames, write_bundles
from datasets.manifest import About
from datasets.native import Placing, write_dataset
from harvest import read_bundle

Lake = Annotated[
    Path,
    typer.Option(
        help="The lake's folder, or what `lotsight-cloud lake export` wrote.", show_default=False
    ),
]
Bundles = Annotated[
    list[Path],
    typer.Option("--bundle", help="Harvest bundle; may be repeated.", show_default=False),
]


def command(
    sql: Annotated[
        str,
        typer.Argument(help="DuckDB's SQL over events, frames, frame_bays.", show_default=False),
    ],
    lake: Lake,
    bundle: Bundles,
    out: Out,
    note: Note = "",
) -> None:
    """Choose frames by SQL: with a column occ a labelled set, without it bundles to label."""
    console = open_console()
    with chosen_from(sql, lake, bundle) as chosen:
        if chosen.labels is None:
            paths = write_bundles(chosen, out)
            console.print(f"{len(chosen.frames)} frames to label in {len(paths)} bundles:")
            for path in paths:
                console.print(str(path), markup=False)
            return
        frames = labelled_frames(chosen)
        write_dataset(frames, out, About(note=note or sql), Placing.COPY)
    known = sum(state is not None for frame in frames for state in frame.states)
    bays = sum(len(frame.states) for frame in frames)
    console.print(f"{out}: {len(frames)} images, {known} of {bays} bays labelled", markup=False)


@contextmanager
def chosen_from(sql: str, lake: Path, bundles: Sequence[Path]) -> Iterator[Chosen]:
    """What a query chooses of bundles, which are unpacked meanwhile.

    Raises:
        DatasetError, HarvestError: query, lake or a bundle is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="lotsight-bundles-") as folder:
        read = [read_bundle(path, Path(folder) / str(n)) for n, path in enumerate(bundles)]
        yield choose_frames(sql, lake, read)
