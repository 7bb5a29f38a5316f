"""What is wrong with the box at present, and the remedy, for the technician who fixes it.

An alarm says the same three times, at three lengths, so that each place takes what it needs:

    text      the cloud's health message, systemd's status line, the headline of the status page
    detail    the log, when the alarm begins; the status page; `lotsight diagnose`
    remedy    the status page
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from edge_app.redaction import mask_secrets

_log = logging.getLogger(__name__)


class AlarmKind(StrEnum):
    """Which part of the box it is about; first what may harm people, then what costs most bays."""

    BARRIER = "barrier"
    ALARM_INPUT = "alarm_input"
    DISK = "disk"
    MODEL = "model"
    LAYOUT = "layout"
    OVERLOADED = "overloaded"
    CAMERA = "camera"
    COUNTING = "counting"
    CALIBRATION = "calibration"
    LOCAL_BROKER = "local_broker"
    SENSOR = "sensor"
    SOURCES = "sources"
    GATE = "gate"
    SIGN = "sign"
    BROKER = "broker"
    LINK = "link"
    CERTIFICATE = "certificate"
    ROLLOUT = "rollout"
    SOFTWARE = "software"
    HTTP = "http"
    EYE = "eye"
    AUDIT = "audit"
    HARVEST = "harvest"


_ORDER = {kind: place for place, kind in enumerate(AlarmKind)}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is wrong.

    Attributes:
        kind: the part that it is about.
        text: what is wrong, in a few words, without figures that change; names its camera.
        detail: what was found: path, figures, what was expected and what came.
        remedy: what to do next, in one or two sentences.
        camera: whose; None when it is about the whole box.
        fault: which fault of its kind, in one word, where a kind has several; alarms of one kind
            and fault have the same remedy.
        in_editor: whether the calibration editor is the place to fix it.
        device: which barrier, sign, input or gate; None when it is about none.
    """

    kind: AlarmKind
    text: str
    detail: str = ""
    remedy: str = ""
    camera: str | None = None
    fault: str = ""
    in_editor: bool = False
    device: str | None = None

    @property
    def name(self) -> str:
        """Its identity: two alarms of one name are the same one, raised again."""
        return alarm_name(self.kind, self.camera or self.device)

    @property
    def line(self) -> str:
        """Text and detail in one line."""
        return f"{self.text}: {self.detail}" if self.detail else self.text


def alarm_name(kind: AlarmKind, whose: str | None = None) -> str:
    """`disk`, or `camera-north`."""
    return str(kind) if whose is None else f"{kind}-{whose}"


def by_importance(alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
    """The most important first; the same faults together, cameras in the order of their names."""
    return tuple(
        sorted(
            alarms,
            key=lambda each: (_ORDER[each.kind], each.fault, each.camera or each.device or ""),
        )
    )


class Alarms:
    """Standing alarms; each is logged when it begins, when its text changes, and when it ends.

    Details may change all the time (how far the view has moved), so they alone are no news.
    Thread-safe.
    """

    def __init__(self) -> None:
        self._standing: dict[str, Alarm] = {}
        self._lock = threading.Lock()

    def set(self, alarm: Alarm) -> None:
        """Raise an alarm, or update one of the same name."""
        alarm = replace(alarm, text=mask_secrets(alarm.text), detail=mask_secrets(alarm.detail))
        with self._lock:
            before = self._standing.get(alarm.name)
            self._standing[alarm.name] = alarm
        if before is None or before.text != alarm.text:
            _log.error("alarm %s: %s", alarm.name, alarm.line)

    def clear(self, kind: AlarmKind, whose: str | None = None) -> None:
        """End an alarm, of a camera or device if it has one; nothing happens when there is none."""
        name = alarm_name(kind, whose)
        with self._lock:
            if self._standing.pop(name, None) is None:
                return
        _log.info("alarm %s cleared", name)

    def standing(self) -> tuple[Alarm, ...]:
        """All alarms, the most important first."""
        with self._lock:
            return by_importance(self._standing.values())
