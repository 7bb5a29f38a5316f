"""The command that follows a moved camera, as the editor's moved-camera view does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calibration.commands.common import AuthorOption, FileArgument, NoteOption, console, save
from calibration.files import load_calibration
from calibration.geometry import as_points, to_pixels
from calibration.pictures import read_picture
from calibration.reference_files import load_reference, masked, store_reference
from calibration.reregister import Reregistration, move_polygons, reregister, shift_px
from calibration.types import Bay, Calibration
from telemetry.errors import CalibrationError
from vision.types import ImageBgr, as_floats


def align(
    file: FileArgument,
    picture: Annotated[
        Path, typer.Argument(help="A present picture of the camera.", show_default=False)
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, save nothing.")
    ] = False,
    unsure: Annotated[
        bool, typer.Option("--unsure", help="Save even when the match is unsure.")
    ] = False,
    author: AuthorOption = None,
    note: NoteOption = "",
) -> None:
    """Move all bays to where a moved camera sees them; the picture becomes the new reference."""
    calibration = load_calibration(file)
    old = load_reference(file, calibration)
    new = masked(read_picture(picture), calibration.masks)
    found = reregister(old, new, calibration.polygons_norm())
    moved = moved_calibration(calibration, found, old, new)
    wh = moved.image_wh
    before = [to_pixels(polygon, wh) for polygon in calibration.polygons_norm()]
    after = [to_pixels(polygon, wh) for polygon in moved.polygons_norm()]
    console().print(
        f"bays move by {shift_px(before, after):.1f} px; {found.inliers} places agree within "
        f"{found.error_px:.2f} px and span {found.coverage:.0%} of the bays. {found.verdict}"
    )
    if dry_run:
        return
    if not (found.usable or unsure):
        msg = f"{file}: {found.verdict} Look at it in the editor, or repeat with --unsure."
        raise CalibrationError(msg)
    reference = store_reference(file, new)
    changed = moved.model_copy(update={"reference": reference})
    said = f"aligned {len(changed.bays)} bays"
    save(file, changed, author, note or f"aligned with {picture.name}", said)


def moved_calibration(
    calibration: Calibration, found: Reregistration, old_bgr: ImageBgr, new_bgr: ImageBgr
) -> Calibration:
    """The calibration on the new picture: every bay at its new place, under its own id.

    Raises:
        CalibrationError: a bay would lie behind the horizon.
    """
    old_wh = (old_bgr.shape[1], old_bgr.shape[0])
    new_wh = (new_bgr.shape[1], new_bgr.shape[0])
    polygons = calibration.polygons_norm()
    moved = move_polygons(polygons, found.homography, old_wh, new_wh)
    quads = [bay.ground_quad for bay in calibration.bays]
    ground = [None if quad is None else as_floats(quad) for quad in quads]
    bays = []
    for bay, polygon, quad in zip(calibration.bays, moved, ground, strict=True):
        update: dict[str, object] = {"polygon": as_points(polygon)}
        if quad is not None:  # moves along; without one the outline stands for it
            quad_moved = move_polygons([quad], found.homography, old_wh, new_wh)[0]
            update["ground_quad"] = as_points(quad_moved)
        bays.append(Bay.model_validate({**bay.model_dump(), **update}))  # rounds, too
    return calibration.model_copy(update={"bays": tuple(bays), "image_wh": new_wh})
