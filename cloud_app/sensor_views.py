"""What a reader of the API sees of sensors and counters."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from telemetry.messages import Occupancy


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class SensorCondition(StrEnum):
    """The condition of a device; the first that applies."""

    SILENT = "silent"
    """Not heard of for longer than it should be."""
    FAULTY = "faulty"
    """It says so itself."""
    UNREADABLE = "unreadable"
    """Its newest frame cannot be read."""
    LOW_BATTERY = "low_battery"
    UNREGISTERED = "unregistered"
    """The registry does not know it, so it makes no bay."""
    OK = "ok"


class SensorItem(_View):
    """A bay sensor or counter."""

    device: str = Field(description="registry id, or the id that it sends")
    site: str | None = Field(description="null: not registered")
    lot: str | None
    bay: str | None
    profile: str | None
    network: str | None = Field(description="broker, key or box that delivered its latest frame")
    edge: str | None = Field(description="the edge box it reports through")
    condition: SensorCondition
    state: Occupancy | None = Field(description="of its bay; null: none reported")
    reason: str | None = Field(description="why the bay is unknown")
    since: datetime | None = Field(description="start of the reported state")
    heard: datetime | None = Field(description="time of its latest frame")
    due: datetime | None = Field(description="silent if it has not reported by then")
    period_s: float | None
    battery_pct: float | None
    battery_v: float | None
    temperature_c: float | None
    rssi_dbm: float | None = Field(description="at the gateway with the best reception")
    snr_db: float | None
    gateways: int | None = Field(description="gateways that received its latest frame")
    firmware: str | None
    fault: str | None
    error: str | None = Field(description="why its latest undecodable frame failed")
    error_at: datetime | None
    joined: datetime | None
    first_heard: datetime | None


class SensorDetail(SensorItem):
    """A sensor with its reception statistics."""

    frames_24h: int = Field(description="frames received in the last 24 hours")
    lost_24h: int = Field(description="of those that it counted in that time")
    battery_days: float | None = Field(description="days left, most likely; null: unknown")
    battery_days_low: float | None = Field(description="with 95 % it lasts longer")
    battery_days_high: float | None = Field(description="with 95 % it ends sooner; null: far away")
    battery_why: str = Field(description="why nothing can be said of it")


class FrameItem(_View):
    """A frame received from a device."""

    frame: str = Field(description="identical for every copy of the frame")
    at: datetime
    kind: str = Field(description="up, join or status")
    network: str
    f_cnt: int | None
    f_port: int | None
    payload: str | None = Field(description="hexadecimal")
    profile: str | None = Field(description="decoder profile")
    state: Occupancy | None = Field(description="null: it contains no bay state")
    reason: str | None
    fields: dict[str, Any] = Field(description="decoded fields")
    error: str | None = Field(description="why it cannot be decoded")
    battery_pct: float | None
    battery_v: float | None
    temperature_c: float | None
    rssi_dbm: float | None
    snr_db: float | None
    gateways: int | None
    raw: str = Field(description="the message as received, at most 16,384 characters")
