"""`lotsight dataset convert`, `split`, `freeze`, `verify`, `diff`: new folders and versions."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from datasets.cli_common import (
    Classes,
    Data,
    Format,
    Licence,
    Name,
    Note,
    Out,
    Source,
    Sources,
    Strict,
    open_console,
    parent_of,
    progress,
    read,
)
from datasets.convert import Conversion, Target
from datasets.convert import convert as convert_frames
from datasets.errors import DatasetError
from datasets.formats import YoloTask, detect_set, read_set
from datasets.frames import LotFrame, Origin, with_origin
from datasets.manifest import About, Difference, Manifest, list_files
from datasets.native import Placing
from datasets.splitting import Shares, SplitBy, group_of, split_by
from datasets.versions import compare_labels, files_of
from datasets.versions import freeze as freeze_folder
from datasets.versions import verify as verify_folder

Link = Annotated[bool, typer.Option("--link", help="Hard-link files instead of copying them.")]
SHOWN = 12


def convert(  # noqa: PLR0913, PLR0917 - one for each option of the command
    sources: Sources,
    out: Out,
    to: Annotated[Target, typer.Option(help="Output format.")] = Target.LOTSIGHT,
    task: Annotated[
        YoloTask, typer.Option(help="Content of YOLO lines: boxes, outlines, oriented boxes.")
    ] = YoloTask.SEGMENT,
    link: Link = False,
    set_format: Format = None,
    classes: Classes = None,
    strict: Strict = False,
    name: Name = "",
    source: Source = "",
    licence: Licence = "",
    note: Note = "",
    data: Data = None,
) -> None:
    """Write sets in another form, with a manifest."""
    console = open_console()
    reading = read(console, sources, data, set_format, classes, is_strict=strict)
    frames = with_origin(reading.frames, Origin(source, licence))
    about = About(name=name, parent=parent_of(sources), note=note)
    conversion = Conversion(to, task, Placing.LINK if link else Placing.COPY, about)
    _write(console, frames, out, conversion)


def split(  # noqa: PLR0913, PLR0917 - one for each option of the command
    sources: Sources,
    out: Out,
    by: Annotated[SplitBy, typer.Option(help="Group that stays in one split.", show_default=False)],
    shares: Annotated[
        str, typer.Option(help="Split sizes, as fractions of the images.")
    ] = "train=0.8,valid=0.2",
    seed: Annotated[int, typer.Option(help="Random seed for ordering groups of equal size.")] = 0,
    link: Link = False,
    name: Name = "",
    note: Note = "",
    data: Data = None,
) -> None:
    """Deal whole lots, cameras or days to splits, and write the set so."""
    console = open_console()
    wanted = Shares.parse(shares)
    frames = split_by(read(console, sources, data).frames, by, wanted, seed)
    total = len(frames)
    table = Table("split", "pictures", "share", f"{by}s", box=None, header_style="bold")
    for one in wanted.by_split:
        members = [frame for frame in frames if frame.split == one]
        groups = len({group_of(frame, by) for frame in members})
        share = f"{100 * len(members) / total:.1f} % of {100 * wanted.by_split[one]:g} %"
        table.add_row(one, str(len(members)), share, str(groups))
    console.print(table)
    said = note or f"split by {by}, {shares}, seed {seed}"
    about = About(name=name, parent=parent_of(sources), note=said)
    placing = Placing.LINK if link else Placing.COPY
    _write(console, frames, out, Conversion(placing=placing, about=about))


def _write(console: Console, frames: Sequence[LotFrame], out: Path, conversion: Conversion) -> None:
    with progress(console, "pictures", len(frames)) as advance:
        manifest = convert_frames(frames, out, conversion, advance)
    console.print(f"wrote [bold]{out}[/]: {_summary(manifest)}")


def _summary(manifest: Manifest) -> str:
    counts = manifest.counts
    bays = counts.occupied + counts.free + counts.unknown
    licences = ", ".join(
        f"{one.licence or 'licence not stated'} ({one.pictures})" for one in manifest.sources
    )
    parent = f", made from {manifest.parent}" if manifest.parent else ""
    return (
        f"{manifest.name} version {manifest.version}{parent}, {counts.pictures} images, {bays} "
        f"bays ({counts.occupied} occupied), {counts.vehicles} vehicles; {licences}"
    )


def freeze(
    folder: Annotated[Path, typer.Argument(help="A set in any format.", show_default=False)],
    name: Name = "",
    source: Source = "",
    licence: Licence = "",
    parent: Annotated[str | None, typer.Option(help="Parent version.")] = None,
    note: Note = "",
) -> None:
    """Write manifest.json: hashes of all files, sources, licences, the version before."""
    console = open_console()
    about = About(name=name, parent=parent, note=note)
    with progress(console, "hashing", len(list_files(folder))) as advance:
        manifest = freeze_folder(folder, about, Origin(source, licence), advance)
    console.print(f"frozen [bold]{folder}[/]: {_summary(manifest)}")


def verify(
    folder: Annotated[Path, typer.Argument(help="With a manifest.", show_default=False)],
) -> None:
    """Compare a folder with its manifest; exit 1 if anything was added, removed or changed."""
    console = open_console()
    with progress(console, "hashing", len(list_files(folder))) as advance:
        difference = verify_folder(folder, advance)
    _print_files(console, difference)
    if difference:
        sys.exit(1)
    console.print(f"{folder}: every file matches its manifest")


def diff(
    old: Annotated[Path, typer.Argument(help="Folder of a set.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="Folder of another.", show_default=False)],
) -> None:
    """Show how two versions differ: files, and labels of the images that both have."""
    console = open_console()
    difference = Difference.of(files_of(old), files_of(new))
    _print_files(console, difference)
    if not difference:
        console.print("no differences")
        return
    for folder in (old, new):
        if detect_set(folder) is None:
            msg = f"{folder}: expected a labelled set to compare labels, but it is not one"
            raise DatasetError(msg)
    labels = compare_labels(read_set(old).frames, read_set(new).frames)
    console.print(
        f"labels: {labels.states} states differ, {labels.outlines} outlines, {labels.added} bays "
        f"added, {labels.removed} removed, {labels.splits} images in another split"
    )


def _print_files(console: Console, difference: Difference) -> None:
    counts = Counter(added=len(difference.added), removed=len(difference.removed),
                     changed=len(difference.changed))  # fmt: skip
    for what, sign in (("added", "+"), ("removed", "-"), ("changed", "~")):
        names: tuple[str, ...] = getattr(difference, what)
        for file in names[:SHOWN]:
            console.print(f"{sign} {file}", markup=False)
        if counts[what] > SHOWN:
            console.print(f"[dim]and {counts[what] - SHOWN} more {what}[/]")
    if difference:
        console.print(", ".join(f"{count} {what}" for what, count in counts.items()))
