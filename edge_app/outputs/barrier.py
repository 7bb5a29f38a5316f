"""The thread that switches one barrier. The relay comes first: store and log wait for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import BaseModel, ValidationError

from edge_app.alarms import Alarm, AlarmKind, Alarms
from edge_app.config import BarrierConfig
from edge_app.delivery import Note, Notice, StoreError
from edge_app.field_io import FieldError
from edge_app.outputs.drivers import Relay
from edge_app.outputs.report import BarrierReport
from edge_app.outputs.rule import BarrierWish, HoldRule, step, wait_s
from edge_app.redaction import mask_secrets
from telemetry import Clock
from telemetry.bounds import clamped
from telemetry.cloudevents import OUTPUT_CHANGED_TYPE
from telemetry.messages import ClockStamp
from telemetry.outputs import OutputChanged, OutputState

_log = logging.getLogger(__name__)

_JOIN_S = 3.0
_ERROR_CHARS = 200


class HeldBarrier(BaseModel):
    """What the store keeps of a barrier that is held open."""

    inputs: tuple[str, ...]
    alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BarrierOutlets:
    """Where a barrier tells of itself.

    Attributes:
        record: queues events for the cloud.
        load: a document of the store; None when there is none.
        save: keeps a document; raises StoreError.
        alarms: standing alarms.
    """

    record: Callable[[Sequence[Notice]], None]
    load: Callable[[str], str | None]
    save: Callable[[str, str], None]
    alarms: Alarms


@dataclass(frozen=True, slots=True)
class _Task:
    """A switching that the relay has not taken yet."""

    state: OutputState
    inputs: tuple[str, ...]
    asked: datetime
    asked_s: float
    tries: int = 0
    due_s: float = 0.0


class BarrierDrive:
    """Opens a barrier when an input is in alarm, and tries until the relay takes it.

    Args:
        config: of the barrier.
        relay: switches it.
        outlets: where it tells of itself.
        clock: time.
    """

    def __init__(
        self, config: BarrierConfig, relay: Relay, outlets: BarrierOutlets, clock: Clock
    ) -> None:
        self.config = config
        self._relay = relay
        self._outlets = outlets
        self._clock = clock
        self._rule = HoldRule(config.hold_s, config.close_after_alarm)
        self._changed = threading.Condition()
        self._alarms: dict[str, tuple[datetime, float]] = {}
        self._pulses: dict[str, tuple[datetime, float]] = {}
        self._saved: str | None = None
        self._wish = BarrierWish()
        self._task: _Task | None = None
        self._repeat_s: float | None = None
        self._last = BarrierReport(config.id, held_open=False, inputs=(), did=None, at=None,
                                   took_ms=None, fault=None)  # fmt: skip
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=f"barrier-{config.id}", daemon=True)

    def restore(self) -> tuple[str, ...]:
        """Hold again what was held before a restart; gives the inputs that were in alarm."""
        body = self._outlets.load(self._document)
        try:
            held = None if body is None else HeldBarrier.model_validate_json(body)
        except ValidationError as exc:
            _log.warning("%s cannot be read: %s", self._document, exc)
            held = None
        if held is None:
            return ()
        self._wish, self._saved = BarrierWish(held=True, inputs=held.inputs), body
        self._repeat_s = self._clock.mono_s()
        return tuple(each for each in held.alarms if each in self.config.inputs)

    def alarm(self, input_id: str, alarm: bool) -> None:
        """An input is in alarm, or no more; returns at once, from any thread."""
        if input_id not in self.config.inputs:
            return
        with self._changed:
            if alarm:
                asked = (self._clock.utc(), self._clock.mono_s())
                self._alarms.setdefault(input_id, asked)
                self._pulses.setdefault(input_id, asked)  # it may be over before the thread looks
            else:
                self._alarms.pop(input_id, None)
            self._changed.notify_all()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; the barrier stays as it is."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)
        self._relay.close()

    def report(self) -> BarrierReport:
        """For the pages."""
        with self._changed:
            return replace(self._last, held_open=self._wish.held, inputs=self._wish.inputs)

    # -- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopped:
                    return
                task, pause_s = self._next()
                if task is None and self._saved == self._body():
                    self._changed.wait(pause_s)
                    continue
            try:
                if task is None:
                    self._save()
                else:
                    self._do(task)
            except Exception:  # the barrier must be switched, whatever else fails
                _log.exception("barrier %s: unexpected fault", self.config.id)

    def _next(self) -> tuple[_Task | None, float | None]:
        """The task that is due now, or how long to wait for one."""
        now_s = self._clock.mono_s()
        alarms = self._alarms | self._pulses
        self._pulses.clear()
        self._wish, turn = step(self._rule, self._wish, alarms, now_s)
        if turn is not None:
            asked, asked_s = self._clock.utc(), now_s
            if turn is OutputState.OPEN:
                asked, asked_s = min(alarms.values(), key=lambda each: each[1])
            self._task = _Task(turn, self._wish.inputs, asked, asked_s, due_s=now_s)
            self._repeat_s = None
        if self._task is not None:
            wait = self._task.due_s - now_s
            return (self._task, None) if wait <= 0 else (None, wait)
        waits = [wait_s(self._rule, self._wish, now_s)]
        if self._wish.held and self._repeat_s is not None:
            if now_s >= self._repeat_s:
                again = _Task(OutputState.OPEN, self._wish.inputs, self._clock.utc(), now_s, -1)
                return again, None
            waits.append(self._repeat_s - now_s)
        return None, min((each for each in waits if each is not None), default=None)

    def _do(self, task: _Task) -> None:
        fault = self._switch(task.state)
        now_s = self._clock.mono_s()
        is_repeat = task.tries < 0
        tries = 1 if is_repeat else task.tries + 1
        with self._changed:
            self._task = None if fault is None else self._again(task, tries, now_s)
            self._repeat_s = now_s + self.config.repeat_s if fault is None else None
            took_ms = None if fault else round(1000 * (now_s - task.asked_s), 1)
            self._last = replace(
                self._last,
                did=self._last.did if fault or is_repeat else task.state,
                at=self._last.at if fault or is_repeat else self._clock.utc(),
                took_ms=self._last.took_ms if fault or is_repeat else took_ms,
                fault=fault,
            )
        self._tell_alarm(task.state, fault)
        # A failure is told once, and the success that follows it; a repetition that works is none.
        if (fault is None and not is_repeat) or (fault is not None and tries == 1):
            self._record(replace(task, tries=tries), took_ms, fault)

    def _switch(self, state: OutputState) -> str | None:
        """Ask the relay; why it did not do it."""
        if state is OutputState.RELEASED:
            return None
        try:
            self._relay.switch(state is OutputState.OPEN)
        except FieldError as exc:
            return mask_secrets(str(exc))
        except Exception as exc:  # a library's fault is a relay that did not switch
            _log.exception("barrier %s: the relay failed unexpectedly", self.config.id)
            return mask_secrets(f"{type(exc).__name__}: {exc}")
        return None

    def _again(self, task: _Task, tries: int, now_s: float) -> _Task:
        pause_s = min(self.config.retry_s * 2.0 ** min(tries - 1, 16), self.config.retry_longest_s)
        return replace(task, tries=tries, due_s=now_s + pause_s)

    def _tell_alarm(self, state: OutputState, fault: str | None) -> None:
        if fault is None:
            self._outlets.alarms.clear(AlarmKind.BARRIER, self.config.id)
            return
        verb = "open" if state is OutputState.OPEN else "close"
        self._outlets.alarms.set(
            Alarm(
                AlarmKind.BARRIER,
                f"barrier {self.config.id}: does not {verb}",
                fault,
                f"{verb.title()} it by hand now. It is tried again by itself all the time; check "
                "the relay's power, cable and address.",
                device=self.config.id,
            )
        )

    def _record(self, task: _Task, took_ms: float | None, fault: str | None) -> None:
        _log.warning(
            "barrier %s: %s (%s)%s",
            self.config.id,
            task.state.value,
            ", ".join(task.inputs) or "-",
            f", FAILED: {fault}" if fault else f" after {took_ms:g} ms",
        )

        def say(stamp: ClockStamp) -> OutputChanged:
            return OutputChanged(
                state=task.state,
                done=fault is None,
                inputs=task.inputs,
                asked=clamped(task.asked),
                took_ms=took_ms,
                tries=task.tries,
                error=None if fault is None else fault.replace("\0", "")[:_ERROR_CHARS],
                clock=stamp,
            )

        self._saved = self._body()
        note = Note(self._document, self._saved)
        notice = Notice(OUTPUT_CHANGED_TYPE, self.config.id, self._clock.utc(), say, note)
        self._outlets.record([notice])

    def _save(self) -> None:
        """Keep which inputs are in alarm, for after a restart."""
        self._saved = body = self._body()
        if body is not None:
            try:
                self._outlets.save(self._document, body)
            except StoreError as exc:
                _log.warning("barrier %s: %s", self.config.id, exc)

    def _body(self) -> str | None:
        with self._changed:
            if not self._wish.held:
                return None
            held = HeldBarrier(inputs=self._wish.inputs, alarms=tuple(sorted(self._alarms)))
            return held.model_dump_json()

    @property
    def _document(self) -> str:
        return f"barrier/{self.config.id}"
