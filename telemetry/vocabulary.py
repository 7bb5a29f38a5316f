"""The words of the field, as types: identifiers, occupancy, reasons, causes, kinds of bay."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_ID = re.compile(ID_PATTERN)

# One form for every identifier, since each of them is a level of an MQTT topic: no '/', '+', '#',
# '$' or blank can slip in. Pydantic checks it in messages, configuration and calibration alike.
Identifier = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
SiteId = Identifier
LotId = Identifier
ZoneId = Identifier
EdgeId = Identifier
CameraId = Identifier
BayId = Identifier


def is_identifier(text: str) -> bool:
    """Whether `text` may serve as an identifier (letters, digits, '_', '.', '-'; at most 64)."""
    return _ID.fullmatch(text) is not None


class UnknownReason(StrEnum):
    """Why a bay's occupancy is not known. Unknown is never free."""

    STARTING = "starting"
    CAMERA_LOST = "camera_lost"
    FROZEN = "frozen"
    BLIND = "blind"
    DARK = "dark"
    VIEW_MOVED = "view_moved"
    OCCLUDED = "occluded"
    UNSURE = "unsure"
    MODEL_ERROR = "model_error"
    SENSOR_SILENT = "sensor_silent"
    SENSOR_FAULT = "sensor_fault"
    SOURCES_DIFFER = "sources_differ"


class Cause(StrEnum):
    """What made a bay's published state change."""

    DETECTION = "detection"
    CAMERA_LOST = "camera_lost"
    SENSOR_LOST = "sensor_lost"
    STARTUP = "startup"
    MANUAL = "manual"
    CONFIG = "config"


class BayKind(StrEnum):
    """Who a bay is meant for."""

    STANDARD = "standard"
    DISABLED = "disabled"
    EV = "ev"
    LOADING = "loading"
    RESERVED = "reserved"


class BlockKind(StrEnum):
    """Why no vehicle can use a bay, whatever its occupancy."""

    NEIGHBOUR = "neighbour"
    """A vehicle of the bay beside it stands over the line."""
    OBSTACLE = "obstacle"
    """Something that is no vehicle: a skip, pallets, a barrier."""
    SNOW = "snow"


class BlockSource(StrEnum):
    """Who says that a bay is blocked."""

    CAMERA = "camera"
    SENSOR = "sensor"
    PERSON = "person"


class IncidentKind(StrEnum):
    """How a standing vehicle does not stand as it should."""

    OUTSIDE_BAY = "outside_bay"
    """In a watched area, in no bay, and obstructing no bay."""
    DOUBLE_PARKING = "double_parking"
    """In no bay, before one or several bays, so that vehicles there cannot leave."""
    STRADDLING = "straddling"
    """Over two bays, so that the second is of no use."""
    OVERSTAY = "overstay"
    """In a bay for longer than its limit."""
    WRONG_USE = "wrong_use"
    """In a bay that its class of vehicle may not use."""


class IncidentEnd(StrEnum):
    """Why an incident is over."""

    LEFT = "left"
    """The vehicle is gone, or stands as it should."""
    CONFIG = "config"
    """No longer watched: another calibration, limit or setting."""
    RESTART = "restart"
    """The box was away for too long to say that it was the same vehicle all the time."""


class BayAngle(StrEnum):
    """How a bay lies to its lane."""

    PERPENDICULAR = "perpendicular"
    ANGLED = "angled"
    PARALLEL = "parallel"


@dataclass(frozen=True, slots=True)
class BayState:
    """What is known of one bay.

    Attributes:
        bay: the bay's id.
        occ: True occupied, False free, None unknown.
        reason: why it is unknown; None exactly when `occ` is known.
        conf: probability that `occ` is right, 0 to 1; 0 when unknown.
        since: wall time (UTC) at which this state began.
    """

    bay: str
    occ: bool | None
    reason: UnknownReason | None
    conf: float
    since: datetime

    def __post_init__(self) -> None:
        """Reject states that contradict themselves."""
        if not is_identifier(self.bay):
            msg = f"bay must match {ID_PATTERN}, but got {self.bay!r}"
            raise ValueError(msg)
        if (self.occ is None) != (self.reason is not None):
            msg = (
                f"bay {self.bay}: reason is only valid for an unknown state, but got "
                f"occ={self.occ}, reason={self.reason}"
            )
            raise ValueError(msg)
        if not 0.0 <= self.conf <= 1.0:
            msg = f"bay {self.bay}: conf must lie in 0..1, but got {self.conf}"
            raise ValueError(msg)
        if self.since.tzinfo is None:
            msg = f"bay {self.bay}: since must be timezone-aware, but got {self.since!r}"
            raise ValueError(msg)
