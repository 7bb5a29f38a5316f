"""ChirpStack v4: events of its MQTT and HTTP integrations, as JSON.

The kind of event is the topic's last level, or the `event` of the webhook's query; the body does
not say it. Zeros, false and empty fields are omitted (proto3 JSON): `fCnt` 0 and `fPort` 0 do not
come at all. Source: ChirpStack's documentation of its events and `integration.proto`.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from pydantic import AliasChoices, Field

from sensors.envelopes.downlinks import of_chirpstack
from sensors.envelopes.uplink import (
    Envelope,
    EnvelopeId,
    Eui,
    FrameCount,
    Port,
    Reception,
    Uplink,
    UplinkKind,
    best,
    from_base64,
    read,
)
from sensors.errors import SensorError
from telemetry.bounds import UtcTime

EVENTS: Final = frozenset(
    {"up", "status", "join", "ack", "txack", "log", "location", "integration"}
)
_KINDS: Final = {"up": UplinkKind.UP, "status": UplinkKind.STATUS, "join": UplinkKind.JOIN}
_TOPIC: Final = re.compile(r"application/[^/]+/device/[^/]+/event/([a-z]+)$")


class _Device(Envelope):
    dev_eui: Eui = Field(validation_alias=AliasChoices("devEui", "devEUI"))


class _Event(Envelope):
    dedup_id: EnvelopeId = Field(default="", validation_alias="deduplicationId")
    time: UtcTime | None = None
    device: _Device = Field(validation_alias="deviceInfo")
    f_cnt: FrameCount = Field(default=0, validation_alias="fCnt")
    f_port: Port = Field(default=0, validation_alias="fPort")
    data: str = ""
    object: dict[str, Any] | None = None
    receptions: tuple[Reception, ...] = Field(default=(), validation_alias="rxInfo")
    battery_pct: float | None = Field(default=None, ge=0, le=100, validation_alias="batteryLevel")
    is_powered: bool = Field(default=False, validation_alias="externalPowerSource")
    is_battery_unknown: bool = Field(default=False, validation_alias="batteryLevelUnavailable")


def event_of_topic(topic: str) -> str | None:
    """The kind of event that comes on a topic; None where it is no event's topic."""
    match = _TOPIC.search(topic)
    return None if match is None else match[1]


def chirpstack(body: bytes, event: str) -> Uplink:
    """An event of ChirpStack.

    Args:
        body: the message, JSON.
        event: its kind, of the topic or the query.

    Raises:
        SensorError: it is none.
    """
    if event not in EVENTS:
        msg = f"event: expected one of {', '.join(sorted(EVENTS))}, but got {event[:40]!r}"
        raise SensorError(msg)
    message = read(_Event.model_validate_json, body, f"ChirpStack's {event}", "ChirpStack event")
    device = message.device.dev_eui.lower()
    kind = _KINDS.get(event, UplinkKind.OTHER)
    is_up = kind is UplinkKind.UP
    own_id = message.dedup_id or _spelt(message, device)
    reception = best(message.receptions)
    return Uplink(
        kind=kind,
        event=event,
        device=device,
        dedup_id=f"{event}:{own_id}",
        time=message.time,
        f_cnt=message.f_cnt if is_up else None,
        f_port=message.f_port if is_up else None,
        payload=from_base64(message.data) if is_up else None,
        object=message.object if is_up else None,
        battery_pct=_battery(message) if kind is UplinkKind.STATUS else None,
        rssi_dbm=reception.rssi,
        snr_db=reception.snr,
        gateways=len(message.receptions) or None,
        downlink=of_chirpstack(event, json.loads(body)) if kind is UplinkKind.OTHER else None,
        raw=body.decode(),
    )


def _spelt(message: _Event, device: str) -> str:
    """What stands for the deduplication id where an old version sends none."""
    time = "" if message.time is None else message.time.isoformat()
    return f"{device}/{message.f_cnt}/{time}"


def _battery(message: _Event) -> float | None:
    if message.is_powered or message.is_battery_unknown:
        return None
    # An empty battery is 0, which JSON leaves out.
    return message.battery_pct or 0.0
