"""The health of a bay sensor or counter that speaks through a box."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from telemetry.bounds import Seconds, Text64, UtcTime
from telemetry.messages import ClockStamp, Message
from telemetry.vocabulary import BayId, Identifier

SensorId = Identifier
SENSORS_CAMERA = "sensors"
"""Stands for the camera where a layout or a state of a bay has none, only sensors."""


class SensorState(StrEnum):
    """How a sensor is."""

    OK = "ok"
    LOW_BATTERY = "low_battery"
    SILENT = "silent"
    """Not heard of for longer than its period."""
    FAULTY = "faulty"
    """It says so itself, or what it sends cannot be read."""


class SensorHealth(Message):
    """Data of `pk.sensor.health.v1`; the sensor's id is the event's `subject`."""

    state: SensorState
    bay: BayId | None = None
    model: Text64 | None = None
    last_heard: UtcTime | None = None
    period_s: Seconds | None = Field(default=None, description="Heard of at least so often.")
    battery_pct: Annotated[float, Field(ge=0, le=100)] | None = None
    battery_v: Annotated[float, Field(ge=0, le=100)] | None = None
    temperature_c: Annotated[float, Field(ge=-100, le=200)] | None = None
    rssi_dbm: Annotated[float, Field(ge=-200, le=50)] | None = None
    snr_db: Annotated[float, Field(ge=-100, le=100)] | None = None
    clock: ClockStamp
