"""The health message: once a minute, a box's figures."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from telemetry.bounds import (
    MAX_ALARMS,
    MAX_CAMERAS,
    MAX_NUMBER,
    Count,
    Figure,
    Probability,
    Seconds,
    Text1k,
    Text32,
    UtcTime,
)
from telemetry.messages import Message
from telemetry.vocabulary import BayId, CameraId

MAX_BY_EYE = 64
"""Bays of a camera that a person is asked to judge; more come when these are answered."""

_Number = Annotated[int, Field(ge=1, le=MAX_NUMBER)]


class CameraAudit(Message):
    """How often a camera's published states are right, as the box itself can tell.

    From second opinions on sampled images, not from the truth: opinions of one network can be
    wrong together, so it shows a camera that gets worse, and proves none right.
    """

    since: UtcTime = Field(description="Of the oldest image that counts.")
    looks: Annotated[int, Field(ge=1, le=MAX_NUMBER)] = Field(
        description="Images judged a second time."
    )
    bays: Annotated[int, Field(ge=1, le=MAX_NUMBER)] = Field(
        description="Bays judged again in them."
    )
    accuracy: Probability = Field(description="Share of states that all opinions together confirm.")
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
    view: Text32 = Field(default="ok", description="ok, or the reason it is unusable.")
    fps: Figure = 0.0
    dropped: Count = 0
    broken: Count = Field(default=0, description="Incomplete frames discarded since startup.")
    restarts: Count = 0
    latency_p95_ms: Figure | None = None
    audit: CameraAudit | None = Field(
        default=None, description="Absent until the first second opinion."
    )
    by_eye: Annotated[tuple[BayId, ...], Field(max_length=MAX_BY_EYE)] = Field(
        default=(),
        description="Bays that a person should judge by eye, since bay head and boxes contradict "
        "each other for long; `confirm_bay` takes the answer.",
    )


class OutboxHealth(Message):
    """How full the outbox is and what became of its rows."""

    rows: Count
    bytes: Count
    oldest_age_s: Seconds = 0.0
    quarantined: Count = 0
    evicted: Count = 0
    buffered: Count = Field(
        default=0, description="Changes held in memory because the store cannot be written."
    )
    lost: Count = 0


class Health(Message):
    """Once a minute, QoS 0: figures, not facts."""

    at: UtcTime
    uptime_s: Seconds
    outbox: OutboxHealth
    cameras: Annotated[tuple[CameraHealth, ...], Field(max_length=MAX_CAMERAS)] = ()
    disk_free_bytes: Count | None = None
    memory_bytes: Count | None = None
    temperature_c: Annotated[float, Field(ge=-300, le=1000)] | None = None
    alarms: Annotated[tuple[Text1k, ...], Field(max_length=MAX_ALARMS)] = ()
