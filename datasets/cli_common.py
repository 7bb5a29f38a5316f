"""What the commands of `lotsight dataset` share: options, progress, what a source is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from datasets.errors import DatasetError
from datasets.formats import Meaning, Reading, SetFormat
from datasets.lots import data_root
from datasets.manifest import MANIFEST, read_manifest
from datasets.sets import read_sources

Sources = Annotated[
    list[str],
    typer.Argument(
        help="name:split, name, all, or the folder or file of a set in any format.",
        show_default=False,
    ),
]
Data = Annotated[Path | None, typer.Option(help="Folder of the named sets.")]
Format = Annotated[
    SetFormat | None,
    typer.Option("--format", help="Format of the folders; default: detected."),
]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        "--class", help="Meaning of a class: NAME=occupied, free, unknown, vehicle or ignored."
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Fail if any annotation cannot be read."),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="New folder.", show_default=False)]
Licence = Annotated[str, typer.Option(help="Licence of images that state none, e.g. CC-BY-4.0.")]
Source = Annotated[str, typer.Option(help="Author of the images, if the set states none.")]
Name = Annotated[str, typer.Option(help="Name of the set; default: the folder's.")]
Note = Annotated[str, typer.Option(help="Comment on the change.")]

SHOWN_IGNORED = 8
SHOWN_LEFT_OUT = 8


def open_console() -> Console:
    """A console that colours only explicit markup, not what looks like a number."""
    return Console(highlight=False, soft_wrap=True)


@contextmanager
def progress(console: Console, what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar for long work, gone when it is done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def read(
    console: Console,
    sources: Sequence[str],
    data: Path | None,
    set_format: SetFormat | None = None,
    classes: Sequence[str] | None = None,
    *,
    is_strict: bool = False,
) -> Reading:
    """Read sources, and report which annotations were skipped.

    Raises:
        DatasetError: a source is missing or damaged, or a class's meaning is none.
    """
    with console.status("reading"):
        reading = read_sources(
            sources,
            data or data_root(),
            set_format,
            meanings(classes or ()),
            is_strict=is_strict,
        )
    for fault in reading.left_out[:SHOWN_LEFT_OUT]:
        console.print(f"[yellow]skipped[/]: {escape(fault)}")
    if len(reading.left_out) > SHOWN_LEFT_OUT:
        console.print(f"[yellow]and {len(reading.left_out) - SHOWN_LEFT_OUT} more skipped[/]")
    if reading.ignored:
        listed = [f"{count} {name}" for name, count in reading.ignored.items()]
        more = ", ..." if len(listed) > SHOWN_IGNORED else ""
        text = ", ".join(listed[:SHOWN_IGNORED]) + more
        console.print(f"[dim]skipped, neither bay nor vehicle: {escape(text)} (--class)[/]")
    return reading


def meanings(texts: Sequence[str]) -> dict[str, Meaning]:
    """Read `NAME=MEANING`.

    Raises:
        DatasetError: one is not of this form.
    """
    found = {}
    for text in texts:
        name, _, meaning = text.rpartition("=")
        if not name or meaning not in set(Meaning):
            msg = f"--class: expected NAME={'|'.join(Meaning)}, but got '{text}'"
            raise DatasetError(msg)
        found[name] = Meaning(meaning)
    return found


def parent_of(sources: Sequence[str]) -> str | None:
    """The version that a new set is made from: that of the only source, if it has one."""
    folder = Path(sources[0]) if len(sources) == 1 else None
    if folder is None or not (folder / MANIFEST).is_file():
        return None
    return read_manifest(folder).version
