"""Two slots for what is rolled out: the one in use, and the one before or on trial.

A new model or calibration set goes into the slot that is not in use. It is then on trial: if the
service starts twice without confirming it, the slot before is used again. The state is one small
file, replaced atomically, so a power cut leaves the old or the new state and never half of one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from telemetry.errors import TelemetryError
from telemetry.payload_checks import describe

SlotName = Literal["a", "b"]
MAX_TRIAL_STARTS = 2
"""Starts that a slot on trial may fail before the one before it is used again."""
_STATE = "slots.json"


class RolloutError(TelemetryError):
    """A roll-out failed: the file is wrong, or the box cannot use it."""


class SlotState(BaseModel):
    """Which slot holds what.

    Attributes:
        active: the slot in use; None before the first roll-out.
        versions: what lies in each slot.
        trial: whether the active slot has yet to prove itself.
        starts: how often the service started on trial.
        refused: the version that was rolled back last.
    """

    # A later version of the software, before the box fell back from it, may have kept more.
    model_config = ConfigDict(frozen=True, extra="ignore")
    active: SlotName | None = None
    versions: dict[SlotName, str] = Field(default_factory=dict)
    trial: bool = False
    starts: int = 0
    refused: str | None = None


class TwoSlots:
    """Two folders below `folder`, and which of them is in use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._state = self._read()

    @property
    def state(self) -> SlotState:
        """Which slot holds what."""
        return self._state

    @property
    def active_folder(self) -> Path | None:
        """What is in use; None: nothing was rolled out, use what the package holds."""
        return None if self._state.active is None else self._folder / self._state.active

    @property
    def active_version(self) -> str | None:
        """The version in use."""
        return None if self._state.active is None else self._state.versions[self._state.active]

    def stage(self, version: str, fill: Callable[[Path], None]) -> Path:
        """Put a version into the slot that is not in use.

        Args:
            version: what it is.
            fill: writes it into the empty folder that it is given.

        Raises:
            RolloutError: the active slot is on trial itself, so both are needed; or `fill` failed.
        """
        if self._state.trial:
            msg = f"{self._folder}: version {self.active_version} is on trial: confirm it first"
            raise RolloutError(msg)
        slot = self._other()
        versions = {name: v for name, v in self._state.versions.items() if name != slot}
        self._write(self._state.model_copy(update={"versions": versions}))
        target = self._folder / slot
        try:
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            fill(target)
            _sync_folder(target)
        except OSError as exc:
            msg = f"{target}: cannot stage version {version}: {exc.strerror or exc}"
            raise RolloutError(msg) from exc
        self._write(self._state.model_copy(update={"versions": {**versions, slot: version}}))
        return target

    def switch(self) -> None:
        """Use the staged slot, on trial.

        Raises:
            RolloutError: nothing is staged.
        """
        slot = self._other()
        if slot not in self._state.versions:
            msg = f"{self._folder}: expected a staged version in slot {slot}, but it is empty"
            raise RolloutError(msg)
        self._write(self._state.model_copy(update={"active": slot, "trial": True, "starts": 0}))

    def note_start(self) -> bool:
        """The service starts: count it while on trial; whether that rolled back.

        To be called before the active slot is used.
        """
        if not self._state.trial:
            return False
        if self._state.starts >= MAX_TRIAL_STARTS:
            self.roll_back()
            return True
        self._write(self._state.model_copy(update={"starts": self._state.starts + 1}))
        return False

    def confirm(self) -> None:
        """The active slot has proved itself."""
        if self._state.trial:
            self._write(self._state.model_copy(update={"trial": False, "starts": 0}))

    def roll_back(self) -> None:
        """Use the slot before; what was rolled out is forgotten."""
        failed = self._state.active
        if failed is None:
            return
        before = self._other()
        versions = {name: v for name, v in self._state.versions.items() if name != failed}
        self._write(
            SlotState(
                active=before if before in versions else None,
                versions=versions,
                refused=self._state.versions[failed],
            )
        )

    def _other(self) -> SlotName:
        return "b" if self._state.active == "a" else "a"

    def _read(self) -> SlotState:
        path = self._folder / _STATE
        try:
            return SlotState.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return SlotState()
        except OSError as exc:
            msg = f"{path}: cannot read the slot state: {exc.strerror}"
            raise RolloutError(msg) from exc
        except ValidationError as exc:
            msg = f"{path}: {describe(exc, 'state of the slots')}"
            raise RolloutError(msg) from exc

    def _write(self, state: SlotState) -> None:
        path = self._folder / _STATE
        fresh = path.with_suffix(".new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                file.write(state.model_dump_json())
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
            _sync(self._folder)
        except OSError as exc:
            msg = f"{path}: cannot write: {exc.strerror or exc}"
            raise RolloutError(msg) from exc
        self._state = state


def _sync_folder(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
