"""The command for counted lines."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import ValidationError

from calibration.commands.common import (
    AuthorOption,
    FileArgument,
    PixelsOption,
    parse_points,
    save,
)
from calibration.edit import put_line, remove_line
from calibration.files import load_calibration
from calibration.parsing import explain
from calibration.types import Line
from telemetry.errors import CalibrationError
from vision.lanes.line import LineSide


def line(  # noqa: PLR0913, PLR0917 - one for each option of the command
    file: FileArgument,
    name: Annotated[str, typer.Argument(help="Id of the gate.", show_default=False)],
    points: Annotated[
        str | None, typer.Option("--points", help='Line: "x,y x,y ..."; left out: deletes it.')
    ] = None,
    inside: Annotated[
        LineSide,
        typer.Option("--in", help="Where the lot lies, walking from the first point to the last."),
    ] = LineSide.LEFT,
    lot: Annotated[
        str | None, typer.Option(help="Id of the lot that it leads to, if it is another one.")
    ] = None,
    level: Annotated[str | None, typer.Option(help="The level that it leads to.")] = None,
    classes: Annotated[
        str, typer.Option(help='Counted classes: "car,bus"; all but persons and bicycles if empty.')
    ] = "",
    pixels: PixelsOption = False,
    author: AuthorOption = None,
) -> None:
    """Count what drives over a line, or stop counting it."""
    calibration = load_calibration(file)
    if points is None:
        try:
            changed = remove_line(calibration, name)
        except CalibrationError as exc:
            msg = f"{file}: {exc}"
            raise CalibrationError(msg) from exc
        save(file, changed, author, "", f"not counted: {name}")
        return
    found = parse_points(points, calibration.image_wh if pixels else None, None, least=2)
    fields = {
        "id": name,
        "points": tuple(found),
        "in_side": inside,
        "lot": lot,
        "level": level,
        "classes": tuple(part.strip() for part in classes.split(",") if part.strip()),
    }
    try:
        drawn = Line.model_validate(fields)
    except ValidationError as exc:
        raise CalibrationError(explain(exc, fields, f"line {name}")) from exc
    save(file, put_line(calibration, drawn), author, "", f"counted: {name}")
