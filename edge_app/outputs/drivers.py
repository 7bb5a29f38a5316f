"""How a relay is switched and a sign is written, by MQTT, HTTP or Modbus."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from edge_app.config import BarrierConfig, SignConfig
from edge_app.config.outputs import SignFormat
from edge_app.field_io import FieldError, LocalLink, ModbusPoint, WebDevice
from edge_app.outputs.sign import SignFace
from telemetry import ConfigError

_JSON, _TEXT = "application/json", "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Relay:
    """A barrier's relay.

    Attributes:
        switch: opens (True) or closes (False) and waits for the answer; raises FieldError.
        check: sees whether it can be reached, without switching it; raises FieldError.
        close: lets go of the connection.
    """

    switch: Callable[[bool], None]
    check: Callable[[], str]
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class SignWriter:
    """A sign.

    Attributes:
        show: shows a face and waits for the answer; raises FieldError.
        check: sees whether it can be reached; raises FieldError.
        close: lets go of the connection.
    """

    show: Callable[[SignFace], None]
    check: Callable[[], str]
    close: Callable[[], None]


def relay_of(config: BarrierConfig, link: LocalLink | None) -> Relay:
    """The relay of a barrier.

    Raises:
        ConfigError: Modbus without its extra.
        FieldError: a certificate file cannot be used.
    """
    if (coil := config.modbus) is not None:
        point = ModbusPoint(coil)

        def check_coil() -> str:
            return f"{coil.host}:{coil.port} answers, coil {coil.address} is {point.read_coil():d}"

        return Relay(point.write_coil, check_coil, point.close)
    if (http := config.http) is not None:
        device = WebDevice(
            username=http.username,
            password=http.password,
            token=http.token,
            ca_file=http.ca_file,
            timeout_s=http.timeout_s,
        )

        def call(open_it: bool) -> None:
            url = http.open_url if open_it else http.close_url
            if url is None:
                msg = f"barrier {config.id}: no close_url"
                raise FieldError(msg)
            device.call(http.method.value, url)

        return Relay(call, lambda: device.reach(http.open_url), device.close)
    mqtt, broker = config.mqtt, _needed(link)
    assert mqtt is not None  # noqa: S101 - the settings have exactly one way

    def publish(open_it: bool) -> None:
        payload = mqtt.open_payload if open_it else mqtt.close_payload
        broker.publish(mqtt.topic, payload.encode(), retain=mqtt.retain)

    return Relay(publish, lambda: check_link(broker), _nothing)


def writer_of(config: SignConfig, link: LocalLink | None) -> SignWriter:
    """What writes a sign.

    Raises:
        ConfigError: Modbus without its extra.
        FieldError: a certificate file cannot be used.
    """
    if (register := config.modbus) is not None:
        point = ModbusPoint(register)

        def check_register() -> str:
            value = point.read_register()
            place = f"{register.host}:{register.port}"
            return f"{place} answers, register {register.address} is {value}"

        return SignWriter(
            lambda face: point.write_register(face.value), check_register, point.close
        )
    if (http := config.http) is not None:
        device = WebDevice(
            username=http.username,
            password=http.password,
            token=http.token,
            ca_file=http.ca_file,
            timeout_s=http.timeout_s,
        )

        def call(face: SignFace) -> None:
            body, media_type = _body(face, config.format)
            device.call(http.method.value, http.url, body, media_type)

        return SignWriter(call, lambda: device.reach(http.url), device.close)
    mqtt, broker = config.mqtt, _needed(link)
    assert mqtt is not None  # noqa: S101 - the settings have exactly one way

    def publish(face: SignFace) -> None:
        broker.publish(mqtt.topic, _body(face, config.format)[0], retain=True)

    return SignWriter(publish, lambda: check_link(broker), _nothing)


def check_link(link: LocalLink) -> str:
    """See whether the local broker is there.

    Raises:
        FieldError: it is not.
    """
    info = link.info
    if not info.connected:
        msg = f"local broker {info.broker}: {info.last_error or 'not connected'}"
        raise FieldError(msg)
    return f"the local broker at {info.broker} answers"


def _body(face: SignFace, form: SignFormat) -> tuple[bytes, str]:
    if form is SignFormat.TEXT:
        return face.text.encode(), _TEXT
    shown = {
        "state": face.state.value,
        "free": face.free,
        "value": face.value,
        "text": face.text,
    }
    return json.dumps(shown).encode(), _JSON


def _needed(link: LocalLink | None) -> LocalLink:
    if link is None:
        msg = "[local_broker] is needed"
        raise ConfigError(msg)
    return link


def _nothing() -> None:
    """The link is not ours to close."""
