"""What jobs roll out on a running box: networks by two slots, calibrations by revisions."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from calibration import (
    Calibration,
    compare,
    load_calibration,
    normalise_calibration,
    rollback_calibration,
    save_calibration,
)
from calibration.references import check_reference, reference_path
from edge_app.alarm_texts import rollout_alarm
from edge_app.alarms import Alarms
from edge_app.delivery.rollout import Fetcher, Rollout
from edge_app.delivery.slots import RolloutError, TwoSlots
from edge_app.network import ActiveNetwork, ModelFiles, Post
from telemetry import CalibrationError, LotsightError, ModelError
from telemetry.aws import JobDocument
from vision.judge import Detector

_log = logging.getLogger(__name__)
# The worker comes to it between two frames; a pass of an overloaded box takes seconds.
_TAKE_UP_S = 30.0


def open_slots(folder: Path, alarms: Alarms) -> TwoSlots:
    """The two slots of networks, after this start was counted.

    Raises:
        RolloutError: the state of the slots cannot be read or written.
    """
    slots = TwoSlots(folder)
    if slots.note_start():
        alarms.set(rollout_alarm(f"model {slots.state.refused} did not start: rolled back"))
    return slots


def load_or_roll_back(files: ModelFiles, slots: TwoSlots, alarms: Alarms) -> Detector:
    """Load the network of the active slot; where it is on trial and cannot be, the one before.

    It ran when it came, so its files were hurt since, by a power cut say: another start would not
    mend them. Twice in vain is for networks that take the whole process with them.

    Raises:
        ModelError: the network cannot be loaded, and none is on trial.
        RolloutError: the state of the slots cannot be written.
    """
    files.use_folder(slots.active_folder)
    try:
        detector = files.load()
    except ModelError as exc:
        if not slots.state.trial:
            raise
        slots.roll_back()
        text = f"model {slots.state.refused} can no longer be loaded: rolled back"
        alarms.set(rollout_alarm(text, str(exc)))
        return load_or_roll_back(files, slots, alarms)
    slots.confirm()
    return detector


def model_rollout(
    slots: TwoSlots, fetcher: Fetcher, files: ModelFiles, network: ActiveNetwork, post: Post
) -> Rollout:
    """Rolls out networks.

    Args:
        slots: where they lie.
        fetcher: where they come from.
        files: tries them out.
        network: goes over to them.
        post: has a task done by the thread that judges, between two frames.
    """

    def activate(folder: Path | None) -> None:
        """Come back once the network judges: before, a job has not succeeded."""
        network.use_folder(folder)
        taken_up = threading.Event()
        post(taken_up.set)  # done after what `use_folder` posted
        if not taken_up.wait(_TAKE_UP_S):
            msg = f"the worker did not switch to the new network within {_TAKE_UP_S:g} s"
            raise ModelError(msg)

    return Rollout(slots, fetcher, files.try_folder, activate)


class CalibrationTarget(Protocol):
    """The cameras that calibrations are rolled out to; `CameraSet` is one."""

    def calibration_file(self, camera: str) -> Path:
        """Where a camera's calibration lies.

        Raises:
            ConfigError: there is no such camera.
        """
        ...

    def check_layout(self, calibration: Calibration) -> None:
        """Look whether a calibration fits those of the other cameras.

        Raises:
            ConfigError: it claims a bay of another camera.
        """
        ...

    def reload_calibration(self, camera: str) -> Calibration:
        """Go over to a camera's calibration file as it is now.

        Raises:
            LotsightError: it cannot be used; the present one stays in use.
        """
        ...


@dataclass(frozen=True, slots=True)
class CalibrationRollout:
    """Rolls out a camera's calibration as the next revision of its file.

    No slots are needed: a calibration's own revisions keep what was before, and a file that cannot
    be used at a start is replaced by the last valid one anyway.

    Attributes:
        cameras: of the box.
        fetcher: where files come from.
        folder: where they are staged.
    """

    cameras: CalibrationTarget
    fetcher: Fetcher
    folder: Path

    def run(self, document: JobDocument) -> str:
        """Roll out what the job names; give a line for the job's details.

        Raises:
            RolloutError: the camera uses what it used before, and the text says why.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.folder) as staged:
                return self._roll_out(document, Path(staged))
        except OSError as exc:
            msg = f"{self.folder}: cannot stage version {document.version}: {exc}"
            raise RolloutError(msg) from exc
        except LotsightError as exc:
            msg = f"version {document.version} rejected: {exc}"
            raise RolloutError(msg) from exc

    def _roll_out(self, document: JobDocument, staged: Path) -> str:
        path = self.fetcher.fetch(document.target, staged)
        for companion in document.companions:
            self.fetcher.fetch(companion, staged)
        calibration = load_calibration(path)
        camera = document.camera or calibration.camera
        if calibration.camera != camera:
            msg = (
                f"{path.name}: expected the calibration of camera {camera!r}, "
                f"but got that of {calibration.camera!r}"
            )
            raise CalibrationError(msg)
        file = self.cameras.calibration_file(camera)
        self.cameras.check_layout(calibration)
        present = load_calibration(file) if file.exists() else None
        tidied, _ = normalise_calibration(calibration)
        if present is not None and compare(present, tidied).is_empty:
            self.cameras.reload_calibration(camera)
            return f"camera {camera}: version {document.version} is already in use"
        _bring_reference(path, file, calibration)
        return self._go_over(document, calibration, present)

    def _go_over(
        self, document: JobDocument, calibration: Calibration, present: Calibration | None
    ) -> str:
        camera = calibration.camera
        file = self.cameras.calibration_file(camera)
        author = f"roll-out {document.version}"
        before = 0 if present is None else present.revision
        saved = save_calibration(file, calibration, author=author, expected_revision=before)
        try:
            self.cameras.reload_calibration(camera)
        except LotsightError:
            if present is not None:
                rollback_calibration(file, before, author=author)
                self.cameras.reload_calibration(camera)
            raise
        _log.info("camera %s: calibration %s rolled out", camera, document.version)
        bays = len(saved.bays)
        return (
            f"camera {camera}: version {document.version} is in use as revision {saved.revision} "
            f"with {bays} bays"
        )


def _bring_reference(staged: Path, file: Path, calibration: Calibration) -> None:
    """Put the reference image beside the box's file; one that lies there is never overwritten.

    Raises:
        CalibrationError: it is missing, or another one than the bays were drawn on.
    """
    fetched = reference_path(staged, calibration)
    wanted = reference_path(file, calibration)
    if fetched is None or wanted is None:
        return
    if wanted.parent != file.parent:
        msg = f"{staged.name}: expected a reference image beside it, but got {wanted}"
        raise CalibrationError(msg)
    if fetched.is_file() and not wanted.exists():
        if findings := check_reference(staged, calibration):
            raise CalibrationError(str(findings[0]))
        shutil.copyfile(fetched, wanted)
    if findings := check_reference(file, calibration):
        raise CalibrationError(str(findings[0]))
