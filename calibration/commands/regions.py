"""Commands for parts of the image: privacy masks and watched areas, two of one shape."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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
from calibration.edit import put_region, remove_region
from calibration.files import load_calibration
from calibration.parsing import explain
from calibration.types import Area, Mask
from telemetry.errors import CalibrationError

OutlineOption = Annotated[
    str | None,
    typer.Option("--polygon", help='Outline: "x,y x,y x,y ..."; omit to delete it.'),
]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What tells the two commands apart.

    Attributes:
        type: what is put into the calibration.
        put: what is said when it was.
        removed: what is said when it was taken away.
    """

    type: type[Mask | Area]
    put: str
    removed: str


_MASK = _Kind(Mask, "hidden", "shown")
_AREA = _Kind(Area, "watched", "not watched")


def mask(
    file: FileArgument,
    name: Annotated[str, typer.Argument(help="Name of the mask.", show_default=False)],
    polygon: OutlineOption = None,
    pixels: PixelsOption = False,
    author: AuthorOption = None,
) -> None:
    """Hide a part of the image (privacy), or stop hiding it."""
    _change(_MASK, file, name, (polygon, pixels), author)


def area(
    file: FileArgument,
    name: Annotated[str, typer.Argument(help="Name of the area.", show_default=False)],
    polygon: OutlineOption = None,
    pixels: PixelsOption = False,
    author: AuthorOption = None,
) -> None:
    """Watch ground where no vehicle may stand outside a bay, or stop watching it."""
    _change(_AREA, file, name, (polygon, pixels), author)


def _change(
    kind: _Kind, file: Path, name: str, outline: tuple[str | None, bool], author: str | None
) -> None:
    calibration = load_calibration(file)
    polygon, pixels = outline
    if polygon is None:
        try:
            changed = remove_region(calibration, kind.type, name)
        except CalibrationError as exc:
            msg = f"{file}: {exc}"
            raise CalibrationError(msg) from exc
        save(file, changed, author, "", f"{kind.removed}: {name}")
        return
    points = parse_points(polygon, calibration.image_wh if pixels else None, None)
    fields = {"name": name, "polygon": tuple(points)}
    try:
        region = kind.type.model_validate(fields)
    except ValidationError as exc:
        raise CalibrationError(
            explain(exc, fields, f"{kind.type.__name__.lower()} {name}")
        ) from exc
    save(file, put_region(calibration, region), author, "", f"{kind.put}: {name}")
