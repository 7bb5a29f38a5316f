"""Calibrations edited in the cloud: checked by the box's own code, saved as its next revision.

An edit comes inside its job, over the connection that the box has opened. It is no more than a
setting: it cannot uncover what a privacy mask hides, and the former revision stays for a roll back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from calibration import (
    Calibration,
    compare,
    lost_masks,
    parse_calibration,
    read_calibration,
    rollback_calibration,
    save_calibration,
)
from calibration.reference_files import with_reference
from calibration.references import check_reference, reference_path
from edge_app.delivery.rollout import JobRunner
from edge_app.delivery.slots import RolloutError
from edge_app.rollouts import CalibrationTarget
from telemetry import CalibrationError, CameraError, ConfigError, LotsightError
from telemetry.aws import CalibrationEdit, JobDocument
from telemetry.packing import unpack
from vision.types import ImageBgr
from vision.view_shape import same_shape, shape_fault

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CalibrationEdits:
    """Does jobs of calibrations: edits itself, and what is signed by `signed`.

    Attributes:
        cameras: of the box.
        newest: gives a camera's newest image, shape (H, W, 3); None before the first.
        allowed: whether the cloud may edit at all.
        signed: does those from the signed repository; None without one.
    """

    cameras: CalibrationTarget
    newest: Callable[[str], ImageBgr | None]
    allowed: bool
    signed: JobRunner | None = None

    def run(self, document: JobDocument) -> str:
        """Do a job; give a line for its details.

        Raises:
            RolloutError: the camera uses what it used before, and the text says why.
        """
        edit = document.edit
        if edit is not None:
            try:
                return self._save(edit, document.camera or "")
            except LotsightError as exc:
                raise RolloutError(str(exc)) from exc
        if self.signed is None:
            msg = "this box takes nothing from a signed repository: it has no section [rollout]"
            raise RolloutError(msg)
        return self.signed.run(document)

    def _save(self, edit: CalibrationEdit, camera: str) -> str:
        if not self.allowed:
            msg = 'the cloud may not change calibrations here: [remote] settings = "none"'
            raise ConfigError(msg)
        given = parse_calibration(unpack(edit.packed), f"calibration of {camera}")
        if given.camera != camera:
            msg = f"expected the calibration of camera {camera}, but got that of {given.camera}"
            raise CalibrationError(msg)
        file = self.cameras.calibration_file(camera)
        present = read_calibration(file) if file.exists() else None
        if present is not None and _is_done(edit, given, present):
            self.cameras.reload_calibration(camera)  # a power cut came between
            return _told(present)
        _check(edit, given, present)
        self.cameras.check_layout(given)
        ready = self._with_reference(file, given, present)
        saved = save_calibration(
            file, ready, author=given.author, expected_revision=edit.base_revision, revives=True
        )
        try:
            self.cameras.reload_calibration(camera)
        except LotsightError:
            if present is not None:
                rollback_calibration(file, present.revision, author=given.author)
                self.cameras.reload_calibration(camera)
            raise
        _log.info("camera %s: calibration edited by %s", camera, given.author)
        return _told(saved)

    def _with_reference(
        self, file: Path, given: Calibration, present: Calibration | None
    ) -> Calibration:
        """With the image on which it was drawn: the cloud has the picture no more."""
        if not _is_here(file, given):
            given = given.model_copy(update={"reference": present.reference if present else None})
        newest = self.newest(given.camera)
        if given.reference is None and newest is None:
            return given  # judged without; `calibration reference` takes one later

        def picture() -> ImageBgr:
            if newest is None:
                msg = f"camera {given.camera}: no image yet"
                raise CameraError(msg)
            return newest

        ready = with_reference(file, given, present, picture)
        if given.reference is not None or newest is None:
            return ready
        wh = (newest.shape[1], newest.shape[0])
        if not same_shape(given.image_wh, wh):
            raise CalibrationError(shape_fault(given.image_wh, wh, compared=False))
        return ready.model_copy(update={"image_wh": wh})


def _is_here(file: Path, calibration: Calibration) -> bool:
    path = reference_path(file, calibration)
    return (
        path is not None and path.parent == file.parent and not check_reference(file, calibration)
    )


def _is_done(edit: CalibrationEdit, given: Calibration, present: Calibration) -> bool:
    same = {"reference": present.reference, "image_wh": present.image_wh}
    return (
        present.revision == edit.base_revision + 1
        and present.author == given.author
        and compare(present, given.model_copy(update=same)).is_empty
    )


def _check(edit: CalibrationEdit, given: Calibration, present: Calibration | None) -> None:
    found = 0 if present is None else present.revision
    if found != edit.base_revision:
        msg = (
            f"camera {given.camera}: revision {edit.base_revision} was edited, but the box has "
            f"revision {found} by now. Nothing was changed: edit that one"
        )
        raise CalibrationError(msg)
    if present is not None and (lost := lost_masks(present, given)):
        msg = (
            f"camera {given.camera}: expected the privacy masks of revision {found}, but "
            f"{', '.join(lost)} was changed or removed: that is for people at the box"
        )
        raise CalibrationError(msg)


def _told(saved: Calibration) -> str:
    without = "" if saved.reference else ", without a reference image"
    return f"camera {saved.camera}: revision {saved.revision} is in use{without}"
