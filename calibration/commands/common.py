"""What the commands share: options, parsing of their values, tables, saving."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from calibration.check import check_calibration
from calibration.files import save_calibration
from calibration.findings import Finding, Severity
from calibration.types import Calibration, Point
from telemetry.errors import CalibrationError
from vision.judge import Detector
from vision.types import NetworkSpec

_SHOWN_BAYS = 2
STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


class ModelAccess(Protocol):
    """How a command gets at a network; the command line of the edge service passes one in.

    Calibration stands below the models, so it does not know how they are found and opened.
    """

    def spec(self, name: str | None) -> NetworkSpec:
        """What a model is; None: the default one.

        Raises:
            ModelError: there is no such model.
        """
        ...

    def detector(self, name: str | None) -> Detector:
        """Open a model; None: the default one.

        Raises:
            ModelError: there is no such model, or its file is wrong.
        """
        ...


FileArgument = Annotated[
    Path, typer.Argument(help="Calibration file.", show_default=False, metavar="FILE")
]
AuthorOption = Annotated[
    str | None, typer.Option("--author", help="Author of the change; default: your user name.")
]
NoteOption = Annotated[str, typer.Option("--note", help="Comment on the change.")]
PixelsOption = Annotated[
    bool, typer.Option("--pixels", help="Points are pixels of the image, not fractions.")
]
ModelOption = Annotated[
    str | None, typer.Option("--model", "-m", help="Name or path of a model.", show_default=False)
]


def console() -> Console:
    """Where results go."""
    return Console(highlight=False, soft_wrap=False)


def model_access(context: typer.Context) -> ModelAccess | None:
    """What the caller passed in, if anything."""
    access: ModelAccess | None = context.obj
    return access


def author_or_user(author: str | None) -> str:
    """The author given, else the name of the user who runs the command."""
    if author:
        return author
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def save(
    path: Path, calibration: Calibration, author: str | None, note: str, said: str
) -> Calibration:
    """Save a change as a new revision and say so.

    Raises:
        CalibrationError: the change is not valid, or someone else saved in the meantime.
    """
    changed = calibration.model_copy(update={"note": note})
    saved = save_calibration(path, changed, author=author_or_user(author))
    console().print(
        f"[green]{said}[/]: {path} is now revision [bold]{saved.revision}[/], "
        + counted(len(saved.bays), "bay")
    )
    warnings = [f for f in check_calibration(saved) if f.severity is not Severity.ERROR]
    print_findings(warnings)
    return saved


def print_findings(findings: Iterable[Finding]) -> None:
    """A table of findings; nothing when there are none."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("", "bay", "what", "remedy"):
        table.add_column(title, overflow="fold")
    # What is said alike of many bays is said once.
    alike: dict[tuple[Severity, str, str], list[str]] = {}
    for finding in findings:
        key = (finding.severity, finding.message, finding.remedy)
        alike.setdefault(key, []).append(finding.bay or "-")
    for (severity, message, remedy), bays in alike.items():
        style = STYLES[severity]
        said = (_listed(bays), message, remedy)
        table.add_row(f"[{style}]{severity}[/]", *map(escape, said))
    if table.row_count:
        console().print(table)


def _listed(bays: Sequence[str]) -> str:
    more = len(bays) - _SHOWN_BAYS
    shown = ", ".join(bays[:_SHOWN_BAYS])
    return f"{shown} and {more} more" if more > 0 else shown


def counted(count: int, noun: str) -> str:
    """`1 bay`, `2 bays`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def parse_points(text: str, pixels_of: tuple[int, int] | None, count: int | None) -> list[Point]:
    """Points from text such as `0.1,0.2 0.3,0.2 0.3,0.4`.

    Args:
        text: pairs, separated by blanks or semicolons.
        pixels_of: the picture's size when they are pixels; None when they are fractions.
        count: how many there must be; None: 3 or more.

    Raises:
        CalibrationError: they are no such points.
    """
    points: list[Point] = []
    for part in re.split(r"[\s;]+", text.strip()):
        fields = part.split(",")
        try:
            x, y = (float(field) for field in fields)
        except ValueError:
            msg = f"points: expected x,y such as 0.25,0.4, but got '{part}'"
            raise CalibrationError(msg) from None
        points.append((x / pixels_of[0], y / pixels_of[1]) if pixels_of else (x, y))
    least = count or 3
    if len(points) < least or (count is not None and len(points) > count):
        wanted = str(count) if count else "3 or more"
        msg = f"points: expected {wanted}, but got {len(points)}"
        raise CalibrationError(msg)
    return points


def parse_pair(text: str, what: str) -> tuple[float, float]:
    """Two numbers from text such as `48.14,11.58`.

    Raises:
        CalibrationError: they are invalid.
    """
    try:
        first, second = (float(field) for field in text.split(","))
    except ValueError:
        msg = f"{what}: expected two numbers such as 48.14,11.58, but got '{text}'"
        raise CalibrationError(msg) from None
    return first, second


def table_of(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A plain table."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
