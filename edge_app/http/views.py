"""What a reader of the box's API sees. Times are UTC, durations seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from edge_app.alarms import Alarm
from edge_app.harvest.counters import HarvestStats
from edge_app.live_state import CameraCondition
from edge_app.outputs import OutputsReport
from edge_app.report import LinkFacts, ModelFacts, OutboxFacts
from edge_app.sensing import SensingReport, WordReport
from telemetry import BayKind, Blocked, Cause, IncidentKind, UnknownReason
from telemetry.health import CameraAudit


class _View(BaseModel):
    # "model" is the field's word for a network here; pydantic keeps `model_` for itself.
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class Occupancy(StrEnum):
    """What is known of a bay."""

    FREE = "free"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, occ: bool | None) -> Occupancy:
        """As a state says it: None is unknown."""
        if occ is None:
            return cls.UNKNOWN
        return cls.OCCUPIED if occ else cls.FREE


class LiveHealth(_View):
    """Whether the process is at work."""

    status: str = Field(description="`live` or `stuck`")


class ReadyHealth(_View):
    """Whether the box does its work."""

    ready: bool
    reasons: tuple[str, ...] | None = Field(
        default=None, description="reasons, one per line; only when logged in"
    )


class Counts(_View):
    """Bays by state."""

    free: int
    occupied: int
    unknown: int
    total: int


class BayView(_View):
    """A bay and its state."""

    id: str
    camera: str
    state: Occupancy
    occupied: bool | None = Field(description="null: unknown")
    reason: UnknownReason | None = Field(description="reason why it is unknown")
    confidence: float
    since: datetime
    closed: bool = Field(description="taken out of service; independent of the state")
    blocked: Blocked | None = Field(
        description="why no vehicle can use it; independent of the state"
    )
    kind: BayKind | None
    zone: str | None
    polygon: tuple[tuple[float, float], ...] = Field(
        description="corners as fractions of the image"
    )


class BayList(_View):
    """Counts of all bays, and the requested bays."""

    counts: Counts
    bays: tuple[BayView, ...]


class ChangeView(_View):
    """A change of a bay's state."""

    bay: str
    camera: str
    state: Occupancy
    occupied: bool | None
    reason: UnknownReason | None
    confidence: float
    cause: Cause
    since: datetime
    at: datetime = Field(description="when it was decided")


class ChangeList(_View):
    """The last changes, newest first."""

    events: tuple[ChangeView, ...]


class VehicleView(_View):
    """A vehicle whose footprint meets a bay."""

    overlap: float
    confidence: float
    box: tuple[float, float, float, float] = Field(description="x1, y1, x2, y2 in pixels")


class FrameEvidence(_View):
    """What the last frame showed of a bay."""

    number: int | None
    captured: datetime | None
    probability: float | None = Field(description="of a vehicle in it; null: it was not judged")
    vehicles: tuple[VehicleView, ...] = Field(description="largest overlap first")
    condition: CameraCondition
    shift_px: float | None


class BayEvidence(BayView):
    """Why a bay has the state it has."""

    frame: FrameEvidence
    model: ModelFacts | None
    calibration_revision: int | None
    picture: str = Field(description="path of the bay's image")
    events: tuple[ChangeView, ...] = Field(description="its last changes, newest first")
    explanation: str = Field(description="the evidence in a sentence or two")
    sources: tuple[WordReport, ...] = Field(
        description="what each source says, where a sensor watches the bay; and which was believed"
    )


class CameraView(_View):
    """A camera and how it does."""

    id: str
    lot: str | None
    condition: CameraCondition
    detail: str = Field(description="for a technician; empty if there is no fault")
    frames: int = Field(description="decoded since startup")
    judged: int
    dropped: int = Field(description="replaced by a newer one before they were judged")
    gated: int = Field(description="not judged, since nothing had changed")
    broken: int = Field(description="incomplete frames, discarded")
    restarts: int
    fps: float = Field(description="judged per second, recent average")
    infer_ms: float
    last_frame_utc: datetime | None
    shift_px: float | None = Field(description="how far the view has moved; null: unknown")
    image_wh: tuple[int, int] | None
    calibration_revision: int | None
    bays: int
    occupied: int
    free: int
    unknown: int


class CameraList(_View):
    """All cameras."""

    cameras: tuple[CameraView, ...]


class IncidentView(_View):
    """A vehicle that stands as it should not."""

    id: str
    kind: IncidentKind
    camera: str
    bays: tuple[str, ...] = Field(description="most affected first")
    area: str | None
    vehicle: str | None = Field(description="class of the vehicle")
    confidence: float
    box: tuple[float, float, float, float] | None = Field(
        description="x1, y1, x2, y2 as fractions of the image"
    )
    began: datetime
    last_seen: datetime
    stood_s: float
    limit_s: float | None = Field(description="the limit that was exceeded, for overstay")


class IncidentList(_View):
    """The incidents that last, oldest first."""

    incidents: tuple[IncidentView, ...]


class LaneView(_View):
    """A counted line and what passed over it."""

    gate: str
    camera: str
    lot: str
    level: str | None
    today_in: int = Field(description="since midnight, in the box's own time zone")
    today_out: int
    total_in: int = Field(description="running total, never set back")
    total_out: int
    rate_hz: float = Field(description="pictures per second that are counted, lately")
    wanted_hz: float
    fault: str = Field(description="why nothing is counted; empty while all is well")


class BoxView(_View):
    """The box, its cameras and its bays in figures; the event stream's `status`."""

    site: str
    edge: str
    version: str
    started_utc: datetime
    uptime_s: float
    now_utc: datetime
    model: ModelFacts | None = Field(description="the network in use")
    link: LinkFacts | None = Field(description="to the broker; null: none is configured")
    outbox: OutboxFacts
    alarms: tuple[Alarm, ...] = Field(description="most important first")
    starting: tuple[str, ...] = Field(description="cameras that are still starting")
    bays: Counts
    closed_bays: tuple[str, ...]
    by_eye: Mapping[str, tuple[str, ...]] = Field(
        description="by camera: bays that a person should judge, see `bays/{bay}/confirm`"
    )
    blocked_bays: Mapping[str, Blocked] = Field(description="bays that no vehicle can use, and why")
    cameras: tuple[CameraView, ...]
    incidents: tuple[IncidentView, ...]
    lanes: tuple[LaneView, ...] = Field(description="counted lines")
    audits: Mapping[str, CameraAudit] = Field(description="by camera")
    harvest: HarvestStats | None = Field(description="null: disabled")
    sensing: SensingReport = Field(description="bay sensors, gates and counted lots")
    outputs: OutputsReport = Field(description="alarm inputs, barriers and signs")
    disk_free_bytes: int | None
    memory_bytes: int | None
    temperature_c: float | None


class StatusView(BoxView):
    """The box, and what the asking page may do."""

    editor: bool = Field(description="the calibration editor is available")
    login: bool = Field(description="a password is required")
    csrf: str | None = Field(description="CSRF token that changes in this session must send")
