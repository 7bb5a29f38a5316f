"""What passes a gate or a drawn line, and how many vehicles a counted lot holds."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from telemetry.bounds import Count, Probability, Text32, Text64
from telemetry.messages import ClockStamp, Message
from telemetry.vocabulary import CameraId, Identifier, LotId

GateId = Identifier
VehicleHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""Keyed hash of a number plate (HMAC-SHA-256); the plate itself travels nowhere."""


class PassageDirection(StrEnum):
    """Which way a vehicle passed, seen from the lot."""

    IN = "in"
    OUT = "out"

    @property
    def reversed(self) -> PassageDirection:
        """The other one."""
        return PassageDirection.OUT if self is PassageDirection.IN else PassageDirection.IN


class PassageMethod(StrEnum):
    """What noticed it."""

    LINE = "line"
    """A camera, over a line drawn in its image."""
    PULSE = "pulse"
    """A loop or barrier contact."""
    COUNTER = "counter"
    """The difference of a running total, or the count of an interval."""
    PLATE_READER = "plate_reader"


class GatePassed(Message):
    """Data of `pk.gate.passed.v1`: vehicles passed a gate; its id is the event's `subject`."""

    lot: LotId
    level: Text32 | None = None
    level_from: Text32 | None = Field(
        default=None, description="Of a gate between two levels: what enters `level` leaves it."
    )
    direction: PassageDirection
    count: Annotated[int, Field(ge=1, le=65_535)] = Field(
        default=1, description="More than one only of a counter that is read now and then."
    )
    total: Count | None = Field(
        default=None, description="Running total of this gate and direction, where one is kept."
    )
    method: PassageMethod
    vehicle: Text64 | None = Field(default=None, description="Class, where it is known.")
    hash: VehicleHash | None = Field(
        default=None, description="Keyed hash of the plate, where a reservation wants it."
    )
    conf: Probability | None = None
    camera: CameraId | None = Field(default=None, description="Of a line in a picture.")
    calibration: Count | None = Field(default=None, description="Revision of the calibration.")
    clock: ClockStamp


class CountCause(StrEnum):
    """Why a count is told."""

    COUNTED = "counted"
    """Now and then, so that a reader knows where the box stands."""
    ZEROED = "zeroed"
    """The lot was found empty: by a rule, or by its bays."""
    CORRECTED = "corrected"
    """Set by a person, or by the bays of the lot."""


class LotCounted(Message):
    """Data of `pk.lot.count.v1`: vehicles in a counted lot; its id is the event's `subject`."""

    level: Text32 | None = None
    count: Count
    capacity: Count | None = Field(default=None, description="On the same basis as `count`.")
    cause: CountCause
    drift: Annotated[int, Field(ge=-100_000, le=100_000)] | None = Field(
        default=None, description="What the count was above the true one, when it was set."
    )
    clock: ClockStamp
