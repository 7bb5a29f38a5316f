"""`lotsight dataset`: what is in labelled sets, whether they are sound, other forms, versions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datasets import cli_files, lake_cli, pseudo_cli, render_cli
from datasets.checks import check_frame, check_listing
from datasets.cli_common import (
    Classes,
    Data,
    Format,
    Out,
    Strict,
    open_console,
    progress,
    read,
)
from datasets.cli_common import Sources as SourcesArgument
from datasets.errors import DatasetError
from datasets.frames import LotFrame
from datasets.leaks import find_leaks, side_of
from datasets.preview import SHEET, spread, write_page

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Inspect, check, show, convert, split and version labelled sets.",
)
MAX_FAULTS = 40


class Rows(StrEnum):
    """What a line of `info` counts."""

    SPLIT = "split"
    LOT = "lot"
    CAMERA = "camera"
    DAY = "day"


@app.command()
def info(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Sets by name or folder; default: all named sets."),
    ] = None,
    by: Annotated[Rows, typer.Option(help="What one line of the table counts.")] = Rows.SPLIT,
    set_format: Format = None,
    classes: Classes = None,
    strict: Strict = False,
    data: Data = None,
) -> None:
    """List sets: images, bays, how many are occupied, cameras and days."""
    console = open_console()
    frames = read(console, sources or ["all"], data, set_format, classes, is_strict=strict).frames
    groups: dict[str, list[LotFrame]] = {}
    for name, frame in sorted(((_row_of(f, by), f) for f in frames), key=lambda pair: pair[0]):
        groups.setdefault(name, []).append(frame)
    rows = [{"set": name} | _counts(groups[name]) for name in groups]
    total = {"set": "[bold]all[/]"} | _counts(frames)
    table = Table(box=None, header_style="bold", pad_edge=False)
    used = [heading for heading, count in total.items() if count]
    for heading in used:
        table.add_column(heading, justify="left" if heading == "set" else "right", no_wrap=True)
    for row in rows + [total] * (len(rows) > 1):
        table.add_row(*(row[heading] for heading in used))
    console.print(table)
    licences = dict.fromkeys(frame.origin.licence for frame in frames if frame.origin.licence)
    if licences:
        console.print(f"[dim]licences: {', '.join(licences)}[/]")


def _row_of(frame: LotFrame, by: Rows) -> str:
    day = "" if frame.time_local is None else frame.time_local.date().isoformat()
    values = {
        Rows.SPLIT: frame.split,
        Rows.LOT: frame.lot,
        Rows.CAMERA: frame.camera,
        Rows.DAY: day,
    }
    return f"{frame.set_name}:{values[by]}" if values[by] else frame.set_name


def _counts(frames: Sequence[LotFrame]) -> dict[str, str]:
    bays = sum(len(frame.states) for frame in frames)
    known = sum(int(frame.known.sum()) for frame in frames)
    occupied = sum(int(frame.occupied.sum()) for frame in frames)
    cameras = {(frame.lot, frame.camera) for frame in frames if frame.camera}
    days = {frame.time_local.date() for frame in frames if frame.time_local is not None}
    return {
        "pictures": str(len(frames)),
        "bays": str(bays),
        "occupied": f"{100 * occupied / known:.0f} %" if known else "",
        "unknown": str(bays - known or ""),
        "vehicles": str(sum(len(frame.vehicles) for frame in frames) or ""),
        "cameras": str(len(cameras) or ""),
        "days": str(len(days) or ""),
    }


@app.command()
def check(
    sources: SourcesArgument,
    leaks: Annotated[bool, typer.Option(help="Also look for leaks between splits.")] = True,
    set_format: Format = None,
    classes: Classes = None,
    data: Data = None,
) -> None:
    """Open every image, look at every bay and at what splits share; exit 1 on any fault."""
    console = open_console()
    reading = read(console, sources, data, set_format, classes)
    frames = reading.frames
    faults = check_listing(frames)
    with progress(console, "checking", len(frames)) as advance:
        for frame in frames:
            where = f"{frame.set_name}:{frame.split} {frame.path.name}"
            faults += [f"{where}: {fault}" for fault in check_frame(frame)]
            advance()
    _print_faults(console, faults)
    left_out = len(reading.left_out)
    console.print(
        f"{len(frames)} images checked, {len(faults) + left_out} faults"
        + (f", {left_out} of them skipped annotations" if left_out else "")
    )
    leaking = leaks and _check_leaks(console, frames)
    if faults or left_out or leaking:
        sys.exit(1)


def _check_leaks(console: Console, frames: Sequence[LotFrame]) -> bool:
    """Look for what is on both sides of a split, and tell; whether images are nearly the same."""
    sides = {side_of(frame) for frame in frames}
    if len(sides) < 2:  # noqa: PLR2004 - nothing can be on both sides of no split
        return False
    try:
        with progress(console, "leaks", len(frames)) as advance:
            found = find_leaks(frames, advance)
    except DatasetError as exc:
        console.print(f"cannot look for leaks: {escape(str(exc))}")
        return True
    _print_faults(console, [f"near-identical: {leak}" for leak in found.near_identical])
    for camera, splits in found.cameras.items():
        console.print(f"[dim]the view of {camera} is in {', '.join(splits)}[/]")
    for leak in found.same_view[:MAX_FAULTS]:
        console.print(f"[dim]the same view: {escape(str(leak))}[/]")
    console.print(
        f"{len(sides)} splits: {len(found.near_identical)} images have a near-identical one in "
        f"another split; {len(found.cameras)} cameras and {len(found.same_view)} other views are "
        "in more than one"
    )
    return bool(found.near_identical)


def _print_faults(console: Console, faults: Sequence[str]) -> None:
    for fault in faults[:MAX_FAULTS]:
        console.print(f"[yellow]![/] {escape(fault)}")
    if len(faults) > MAX_FAULTS:
        console.print(f"[dim]and {len(faults) - MAX_FAULTS} more[/]")


@app.command()
def show(
    sources: SourcesArgument,
    out: Out,
    count: Annotated[
        int,
        typer.Option("--count", "-n", help="Number of images, evenly spaced over the set.", min=1),
    ] = 60,
    set_format: Format = None,
    classes: Classes = None,
    data: Data = None,
) -> None:
    """Draw labels: a page to browse (index.html) and one sheet (sheet.png)."""
    console = open_console()
    frames = spread(read(console, sources, data, set_format, classes).frames, count)
    title = ", ".join(dict.fromkeys(Path(source).name for source in sources))
    with progress(console, "drawing", len(frames)) as advance:
        page = write_page(frames, out, title, advance)
    console.print(f"wrote [bold]{page}[/] and [bold]{out / SHEET}[/]: {len(frames)} images")


# In the order of --help: first looking, then making.
for command in (cli_files.convert, cli_files.split, cli_files.freeze, cli_files.verify,
                cli_files.diff):  # fmt: skip
    app.command()(command)
app.command("pseudo-label")(pseudo_cli.command)
app.command("from-lake")(lake_cli.command)
app.command("render")(render_cli.command)
