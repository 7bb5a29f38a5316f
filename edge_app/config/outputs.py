"""`[[sign]]`, `[[alarm_input]]`, `[[barrier]]`: what the box switches and reads at the lot."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from edge_app.config.local_broker import TopicText
from edge_app.config.section import Port, Probability, Seconds, Section
from telemetry import Identifier, LotId, ZoneId

_Register = Annotated[int, Field(ge=0, le=65_535)]
_Payload = Annotated[str, Field(max_length=1_024)]
_Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2_048)]
_Level = Annotated[str, Field(min_length=1, max_length=32)]
_SignText = Annotated[str, Field(max_length=64)]
_DEFAULT_ON = ("1", "on", "true", "alarm", "open")
_DEFAULT_OFF = ("0", "off", "false", "ok", "closed")


class SignFormat(StrEnum):
    """What a sign is sent over MQTT or HTTP."""

    JSON = "json"
    TEXT = "text"


class HttpMethod(StrEnum):
    """How a device wants to be called."""

    POST = "POST"
    PUT = "PUT"
    GET = "GET"


class _HttpDevice(Section):
    username: str | None = Field(default=None, title="User", description="Basic authentication.")
    password: SecretStr | None = Field(default=None, title="Password", description="Of the user.")
    token: SecretStr | None = Field(
        default=None, title="Token", description="Sent as a bearer token."
    )
    ca_file: Path | None = Field(
        default=None, title="Authority", description="PEM, who may vouch for the device; HTTPS."
    )
    timeout_s: Seconds = Field(default=2.0, title="Time-out", description="Of one call.")

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.password is not None and self.username is None:
            msg = "password needs a username"
            raise ValueError(msg)
        if self.token is not None and self.username is not None:
            msg = "username and token exclude each other"
            raise ValueError(msg)
        return self


class ModbusDevice(Section):
    """Modbus TCP; needs the extra `modbus`."""

    host: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        title="Host", description="Name or address of the device."
    )
    port: Port = Field(default=502, title="Port", description="TCP port.")
    unit: Annotated[int, Field(ge=0, le=255)] = Field(
        default=1, title="Unit", description="Modbus unit (slave) id."
    )
    address: _Register = Field(title="Address", description="Counted from 0, as on the wire.")
    timeout_s: Seconds = Field(default=1.0, title="Time-out", description="Of one request.")


class SignMqtt(Section):
    """`[sign.mqtt]`: the sign listens at the local broker."""

    topic: TopicText = Field(title="Topic", description="Published with QoS 1, retained.")


class SignHttp(_HttpDevice):
    """`[sign.http]`: the sign is called."""

    url: _Url = Field(title="Address", description="Of the sign.")
    method: HttpMethod = Field(
        default=HttpMethod.PUT, title="Method", description="PUT or POST, with the text as body."
    )

    @field_validator("method")
    @classmethod
    def _has_body(cls, value: HttpMethod) -> HttpMethod:
        if value is HttpMethod.GET:
            msg = "PUT or POST: GET has no body"
            raise ValueError(msg)
        return value


class SignConfig(Section):
    """`[[sign]]`: shows how many bays are free; see docs/outputs.md."""

    id: Identifier = Field(title="Id", description="Of the sign.")
    lot: LotId | None = Field(
        default=None, title="Lot", description="Whose bays count; absent: all of the box."
    )
    level: _Level | None = Field(default=None, title="Level", description="Only this level.")
    zone: ZoneId | None = Field(default=None, title="Zone", description="Only this zone.")
    full_at: Annotated[int, Field(ge=0, le=65_535)] = Field(
        default=0, title="Full at", description="So many free bays or fewer are shown as full."
    )
    full_text: _SignText = Field(
        default="FULL", title="Full", description="Text when no bay is free."
    )
    closed_text: _SignText = Field(
        default="CLOSED", title="Closed", description="Text when every bay is closed."
    )
    unknown_text: _SignText = Field(
        default="--", title="Unknown", description="Text when too little is known."
    )
    full_value: _Register = Field(
        default=0, title="Full, as a number", description="For Modbus and JSON."
    )
    closed_value: _Register = Field(
        default=0, title="Closed, as a number", description="For Modbus and JSON."
    )
    unknown_value: _Register = Field(
        default=0,
        title="Unknown, as a number",
        description="For Modbus and JSON; 0 sends nobody in, 65535 is a code of its own.",
    )
    max_unknown_share: Probability = Field(
        default=0.2,
        title="Most unknown",
        description="With a greater share of unknown bays the sign says unknown; none of them "
        "ever counts as free.",
    )
    format: SignFormat = Field(
        default=SignFormat.JSON,
        title="Format",
        description="json: state, free, value, text. text: the text alone. Not for Modbus.",
    )
    refresh_s: Seconds = Field(
        default=60.0, title="Refresh", description="Sent again so often, for signs that forget."
    )
    min_interval_s: Seconds = Field(
        default=1.0, title="Least interval", description="Between two changes of the sign."
    )
    mqtt: SignMqtt | None = Field(default=None, title="MQTT", description="Local broker.")
    http: SignHttp | None = Field(default=None, title="HTTP", description="The sign's own API.")
    modbus: ModbusDevice | None = Field(
        default=None, title="Modbus", description="A holding register with the number."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        _exactly_one(self, ("mqtt", "http", "modbus"))
        return self


class InputMqtt(Section):
    """`[alarm_input.mqtt]`: the alarm comes from the local broker."""

    topic: TopicText = Field(title="Topic", description="Retained messages count.")
    key: str | None = Field(
        default=None,
        title="Key",
        description="Of a JSON payload, such as contact; absent: the whole payload.",
    )
    on: tuple[_Payload, ...] = Field(
        default=_DEFAULT_ON, title="On", description="Words for an alarm, in any case."
    )
    off: tuple[_Payload, ...] = Field(
        default=_DEFAULT_OFF,
        title="Off",
        description="Words for no alarm. Anything else changes nothing, and is told as a fault.",
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        both = {word.lower() for word in self.on} & {word.lower() for word in self.off}
        if both:
            msg = f"on and off must differ, but both have {', '.join(sorted(both))}"
            raise ValueError(msg)
        return self


class InputModbus(ModbusDevice):
    """`[alarm_input.modbus]`: a discrete input that is read all the time."""

    poll_s: Annotated[float, Field(ge=0.01, le=10)] = Field(
        default=0.05, title="Poll", description="Between two looks."
    )


class AlarmInputConfig(Section):
    """`[[alarm_input]]`: a contact at the lot that opens barriers; see docs/outputs.md."""

    id: Identifier = Field(title="Id", description="Of the input.")
    inverted: bool = Field(
        default=False,
        title="Inverted",
        description="For a contact that is closed while all is well.",
    )
    lost_is_alarm: bool = Field(
        default=False,
        title="Lost is alarm",
        description="Whether an input that cannot be read is an alarm too, as a cut wire is.",
    )
    lost_after_s: Seconds = Field(
        default=10.0, title="Lost after", description="Unread for so long it is lost."
    )
    http: bool = Field(
        default=False, title="HTTP", description="Told by POST /api/v1/inputs/ID; see docs."
    )
    mqtt: InputMqtt | None = Field(default=None, title="MQTT", description="Local broker.")
    modbus: InputModbus | None = Field(
        default=None, title="Modbus", description="A discrete input."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        _exactly_one(self, ("http", "mqtt", "modbus"))
        if self.http and self.lost_is_alarm:
            msg = "lost_is_alarm: an input that is told over HTTP is not read, so it is never lost"
            raise ValueError(msg)
        return self


class RelayMqtt(Section):
    """`[barrier.mqtt]`: the relay listens at the local broker."""

    topic: TopicText = Field(title="Topic", description="Published with QoS 1.")
    open_payload: _Payload = Field(default="ON", title="Open", description="Payload that opens.")
    close_payload: _Payload = Field(
        default="OFF", title="Close", description="Payload that closes."
    )
    retain: bool = Field(
        default=False, title="Retain", description="Whether the broker keeps it for the relay."
    )


class RelayHttp(_HttpDevice):
    """`[barrier.http]`: the relay is called."""

    open_url: _Url = Field(title="Open", description="Called to open.")
    close_url: _Url | None = Field(
        default=None, title="Close", description="Called to close; needed to close at all."
    )
    method: HttpMethod = Field(
        default=HttpMethod.POST, title="Method", description="POST, PUT or GET."
    )


class BarrierConfig(Section):
    """`[[barrier]]`: opened by alarm inputs; see docs/outputs.md."""

    id: Identifier = Field(title="Id", description="Of the barrier.")
    inputs: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=32)] = Field(
        title="Inputs", description="Ids of the alarm inputs, any of which opens it."
    )
    hold_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=60.0, title="Hold", description="Stays open for so long after the last alarm ends."
    )
    close_after_alarm: bool = Field(
        default=False,
        title="Close",
        description="Whether the box closes it then. Otherwise it lets go, and a person closes it.",
    )
    retry_s: Annotated[float, Field(ge=0.05, le=60)] = Field(
        default=0.25,
        title="Retry",
        description="After a relay failed; then twice as long each time.",
    )
    retry_longest_s: Seconds = Field(
        default=2.0, title="Longest pause", description="Between two tries."
    )
    repeat_s: Seconds = Field(
        default=10.0,
        title="Repeat",
        description="Opened again so often while the alarm lasts, for a relay that lost its power.",
    )
    mqtt: RelayMqtt | None = Field(default=None, title="MQTT", description="Local broker.")
    http: RelayHttp | None = Field(default=None, title="HTTP", description="The relay's own API.")
    modbus: ModbusDevice | None = Field(default=None, title="Modbus", description="A coil.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _exactly_one(self, ("mqtt", "http", "modbus"))
        if self.close_after_alarm and self.http is not None and self.http.close_url is None:
            msg = "close_after_alarm needs http.close_url"
            raise ValueError(msg)
        return self


def _exactly_one(section: Section, ways: tuple[str, ...]) -> None:
    given = [way for way in ways if getattr(section, way)]
    if len(given) != 1:
        msg = f"expected one of {', '.join(ways)}, but got {' and '.join(given) or 'none'}"
        raise ValueError(msg)
