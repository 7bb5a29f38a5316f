"""What the pages and metrics ask of the box, beside the live state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from edge_app.alarms import Alarm
from edge_app.harvest.counters import HarvestStats
from edge_app.outputs import OutputsReport
from edge_app.sensing import SensingReport
from telemetry.health import CameraAudit
from telemetry.messages import Blocked
from telemetry.vocabulary import BlockKind


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The network in use.

    Attributes:
        name: of the network.
        version: of the network.
        sha256: of its file.
        method: how it judges.
        tuning: why it was chosen, where it was measured on this machine.
    """

    name: str
    version: str
    sha256: str
    method: str
    tuning: str | None = None


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """The link to the broker.

    Attributes:
        connected: whether the broker is there.
        protocol: MQTT version spoken; None while disconnected.
        broker: host and port, without secrets.
        last_error: why the last connection ended; None while connected.
        sent: events sent since the start.
        refused: of these, refused by the broker.
    """

    connected: bool
    protocol: str | None
    broker: str
    last_error: str | None
    sent: int
    refused: int


@dataclass(frozen=True, slots=True)
class OutboxFacts:
    """What waits to be delivered.

    Attributes:
        rows: events waiting.
        size_bytes: of these.
        oldest_age_s: age of the oldest.
        quarantined: events that the broker refused.
        evicted: events discarded, ever.
        degraded: whether the store cannot be written.
    """

    rows: int
    size_bytes: int
    oldest_age_s: float
    quarantined: int
    evicted: int
    degraded: bool


@dataclass(frozen=True, slots=True)
class BoxReport:
    """The box at a moment.

    Attributes:
        site: operator's place.
        edge: this box.
        version: of lotsight.
        started_utc: when the service started.
        uptime_s: seconds since then, by the monotonic clock.
        now_utc: the box's wall time.
        model: the network in use; None while there is none.
        link: the link to the broker; None when none is configured.
        outbox: what waits.
        alarms: standing alarms.
        closed_bays: ids of bays that are closed.
        blocked_bays: bays that no vehicle can use, and why.
        by_eye: bays of each camera that a person should judge.
        disk_free_bytes: of the state folder; None when unknown.
        memory_bytes: of the service; None when unknown.
        temperature_c: warmest sensor; None when unknown.
        audits: how often each camera's states are right, for those that were looked at again.
        harvest: kept frames; None while the harvest is disabled.
        sensing: sensors and gates.
        outputs: alarm inputs, barriers and signs.
    """

    site: str
    edge: str
    version: str
    started_utc: datetime
    uptime_s: float
    now_utc: datetime
    model: ModelFacts | None
    link: LinkFacts | None
    outbox: OutboxFacts
    alarms: tuple[Alarm, ...]
    closed_bays: frozenset[str] = frozenset()
    blocked_bays: Mapping[str, Blocked] = field(default_factory=dict)
    by_eye: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    disk_free_bytes: int | None = None
    memory_bytes: int | None = None
    temperature_c: float | None = None
    audits: Mapping[str, CameraAudit] = field(default_factory=dict)
    harvest: HarvestStats | None = None
    sensing: SensingReport = field(default_factory=SensingReport)
    outputs: OutputsReport = field(default_factory=OutputsReport)


class Box(Protocol):
    """The box as HTTP sees it; called from several threads."""

    def report(self) -> BoxReport:
        """How the box does now; cheap enough to be asked once a second."""
        ...

    def judge_silent_s(self) -> float:
        """How long the thread that judges has been at what it does now, seconds."""
        ...


class BayDoor(Protocol):
    """What takes a person's word on a bay; called from several threads."""

    def confirm(self, bay: str, occ: bool) -> None:
        """Take whether a vehicle is in it; raises ConfigError for a bay of no camera."""
        ...

    def block(self, bay: str, kind: BlockKind | None) -> None:
        """Take what blocks it; raises StoreError for a bay that the layout does not hold."""
        ...


class DeviceIntake(Protocol):
    """What takes messages of the lot's devices over HTTP; called from several threads."""

    def intake(self, kind: str, place: str, body: bytes) -> int:
        """Take a message of sensors or gates; gives how many readings; raises SensorError."""
        ...

    def told(self, input_id: str, contact: bool) -> None:
        """Take the contact of an alarm input; raises FieldError."""
        ...

    def set_count(self, lot: str, level: str | None, count: int) -> None:
        """Set the count of a lot by hand; raises SensorError."""
        ...
