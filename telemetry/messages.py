"""The messages of the contract, as frozen types that check themselves.

A reader ignores fields that it does not know, so a newer box can talk to an older cloud; a writer
can only write what stands here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from telemetry.bounds import (
    MAX_BAYS,
    MAX_CAMERAS,
    MAX_INCIDENTS,
    MAX_LEVELS,
    MAX_NUMBER,
    MAX_RANGES,
    MAX_ZONES,
    Conn,
    Count,
    Epoch,
    LayoutHash,
    Name64,
    Name128,
    PictureOutline,
    Probability,
    Seconds,
    Seq,
    Sha256,
    Text32,
    Text64,
    Text128,
    Text200,
    UtcTime,
    Watermark,
    clamped,
)
from telemetry.payload_checks import checked
from telemetry.vocabulary import (
    BayAngle,
    BayId,
    BayKind,
    BayState,
    BlockKind,
    BlockSource,
    CameraId,
    Cause,
    Identifier,
    LotId,
    UnknownReason,
    ZoneId,
)


class Message(BaseModel):
    """Base of all messages: frozen, unknown fields ignored, no NaN."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    def encode(self) -> bytes:
        """The message as UTF-8 JSON."""
        return self.model_dump_json(by_alias=True).encode()


M = TypeVar("M", bound=BaseModel)


def decode(kind: type[M], payload: bytes, where: str) -> M:
    """Read a message.

    Args:
        kind: the type that is expected.
        payload: UTF-8 JSON.
        where: the topic or file it came from, for the error text.

    Raises:
        TelemetryError: it is not such a message; the text names the field.
    """
    return checked(kind.model_validate_json, payload, where, kind.__name__)


class NetworkIdentity(Protocol):
    """What says which network it is, e.g. `vision.types.NetworkSpec`."""

    @property
    def name(self) -> str: ...  # noqa: D102 - as in `ModelRef`
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def sha256(self) -> str: ...  # noqa: D102


class ModelRef(Message):
    """Which network judged."""

    name: Name128
    version: Name64
    sha256: Sha256

    @classmethod
    def of(cls, network: NetworkIdentity) -> ModelRef:
        """The reference to a network, from what describes it."""
        return cls(name=network.name, version=network.version, sha256=network.sha256)


class ClockStamp(Message):
    """What is known of the box's clock at an event, so that a reader can repair its time."""

    synced: bool | None = Field(description="Whether the kernel reports its clock as synchronised.")
    mono_ms: Count = Field(description="Monotonic milliseconds since boot.")
    boot_id: Text64 = Field(description="Differs after each boot.")


class OfflineReason(StrEnum):
    """Why a box says good-bye."""

    SHUTDOWN = "shutdown"
    UPDATE = "update"
    MOVED = "moved"


class Status(Message):
    """Birth, will and good-bye of a connection; retained, so a late reader learns it too.

    A death counts only if its (epoch, conn) is not older than the last birth's.
    """

    online: bool
    epoch: Epoch
    conn: Conn = Field(description="Increases with each connection of this store.")
    reason: OfflineReason | None = Field(
        default=None, description="Only in a good-bye; a will has none."
    )
    at: UtcTime | None = Field(
        default=None, description="Absent in a will, which is written in advance."
    )
    software: Text64 | None = None
    protocol: Literal["5", "3.1.1"] | None = None
    boot_id: Text64 | None = None
    layout: LayoutHash | None = None
    cameras: Annotated[tuple[CameraId, ...], Field(max_length=MAX_CAMERAS)] = ()
    model: ModelRef | None = None
    platform: Text128 | None = None

    @model_validator(mode="after")
    def _reason_belongs_to_offline(self) -> Self:
        if self.online and self.reason is not None:
            msg = f"reason belongs to online=false, but got {self.reason}"
            raise ValueError(msg)
        return self


class Occupancy(StrEnum):
    """A bay's state in one word."""

    OCCUPIED = "occupied"
    FREE = "free"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, occ: bool | None) -> Occupancy:
        """The word for `occ`."""
        return cls.UNKNOWN if occ is None else cls.OCCUPIED if occ else cls.FREE


class Blocked(Message):
    """No vehicle can use the bay, and why."""

    kind: BlockKind
    conf: Probability = Field(description="Probability that it is so; 1 where a person says it.")
    by: BlockSource
    share: Probability | None = Field(
        default=None,
        description="Share of the bay's width that a neighbour covers; null for other kinds.",
    )


class BayFacts(Message):
    """State of one bay: occupancy and, independently, whether it is closed or blocked."""

    occ: bool | None
    closed: bool = False
    blocked: Blocked | None = Field(
        default=None,
        # Few bays are, and a snapshot of thousands must not grow for the others.
        exclude_if=lambda blocked: blocked is None,
        description="Absent or null: nothing is known to keep a vehicle from using the bay.",
    )
    state: Occupancy
    reason: UnknownReason | None = None
    since: UtcTime
    conf: Probability

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.state is not Occupancy.of(self.occ):
            msg = (
                f"state must be {Occupancy.of(self.occ)} with occ={self.occ}, but got {self.state}"
            )
            raise ValueError(msg)
        if (self.occ is None) != (self.reason is not None):
            msg = (
                f"reason is only valid for an unknown state, but got occ={self.occ}, {self.reason}"
            )
            raise ValueError(msg)
        return self


class BayChanged(BayFacts):
    """Data of `pk.bay.changed.v1`: one bay's new state and where it comes from."""

    cause: Cause
    camera: CameraId = Field(description="`sensors` if only sensors watch the bay.")
    sensor: Identifier | None = Field(
        default=None, description="The sensor that reported it, with method `sensor`."
    )
    method: Name64
    model: ModelRef | None = None
    calibration: Count = Field(description="Revision of the calibration.")
    layout: LayoutHash
    clock: ClockStamp


class GapReason(StrEnum):
    """Why events will never come."""

    ROWS = "rows"
    BYTES = "bytes"
    AGE = "age"
    DISK_FULL = "disk_full"


class SeqRange(Message):
    """Sequence numbers from `first` to `last`, both included."""

    first: Seq
    last: Seq

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.last < self.first:
            msg = f"last must not be less than first, but got {self.first}..{self.last}"
            raise ValueError(msg)
        return self

    def __len__(self) -> int:
        """How many numbers."""
        return self.last - self.first + 1


class StreamGap(Message):
    """Data of `pk.stream.gap.v1`: exactly these events were discarded and will never come."""

    ranges: Annotated[tuple[SeqRange, ...], Field(min_length=1, max_length=MAX_RANGES)]
    lost: Annotated[int, Field(ge=1, le=MAX_NUMBER)]
    reason: GapReason
    clock: ClockStamp

    @model_validator(mode="after")
    def _exact(self) -> Self:
        last = 0
        for part in self.ranges:
            if part.first <= last:
                msg = f"ranges must increase without overlap, but got {part.first} after {last}"
                raise ValueError(msg)
            last = part.last
        if self.lost != sum(map(len, self.ranges)):
            msg = f"lost must be {sum(map(len, self.ranges))}, but got {self.lost}"
            raise ValueError(msg)
        return self


class SnapshotBay(BayFacts):
    """One bay of a snapshot."""

    bay: BayId


class Snapshot(Message):
    """All bays now, in the order of the layout, with all events up to `seq` taken in."""

    epoch: Epoch
    seq: Watermark
    layout: LayoutHash
    at: UtcTime
    degraded: bool = Field(
        default=False, description="The store cannot be written: later events may be lost."
    )
    bays: Annotated[tuple[SnapshotBay, ...], Field(max_length=MAX_BAYS)]
    incidents: Annotated[tuple[Identifier, ...], Field(max_length=MAX_INCIDENTS)] | None = None
    """Ids of the incidents that last; null: the box knows of none, being older than they are."""


class Ack(Message):
    """From the consumer: every event of `epoch` up to `upto` is committed or known to be lost."""

    epoch: Epoch
    upto: Watermark
    replay: bool = Field(
        default=False, description="Request to publish everything after `upto` again."
    )


class Location(Message):
    """A place on WGS84, degrees."""

    lat: Annotated[float, Field(ge=-90.0, le=90.0)]
    lon: Annotated[float, Field(ge=-180.0, le=180.0)]


class LotInfo(Message):
    """A lot of the site, as far as this box knows it."""

    lot: LotId
    name: Text128 | None = None
    levels: Annotated[tuple[Text200, ...], Field(max_length=MAX_LEVELS)] = ()
    location: Location | None = None


class LayoutBay(Message):
    """What does not change about a bay."""

    bay: BayId
    camera: CameraId
    kind: BayKind = BayKind.STANDARD
    angle: BayAngle = BayAngle.PERPENDICULAR
    zone: ZoneId | None = None
    lot: LotId | None = None
    level: Text32 | None = None
    picture: PictureOutline | None = Field(
        default=None,
        # A layout that fitted a message without it still does.
        exclude_if=lambda outline: outline is None,
        description="Its outline in the camera's image, where the box tells it.",
    )


class ZoneAggregate(Message):
    """One zone over one window; the seconds are summed over its bays."""

    zone: ZoneId | None = Field(description="null: the bays without a zone.")
    bays: Count
    occupied_s: Seconds
    free_s: Seconds
    unknown_s: Seconds
    occupancy: Probability | None = Field(
        description="occupied_s / (occupied_s + free_s); null when nothing was known."
    )
    arrivals: Count
    departures: Count
    dwell_count: Count = Field(description="Stays that ended in the window.")
    dwell_mean_s: Seconds | None = None
    dwell_max_s: Seconds | None = None


class Aggregate(Message):
    """Occupancy, turnover and dwell of one window, per zone. (edge, period_s, start) is its key."""

    period_s: Literal[600, 3600]
    start: UtcTime
    observed_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        description="How much of the window the box observed; less than period_s after an outage."
    )
    layout: LayoutHash
    zones: Annotated[tuple[ZoneAggregate, ...], Field(max_length=MAX_ZONES)]


class BayTopicState(Message):
    """Payload of `bay/{bay}`, what Home Assistant reads."""

    state: Occupancy
    closed: bool
    blocked: BlockKind | None = None
    conf: Probability
    since: UtcTime

    @classmethod
    def of(cls, state: BayState, closed: bool, blocked: Blocked | None = None) -> BayTopicState:
        """From a bay's state."""
        return cls(
            state=Occupancy.of(state.occ),
            closed=closed,
            blocked=None if blocked is None else blocked.kind,
            conf=state.conf,
            since=clamped(state.since),
        )
