"""Options of every command that opens a model: what its file does not say."""

from __future__ import annotations

from typing import Annotated

import typer

LayoutOption = Annotated[
    str | None,
    typer.Option(
        "--layout",
        help="Layout of its boxes: yolo_raw, yolov5, yolo_end2end or yolov7_end2end, with "
        "',pixels' or ',fractions', ',centre' or ',corners' where needed. Default: detected.",
        show_default=False,
    ),
]
NamesOption = Annotated[
    str | None,
    typer.Option(
        "--names", help="Names of its classes in index order: car,truck.", show_default=False
    ),
]
RolesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        help="Role of a class, NAME=ROLE, repeatable: vehicle, occupied_bay, free_bay or ignored. "
        "Default: by class name.",
        show_default=False,
    ),
]
