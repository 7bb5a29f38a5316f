"""Words of alerts: which rules there are, how grave each is, and the states of an alert's life."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Severity(StrEnum):
    """Severity of an alert."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertState(StrEnum):
    """The state of an alert; if two apply, the later one counts."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"
    CLOSED = "closed"


class AlertRule(StrEnum):
    """The conditions that open alerts."""

    EDGE_OFFLINE = "edge_offline"
    CAMERA_LOST = "camera_lost"
    LOT_FULL = "lot_full"
    INCIDENT = "incident"
    EVENTS_LOST = "events_lost"
    EDGE_WRONG_SITE = "edge_wrong_site"
    EDGE_NOT_REGISTERED = "edge_not_registered"
    EDGE_LOT_DISPUTED = "edge_lot_disputed"
    EDGE_FLOODING = "edge_flooding"
    SENSOR_SILENT = "sensor_silent"
    SENSOR_BATTERY = "sensor_battery"
    GATE_SILENT = "gate_silent"
    COUNT_DRIFT = "count_drift"
    SOURCES_DIFFER = "sources_differ"
    SENSOR_LIES = "sensor_lies"

    @property
    def phrase(self) -> str:
        """A few words for people: `edge offline`."""
        return _PHRASES.get(self, self.value.replace("_", " "))


_PHRASES: Mapping[AlertRule, str] = {
    AlertRule.INCIDENT: "badly parked vehicle",
    AlertRule.EDGE_WRONG_SITE: "edge at the wrong site",
    AlertRule.EDGE_LOT_DISPUTED: "lot described in two ways",
    AlertRule.SENSOR_BATTERY: "battery of a sensor low",
    AlertRule.COUNT_DRIFT: "count of a lot off",
    AlertRule.SENSOR_LIES: "sensor often wrong",
}

SEVERITIES: Mapping[AlertRule, Severity] = {
    # Nothing is known of bays that somebody sells or shows.
    AlertRule.EDGE_OFFLINE: Severity.CRITICAL,
    AlertRule.CAMERA_LOST: Severity.CRITICAL,
    # Business as usual, and worth a sign at the entrance.
    AlertRule.LOT_FULL: Severity.INFO,
    AlertRule.INCIDENT: Severity.WARNING,
    AlertRule.EVENTS_LOST: Severity.WARNING,
    AlertRule.EDGE_WRONG_SITE: Severity.WARNING,
    AlertRule.EDGE_NOT_REGISTERED: Severity.WARNING,
    AlertRule.EDGE_LOT_DISPUTED: Severity.WARNING,
    AlertRule.EDGE_FLOODING: Severity.WARNING,
    AlertRule.SENSOR_SILENT: Severity.WARNING,
    # Weeks are left to change it.
    AlertRule.SENSOR_BATTERY: Severity.INFO,
    # The count of its lot goes on without it, and soon nobody knows it.
    AlertRule.GATE_SILENT: Severity.CRITICAL,
    AlertRule.COUNT_DRIFT: Severity.WARNING,
    # The bay has a state all the same, of the source that is believed more.
    AlertRule.SOURCES_DIFFER: Severity.INFO,
    AlertRule.SENSOR_LIES: Severity.WARNING,
}
"""How grave the alerts of each rule are, unless `[rules.severity]` says otherwise."""
