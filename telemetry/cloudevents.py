"""Events as CloudEvents 1.0 in structured JSON.

Source: CloudEvents specification 1.0.2, JSON event format 1.0.2 (cloudevents.io).
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationError,
)

from telemetry.bay_sensors import SensorHealth, SensorId
from telemetry.bounds import MAX_NUMBER, NO_NUL, Text200, UtcTime
from telemetry.gates import GateId, GatePassed, LotCounted
from telemetry.incidents import IncidentChanged, IncidentId
from telemetry.messages import BayChanged, Message, StreamGap
from telemetry.outputs import OutputChanged, OutputId
from telemetry.payload_checks import checked
from telemetry.vocabulary import BayId, LotId

BAY_CHANGED_TYPE: Final = "pk.bay.changed.v1"
INCIDENT_CHANGED_TYPE: Final = "pk.incident.changed.v1"
STREAM_GAP_TYPE: Final = "pk.stream.gap.v1"
GATE_PASSED_TYPE: Final = "pk.gate.passed.v1"
LOT_COUNT_TYPE: Final = "pk.lot.count.v1"
SENSOR_HEALTH_TYPE: Final = "pk.sensor.health.v1"
OUTPUT_CHANGED_TYPE: Final = "pk.output.changed.v1"
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
_ID = re.compile(r"^([1-9][0-9]{0,15})-([1-9][0-9]{0,15})$")

_SURELY_IN_RANGE = 16
_LATER_TYPE = r"^pk\.[a-z0-9_.]{1,64}\.v[0-9]{1,3}$"


def _numbers_in_range(text: str) -> str:
    # Numbers of 15 digits are in range without looking.
    is_long = len(text) > _SURELY_IN_RANGE
    if is_long and any(int(number) > MAX_NUMBER for number in text.split("-")):
        msg = f"expected an epoch and a seq up to 2^53, but got {text}"
        raise ValueError(msg)
    return text


EventId = Annotated[str, StringConstraints(pattern=_ID.pattern), AfterValidator(_numbers_in_range)]


class _Event(Message):
    """The envelope that all events share."""

    specversion: Literal["1.0"] = "1.0"
    id: EventId = Field(description="{epoch}-{seq}")
    source: Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=NO_NUL)] = (
        Field(description="The box's base topic.")
    )
    time: UtcTime
    datacontenttype: Literal["application/json"] = "application/json"

    @property
    def epoch(self) -> int:
        """Which store the event comes from."""
        return int(self.id.partition("-")[0])

    @property
    def seq(self) -> int:
        """Its place in that store's stream; the numbers have no gap."""
        return int(self.id.partition("-")[2])


class BayChangedEvent(_Event):
    """A bay has a new state; `subject` is the bay."""

    type: Literal["pk.bay.changed.v1"] = BAY_CHANGED_TYPE
    subject: BayId
    data: BayChanged


class IncidentChangedEvent(_Event):
    """An incident began or is over; `subject` is the incident."""

    type: Literal["pk.incident.changed.v1"] = INCIDENT_CHANGED_TYPE
    subject: IncidentId
    data: IncidentChanged


class StreamGapEvent(_Event):
    """Some events were discarded; `data.ranges` says which."""

    type: Literal["pk.stream.gap.v1"] = STREAM_GAP_TYPE
    data: StreamGap


class GatePassedEvent(_Event):
    """A vehicle passed a gate; `subject` is the gate."""

    type: Literal["pk.gate.passed.v1"] = GATE_PASSED_TYPE
    subject: GateId
    data: GatePassed


class LotCountEvent(_Event):
    """How many vehicles a counted lot holds; `subject` is the lot."""

    type: Literal["pk.lot.count.v1"] = LOT_COUNT_TYPE
    subject: LotId
    data: LotCounted


class SensorHealthEvent(_Event):
    """How a sensor is; `subject` is the sensor."""

    type: Literal["pk.sensor.health.v1"] = SENSOR_HEALTH_TYPE
    subject: SensorId
    data: SensorHealth


class OutputChangedEvent(_Event):
    """A box switched a barrier by itself; `subject` is the barrier."""

    type: Literal["pk.output.changed.v1"] = OUTPUT_CHANGED_TYPE
    subject: OutputId
    data: OutputChanged


class OtherEvent(_Event):
    """An event of a type that a later version of the contract added.

    Its number counts like any other, so a reader that does not know the type takes it off the
    stream, passes its content over, and misses none of the events that it does know.
    """

    type: Annotated[str, StringConstraints(pattern=_LATER_TYPE)]
    subject: Text200 | None = None


KnownEvent: TypeAlias = (
    BayChangedEvent
    | IncidentChangedEvent
    | StreamGapEvent
    | GatePassedEvent
    | LotCountEvent
    | SensorHealthEvent
    | OutputChangedEvent
)
Event: TypeAlias = KnownEvent | OtherEvent
_KNOWN_TYPES = frozenset(
    {
        BAY_CHANGED_TYPE,
        INCIDENT_CHANGED_TYPE,
        STREAM_GAP_TYPE,
        GATE_PASSED_TYPE,
        LOT_COUNT_TYPE,
        SENSOR_HEALTH_TYPE,
        OUTPUT_CHANGED_TYPE,
    }
)


def _type_of(value: object) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return kind if kind in _KNOWN_TYPES else "other"


EVENT_ADAPTER: TypeAdapter[Event] = TypeAdapter(
    Annotated[
        Annotated[BayChangedEvent, Tag(BAY_CHANGED_TYPE)]
        | Annotated[IncidentChangedEvent, Tag(INCIDENT_CHANGED_TYPE)]
        | Annotated[StreamGapEvent, Tag(STREAM_GAP_TYPE)]
        | Annotated[GatePassedEvent, Tag(GATE_PASSED_TYPE)]
        | Annotated[LotCountEvent, Tag(LOT_COUNT_TYPE)]
        | Annotated[SensorHealthEvent, Tag(SENSOR_HEALTH_TYPE)]
        | Annotated[OutputChangedEvent, Tag(OUTPUT_CHANGED_TYPE)]
        | Annotated[OtherEvent, Tag("other")],
        Discriminator(_type_of),
    ]
)


_LOOKS_LIKE_A_CHANGE = f'"{BAY_CHANGED_TYPE}"'.encode()


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
    return checked(_validated, payload, where, "event")


def _validated(payload: bytes) -> Event:
    """Most events by far are changes of a bay, so these are tried without asking for the type."""
    if _LOOKS_LIKE_A_CHANGE in payload:
        with suppress(ValidationError):
            return BayChangedEvent.model_validate_json(payload)
    return EVENT_ADAPTER.validate_json(payload)
