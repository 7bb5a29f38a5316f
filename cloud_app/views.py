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
    """Why what is known of an edge's bays may no longer hold."""

    OFFLINE = "offline"
    SILENT = "silent"


class Counts(_View):
    """Bays by what can be said of them now: each bay counts once, and all add up to `bays`."""

    bays: int = 0
    occupied: int = 0
    free: int = 0
    unknown: int = Field(default=0, description="the edge cannot tell")
    stale: int = Field(default=0, description="the edge is away: neither free nor occupied")
    closed: int = Field(default=0, description="taken out of service")
    blocked: int = Field(
        default=0, description="of the free ones those that no vehicle can use: never available"
    )
    capacity: int = Field(
        default=0, description="bays that drivers may take when free: open and not reserved"
    )
    available: int = Field(default=0, description="of these the ones that are known to be free now")

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
    """A site: the sum of its lots."""

    site: str
    lots: tuple[str, ...]
    counts: Counts
    occupancy: float | None


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
    blocked: str | None = Field(
        default=None, description="why no vehicle can use it: neighbour, obstacle or snow"
    )
    reason: str | None
    conf: float | None
    since: datetime | None
    stale: bool = Field(description="the edge is away: this is what it last said")

    reconciled: bool = Field(
        default=False, description="made of several sources here: see the bay's `sources`"
    )

    @computed_field(  # type: ignore[prop-decorator]
        description="a driver may take it: known to be free, open, not blocked, not reserved"
    )
    @property
    def available(self) -> bool:
        """Free, known, not closed, not blocked, not reserved."""
        is_free = self.state is Occupancy.FREE and not self.stale
        is_usable = not self.closed and self.blocked is None
        return is_free and is_usable and self.kind not in KEPT_KINDS


class Availability(_View):
    """What a driver may take of one kind of bay, all on one basis: open bays that are not kept."""

    kind: BayKind
    capacity: int = Field(description="bays that may be taken when free")
    available: int = Field(description="of these the ones that are known to be free now")
    occupied: int
    unknown: int = Field(description="the edge cannot tell, or is away: never free")


class Stay(_View):
    """A span over which a bay's occupancy did not change."""

    state: Occupancy
    reason: str | None
    start: datetime
    end: datetime | None = Field(description="null: it lasts")
    dwell_s: float | None = Field(description="null while it lasts")
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
    end: datetime | None = Field(description="null: it lasts")
    dwell_s: float | None = Field(description="null while it lasts")
    watched: bool = Field(
        description="false: the bay was unknown for a while, so it may have been two vehicles"
    )


class DwellGroup(_View):
    """Stays of a zone, of a kind of bay, or of all."""

    name: str
    count: int = Field(description="stays that ended in the span")
    lasting: int = Field(description="stays that last")
    mean_s: float | None
    median_s: float | None
    p90_s: float | None = Field(description="nine of ten stays were no longer")
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
    """A vehicle that stands, or stood, as it should not."""

    edge: str
    incident: str
    site: str
    lot: str | None = Field(description="null while the edge's layout is not known")
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
    ended: datetime | None = Field(description="null: it lasts")
    end: str | None = Field(description="left, config, restart, or not_told")
    stale: bool = Field(description="the edge is away: this is what it last said")


class SeriesPoint(_View):
    """Means over one step of time."""

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
    """How complete an edge's stream is."""

    epoch: int
    upto: int = Field(description="complete up to this number")
    top: int = Field(description="reaches up to this number")
    lost: int = Field(description="events that will never come, as recorded gaps say")


class EdgeNow(_View):
    """An edge box."""

    edge: str
    site: str
    online: bool
    stale: bool
    stale_reason: StaleReason | None
    last_seen: datetime | None = Field(description="null: never, or of no box but the cloud itself")
    since: datetime | None = Field(description="of the present connection, or of the good-bye")
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
        description="what it ever did that it should not: wrong_site, flooding, lot_disputed",
    )


class GapItem(_View):
    """Events that will never come."""

    edge: str
    epoch: int
    first: int
    last: int
    reason: str


class AlertItem(_View):
    """Something somebody should know."""

    id: int = Field(description="stays the same, and is given to no other alert")
    rule: str
    site: str
    subject: str
    text: str
    severity: Severity
    state: AlertState
    opened: datetime
    closed: datetime | None
    closed_by: str | None = Field(description="null: nobody, or the condition ceased")
    lasts: bool = Field(
        description="its condition still holds; if closed, it does not open again before it ceases"
    )
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    assignee: str | None = Field(description="e-mail address of who is to see to it")
    silenced_until: datetime | None = Field(description="nothing is sent before; may be past")
    comments: int
    escalated_at: datetime | None
    delivered: bool = Field(description="somebody was notified, or the service's log has it")
    version: int = Field(description="counts changes; If-Match names it")


class AlertLogEntry(_View):
    """Something that happened to an alert."""

    at: datetime
    actor: str | None = Field(description="null: the service itself")
    action: str = Field(
        description="opened, acknowledged, assigned, silenced, unsilenced, commented, notified, "
        "escalated, not_notified, closed, ceased"
    )
    text: str | None = Field(description="the comment; who was notified, or why nobody was")
    until: datetime | None
    assignee: str | None


class AlertDetail(AlertItem):
    """An alert and what happened to it."""

    log: list[AlertLogEntry] = Field(description="the oldest first; of a long one the newest 1,000")


class HealthPoint(_View):
    """An edge's figures at one time."""

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
    every_s: int = Field(description="so often a point is kept; edges tell more often")
    kept_days: int = Field(description="older points are gone")
    points: tuple[HealthPoint, ...] = Field(description="oldest first")
