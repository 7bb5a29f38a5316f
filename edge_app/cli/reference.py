"""`lotsight calibration reference`: the image by which a camera's view is known from now on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from calibration.commands.common import AuthorOption, FileArgument, NoteOption, save
from calibration.editor import PictureSource
from calibration.files import load_calibration
from calibration.reference_files import masked, store_reference
from calibration.types import Calibration
from edge_app.cli.calibrate import open_pictures
from telemetry import CalibrationError, CameraError, Clock, SystemClock
from vision.types import Frame, ImageBgr
from vision.view_guard import GuardSettings, ViewGuard, for_one_picture
from vision.view_shape import same_shape

_LONGEST_S = 30.0
_BETWEEN_S = 0.5


def reference(
    file: FileArgument,
    source: Annotated[
        str,
        typer.Argument(help="A camera (rtsp://..., snapshot+http://..., usb:0), image or clip."),
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace an existing reference image.")
    ] = False,
    squeezed: Annotated[
        bool,
        typer.Option(
            "--squeezed",
            help="Accept another aspect ratio: the image shows the whole view, stretched.",
        ),
    ] = False,
    author: AuthorOption = None,
    note: NoteOption = "",
) -> None:
    """Take the reference image of a calibration that has none, while the camera stands right.

    The first image in which there is something to see is taken on your word that the bays lie on
    it as they should; look at it with `lotsight calibration draw`. From then on a view that is
    rotated, cropped or moved is detected.
    """
    calibration = load_calibration(file)
    if calibration.reference is not None and not replace:
        msg = (
            f"{file}: expected no reference image, but got {calibration.reference.file}: use "
            "`lotsight calibration align` if the camera moved, or --replace"
        )
        raise CalibrationError(msg)
    with open_pictures(source) as pictures:
        picture = first_good_picture(pictures, calibration, SystemClock())
    picture = _fitted(picture, calibration, squeezed=squeezed, file=file)
    stored = store_reference(file, masked(picture, calibration.masks))
    changed = calibration.model_copy(update={"reference": stored})
    save(file, changed, author, note or "reference image", f"reference image {stored.file}")


def first_good_picture(pictures: PictureSource, calibration: Calibration, clock: Clock) -> ImageBgr:
    """The first image of a source that is neither dark nor blind; a camera is waited for.

    Raises:
        CameraError: there is none.
    """
    until_s = clock.mono_s() + _LONGEST_S
    settings = for_one_picture(GuardSettings())
    while True:
        picture = pictures.picture(0.0)
        guard = ViewGuard(None, calibration.polygons_norm(), settings)
        frame = Frame(calibration.camera, picture, 0.0, datetime.now(UTC), 1)
        report = guard.look(frame)
        if report.reason is None:
            return picture
        if not pictures.live or clock.mono_s() > until_s:
            msg = f"{pictures.name}: expected a usable image, but got {report.reason}: "
            raise CameraError(msg + report.detail)
        clock.sleep(_BETWEEN_S)


def _fitted(picture: ImageBgr, calibration: Calibration, *, squeezed: bool, file: Path) -> ImageBgr:
    """The image in the size of the one that the bays were drawn on."""
    wh = (picture.shape[1], picture.shape[0])
    if not squeezed and not same_shape(calibration.image_wh, wh):
        drawn = "x".join(map(str, calibration.image_wh))
        msg = (
            f"{file}: expected an image with the aspect ratio of {drawn}, on which the bays were "
            f"drawn, but got {wh[0]}x{wh[1]}; if it shows the whole view, repeat with --squeezed"
        )
        raise CalibrationError(msg)
    if wh == calibration.image_wh:
        return picture
    resized = cv2.resize(picture, calibration.image_wh, interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)
