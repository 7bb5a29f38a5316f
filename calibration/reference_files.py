"""Reference images: files beside the calibration, named by their content, never overwritten.

A roll back finds the image of its time, since no later one replaced it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from calibration.geometry import to_pixels
from calibration.succession import new_masks
from calibration.types import Calibration, Mask, ReferencePicture
from telemetry.errors import CalibrationError, CameraError
from vision.image_file import decode_image
from vision.types import ImageBgr

_JPEG_QUALITY = 92  # features are still found where they were; a third of the size of 100


def store_reference(path: Path, image_bgr: ImageBgr) -> ReferencePicture:
    """Keep an image as the reference of the calibration file `path`.

    Raises:
        CalibrationError: it cannot be written.
    """
    good, buffer = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not good:
        msg = f"{path}: expected an image that can be stored, but got shape {image_bgr.shape}"
        raise CalibrationError(msg)
    content = buffer.tobytes()
    digest = hashlib.sha256(content).hexdigest()
    target = path.with_name(f"{path.stem}.reference-{digest[:12]}.jpg")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            part = target.with_suffix(".part")
            part.write_bytes(content)
            part.replace(target)
    except OSError as exc:
        msg = f"{target}: cannot write the reference image: "
        raise CalibrationError(msg + str(exc.strerror)) from exc
    return ReferencePicture(file=target.name, sha256=digest)


def load_reference(path: Path, calibration: Calibration) -> ImageBgr:
    """The reference image of a calibration file.

    Raises:
        CalibrationError: it has none, or the file is missing or another one.
    """
    if calibration.reference is None:
        msg = f"{path}: expected a reference image to compare with, but got none: save once"
        raise CalibrationError(msg)
    picture = path.parent / calibration.reference.file
    try:
        content = picture.read_bytes()
    except OSError as exc:
        msg = f"{picture}: cannot read the reference image: {exc.strerror}"
        raise CalibrationError(msg) from exc
    if hashlib.sha256(content).hexdigest() != calibration.reference.sha256:
        msg = (
            f"{picture}: expected the image on which the bays were drawn, but got another one "
            "(sha256)"
        )
        raise CalibrationError(msg)
    try:
        return decode_image(content, str(picture))
    except CameraError as exc:
        raise CalibrationError(str(exc)) from exc


def masked(image_bgr: ImageBgr, masks: tuple[Mask, ...]) -> ImageBgr:
    """An image with its privacy masks blackened; the same object when there are none."""
    if not masks:
        return image_bgr
    copy = image_bgr.copy()
    wh = (image_bgr.shape[1], image_bgr.shape[0])
    outlines = [np.round(to_pixels(mask.polygon, wh)).astype(np.int32) for mask in masks]
    cv2.fillPoly(copy, outlines, (0, 0, 0))
    return copy


def with_reference(
    path: Path,
    calibration: Calibration,
    present: Calibration | None,
    picture: Callable[[], ImageBgr],
    *,
    is_new: bool = False,
) -> Calibration:
    """A calibration that is about to follow `present`, with the reference image that it needs.

    The first one takes a reference. No reference shows what is masked: that of a revision with new
    masks is blackened anew, and those of earlier revisions stay for a roll back.

    Args:
        path: the calibration file.
        calibration: what is to be saved.
        present: the revision before; None for the first.
        picture: gives the image that the bays were drawn on, shape (H, W, 3).
        is_new: whether that image becomes the reference though there is one.

    Raises:
        CalibrationError: it cannot be written.
        CameraError: there is no image.
    """
    if calibration.reference is None or is_new:
        reference = store_reference(path, masked(picture(), calibration.masks))
    elif hidden := new_masks(calibration, present):
        try:
            former = load_reference(path, calibration)
        except CalibrationError:
            return calibration  # it is gone or another one: there is nothing of it to hide
        reference = store_reference(path, masked(former, hidden))
    else:
        return calibration
    return calibration.model_copy(update={"reference": reference})
