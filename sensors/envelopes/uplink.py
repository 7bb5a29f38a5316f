"""What an envelope holds, whichever network server wrote it."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from sensors.envelopes.downlinks import DownlinkEvent
from sensors.errors import SensorError
from telemetry.bounds import NO_NUL
from telemetry.errors import TelemetryError
from telemetry.payload_checks import checked

T = TypeVar("T")

MAX_DEPTH: Final = 16
"""Codecs of network servers nest what they decode."""
LATEST_AHEAD: Final = timedelta(minutes=5)
"""A time further ahead of ours is a wrong clock: it would outlive every later frame."""


Rssi = Annotated[float, Field(ge=-250, le=50)]
Snr = Annotated[float, Field(ge=-100, le=100)]
FrameCount = Annotated[int, Field(ge=0, le=2**32)]
Port = Annotated[int, Field(ge=0, le=255)]
EnvelopeId = Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)]
Eui = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{16}$")]
"""A DevEUI."""


class Envelope(BaseModel):
    """A part of a message; fields that are of no use here are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class Reception(Envelope):
    """How one gateway heard it."""

    rssi: Rssi | None = None
    snr: Snr | None = None


class UplinkKind(StrEnum):
    """What an envelope brings."""

    UP = "up"
    JOIN = "join"
    STATUS = "status"
    OTHER = "other"
    """No word of the device itself: of a downlink to it, or of no use here."""


@dataclass(frozen=True, slots=True)
class Uplink:
    """One message of a device, out of its envelope.

    Attributes:
        device: DevEUI in lower case, or the id that the sender gave.
        names: further ids under which the registry may know it.
        dedup_id: the same for every copy of this message, and for no other.
        time: when it was received; None where the envelope does not say it.
        event: the network server's own word for the kind.
        f_cnt: frame counter, which starts again with a join.
        payload: its bytes; None where none came.
        object: the fields that the network server decoded.
        profile: what reads it, whatever the registry says of the device: of plain readings.
        battery_pct: as the network server asked the device.
        rssi_dbm, snr_db: of the gateway that heard it best.
        gateways: how many heard it.
        downlink: what it says of a downlink to the device.
        raw: the message as it came.
    """

    kind: UplinkKind
    event: str
    device: str
    dedup_id: str
    time: datetime | None = None
    names: tuple[str, ...] = ()
    f_cnt: int | None = None
    f_port: int | None = None
    payload: bytes | None = None
    object: Mapping[str, Any] | None = None
    profile: str | None = None
    battery_pct: float | None = None
    rssi_dbm: float | None = None
    snr_db: float | None = None
    gateways: int | None = None
    downlink: DownlinkEvent | None = None
    raw: str = field(default="", compare=False, repr=False)

    def timed(self, now: datetime) -> datetime:
        """When it was received; `now` where nobody said it.

        Raises:
            SensorError: it says a time that is yet to come.
        """
        if self.time is None:
            return now.astimezone(UTC)
        if self.time > now + LATEST_AHEAD:
            msg = f"time: expected none after {now:%Y-%m-%dT%H:%M:%SZ}, but got {self.time:%FT%TZ}"
            raise SensorError(msg)
        return self.time


def read(validate: Callable[[bytes], T], body: bytes, where: str, what: str) -> T:
    """Read a message with `validate`, once it has passed the checks.

    Raises:
        SensorError: it is not what is expected.
    """
    try:
        return checked(validate, body, where, what, max_depth=MAX_DEPTH)
    except TelemetryError as exc:
        raise SensorError(str(exc)) from exc


def from_base64(text: str | None) -> bytes | None:
    """The bytes of a payload; None where none came.

    Raises:
        SensorError: the text is no base64.
    """
    if not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as exc:
        msg = f"expected a payload in base64, but got {text[:60]!r}"
        raise SensorError(msg) from exc


def best(receptions: Iterable[Reception]) -> Reception:
    """The reception of the gateway that heard it best; one without figures where none did."""
    heard = [each for each in receptions if each.rssi is not None]
    return max(heard, key=lambda each: each.rssi or -math.inf, default=Reception())
