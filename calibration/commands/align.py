"""The command that follows a moved camera, as the editor's moved-camera view does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calibration.commands.common import (
    AuthorOption,
    FileArgument,
    NoteOption,
    console,
    counted,
    save,
)
from calibration.files import load_calibration
from calibration.geometry import to_pixels
from calibration.pictures import read_picture
from calibration.reference_files import load_reference, masked, store_reference
from calibration.reregister import move_calibration, reregister, shift_px
from telemetry.errors import CalibrationError


def align(
    file: FileArgument,
    picture: Annotated[
        Path, typer.Argument(help="A current image from the camera.", show_default=False)
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; save nothing.")
    ] = False,
    unsure: Annotated[
        bool, typer.Option("--unsure", help="Save even if the match is uncertain.")
    ] = False,
    author: AuthorOption = None,
    note: NoteOption = "",
) -> None:
    """Move all bays to where a moved camera sees them; the image becomes the new reference."""
    calibration = load_calibration(file)
    old = load_reference(file, calibration)
    new = masked(read_picture(picture), calibration.masks)
    found = reregister(old, new, calibration.polygons_norm())
    old_wh, wh = (old.shape[1], old.shape[0]), (new.shape[1], new.shape[0])
    moved = move_calibration(calibration, found.homography, old_wh, wh)
    before = [to_pixels(polygon, wh) for polygon in calibration.polygons_norm()]
    after = [to_pixels(polygon, wh) for polygon in moved.polygons_norm()]
    console().print(
        f"bays move by {shift_px(before, after):.1f} px; {found.inliers} matches agree within "
        f"{found.error_px:.2f} px and cover {found.coverage:.0%} of the bays. {found.verdict}"
    )
    if dry_run:
        return
    if not (found.usable or unsure):
        msg = f"{file}: {found.verdict} Check it in the editor, or repeat with --unsure."
        raise CalibrationError(msg)
    reference = store_reference(file, new)
    changed = moved.model_copy(update={"reference": reference})
    said = f"aligned {counted(len(changed.bays), 'bay')}"
    save(file, changed, author, note or f"aligned with {picture.name}", said)
