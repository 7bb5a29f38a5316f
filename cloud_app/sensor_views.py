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
    """How a device is; of several that hold the first one counts."""

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

    device: str = Field(description="its id in the registry, or the one that it sends")
    site: str | None = Field(description="null: nobody registered it")
    lot: str | None
    bay: str | None
    profile: str | None
    network: str | None = Field(description="that last brought a frame: of a broker, key or box")
    edge: str | None = Field(description="the box through which it speaks")
    condition: SensorCondition
    state: Occupancy | None = Field(description="of its bay; null: it said nothing of one")
    reason: str | None = Field(description="why the bay is unknown")
    since: datetime | None = Field(description="since when it says so")
    heard: datetime | None = Field(description="its newest frame")
    due: datetime | None = Field(description="silent if not heard of until then")
    period_s: float | None
    battery_pct: float | None
    battery_v: float | None
    temperature_c: float | None
    rssi_dbm: float | None = Field(description="of the gateway that heard it best")
    snr_db: float | None
    gateways: int | None = Field(description="that heard its newest frame")
    firmware: str | None
    fault: str | None
    error: str | None = Field(description="why its newest unreadable frame cannot be read")
    error_at: datetime | None
    joined: datetime | None
    first_heard: datetime | None


class SensorDetail(SensorItem):
    """A sensor, and how well its frames come through."""

    frames_24h: int = Field(description="frames of the last 24 hours")
    lost_24h: int = Field(description="of those that it counted in that time")
    battery_days: float | None = Field(description="days left, most likely; null: nobody can say")
    battery_days_low: float | None = Field(description="with 95 % it lasts longer")
    battery_days_high: float | None = Field(description="with 95 % it ends sooner; null: far away")
    battery_why: str = Field(description="why nothing can be said of it")


class FrameItem(_View):
    """A frame of a device."""

    frame: str = Field(description="the same for every copy of it")
    at: datetime
    kind: str = Field(description="up, join or status")
    network: str
    f_cnt: int | None
    f_port: int | None
    payload: str | None = Field(description="hexadecimal")
    profile: str | None = Field(description="that read it")
    state: Occupancy | None = Field(description="null: it says nothing of a bay")
    reason: str | None
    fields: dict[str, Any] = Field(description="what was read of it")
    error: str | None = Field(description="why it cannot be read")
    battery_pct: float | None
    battery_v: float | None
    temperature_c: float | None
    rssi_dbm: float | None
    snr_db: float | None
    gateways: int | None
    raw: str = Field(description="the message as it came, at most 16,384 characters")
