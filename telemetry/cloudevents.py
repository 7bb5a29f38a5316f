"""Events as CloudEvents 1.0 in structured JSON.

Source: CloudEvents specification 1.0.2, JSON event format 1.0.2 (cloudevents.io).
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, StringConstraints, TypeAdapter

from telemetry.messages import (
    BayChanged,
    Message,
    StreamGap,
    UtcTime,
    checked,
)
from telemetry.words import BayId

BAY_CHANGED_TYPE: Final = "pk.bay.changed.v1"
STREAM_GAP_TYPE: Final = "pk.stream.gap.v1"
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
_ID = re.compile(r"^([1-9][0-9]{0,15})-([1-9][0-9]{0,15})$")

EventId = Annotated[str, StringConstraints(pattern=_ID.pattern)]


class _Event(Message):
    """The envelope that both events share."""

    specversion: Literal["1.0"] = "1.0"
    id: EventId = Field(description="{epoch}-{seq}")
    source: Annotated[str, Field(min_length=1)] = Field(description="The box's base topic.")
    time: UtcTime
    datacontenttype: Literal["application/json"] = "application/json"

    @property
    def epoch(self) -> int:
        """Which store the event comes from."""
        return int(self.id.split("-")[0])

    @property
    def seq(self) -> int:
        """Its place in that store's stream; the numbers have no gap."""
        return int(self.id.split("-")[1])


class BayChangedEvent(_Event):
    """A bay has a new state; `subject` is the bay."""

    type: Literal["pk.bay.changed.v1"] = BAY_CHANGED_TYPE
    subject: BayId
    data: BayChanged


class StreamGapEvent(_Event):
    """Some events were given up; `data.ranges` says which."""

    type: Literal["pk.stream.gap.v1"] = STREAM_GAP_TYPE
    data: StreamGap


Event: TypeAlias = BayChangedEvent | StreamGapEvent
EVENT_ADAPTER: TypeAdapter[Event] = TypeAdapter(
    Annotated[BayChangedEvent | StreamGapEvent, Field(discriminator="type")]
)


def event_id(epoch: int, seq: int) -> str:
    """`{epoch}-{seq}`."""
    return f"{epoch}-{seq}"


def decode_event(payload: bytes, where: str) -> Event:
    """Read an event.

    Args:
        payload: a CloudEvent in structured JSON.
        where: the topic it came from, for the error text.

    Raises:
        TelemetryError: it is no event of the contract.
    """
    return checked(EVENT_ADAPTER.validate_json, payload, where, "event")
