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
    Variable("health.silent_s", _D, "since it was last heard of, while the service listened"),
    Variable("health.heard", _S, "when it was last heard of, UTC: 2026-11-30 18:05:00"),
    Variable("health.said", _S, "why it went, if it said so: shutdown, moved, ..."),
    Variable("health.bays", _I, "bays of its layout"),
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
_CAMERA = (
    Variable("camera.site", _S, "site"),
    Variable("camera.edge", _S, "edge box"),
    Variable("camera.camera", _S, "camera"),
    Variable("camera.bays", _I, "bays that it sees"),
    Variable("camera.known", _I, "of these known to be free or occupied"),
    Variable("camera.blind", _B, "none of its bays is known"),
    Variable("camera.blind_s", _D, "for so long; not a number if one is known"),
    Variable("camera.since", _S, "since when, UTC: 2026-11-30 18:05:00"),
    Variable("camera.reason", _S, "why: camera_lost, frozen, blind, dark, view_moved, ..."),
    Variable("camera.stale", _B, "its edge box is not heard of"),
)
_SENSOR = (
    Variable("sensor.site", _S, "site"),
    Variable("sensor.device", _S, "sensor"),
    Variable("sensor.lot", _S, "lot; empty if it is in none"),
    Variable("sensor.bay", _S, "bay; empty if it is at none"),
    Variable("sensor.silent", _B, "it should have been heard of"),
    Variable("sensor.silent_s", _D, "since it was last heard of, while the service listened"),
    Variable("sensor.due_s", _D, "so long may it be silent"),
    Variable("sensor.heard", _S, "when it was last heard of, UTC: 2026-11-30 18:05"),
    Variable("sensor.battery_low", _B, "its battery is low"),
    Variable("sensor.battery", _S, "what is left of it: 12 %, 3.1 V"),
    Variable("sensor.battery_pct", _D, "what is left of it, %"),
    Variable("sensor.battery_v", _D, "its voltage"),
    Variable("sensor.doubted", _B, "another source found it wrong of late"),
    Variable("sensor.suspicion", _D, "how much speaks for it being bad; 5 is enough to see to it"),
    Variable("sensor.wrong_share", _D, "of the last day or two, as far as it could be checked"),
)
_GATE = (
    Variable("gate.site", _S, "site"),
    Variable("gate.lot", _S, "lot that it counts"),
    Variable("gate.gate", _S, "gate"),
    Variable("gate.name", _S, "its name for people"),
    Variable("gate.edge", _S, "edge box that it speaks through; empty if it has none"),
    Variable("gate.silent_s", _D, "since it was last heard of, while the service listened"),
    Variable("gate.due_s", _D, "three of its periods; not a number if the registry has none"),
    Variable("gate.heard", _S, "when it was last heard of, UTC: 2026-11-30 18:05:00"),
    Variable("gate.lost", _I, "vehicles that passed with no direction told"),
)
_COUNT = (
    Variable("count.site", _S, "site"),
    Variable("count.lot", _S, "lot"),
    Variable("count.capacity", _I, "vehicles that it can hold"),
    Variable("count.beyond", _I, "vehicles that the balance is below 0 or above the capacity"),
    Variable("count.beyond_side", _S, "above, below"),
    Variable("count.drift", _I, "vehicles that it was off when it was last set to the truth"),
    Variable("count.drift_side", _S, "above, below"),
)
_DIFFERENCE = (
    Variable("difference.site", _S, "site"),
    Variable("difference.lot", _S, "lot"),
    Variable("difference.bay", _S, "bay"),
    Variable("difference.for_s", _D, "for so long its sources have differed"),
    Variable("difference.since", _S, "since when, UTC: 2026-11-30 18:05:00"),
)
_INCIDENT = (
    Variable("incident.site", _S, "site"),
    Variable("incident.lot", _S, "lot; empty until it is known"),
    Variable("incident.edge", _S, "edge box"),
    Variable("incident.camera", _S, "camera"),
    Variable("incident.kind", _S, "outside_bay, double_parking, straddling, overstay, wrong_use"),
    Variable("incident.phrase", _S, "the kind for people: Double parking"),
    Variable("incident.bays", _S, "bays, by commas; empty if it is at none"),
    Variable("incident.area", _S, "area; empty if it is in none"),
    Variable("incident.vehicle", _S, "car, truck, ...; vehicle if not known"),
    Variable("incident.confidence", _D, "0 to 1"),
    Variable("incident.stood_s", _D, "for so long the vehicle has stood there"),
    Variable("incident.limit_s", _D, "that it passed; not a number if there is none"),
    Variable("incident.began", _S, "since when, UTC: 2026-11-30 18:05:00"),
    Variable("incident.stale", _B, "its edge box is not heard of: this is its last report"),
)
_FAULT = (
    Variable("fault.site", _S, "site"),
    Variable("fault.edge", _S, "edge box"),
    Variable("fault.kind", _S, "wrong_site, not_registered, lot_disputed, flooding"),
    Variable("fault.detail", _S, "the other site, or the lot"),
    Variable("fault.times", _I, "how often it was seen"),
    Variable("fault.ago_s", _D, "since it was last seen"),
)
_LOSS = (
    Variable("loss.site", _S, "site"),
    Variable("loss.edge", _S, "edge box"),
    Variable("loss.epoch", _I, "epoch of its stream"),
    Variable("loss.first", _I, "first number of the stream that is lost"),
    Variable("loss.last", _I, "last one"),
    Variable("loss.reason", _S, "why"),
)
VARIABLES: dict[Trigger, tuple[Variable, ...]] = {
    Trigger.EVENT: (*_EVENT, *_LOT, *_NOW),
    Trigger.LOT: (*_LOT, *_NOW),
    Trigger.EDGE: (*_HEALTH, *_NOW),
    Trigger.ALERT: (*_ALERT, *_NOW),
    Trigger.CAMERA: (*_CAMERA, *_NOW),
    Trigger.SENSOR: (*_SENSOR, *_NOW),
    Trigger.GATE: (*_GATE, *_NOW),
    Trigger.COUNT: (*_COUNT, *_NOW),
    Trigger.DIFFERENCE: (*_DIFFERENCE, *_NOW),
    Trigger.INCIDENT: (*_INCIDENT, *_NOW),
    Trigger.FAULT: (*_FAULT, *_NOW),
    Trigger.LOSS: (*_LOSS, *_NOW),
}
"""By trigger, what there is to name."""


def names(trigger: Trigger) -> Iterator[str]:
    """The names that a trigger has."""
    return (each.name for each in VARIABLES[trigger])


def nothing(trigger: Trigger) -> dict[str, Any]:
    """Values that say nothing, for all names of a trigger."""
    return {each.name: NOTHING[each.type] for each in VARIABLES[trigger]}
