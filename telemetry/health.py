"""The health message: once a minute, a box's figures."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from telemetry.messages import Message, Probability, UtcTime
from telemetry.words import CameraId


class CameraAudit(Message):
    """How often a camera's published states are right, as the box itself can tell.

    From second opinions on sampled pictures, not from the truth: opinions of one network can be
    wrong together, so it shows a camera that gets worse, and proves none right.
    """

    since: UtcTime = Field(description="Of the oldest picture that counts.")
    looks: Annotated[int, Field(ge=1)] = Field(description="Pictures that were looked at again.")
    bays: Annotated[int, Field(ge=1)] = Field(description="Bays judged again in them.")
    accuracy: Probability = Field(description="Share of states that all opinions together uphold.")
    low: Probability = Field(
        description="Lower end of the 95 % interval; every bay that one opinion doubts is wrong."
    )
    high: Probability = Field(
        description="Upper end; only bays that every other opinion contradicts are wrong."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.accuracy <= self.high:
            got = f"{self.low}, {self.accuracy}, {self.high}"
            msg = f"expected low <= accuracy <= high, but got {got}"
            raise ValueError(msg)
        return self


class CameraHealth(Message):
    """One camera's figures over the last minute."""

    camera: CameraId
    up: bool
    view: str = Field(default="ok", max_length=32, description="ok, or the reason it is unusable.")
    fps: Annotated[float, Field(ge=0)] = 0.0
    dropped: Annotated[int, Field(ge=0)] = 0
    restarts: Annotated[int, Field(ge=0)] = 0
    latency_p95_ms: Annotated[float, Field(ge=0)] | None = None
    audit: CameraAudit | None = Field(
        default=None, description="Absent until a picture was looked at again."
    )


class OutboxHealth(Message):
    """How full the outbox is and what became of its rows."""

    rows: Annotated[int, Field(ge=0)]
    bytes: Annotated[int, Field(ge=0)]
    oldest_age_s: Annotated[float, Field(ge=0)] = 0.0
    quarantined: Annotated[int, Field(ge=0)] = 0
    evicted: Annotated[int, Field(ge=0)] = 0
    buffered: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Changes held in memory because the store cannot be written."
    )
    lost: Annotated[int, Field(ge=0)] = 0


class Health(Message):
    """Once a minute, QoS 0: figures, not facts."""

    at: UtcTime
    uptime_s: Annotated[float, Field(ge=0)]
    outbox: OutboxHealth
    cameras: tuple[CameraHealth, ...] = ()
    disk_free_bytes: Annotated[int, Field(ge=0)] | None = None
    memory_bytes: Annotated[int, Field(ge=0)] | None = None
    temperature_c: float | None = None
    alarms: tuple[str, ...] = ()
