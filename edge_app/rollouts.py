"""What jobs roll out on a running box: networks by two slots, calibrations by revisions."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from calibration import (
    Calibration,
    compare,
    load_calibration,
    rollback_calibration,
    save_calibration,
    tidy_calibration,
)
from calibration.references import check_reference, reference_path
from edge_app.delivery.rollout import Fetcher, JobRunner, Rollout
from edge_app.delivery.slots import RolloutError, TwoSlots
from edge_app.delivery.tuf_client import TufFetcher
from edge_app.faults import rollout_fault
from telemetry import CalibrationError, LotsightError, ModelError
from telemetry.aws import JobDocument, JobKind

if TYPE_CHECKING:
    from edge_app.service import EdgeService

_log = logging.getLogger(__name__)
# The worker comes to it between two frames; a pass of an overloaded box takes seconds.
_TAKE_UP_S = 30.0


def model_slots(service: EdgeService) -> TwoSlots | None:
    """The two slots of networks, after this start was counted; None: nothing is rolled out.

    Raises:
        RolloutError: the state of the slots cannot be read or written.
    """
    if service.config.rollout is None:
        return None
    slots = TwoSlots(_folder(service) / "model")
    if slots.note_start():
        text = f"model {slots.state.refused} did not start: rolled back"
        service.alarms.set(rollout_fault(text))
    service.network.use_folder(slots.active_folder)
    return slots


def leave_trial(service: EdgeService, fault: str) -> bool:
    """Go back to the network before, when the one that cannot be loaded is on trial.

    It ran when it came, so its files were hurt since, by a power cut say: another start would not
    mend them. Twice in vain is for networks that take the whole process with them.

    Raises:
        RolloutError: the state of the slots cannot be written.
    """
    slots = service.model_slots
    if slots is None or not slots.state.trial:
        return False
    slots.roll_back()
    service.network.use_folder(slots.active_folder)
    text = f"model {slots.state.refused} cannot be loaded any more: rolled back"
    service.alarms.set(rollout_fault(text, fault))
    return True


def _activate(service: EdgeService, folder: Path | None) -> None:
    """Use a network, and come back once it judges: before, a job has not succeeded.

    Raises:
        ModelError: it cannot be used, or the worker does not come to take it up.
    """
    service.use_model_folder(folder)
    taken_up = threading.Event()
    service.scheduler.post(taken_up.set)  # done after what `use_model_folder` posted
    if not taken_up.wait(_TAKE_UP_S):
        msg = f"the worker did not take the network up within {_TAKE_UP_S:g} s"
        raise ModelError(msg)


def rollouts_of(service: EdgeService) -> Mapping[JobKind, JobRunner]:
    """What this box does for each kind of job; nothing without `[rollout]`.

    Raises:
        RolloutError: the trusted root cannot be read, or the repository is no HTTPS address.
    """
    config = service.config.rollout
    if config is None or service.model_slots is None:
        return {}
    folder = _folder(service)
    fetcher = TufFetcher(config.repository, config.root_file, folder / "metadata")
    network = service.network
    return {
        JobKind.MODEL: Rollout(
            service.model_slots, fetcher, network.try_folder, partial(_activate, service)
        ),
        JobKind.CALIBRATION: CalibrationRollout(service, fetcher, folder / "calibration"),
    }


@dataclass(frozen=True, slots=True)
class CalibrationRollout:
    """Rolls out a camera's calibration as the next revision of its file.

    No slots are needed: a calibration's own revisions keep what was before, and a file that cannot
    be used at a start is replaced by the last good one anyway.

    Attributes:
        service: whose camera it is.
        fetcher: where files come from.
        folder: where they are staged.
    """

    service: EdgeService
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
            msg = f"{self.folder}: version {document.version} cannot be staged: {exc}"
            raise RolloutError(msg) from exc
        except LotsightError as exc:
            msg = f"version {document.version} refused: {exc}"
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
        file = self.service.calibration_file(camera)
        self.service.check_layout(calibration)
        present = load_calibration(file) if file.exists() else None
        tidied, _ = tidy_calibration(calibration)
        if present is not None and compare(present, tidied).is_empty:
            self.service.reload_calibration(camera)
            return f"camera {camera}: version {document.version} is in use already"
        _bring_reference(path, file, calibration)
        return self._go_over(document, calibration, present)

    def _go_over(
        self, document: JobDocument, calibration: Calibration, present: Calibration | None
    ) -> str:
        camera = calibration.camera
        file = self.service.calibration_file(camera)
        author = f"roll-out {document.version}"
        before = 0 if present is None else present.revision
        saved = save_calibration(file, calibration, author=author, expected_revision=before)
        try:
            self.service.reload_calibration(camera)
        except LotsightError:
            if present is not None:
                rollback_calibration(file, before, author=author)
                self.service.reload_calibration(camera)
            raise
        _log.info("camera %s: calibration %s rolled out", camera, document.version)
        bays = len(saved.bays)
        return (
            f"camera {camera}: version {document.version} is in use as revision {saved.revision} "
            f"with {bays} bays"
        )


def _bring_reference(staged: Path, file: Path, calibration: Calibration) -> None:
    """Put the reference picture beside the box's file; one that lies there is never overwritten.

    Raises:
        CalibrationError: it is missing, or another one than the bays were drawn on.
    """
    fetched = reference_path(staged, calibration)
    wanted = reference_path(file, calibration)
    if fetched is None or wanted is None:
        return
    if wanted.parent != file.parent:
        msg = f"{staged.name}: expected a reference picture beside it, but got {wanted}"
        raise CalibrationError(msg)
    if fetched.is_file() and not wanted.exists():
        if findings := check_reference(staged, calibration):
            raise CalibrationError(str(findings[0]))
        shutil.copyfile(fetched, wanted)
    if findings := check_reference(file, calibration):
        raise CalibrationError(str(findings[0]))


def _folder(service: EdgeService) -> Path:
    return service.config.edge.state_dir / "rollout"
