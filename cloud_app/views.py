"""What a reader of the API sees. Times are UTC, durations seconds."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, computed_field

from cloud_app.alert_words import AlertState, Severity
from telemetry.messages import Location, Occupancy
from telemetry.vocabulary import BayKind, IncidentKind

KEPT_KINDS = frozenset({BayKind.RESERVED})
"""Kinds of bays that are kept for somebody: they are never available."""


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class StaleReason(StrEnum):
    """Why the state of an edge's bays may be out of date."""

    OFFLINE = "offline"
    SILENT = "silent"


class Counts(_View):
    """Bays by state; each bay is counted once, and the states add up to `bays`."""

    bays: int = 0
    occupied: int = 0
    free: int = 0
    unknown: int = Field(default=0, description="state unknown")
    stale: int = Field(default=0, description="the edge is unreachable: neither free nor occupied")
    closed: int = Field(default=0, description="taken out of service")
    capacity: int = Field(
        default=0, description="bays that drivers may use when free: open and not reserved"
    )
    available: int = Field(default=0, description="those of them known to be free now")

    @property
    def occupancy(self) -> float | None:
        """Share of the bays known now that are occupied."""
        known = self.occupied + self.free
        return self.occupied / known if known else None

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            **{name: getattr(self, name) + getattr(other, name) for name in Counts.model_fields}
        )


class LotNow(_View):
    """A lot and how full it is."""

    site: str
    lot: str
    name: str | None
    levels: tuple[str, ...]
    location: Location | None
    counts: Counts
    occupancy: float | None = Field(description="occupied / (occupied + free), or null")


class SiteNow(_View):
    """A site with the totals of its lots."""

    site: str
    lots: tuple[str, ...]
    counts: Counts
    occupancy: float | None
    time_zone: str | None


class BayNow(_View):
    """A bay's latest state."""

    site: str
    lot: str
    zone: str | None
    level: str | None
    edge: str
    bay: str
    camera: str
    kind: str
    angle: str
    state: Occupancy
    closed: bool
    reason: str | None
    conf: float | None
    since: datetime | None
    stale: bool = Field(description="the edge is unreachable: this is its last report")

    reconciled: bool = Field(
        default=False, description="reconciled from several sources; see the bay's `sources`"
    )

    @computed_field(description="available to drivers: known to be free, open and not reserved")  # type: ignore[prop-decorator]
    @property
    def available(self) -> bool:
        """Free, known, not closed, not reserved."""
        is_free = self.state is Occupancy.FREE and not self.stale
        return is_free and not self.closed and self.kind not in KEPT_KINDS


class Availability(_View):
    """Availability of one kind of bay. Both figures count open, unreserved bays only."""

    kind: BayKind
    capacity: int = Field(description="bays that drivers may use when free")
    available: int = Field(description="those of them known to be free now")
    occupied: int
    unknown: int = Field(
        description="state unknown, or the edge is unreachable; never counted as free"
    )


class Stay(_View):
    """A period in which a bay's occupancy did not change."""

    state: Occupancy
    reason: str | None
    start: datetime
    end: datetime | None = Field(description="null: ongoing")
    dwell_s: float | None = Field(description="null while ongoing")
    certain: bool = Field(description="false: events are missing between its start and its end")
    cause: str
    conf: float
    closed: bool
    model: str | None = Field(description="name and version of the network that judged")
    calibration: int


class ParkedStay(_View):
    """A vehicle's stay in a bay."""

    edge: str
    bay: str
    zone: str | None
    kind: str
    start: datetime
    end: datetime | None = Field(description="null: ongoing")
    dwell_s: float | None = Field(description="null while ongoing")
    watched: bool = Field(
        description="false: the bay was unknown in between, so it may have been two vehicles"
    )


class DwellGroup(_View):
    """Stays in a zone, in a kind of bay, or in all bays."""

    name: str
    count: int = Field(description="stays that ended in the period")
    lasting: int = Field(description="stays still in progress")
    mean_s: float | None
    median_s: float | None
    p90_s: float | None = Field(description="90th percentile")
    longest_s: float | None


class DwellSummary(_View):
    """How long vehicles stay in a lot."""

    start: datetime
    end: datetime
    bays: int
    turnover_per_day: float | None = Field(description="stays that ended, per bay and day")
    all: DwellGroup
    zones: tuple[DwellGroup, ...]
    kinds: tuple[DwellGroup, ...]


class IncidentItem(_View):
    """A vehicle that is, or was, parked in violation of a rule."""

    edge: str
    incident: str
    site: str
    lot: str | None = Field(description="null until the edge's layout is known")
    camera: str
    kind: IncidentKind
    bays: tuple[str, ...]
    area: str | None
    vehicle: str | None
    conf: float
    box: tuple[float, ...] | None = Field(description="x_min, y_min, x_max, y_max, fractions")
    began: datetime
    last_seen: datetime
    stood_s: float
    limit_s: float | None
    ended: datetime | None = Field(description="null: ongoing")
    end: str | None = Field(description="left, config, restart, or not_told")
    stale: bool = Field(description="the edge is unreachable: this is its last report")


class SeriesPoint(_View):
    """Means over one time step."""

    start: datetime
    occupied: float
    free: float
    unknown: float
    occupancy: float | None


class EventItem(_View):
    """An event of the stream."""

    id: str
    site: str
    edge: str
    kind: str
    bay: str | None
    time: datetime
    state: Occupancy | None
    reason: str | None
    cause: str | None
    conf: float | None


class StreamNow(_View):
    """Completeness of an edge's event stream."""

    epoch: int
    upto: int = Field(description="complete up to this number")
    top: int = Field(description="highest known number")
    lost: int = Field(description="permanently lost events, according to recorded gaps")


class EdgeNow(_View):
    """An edge box."""

    edge: str
    site: str
    online: bool
    stale: bool
    stale_reason: StaleReason | None
    last_seen: datetime | None = Field(description="null: never, or the cloud itself")
    since: datetime | None = Field(description="of the current connection, or of the disconnect")
    offline_reason: str | None
    software: str | None
    platform: str | None
    cameras: tuple[str, ...]
    layout: str | None
    bays: int
    stream: StreamNow | None
    health: dict[str, Any] | None = Field(description="the contract's health message")
    faults: tuple[str, ...] = Field(
        default=(),
        description="faults ever seen: wrong_site, flooding, lot_disputed",
    )


class GapItem(_View):
    """Events that are permanently missing."""

    edge: str
    epoch: int
    first: int
    last: int
    reason: str


class AlertItem(_View):
    """A condition that needs attention."""

    id: int = Field(description="stable and never reused")
    rule: str
    site: str
    subject: str
    text: str
    severity: Severity
    state: AlertState
    opened: datetime
    closed: datetime | None
    closed_by: str | None = Field(description="null: nobody, or the condition cleared by itself")
    lasts: bool = Field(
        description="the condition is active; a closed alert does not reopen until it has cleared"
    )
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    assignee: str | None = Field(description="e-mail address of the person responsible")
    silenced_until: datetime | None = Field(
        description="no notifications before this time; may be in the past"
    )
    comments: int
    escalated_at: datetime | None
    delivered: bool = Field(description="a notification was sent, or the alert was logged")
    version: int = Field(description="increases with every change; send it as If-Match")


class AlertLogEntry(_View):
    """One entry of an alert's log."""

    at: datetime
    actor: str | None = Field(description="null: the system")
    action: str = Field(
        description="opened, acknowledged, assigned, silenced, unsilenced, commented, notified, "
        "escalated, not_notified, closed, ceased"
    )
    text: str | None = Field(
        description="the comment, who was notified, or why the notification failed"
    )
    until: datetime | None
    assignee: str | None


class AlertDetail(AlertItem):
    """An alert and its log."""

    log: list[AlertLogEntry] = Field(description="oldest first; at most the newest 1,000 entries")


class HealthPoint(_View):
    """An edge's metrics at one time."""

    at: datetime
    uptime_s: float
    outbox_rows: int
    outbox_age_s: float = Field(description="of the oldest row")
    cameras: int
    cameras_up: int
    fps: float | None = Field(description="of the slowest camera")
    latency_p95_ms: float | None = Field(description="of the slowest camera")
    disk_free_bytes: int | None
    memory_bytes: int | None
    temperature_c: float | None
    alarms: int


class EdgeHealth(_View):
    """An edge's health over time."""

    edge: str
    every_s: int = Field(description="interval of the stored points; edges report more often")
    kept_days: int = Field(description="retention of the points")
    points: tuple[HealthPoint, ...] = Field(description="oldest first")
