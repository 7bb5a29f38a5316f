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
    SUBJECT = "subject"
    """Of an alert."""


class Change(StrEnum):
    """What happens to a rule at one key."""

    FIRED = "fired"
    ENDED = "ended"


KEYS: Mapping[Trigger, tuple[Key, ...]] = {
    Trigger.EVENT: (Key.BAY, Key.LOT, Key.EDGE, Key.SITE),
    Trigger.LOT: (Key.LOT,),
    Trigger.EDGE: (Key.EDGE,),
    Trigger.ALERT: (Key.SUBJECT, Key.SITE),
}
"""The keys that each trigger has, the usual one first."""

WINDOWS: Mapping[Trigger, tuple[WindowKind, ...]] = {
    Trigger.EVENT: tuple(WindowKind),
    Trigger.LOT: (WindowKind.NONE, WindowKind.FOR),
    Trigger.EDGE: (WindowKind.NONE, WindowKind.FOR),
    # An alert opens once: nothing tells that it does not hold any more.
    Trigger.ALERT: (WindowKind.NONE, WindowKind.RATE),
}
"""The windows that make sense with each trigger."""
