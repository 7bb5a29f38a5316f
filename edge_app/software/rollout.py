"""Rolls out the box's software: the second slot, a restart, a trial; or all stays as it is."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge_app.delivery.rollout import Fetcher
from edge_app.delivery.slots import RolloutError
from edge_app.launcher import FACTORY, SLOTS, Slots
from edge_app.software.archive import unpack
from edge_app.software.install import Installer
from edge_app.software.trial import SoftwareTrial
from telemetry import LotsightError
from telemetry.aws import JobDocument

_log = logging.getLogger(__name__)
_DOWNLOAD = "download"
# The service stops within seconds; one that does not is no reason to lose the job.
_RESTART_S = 120.0


@dataclass(frozen=True, slots=True)
class SoftwareRollout:
    """Does the jobs that roll out software.

    A job outlives the restart that it asks for: the service of jobs gives it to the box again, and
    then it waits for the end of the trial, or tells how that ended.

    Attributes:
        trial: of the software that runs.
        fetcher: where archives come from.
        installer: makes a slot of one.
        version: of the software that runs.
        trial_s: for how long new software is tried.
        working: the cameras that work now.
        busy: why no trial can begin now; empty: one can.
        restart: has the service begin anew, by the launcher.
        ended: never set; what waits for it waits for the restart.
    """

    trial: SoftwareTrial
    fetcher: Fetcher
    installer: Installer
    version: str
    trial_s: float
    working: Callable[[], Sequence[str]]
    busy: Callable[[], str]
    restart: Callable[[str], None]
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self, document: JobDocument) -> str:
        """Roll out what the job names; give a line for the job's details.

        Raises:
            RolloutError: the box uses what it used before, and the text says why.
        """
        version = document.version
        if self.trial.runs and self.trial.slots.version != version:
            msg = f"version {self.trial.slots.version} is on trial: try again when that is over"
            raise RolloutError(msg)
        self._await_end()
        if version == self.version:
            return f"version {version} is in use"
        if (refused := self.trial.slots.refused) == version:
            reason = self.trial.slots.reason
            # Once: the next job of this version is somebody's wish to try it again.
            self._write(replace(self.trial.slots, refused="", reason=""))
            msg = f"version {refused} was tried, and {self.version} is used again: {reason}"
            raise RolloutError(msg)
        if why := self.busy():
            msg = f"version {version} rejected: {why}"
            raise RolloutError(msg)
        try:
            slot = self._slot_with(version) or self._stage(document)
        except RolloutError as exc:
            msg = f"version {version} rejected: {exc}"
            raise RolloutError(msg) from exc
        except OSError as exc:
            msg = f"version {version} rejected: {exc.filename or ''}: {exc.strerror or exc}"
            raise RolloutError(msg) from exc
        return self._try_out(slot, version)

    def _await_end(self) -> None:
        """Wait for the end of a trial; where it ends badly, for the restart that follows."""
        if not self.trial.runs:
            return
        self.trial.wait((self.trial.slots.trial_s or 0.0) + _RESTART_S)
        if self.trial.slots.refused == self.version:
            # The software that is used again tells how it went.
            self.ended.wait(_RESTART_S)
            msg = f"version {self.version} rejected: {self.trial.slots.reason}"
            raise RolloutError(msg)

    def _slot_with(self, version: str) -> str | None:
        """The slot that has a version already, as after a way back."""
        for slot, held in self.trial.slots.versions.items():
            if held == version:
                if slot != FACTORY:
                    self.installer.check(self.trial.folder / slot, version)
                return slot
        return None

    def _stage(self, document: JobDocument) -> str:
        """Put a version into the slot that is free; its name."""
        slots, folder = self.trial.slots, self.trial.folder
        free = [each for each in SLOTS if each != slots.active]
        slot = next((each for each in free if each != slots.former), free[0])
        versions = {each: held for each, held in slots.versions.items() if each != slot}
        if slots.active == FACTORY:
            versions[FACTORY] = self.version
        former = FACTORY if slots.former == slot else slots.former
        # Before anything is deleted: a power cut must not leave half a slot that counts as one.
        self._write(replace(slots, versions=versions, former=former))
        download = folder / _DOWNLOAD
        for each in (download, folder / slot):
            shutil.rmtree(each, ignore_errors=True)
        try:
            download.mkdir()
            archive = self.fetcher.fetch(document.target, download)
            unpack(archive, document.version, download)
            archive.unlink()
            self.installer.install(download, folder / slot, document.version)
            # The slot has thousands of files: all of them are on the disk before it counts.
            os.sync()
        except (OSError, RolloutError):
            shutil.rmtree(folder / slot, ignore_errors=True)
            raise
        finally:
            shutil.rmtree(download, ignore_errors=True)
        self._write(replace(self.trial.slots, versions={**versions, slot: document.version}))
        return slot

    def _try_out(self, slot: str, version: str) -> str:
        before = self.trial.slots
        cameras = tuple(self.working())
        self._write(
            Slots(
                active=slot, former=before.active, versions=before.versions, trial_s=self.trial_s,
                cameras=cameras,
            )
        )  # fmt: skip
        _log.warning("software %s is tried out", version)
        try:
            self.restart(f"software {version} is tried out")
            self.ended.wait(_RESTART_S)
            why = f"the service did not restart within {_RESTART_S:g} s"
        except LotsightError as exc:
            why = str(exc)
        self._write(before)
        msg = f"version {version} rejected: {why}"
        raise RolloutError(msg)

    def _write(self, slots: Slots) -> None:
        try:
            self.trial.write(slots)
        except OSError as exc:
            msg = f"{self.trial.folder}: cannot be written: {exc.strerror or exc}"
            raise RolloutError(msg) from exc


def discard_leftovers(folder: Path) -> None:
    """Delete a download that a power cut left behind."""
    shutil.rmtree(folder / _DOWNLOAD, ignore_errors=True)
