"""The messages of the contract, as frozen types that check themselves.

A reader ignores fields that it does not know, so a newer box can talk to an older cloud; a writer
can only write what stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Protocol, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from telemetry.errors import TelemetryError
from telemetry.words import (
    BayAngle,
    BayId,
    BayKind,
    BayState,
    CameraId,
    Cause,
    Identifier,
    LotId,
    UnknownReason,
    ZoneId,
)

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""No message of the contract comes near it; a reader refuses more unseen."""


def _to_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


UtcTime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
LayoutHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Seq = Annotated[int, Field(ge=1)]
Watermark = Annotated[int, Field(ge=0)]
Epoch = Annotated[int, Field(ge=1)]
Conn = Annotated[int, Field(ge=1)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Message(BaseModel):
    """Base of all messages: frozen, unknown fields ignored, no NaN."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    def encode(self) -> bytes:
        """The message as UTF-8 JSON."""
        return self.model_dump_json(by_alias=True).encode()


M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


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


def checked(validate: Callable[[bytes], T], payload: bytes, where: str, what: str) -> T:
    """Read a payload with `validate`; size and faults are told as `decode` tells them.

    Raises:
        TelemetryError: the payload is too large, or `validate` refuses it.
    """
    if len(payload) > MAX_MESSAGE_BYTES:
        msg = f"{where}: expected at most {MAX_MESSAGE_BYTES} bytes, but got {len(payload)}"
        raise TelemetryError(msg)
    try:
        return validate(payload)
    except ValidationError as exc:
        msg = f"{where}: {describe(exc, what)}"
        raise TelemetryError(msg) from exc


_SAYS_IT_ALL = frozenset({"json_invalid", "missing", "value_error"})


def describe(error: ValidationError, what: str) -> str:
    """One line that names each wrong field, what was expected and what came."""
    faults = [
        f"{'.'.join(map(str, fault['loc'])) or 'document'}: "
        + fault["msg"].removeprefix("Value error, ")
        + ("" if fault["type"] in _SAYS_IT_ALL else f", but got {str(fault['input'])[:60]!r}")
        for fault in error.errors(include_url=False)[:5]
    ]
    return f"not a {what}: " + "; ".join(faults)


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

    name: Annotated[str, Field(min_length=1, max_length=128)]
    version: Annotated[str, Field(min_length=1, max_length=64)]
    sha256: Sha256

    @classmethod
    def of(cls, network: NetworkIdentity) -> ModelRef:
        """The reference to a network, from what describes it."""
        return cls(name=network.name, version=network.version, sha256=network.sha256)


class ClockStamp(Message):
    """What is known of the box's clock at an event, so that a reader can repair its time."""

    synced: bool | None = Field(description="Whether the kernel calls its clock synchronised.")
    mono_ms: int = Field(ge=0, description="Monotonic milliseconds since the boot.")
    boot_id: str = Field(max_length=64, description="Differs after each boot.")


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
    conn: Conn = Field(description="Rises with each connection of this store.")
    reason: OfflineReason | None = Field(
        default=None, description="Only in a good-bye; a will has none."
    )
    at: UtcTime | None = Field(default=None, description="A will has none: it is written ahead.")
    software: str | None = Field(default=None, max_length=64)
    protocol: Literal["5", "3.1.1"] | None = None
    boot_id: str | None = Field(default=None, max_length=64)
    layout: LayoutHash | None = None
    cameras: tuple[CameraId, ...] = ()
    model: ModelRef | None = None
    platform: str | None = Field(default=None, max_length=128)

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


class BayFacts(Message):
    """What is known of one bay: occupancy, and, as a fact of its own, whether it is closed."""

    occ: bool | None
    closed: bool = False
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
            msg = f"a reason belongs to unknown alone, but got occ={self.occ}, {self.reason}"
            raise ValueError(msg)
        return self


class BayChanged(BayFacts):
    """Data of `pk.bay.changed.v1`: one bay's new state and where it comes from."""

    cause: Cause
    camera: CameraId
    method: Annotated[str, Field(min_length=1, max_length=64)]
    model: ModelRef | None = None
    calibration: Annotated[int, Field(ge=0)] = Field(description="Revision of the calibration.")
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
    """Data of `pk.stream.gap.v1`: exactly these events were given up and will never come."""

    ranges: Annotated[tuple[SeqRange, ...], Field(min_length=1)]
    lost: Annotated[int, Field(ge=1)]
    reason: GapReason
    clock: ClockStamp

    @model_validator(mode="after")
    def _exact(self) -> Self:
        last = 0
        for part in self.ranges:
            if part.first <= last:
                msg = f"ranges must rise without overlap, but got {part.first} after {last}"
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
    bays: tuple[SnapshotBay, ...]
    incidents: tuple[Identifier, ...] | None = None
    """Ids of the incidents that last; null: the box knows of none, being older than they are."""


class Ack(Message):
    """From the consumer: every event of `epoch` up to `upto` is committed or known to be lost."""

    epoch: Epoch
    upto: Watermark
    replay: bool = Field(
        default=False, description="Please publish everything after `upto` once more."
    )


class Location(Message):
    """A place on WGS84, degrees."""

    lat: Annotated[float, Field(ge=-90.0, le=90.0)]
    lon: Annotated[float, Field(ge=-180.0, le=180.0)]


class LotInfo(Message):
    """A lot of the site, as far as this box knows it."""

    lot: LotId
    name: str | None = Field(default=None, max_length=128)
    levels: tuple[str, ...] = ()
    location: Location | None = None


class LayoutBay(Message):
    """What does not change about a bay."""

    bay: BayId
    camera: CameraId
    kind: BayKind = BayKind.STANDARD
    angle: BayAngle = BayAngle.PERPENDICULAR
    zone: ZoneId | None = None
    lot: LotId | None = None
    level: str | None = Field(default=None, max_length=32)


class ZoneAggregate(Message):
    """One zone over one window; the seconds are summed over its bays."""

    zone: ZoneId | None = Field(description="null: the bays without a zone.")
    bays: Annotated[int, Field(ge=0)]
    occupied_s: Annotated[float, Field(ge=0)]
    free_s: Annotated[float, Field(ge=0)]
    unknown_s: Annotated[float, Field(ge=0)]
    occupancy: Probability | None = Field(
        description="occupied_s / (occupied_s + free_s); null when nothing was known."
    )
    arrivals: Annotated[int, Field(ge=0)]
    departures: Annotated[int, Field(ge=0)]
    dwell_count: Annotated[int, Field(ge=0)] = Field(description="Stays that ended in the window.")
    dwell_mean_s: Annotated[float, Field(ge=0)] | None = None
    dwell_max_s: Annotated[float, Field(ge=0)] | None = None


class Aggregate(Message):
    """Occupancy, turnover and dwell of one window, per zone. (edge, period_s, start) is its key."""

    period_s: Literal[600, 3600]
    start: UtcTime
    observed_s: Annotated[float, Field(ge=0)] = Field(
        description="How much of the window the box watched; less than period_s after an outage."
    )
    layout: LayoutHash
    zones: tuple[ZoneAggregate, ...]


class BayTopicState(Message):
    """Payload of `bay/{bay}`, what Home Assistant reads."""

    state: Occupancy
    closed: bool
    conf: Probability
    since: UtcTime

    @classmethod
    def of(cls, state: BayState, closed: bool) -> BayTopicState:
        """From a bay's state."""
        return cls(state=Occupancy.of(state.occ), closed=closed, conf=state.conf, since=state.since)
