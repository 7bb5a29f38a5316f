"""Settings changed from the cloud: tried out, kept if the box comes back healthy, undone if not.

One file in the state folder holds it all, replaced as a whole, so that a power cut at any moment
leaves a box with one set of settings or the other:

    active   changes to the configuration file that are in force
    trial    changes that are tried out, how often they were started, what worked before
    last     how the last change ended, for the cloud to see

A trial ends well once the cloud answers and every camera that worked before works. It ends badly
when that takes too long, when the service starts `MAX_STARTS` times without coming so far, or when
it cannot start at all; then `active` is in force again, and the same change is not tried twice,
unless somebody asks for it under another `attempt`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from calibration.atomic import PRIVATE, replacing
from edge_app.config import LotsightConfig, load_config
from edge_app.config.changeable import check_allowed, check_taken, schema_of, values_of
from telemetry import Clock, ConfigError, LotsightError
from telemetry.clock import SystemClock
from telemetry.shadow import JsonObject, merge

_log = logging.getLogger(__name__)

FILE = "remote-settings.json"
MAX_STARTS = 3
_REASON_CHARS = 300
SECTION = "settings"
"""Of the shadow `config`."""
ATTEMPT = "attempt"
_ATTEMPT_CHARS = 64


class Outcome(StrEnum):
    """How a change of settings stands."""

    TRYING = "trying"
    APPLIED = "applied"
    REJECTED = "rejected"
    ROLLED_BACK = "rolled_back"


class _Kept(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Trial(_Kept):
    values: dict[str, JsonValue]
    change: str
    starts: int = 0
    cameras: tuple[str, ...] = ()


class _Last(_Kept):
    state: Outcome
    change: str
    reason: str = ""


class _State(_Kept):
    active: dict[str, JsonValue] = Field(default_factory=dict)
    trial: _Trial | None = None
    last: _Last | None = None
    attempt: str | None = None


def change_id(values: JsonObject, attempt: str | None = None) -> str:
    """A short name of a set of changes, the same on every box."""
    text = json.dumps([values, attempt], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class RemoteSettings:
    """The settings of a box, those of its file changed as the cloud wants them.

    Args:
        path: of the configuration file.
        clock: durations.

    Raises:
        ConfigError: the configuration file cannot be used, with or without changes.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        # The link, a job and the maintenance thread come to it.
        self._lock = threading.RLock()
        self._started_s = self._clock.mono_s()
        self._file_config = load_config(path)
        self._file = self._file_config.edge.state_dir / FILE
        self._state = self._read()
        self._waiting: JsonObject | None = None
        self._restart: Callable[[str], None] | None = None
        self._working: Callable[[], Sequence[str]] = tuple
        self._is_held: Callable[[], bool] = lambda: False
        self._is_answered = False
        self.config = self._begin()

    # -- the start -------------------------------------------------------------------------------

    def _begin(self) -> LotsightConfig:
        """The settings to start with; a trial that did not come through is undone."""
        trial = self._state.trial
        if trial is not None:
            if trial.starts >= MAX_STARTS:
                self._undo(f"the service started {trial.starts} times and never came back healthy")
            else:
                trial.starts += 1
                # Before anything is done with it: the next start must know of this one.
                if self._write():
                    try:
                        return self._load(trial.values)
                    except LotsightError as exc:
                        self._undo(f"the service cannot start with it: {exc}")
        try:
            return self._load(self._state.active)
        except LotsightError as exc:
            # The file was changed by hand since, and no longer goes with what the cloud set.
            _log.error("changes from the cloud are dropped: %s", exc)
            change = change_id(self._state.active)
            self._state.active = {}
            self._end(Outcome.ROLLED_BACK, change, f"the configuration file changed: {exc}")
            return self._file_config

    def _load(self, values: JsonObject) -> LotsightConfig:
        if not values:
            return self._file_config
        check_allowed(self._file_config, values)
        config = load_config(self._path, values)
        check_taken(config, values)
        return config

    # -- what the cloud wants ---------------------------------------------------------------------

    def run_by(
        self,
        restart: Callable[[str], None],
        working: Callable[[], Sequence[str]],
        is_held: Callable[[], bool] = lambda: False,
    ) -> None:
        """Say how the service is restarted, which of its cameras work, and when changes wait."""
        self._restart, self._working, self._is_held = restart, working, is_held

    @property
    def is_trying(self) -> bool:
        """Whether a change is on trial."""
        return self._state.trial is not None

    def report(self) -> JsonObject:
        """For the shadow `config`: values, and how the last change stands."""
        trial, last = self._state.trial, self._state.last
        found: JsonObject = {SECTION: values_of(self.config)}
        if self._state.attempt is not None:
            found[ATTEMPT] = self._state.attempt
        if trial is not None:
            found["change"] = {"state": Outcome.TRYING.value, "id": trial.change, "reason": ""}
        elif last is not None:
            found["change"] = {
                "state": last.state.value,
                "id": last.change,
                "reason": last.reason[:_REASON_CHARS],
            }
        return found

    @property
    def path(self) -> Path:
        """The configuration file."""
        return self._path

    def values(self) -> JsonObject:
        """What may be changed, as it is."""
        return values_of(self.config)

    def schema(self) -> JsonObject:
        """What may be changed, for the classic shadow."""
        return schema_of(self.config)

    def follow(self, delta: JsonObject) -> None:
        """The cloud wants other settings: try them out, with a restart.

        Raises:
            ConfigError: it cannot be; the report says why.
        """
        with self._lock:
            self._follow(delta)

    def _follow(self, delta: JsonObject) -> None:
        if self._state.trial is not None or self._is_held():
            # One after the other: else nobody could say which of two was wrong.
            self._waiting = delta
            return
        wanted, attempt = _read_delta(delta)
        if attempt is not None:
            self._state.attempt = attempt
        merged = merge(self._state.active, wanted)
        change, last = change_id(merged, self._state.attempt), self._state.last
        if not wanted:
            if attempt is not None:
                self._end(Outcome.APPLIED, change, "")
            return
        if merged == self._state.active and merge(self.values(), wanted) == self.values():
            # In force: the cloud had not heard the report of it when it sent this.
            self._end(Outcome.APPLIED, change, "")
            return
        if last is not None and last.change == change and last.state is not Outcome.APPLIED:
            return  # it was tried, and is told
        try:
            self._begin_trial(merged, change)
        except LotsightError as exc:
            self._end(Outcome.REJECTED, change, str(exc))
            raise

    def _begin_trial(self, values: JsonObject, change: str) -> None:
        self._load(values)
        if self._restart is None:
            msg = "this service cannot restart itself: expected `lotsight run`"
            raise ConfigError(msg)
        self._state.trial = _Trial(values=values, change=change, cameras=tuple(self._working()))
        if not self._write():
            self._state.trial = None
            msg = f"{self._file}: cannot be written, so nothing could be undone"
            raise ConfigError(msg)
        self._restart("settings from the cloud are tried out")

    def outcome_of(self, values: JsonObject, attempt: str) -> tuple[Outcome, str] | None:
        """How a change stands that was asked for under this attempt, and why; None: not begun."""
        with self._lock:
            trial, last = self._state.trial, self._state.last
            change = change_id(merge(self._state.active, values), attempt)
            if trial is not None and trial.change == change:
                return Outcome.TRYING, ""
            if last is not None and last.change == change:
                return last.state, last.reason
            return None

    def answered(self) -> None:
        """The cloud took a report of this start."""
        self._is_answered = True

    # -- once a second ----------------------------------------------------------------------------

    def look(self) -> None:
        """End a trial, well or badly."""
        with self._lock:
            self._look()

    def _look(self) -> None:
        trial = self._state.trial
        if trial is None and self._waiting is not None and not self._is_held():
            self._go_on()
        if trial is None or trial.starts == 0:
            return  # it begins with the restart
        down = [camera for camera in trial.cameras if camera not in self._working()]
        if self._is_answered and not down:
            self._state.active, self._state.trial = trial.values, None
            self._end(Outcome.APPLIED, trial.change, "")
            self._go_on()
        elif self._clock.mono_s() - self._started_s > self._file_config.remote.trial_s:
            lacks = [] if self._is_answered else ["no answer from the cloud"]
            lacks += [f"camera {camera} does not work" for camera in down]
            self._undo(f"within {self._file_config.remote.trial_s:g} s: {', '.join(lacks)}")
            if self._restart is not None:
                self._restart("settings from the cloud are undone")

    def _go_on(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        try:
            self.follow(waiting)
        except LotsightError as exc:
            _log.error("settings from the cloud: %s", exc)

    # -- the file ---------------------------------------------------------------------------------

    def _undo(self, reason: str) -> None:
        trial, self._state.trial = self._state.trial, None
        if trial is not None:
            self._end(Outcome.ROLLED_BACK, trial.change, reason)

    def _end(self, outcome: Outcome, change: str, reason: str) -> None:
        level = logging.INFO if outcome is Outcome.APPLIED else logging.ERROR
        _log.log(level, "settings from the cloud %s: %s %s", change, outcome.value, reason)
        self._state.last = _Last(state=outcome, change=change, reason=reason)
        self._write()

    def _read(self) -> _State:
        try:
            return _State.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return _State()
        except (OSError, ValidationError) as exc:
            _log.error("%s: changes from the cloud are dropped: %s", self._file, exc)
            return _State()

    def _write(self) -> bool:
        """Whether it is written; a full disk must not keep a box from its work."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._file, PRIVATE) as file:
                file.write(self._state.model_dump_json(indent=1).encode())
        except OSError as exc:
            _log.error("%s: cannot write: %s", self._file, exc.strerror or exc)
            return False
        return True


def _read_delta(delta: JsonObject) -> tuple[JsonObject, str | None]:
    """The settings and the attempt of a delta; what else is in it is nothing of ours."""
    wanted, attempt = delta.get(SECTION), delta.get(ATTEMPT)
    return (
        wanted if isinstance(wanted, dict) else {},
        attempt[:_ATTEMPT_CHARS] if isinstance(attempt, str) else None,
    )
