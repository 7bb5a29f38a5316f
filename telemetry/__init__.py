"""The shared telemetry and shadow contract; imports nothing else of lotsight."""

from telemetry.clock import Clock, ManualClock, SystemClock
from telemetry.errors import (
    CalibrationError,
    CameraError,
    ConfigError,
    LotsightError,
    ModelError,
    TelemetryError,
)
from telemetry.words import (
    BayAngle,
    BayId,
    BayKind,
    BayState,
    CameraId,
    Cause,
    EdgeId,
    Identifier,
    LotId,
    SiteId,
    UnknownReason,
    ZoneId,
    is_identifier,
)

__all__ = [
    "BayAngle",
    "BayId",
    "BayKind",
    "BayState",
    "CalibrationError",
    "CameraError",
    "CameraId",
    "Cause",
    "Clock",
    "ConfigError",
    "EdgeId",
    "Identifier",
    "LotId",
    "LotsightError",
    "ManualClock",
    "ModelError",
    "SiteId",
    "SystemClock",
    "TelemetryError",
    "UnknownReason",
    "ZoneId",
    "is_identifier",
]
