"""Words of rules: what they look at, how they wait, what they do."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Trigger(StrEnum):
    """What a rule looks at."""

    EVENT = "event"
    """Each event of an edge, in the order of its stream."""
    LOT = "lot"
    """Each lot's counts, every few seconds."""
    EDGE = "edge"
    """Each edge box's health, every few seconds."""
    ALERT = "alert"
    """Each alert that opens."""
    CAMERA = "camera"
    """Each camera, every few seconds."""
    SENSOR = "sensor"
    """Each bay sensor, every few seconds."""
    GATE = "gate"
    """Each gate that counts, every few seconds."""
    COUNT = "count"
    """Each lot that gates count, every few seconds."""
    DIFFERENCE = "difference"
    """Each bay whose sources say different things, every few seconds."""
    INCIDENT = "incident"
    """Each incident that is open, every few seconds."""
    FAULT = "fault"
    """Each fault of what publishes as an edge box, every few seconds."""
    LOSS = "loss"
    """Each range of events that is lost."""

    @property
    def is_state(self) -> bool:
        """Whether what it looks at lasts: then it is looked at every few seconds."""
        return self not in {Trigger.EVENT, Trigger.ALERT, Trigger.LOSS}


class EventKind(StrEnum):
    """Kinds of events, as `event.kind` in the database has them."""

    CHANGED = "changed"
    INCIDENT = "incident"
    GATE = "gate"
    COUNT = "count"
    SENSOR = "sensor"
    OUTPUT = "output"
    GAP = "gap"
    OTHER = "other"


class WindowKind(StrEnum):
    """How a rule waits before it fires."""

    NONE = "none"
    """At once."""
    FOR = "for"
    """When the condition has held for so long."""
    RATE = "rate"
    """When it was met so often within so long."""
    ABSENCE = "absence"
    """When nothing has met it for so long."""


class Key(StrEnum):
    """What a rule keeps apart: each has a window of its own."""

    BAY = "bay"
    LOT = "lot"
    EDGE = "edge"
    SITE = "site"
    CAMERA = "camera"
    SENSOR = "sensor"
    GATE = "gate"
    INCIDENT = "incident"
    SUBJECT = "subject"
    """Of an alert, or of a loss."""


class Change(StrEnum):
    """What happens to a rule at one key."""

    FIRED = "fired"
    ENDED = "ended"


KEYS: Mapping[Trigger, tuple[Key, ...]] = {
    Trigger.EVENT: (Key.BAY, Key.LOT, Key.EDGE, Key.SITE),
    Trigger.LOT: (Key.LOT,),
    Trigger.EDGE: (Key.EDGE,),
    Trigger.ALERT: (Key.SUBJECT, Key.SITE),
    Trigger.CAMERA: (Key.CAMERA,),
    Trigger.SENSOR: (Key.SENSOR,),
    Trigger.GATE: (Key.GATE,),
    Trigger.COUNT: (Key.LOT,),
    Trigger.DIFFERENCE: (Key.BAY,),
    Trigger.INCIDENT: (Key.INCIDENT,),
    Trigger.FAULT: (Key.EDGE,),
    Trigger.LOSS: (Key.SUBJECT,),
}
"""The keys that each trigger has, the usual one first."""

WINDOWS: Mapping[Trigger, tuple[WindowKind, ...]] = {
    **{each: (WindowKind.NONE, WindowKind.FOR) for each in Trigger if each.is_state},
    Trigger.EVENT: tuple(WindowKind),
    Trigger.LOSS: (WindowKind.NONE,),
    # An alert opens once: nothing tells that it does not hold any more.
    Trigger.ALERT: (WindowKind.NONE, WindowKind.RATE),
}
"""The windows that make sense with each trigger."""
