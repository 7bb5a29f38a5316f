"""An incident: a vehicle that stands as it should not. Its two events, and what they say.

An incident is reported twice, when it begins and when it ends. The second event repeats all of the
first, so a consumer that missed the first has lost nothing but time.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from telemetry.bounds import (
    MAX_INCIDENT_BAYS,
    Count,
    LayoutHash,
    Probability,
    Seconds,
    Text64,
    Text200,
    UtcTime,
)
from telemetry.messages import ClockStamp, Message, ModelRef
from telemetry.vocabulary import BayId, CameraId, Identifier, IncidentEnd, IncidentKind

BoxNorm = tuple[Probability, Probability, Probability, Probability]
"""x_min, y_min, x_max, y_max as fractions of the image."""


class IncidentChanged(Message):
    """Data of `pk.incident.changed.v1`: an incident that began, or that is over."""

    kind: IncidentKind
    open: bool = Field(description="true: ongoing; false: it is over, and `end` gives the reason.")
    camera: CameraId
    bays: Annotated[tuple[BayId, ...], Field(max_length=MAX_INCIDENT_BAYS)] = Field(
        description="Affected bays, most affected first: straddled, barred, used; or none."
    )
    area: Text200 | None = Field(
        default=None, description="Watched area of the calibration, for vehicles outside bays."
    )
    vehicle: Text64 | None = Field(
        default=None, description="Class in the network's words; null for an overstay."
    )
    conf: Probability = Field(description="Mean confidence of the vehicle's boxes; of the bay.")
    box: BoxNorm | None = Field(
        default=None, description="x_min, y_min, x_max, y_max as fractions of the image."
    )
    began: UtcTime = Field(description="When the vehicle was first seen there.")
    last_seen: UtcTime
    stood_s: Seconds = Field(description="From `began` to `last_seen`, on a monotonic clock.")
    limit_s: Seconds | None = Field(default=None, description="The limit that a stay exceeded.")
    ended: UtcTime | None = Field(default=None, description="When it was found to be over.")
    end: IncidentEnd | None = None
    model: ModelRef | None = None
    calibration: Count = Field(description="Revision of the calibration.")
    layout: LayoutHash
    clock: ClockStamp

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.open != (self.end is None) or self.open != (self.ended is None):
            msg = (
                "end and ended belong to an incident that is over, but got "
                f"open={self.open}, end={self.end}, ended={self.ended}"
            )
            raise ValueError(msg)
        return self


IncidentId = Identifier
"""Unique among all incidents of a box, forever."""
