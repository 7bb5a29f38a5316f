"""Rolling a version out: fetch, verify, test, switch; or leave everything as it was."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from edge_app.delivery.slots import RolloutError, TwoSlots
from edge_app.host_metrics import disk_free_bytes
from telemetry.aws import JobDocument
from telemetry.errors import LotsightError

_log = logging.getLogger(__name__)


RESERVE_BYTES = 100 * 1024 * 1024
"""What stays free on the disk, so that the running service goes on writing events."""


def check_room(folder: Path, wanted_bytes: int) -> None:
    """Refuse what would fill the disk.

    Raises:
        RolloutError: there is too little room.
    """
    free = disk_free_bytes(folder)
    if free is not None and free < wanted_bytes + RESERVE_BYTES:
        msg = (
            f"{folder}: expected {(wanted_bytes + RESERVE_BYTES) / 2**20:.0f} MiB free, "
            f"but got {free / 2**20:.0f}"
        )
        raise RolloutError(msg)


class Fetcher(Protocol):
    """Where files come from; it gives only what is signed."""

    def fetch(self, target: str, folder: Path) -> Path:
        """Put the file named `target` into `folder`.

        Raises:
            RolloutError: it cannot be had, or its signature is wrong.
        """
        ...


class JobRunner(Protocol):
    """Does the jobs of one kind."""

    def run(self, document: JobDocument) -> str:
        """Roll out what the job names; give a line for the job's details.

        Raises:
            RolloutError: the box uses what it used before, and the text says why.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rollout:
    """How one kind of thing is rolled out.

    Attributes:
        slots: where it lies.
        fetcher: where it comes from.
        self_test: judges the staged folder, on golden images say; raises a LotsightError when it
            is not good enough.
        activate: makes the service use the active folder (None: what the package holds); raises a
            LotsightError when it cannot.
    """

    slots: TwoSlots
    fetcher: Fetcher
    self_test: Callable[[Path], None]
    activate: Callable[[Path | None], None]

    def run(self, document: JobDocument) -> str:
        """Roll out what the job names; give a line for the job's details.

        A job delivered twice, after a power cut for instance, is run once.

        Raises:
            RolloutError: the box uses what it used before, and the text says why.
        """
        if self.slots.active_version == document.version:
            self.slots.confirm()
            return f"version {document.version} is already in use"
        try:
            staged = self.slots.stage(document.version, partial(self._fetch, document))
            self.self_test(staged)
        except LotsightError as exc:
            msg = f"version {document.version} rejected: {exc}"
            raise RolloutError(msg) from exc
        self.slots.switch()
        try:
            self.activate(self.slots.active_folder)
        except LotsightError as exc:
            self.slots.roll_back()
            self.activate(self.slots.active_folder)
            msg = f"version {document.version} failed and was rolled back: {exc}"
            raise RolloutError(msg) from exc
        self.slots.confirm()
        _log.info("version %s rolled out", document.version)
        return f"version {document.version} is in use"

    def _fetch(self, document: JobDocument, folder: Path) -> None:
        for target in (document.target, *document.companions):
            self.fetcher.fetch(target, folder)
