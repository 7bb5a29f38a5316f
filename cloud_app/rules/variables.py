"""What conditions and texts of rules may name, by trigger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cloud_app.rules.words import Trigger


class VariableType(StrEnum):
    """Types of CEL, as far as variables have them."""

    STRING = "string"
    INT = "int"
    DOUBLE = "double"
    BOOL = "bool"
    MAP = "map"


NAN = float("nan")
"""A figure that is not known: every comparison with it is false."""
NOTHING: dict[VariableType, Any] = {
    VariableType.STRING: "",
    VariableType.INT: 0,
    VariableType.DOUBLE: NAN,
    VariableType.BOOL: False,
    VariableType.MAP: {},
}
"""What a variable is where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One name.

    Attributes:
        name: with its group: `event.state`.
        type: of its values.
        help: what it is, for people.
    """

    name: str
    type: VariableType
    help: str

    @property
    def group(self) -> str:
        """The part before the dot."""
        return self.name.partition(".")[0]


_S, _I, _D, _B, _M = (
    VariableType.STRING,
    VariableType.INT,
    VariableType.DOUBLE,
    VariableType.BOOL,
    VariableType.MAP,
)
_NOW = (
    Variable("now.hour", _I, "0 to 23, in the site's time zone"),
    Variable("now.minute", _I, "0 to 59"),
    Variable("now.weekday", _I, "1 Monday to 7 Sunday"),
    Variable("now.date", _S, "2026-11-30"),
    Variable("now.time", _S, "18:05; compares as text: now.time >= '18:00'"),
)
_EVENT = (
    Variable("event.type", _S, "changed, incident, gate, count, sensor, output, gap, other"),
    Variable("event.site", _S, "site"),
    Variable("event.lot", _S, "lot; empty where the event has none"),
    Variable("event.zone", _S, "zone of the bay"),
    Variable("event.level", _S, "level of the bay"),
    Variable("event.bay", _S, "bay; empty where the event has none"),
    Variable("event.bay_kind", _S, "standard, disabled, ev, ..."),
    Variable("event.edge", _S, "edge box"),
    Variable("event.subject", _S, "what the event is about: bay, incident, gate, sensor"),
    Variable("event.state", _S, "of a bay: free, occupied, unknown"),
    Variable("event.closed", _B, "the bay is out of service"),
    Variable("event.reason", _S, "why the state is unknown; empty if it is known"),
    Variable("event.cause", _S, "what led to a change: detection, startup, ...; kind of incident"),
    Variable("event.confidence", _D, "0 to 1"),
    Variable("event.data", _M, "all of the event's data, as docs/telemetry.md has it"),
)
_LOT = (
    Variable("lot.site", _S, "site"),
    Variable("lot.lot", _S, "lot"),
    Variable("lot.name", _S, "its name for people"),
    Variable("lot.bays", _I, "all bays"),
    Variable("lot.capacity", _I, "bays that drivers may take when free"),
    Variable("lot.occupied", _I, "bays known to be occupied"),
    Variable("lot.free", _I, "bays known to be free"),
    Variable("lot.available", _I, "of the capacity, known to be free"),
    Variable("lot.unknown", _I, "unknown or stale: neither free nor occupied"),
    Variable("lot.closed", _I, "out of service"),
    Variable("lot.share", _D, "occupied of all open bays, 0 to 1; unknown bays count as open"),
)
_HEALTH = (
    Variable("health.site", _S, "site"),
    Variable("health.edge", _S, "edge box"),
    Variable("health.online", _B, "connected, and heard of lately"),
    Variable("health.silent_s", _D, "seconds since it was last heard of"),
    Variable("health.uptime_s", _D, "since it started"),
    Variable("health.outbox_rows", _I, "events that it has not delivered"),
    Variable("health.outbox_age_s", _D, "age of the oldest of these"),
    Variable("health.cameras", _I, "cameras"),
    Variable("health.cameras_up", _I, "cameras that deliver images"),
    Variable("health.fps", _D, "of the slowest camera"),
    Variable("health.latency_p95_ms", _D, "of the slowest camera"),
    Variable("health.disk_free_gb", _D, "free disk space, gigabytes"),
    Variable("health.memory_mb", _D, "memory of the service, megabytes"),
    Variable("health.temperature_c", _D, "of the processor"),
    Variable("health.alarms", _I, "alarms of the box"),
)
_ALERT = (
    Variable("alert.rule", _S, "edge_offline, lot_full, ...; rule:ID of an own rule"),
    Variable("alert.severity", _S, "info, warning, critical"),
    Variable("alert.site", _S, "site"),
    Variable("alert.subject", _S, "what it is about"),
    Variable("alert.text", _S, "its sentence for people"),
)
VARIABLES: dict[Trigger, tuple[Variable, ...]] = {
    Trigger.EVENT: (*_EVENT, *_LOT, *_NOW),
    Trigger.LOT: (*_LOT, *_NOW),
    Trigger.EDGE: (*_HEALTH, *_NOW),
    Trigger.ALERT: (*_ALERT, *_NOW),
}
"""By trigger, what there is to name."""


def names(trigger: Trigger) -> Iterator[str]:
    """The names that a trigger has."""
    return (each.name for each in VARIABLES[trigger])


def nothing(trigger: Trigger) -> dict[str, Any]:
    """Values that say nothing, for all names of a trigger."""
    return {each.name: NOTHING[each.type] for each in VARIABLES[trigger]}
