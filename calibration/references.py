"""The reference image beside a calibration file."""

from __future__ import annotations

from pathlib import Path

from calibration.findings import Code, Finding, Severity
from calibration.pictures import picture_sha256, read_picture
from calibration.types import Calibration
from telemetry.errors import CalibrationError
from vision.view_guard import GuardSettings, ViewGuard


def reference_path(file: Path, calibration: Calibration) -> Path | None:
    """Where the reference image lies; None when the calibration names none."""
    if calibration.reference is None:
        return None
    return file.parent / calibration.reference.file


def check_reference(file: Path, calibration: Calibration) -> tuple[Finding, ...]:
    """Whether the reference image is there, unchanged, and of the size that it should have."""
    path = reference_path(file, calibration)
    if path is None or calibration.reference is None:
        return ()
    try:
        found = picture_sha256(path)
        height, width = read_picture(path).shape[:2]
    except CalibrationError as exc:
        return (_finding(str(exc), "restore it; without it, camera movement cannot be measured"),)
    if found != calibration.reference.sha256:
        message = (
            f"{path}: expected sha256 {calibration.reference.sha256[:12]}..., but got "
            f"{found[:12]}...: not the image on which the bays were drawn"
        )
        return (_finding(message, "restore the original, or accept this one with `set --image`"),)
    if (width, height) != calibration.image_wh:
        expected = "x".join(map(str, calibration.image_wh))
        message = f"{path}: expected {expected} px, but got {width}x{height}"
        return (_finding(message, "set the image again with `set --image`"),)
    return ()


def missing_reference(file: Path, calibration: Calibration) -> Finding | None:
    """What to tell where a calibration has no reference image; None where it has one."""
    if calibration.reference is not None:
        return None
    return _finding(
        "no reference image: a view that was rotated, cropped or moved before startup goes "
        "undetected",
        f"capture one while the camera is in position: `lotsight calibration reference {file} "
        "SOURCE`",
    )


def view_guard(
    file: Path, calibration: Calibration, settings: GuardSettings | None = None
) -> ViewGuard:
    """The guard of a calibrated view, with the reference image if there is a whole one."""
    path = reference_path(file, calibration)
    try:
        reference = None if path is None else read_picture(path)
    except CalibrationError:  # `check_reference` tells; movements from now on are seen anyway
        reference = None
    return ViewGuard(reference, calibration.polygons_norm(), settings, calibration.image_wh)


def _finding(message: str, remedy: str) -> Finding:
    return Finding(Severity.WARNING, Code.REFERENCE, None, message, remedy)
