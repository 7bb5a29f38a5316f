"""Rolls out settings: a job has them tried out as the shadow `config` would, and tells the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from edge_app.delivery.slots import RolloutError
from edge_app.remote_settings import ATTEMPT, MAX_STARTS, SECTION, Outcome, RemoteSettings
from telemetry import LotsightError
from telemetry.aws import JobDocument
from telemetry.shadow import JsonObject, merge

_LOOK_S = 0.5
_SLACK_S = 120.0
"""A restart, and a trial of something else that comes first."""


@dataclass(frozen=True, slots=True)
class SettingsRollout:
    """Does the jobs that change settings.

    Attributes:
        remote: tries them out.
        trial_s: how long that takes at most.
        sleep: waits so many seconds.
    """

    remote: RemoteSettings
    trial_s: float
    sleep: Callable[[float], None] = time.sleep

    def run(self, document: JobDocument) -> str:
        """Try the job's settings out; give a line for the job's details.

        The service restarts meanwhile, and the job is given to the box again.

        Raises:
            RolloutError: the box has the settings that it had before, and the text says why.
        """
        settings, attempt = document.settings or {}, document.target
        waited_s = 0.0
        if self.remote.outcome_of(settings, attempt) is None:
            values = self.remote.values()
            if not self.remote.is_trying and merge(values, settings) == values:
                return f"settings {document.version} are in force already"
            self._begin(settings, attempt, document.version)
        while (found := self.remote.outcome_of(settings, attempt)) is None or (
            found[0] is Outcome.TRYING
        ):
            if waited_s > self.trial_s * MAX_STARTS + _SLACK_S:
                msg = f"settings {document.version}: no outcome within {waited_s:.0f} s"
                raise RolloutError(msg)
            self.sleep(_LOOK_S)
            waited_s += _LOOK_S
        outcome, reason = found
        if outcome is not Outcome.APPLIED:
            msg = f"settings {document.version} {outcome.value.replace('_', ' ')}: {reason}"
            raise RolloutError(msg)
        return f"settings {document.version} are in force"

    def _begin(self, settings: JsonObject, attempt: str, version: str) -> None:
        try:
            self.remote.follow({SECTION: settings, ATTEMPT: attempt})
        except LotsightError as exc:
            msg = f"settings {version} rejected: {exc}"
            raise RolloutError(msg) from exc
