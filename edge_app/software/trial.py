"""New software on trial: kept once it does what the old one did, else the box falls back."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from edge_app.launcher import ENVIRONMENT, FOLDER, Slots, read_slots, write_slots
from telemetry import Clock

_log = logging.getLogger(__name__)


def launcher_folder(state_dir: Path, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The folder of the launcher that started this process; None: none, or one of another box."""
    try:
        folder = Path(json.loads(environ[ENVIRONMENT])["folder"])
    except (KeyError, ValueError, TypeError):
        return None
    wanted = (state_dir / FOLDER).resolve()
    if folder != wanted:
        _log.warning("software updates are off: the launcher uses %s, not %s", folder, wanted)
        return None
    return folder


class SoftwareTrial:
    """Watches over the trial of the software that runs.

    Args:
        folder: of the slots.
        clock: durations.
        restart: has the service begin anew, by the launcher.
        working: the cameras that work now.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        restart: Callable[[str], None],
        working: Callable[[], Sequence[str]],
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._restart = restart
        self._working = working
        self._started_s = clock.mono_s()
        self._is_answered = False
        self._slots = read_slots(folder)
        self._running = self._slots
        self._over = threading.Event()
        if self._slots.trial_s is None:
            self._over.set()

    @property
    def slots(self) -> Slots:
        """As they are written down."""
        return self._slots

    @property
    def runs(self) -> bool:
        """Whether the software that runs is on trial."""
        return not self._over.is_set()

    def wait(self, limit_s: float) -> bool:
        """Wait until the trial is over; whether it is."""
        return self._over.wait(limit_s)

    def answered(self) -> None:
        """The cloud took a report of this start."""
        self._is_answered = True

    def look(self) -> None:
        """End the trial, well or badly; once a second."""
        if not self.runs:
            return
        trial_s = self._running.trial_s or 0.0
        working = self._working()
        down = [camera for camera in self._running.cameras if camera not in working]
        if self._is_answered and not down:
            if self._end(replace(self._slots, trial_s=None, starts=0, cameras=())):
                _log.info("software %s has proved itself", self._slots.version)
        elif self._clock.mono_s() - self._started_s > trial_s:
            lacks = [] if self._is_answered else ["no answer from the cloud"]
            lacks += [f"camera {camera} does not work" for camera in down]
            reason = f"within {trial_s:g} s: {', '.join(lacks)}"
            _log.error("software %s: %s: falling back", self._running.version, reason)
            self._end(self._slots.fallen_back(reason))
            self._restart("the software before is used again")

    def _end(self, slots: Slots) -> bool:
        try:
            self.write(slots)
        except OSError as exc:
            # Tried again in a second; a start on trial is counted meanwhile.
            _log.error("%s: cannot write: %s", self.folder, exc.strerror or exc)
            return False
        self._over.set()
        return True

    def write(self, slots: Slots) -> None:
        """Write down which slot holds what.

        Raises:
            OSError: it cannot be written; the old state stands.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        write_slots(self.folder, slots)
        self._slots = slots
