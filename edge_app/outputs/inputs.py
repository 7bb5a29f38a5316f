"""Alarm inputs: contacts of the lot, read over MQTT or Modbus, or told over HTTP."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from datetime import datetime

from edge_app.alarms import Alarm, AlarmKind, Alarms
from edge_app.config import AlarmInputConfig
from edge_app.config.outputs import InputModbus, InputMqtt
from edge_app.field_io import FieldError, LocalLink, ModbusPoint
from edge_app.outputs.report import InputReport
from edge_app.redaction import mask_secrets
from telemetry import Clock

_log = logging.getLogger(__name__)

_SHOWN = 60
_JOIN_S = 2.0
InputListener = Callable[[str, bool], None]
"""Told of an input's id and whether it is in alarm, at once, whenever that changes."""


class AlarmInput:
    """One input; safe between threads.

    Args:
        config: of the input.
        clock: time.
        alarms: where an input that cannot be read is told.
        listener: told of changes, in the thread that notices them.
    """

    def __init__(
        self, config: AlarmInputConfig, clock: Clock, alarms: Alarms, listener: InputListener
    ) -> None:
        self.config = config
        self._clock = clock
        self._alarms = alarms
        self._listener = listener
        self._lock = threading.Lock()
        self._contact: bool | None = None
        self._told = False
        self._since: datetime | None = None
        self._fault: str | None = None
        self._seen_s = clock.mono_s()

    @property
    def is_alarm(self) -> bool:
        """Whether it is in alarm, as its listener was told."""
        return self._told

    def restore_alarm(self) -> None:
        """Take up an alarm of before a restart: it lasts until the input says that it is over."""
        self._told, self._contact = True, not self.config.inverted
        self._since = self._clock.utc()

    def read(self, contact: bool) -> None:
        """The contact was read or told."""
        with self._lock:
            self._contact = contact
            self._seen_s = self._clock.mono_s()
            was_faulty, self._fault = self._fault is not None, None
            self._tell(contact != self.config.inverted)
        if was_faulty:
            self._alarms.clear(AlarmKind.ALARM_INPUT, self.config.id)

    def back(self) -> None:
        """It can be read again, and has not been yet."""
        with self._lock:
            if self._fault is None:
                return
            self._fault, self._seen_s = None, self._clock.mono_s()
            if self._contact is None:
                self._tell(alarm=False)
        self._alarms.clear(AlarmKind.ALARM_INPUT, self.config.id)

    def failed(self, fault: str) -> None:
        """The contact could not be read."""
        fault = mask_secrets(fault)
        with self._lock:
            self._fault = fault
        self._alarms.set(
            Alarm(
                AlarmKind.ALARM_INPUT,
                f"alarm input {self.config.id}: cannot be read",
                fault,
                "Check its cable, its power and its address; until it is read again "
                + (
                    "it counts as an alarm."
                    if self.config.lost_is_alarm
                    else "it opens no barrier: a barrier that it held stays as it is."
                ),
                device=self.config.id,
            )
        )

    def look(self) -> None:
        """Now and then: an input that is lost may be an alarm."""
        with self._lock:
            silent_s = self._clock.mono_s() - self._seen_s
            is_lost = self._fault is not None and silent_s >= self.config.lost_after_s
            if is_lost and self.config.lost_is_alarm:
                self._contact = None
                self._tell(alarm=True)

    def report(self) -> InputReport:
        """For the pages."""
        with self._lock:
            is_known = self._contact is not None or self._told
            alarm = self._told if is_known else None
            return InputReport(self.config.id, alarm, self._since, self._fault)

    def _tell(self, alarm: bool) -> None:
        if self._since is None:
            self._since = self._clock.utc()
        if alarm == self._told:
            return
        self._told, self._since = alarm, self._clock.utc()
        _log.warning("alarm input %s: %s", self.config.id, "ALARM" if alarm else "over")
        self._listener(self.config.id, alarm)


class MqttReader:
    """Reads an input at the local broker.

    Args:
        target: the input.
        mqtt: topic and words.
        link: to the broker, not started yet.
    """

    def __init__(self, target: AlarmInput, mqtt: InputMqtt, link: LocalLink) -> None:
        self._input = target
        self._mqtt = mqtt
        self._link = link
        self._is_away = False
        self._on = frozenset(word.lower() for word in mqtt.on)
        self._off = frozenset(word.lower() for word in mqtt.off)
        link.listen(mqtt.topic, self._message)

    def look(self) -> None:
        """Now and then: a broker that is away hides the input."""
        info = self._link.info
        if info.connected and self._is_away:
            self._is_away = False
            self._input.back()
        elif not info.connected and info.away_s >= self._input.config.lost_after_s:
            self._is_away = True
            self._input.failed(f"local broker {info.broker}: {info.last_error or 'not connected'}")

    def _message(self, topic: str, payload: bytes) -> None:
        try:
            self._input.read(self.contact_of(payload))
        except FieldError as exc:
            self._input.failed(f"{topic}: {exc}")

    def contact_of(self, payload: bytes) -> bool:
        """What a message says of the contact.

        Raises:
            FieldError: none of the words for on and off.
        """
        text = payload.decode("utf-8", "replace").strip()
        if self._mqtt.key is not None:
            text = _value_of(text, self._mqtt.key)
        word = text.lower()
        if word in self._on:
            return True
        if word in self._off:
            return False
        words = ", ".join((*self._mqtt.on, *self._mqtt.off))
        msg = f"expected one of {words}, but got {text[:_SHOWN]!r}"
        raise FieldError(msg)


class ModbusReader:
    """The thread that reads an input's discrete input all the time.

    Args:
        target: the input.
        modbus: where it is.
    """

    def __init__(self, target: AlarmInput, modbus: InputModbus) -> None:
        self._input = target
        self._poll_s = modbus.poll_s
        self._pause_s = max(modbus.poll_s, 0.5)
        self._point = ModbusPoint(modbus)
        self._stop = threading.Event()
        name = f"input-{target.config.id}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)
        self._point.close()

    def _run(self) -> None:
        pause_s = 0.0
        while not self._stop.wait(pause_s):
            try:
                self._input.read(self._point.read_input())
                pause_s = self._poll_s
            except FieldError as exc:
                self._input.failed(str(exc))
                pause_s = self._pause_s
            except Exception as exc:  # the input must be read again, whatever a library did
                _log.exception("alarm input %s: unexpected fault", self._input.config.id)
                self._input.failed(f"{type(exc).__name__}: {exc}")
                pause_s = self._pause_s


def _value_of(text: str, key: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        msg = f"expected a JSON object with the key {key!r}, but got {text[:_SHOWN]!r}"
        raise FieldError(msg) from exc
    if not isinstance(value, dict) or key not in value:
        msg = f"expected a JSON object with the key {key!r}, but got {text[:_SHOWN]!r}"
        raise FieldError(msg)
    return json.dumps(value[key]).strip('"')
