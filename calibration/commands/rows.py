"""`lotsight calibration rows`: a row of bays from four corners."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import ValidationError

from calibration.commands.common import (
    AuthorOption,
    FileArgument,
    NoteOption,
    PixelsOption,
    counted,
    parse_points,
    save,
)
from calibration.edit import add_bays, taken_ids
from calibration.files import load_calibration
from calibration.numbering import Numbering, next_id, number_bays, parse_skip
from calibration.parsing import explain
from calibration.rows import BayTraits, RowPlan, copy_row, row_bays
from calibration.types import Bay, Calibration
from telemetry.errors import CalibrationError
from telemetry.vocabulary import BayAngle, BayKind


def rows(  # noqa: PLR0913, PLR0917 - one for each option of the command
    file: FileArgument,
    quad: Annotated[
        str,
        typer.Option(help='Corners around the row: "x,y x,y x,y x,y"; 1 to 2 is its front.'),
    ],
    count: Annotated[int, typer.Option(help="Bays in each row.")],
    start: Annotated[
        str | None, typer.Option(help="First id; default: the next free one of A01, ...")
    ] = None,
    step: Annotated[int, typer.Option(help="2 if odd and even numbers face each other.")] = 1,
    skip: Annotated[str, typer.Option(help="Numbers to skip: 4,13,20-29.")] = "",
    reverse: Annotated[bool, typer.Option(help="Count from the far end.")] = False,
    dividers: Annotated[
        str,
        typer.Option(
            help="Divider positions as fractions of the true length, count - 1 of them: 0.2,0.5."
        ),
    ] = "",
    skew: Annotated[
        float,
        typer.Option(
            help="Angled bays: offset of the backs along the row, as a fraction of its length."
        ),
    ] = 0.0,
    double: Annotated[bool, typer.Option(help="Two rows back to back within the depth.")] = False,
    split: Annotated[
        float, typer.Option(help="Depth of the front row of two, as a fraction.")
    ] = 0.5,
    herringbone: Annotated[bool, typer.Option(help="The second row slants the other way.")] = False,
    copy_to: Annotated[
        list[str] | None,
        typer.Option(help="Copy the row on the ground: new position of its first corner, x,y."),
    ] = None,
    kind: Annotated[BayKind, typer.Option(help="Kind of the bays.")] = BayKind.STANDARD,
    angle: Annotated[BayAngle | None, typer.Option(help="Angle to the lane.")] = None,
    zone: Annotated[str | None, typer.Option(help="Zone.")] = None,
    level: Annotated[str | None, typer.Option(help="Level.")] = None,
    pixels: PixelsOption = False,
    author: AuthorOption = None,
    note: NoteOption = "",
) -> None:
    """Make a row of bays from its four corners, in true perspective; copy it along the lot."""
    calibration = load_calibration(file)
    scale = calibration.image_wh if pixels else None
    try:
        plan = RowPlan.model_validate(
            {
                "quad": parse_points(quad, scale, 4),
                "count": count,
                "dividers": _numbers(dividers),
                "skew": skew,
                "rows": 2 if double else 1,
                "split": split,
                "herringbone": herringbone,
            }
        )
        traits = BayTraits(kind=kind, angle=angle, zone=zone, level=level)
        numbering = Numbering(
            start=start or next_id(taken_ids(calibration)),
            step=step,
            skip=parse_skip(skip),
            reverse=reverse,
        )
    except ValidationError as exc:
        raise CalibrationError(explain(exc, {}, "rows")) from exc
    targets = [parse_points(text, scale, 1)[0] for text in copy_to or []]
    plans = [plan, *(copy_row(plan, target, calibration.image_wh) for target in targets)]
    bays = _bays(calibration, plans, numbering, traits)
    save(file, add_bays(calibration, bays), author, note, f"added {counted(len(bays), 'bay')}")


def _bays(
    calibration: Calibration, plans: list[RowPlan], numbering: Numbering, traits: BayTraits
) -> list[Bay]:
    """Bays of all rows; numbering continues from row to row."""
    each = plans[0].count * plans[0].rows
    ids = number_bays(numbering, each * len(plans), taken_ids(calibration))
    return [
        bay
        for index, plan in enumerate(plans)
        for bay in row_bays(
            plan, ids[index * each : (index + 1) * each], calibration.image_wh, traits
        )
    ]


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(field) for field in text.split(",") if field.strip())
    except ValueError:
        msg = f"dividers: expected fractions such as 0.2,0.5, but got '{text}'"
        raise CalibrationError(msg) from None
