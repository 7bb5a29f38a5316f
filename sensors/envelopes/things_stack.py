"""The Things Stack v3: messages of its webhooks and its MQTT server.

What a message is stands in the name of the one part it has (`uplink_message`, `join_accept`, ...),
so the topic is not needed. Zeros, false and empty fields are omitted. Source: The Things Stack's
data formats.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from pydantic import Field, model_validator

from sensors.envelopes.downlinks import of_things_stack
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
from telemetry.bounds import UtcTime
from telemetry.vocabulary import Identifier

_OTHERS: Final = (
    "uplink_normalized", "location_solved", "service_data", "downlink_queued", "downlink_sent",
    "downlink_ack", "downlink_nack", "downlink_failed", "downlink_queue_invalidated",
)  # fmt: skip


class _Ids(Envelope):
    device_id: Identifier
    dev_eui: Eui | None = None


class _Battery(Envelope):
    value: float = Field(default=0.0, ge=0, le=100)


class _Up(Envelope):
    f_port: Port = 0
    f_cnt: FrameCount = 0
    frm_payload: str = ""
    decoded_payload: dict[str, Any] | None = None
    rx_metadata: tuple[Reception, ...] = ()
    received_at: UtcTime | None = None
    last_battery_percentage: _Battery | None = None


class _Join(Envelope):
    session_key_id: EnvelopeId = ""
    received_at: UtcTime | None = None


class _Message(Envelope):
    end_device_ids: _Ids
    received_at: UtcTime | None = None
    uplink_message: _Up | None = None
    join_accept: _Join | None = None
    other: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, message: Any) -> Any:
        if not isinstance(message, dict):
            return message
        others = [name for name in _OTHERS if name in message]
        return message | {"other": others[0] if others else None}

    @model_validator(mode="after")
    def _is_something(self) -> _Message:
        if self.uplink_message is None and self.join_accept is None and self.other is None:
            msg = "expected uplink_message, join_accept or another of its parts, but got none"
            raise ValueError(msg)
        return self


def things_stack(body: bytes) -> Uplink:
    """A message of The Things Stack.

    Args:
        body: JSON, as its webhook posts it and its MQTT server publishes it.

    Raises:
        SensorError: it is none.
    """
    message = read(
        _Message.model_validate_json, body, "The Things Stack", "message of The Things Stack"
    )
    ids = message.end_device_ids
    device = (ids.dev_eui or ids.device_id).lower()
    names = (ids.device_id,)
    if message.uplink_message is not None:
        return replace(_uplink(message, message.uplink_message, device, names), raw=body.decode())
    join = message.join_accept
    event = "join" if join is not None else message.other or ""
    time = message.received_at or (None if join is None else join.received_at)
    key = join.session_key_id if join is not None else ""
    return Uplink(
        kind=UplinkKind.OTHER if join is None else UplinkKind.JOIN,
        event=event,
        device=device,
        names=names,
        dedup_id=f"{event}:{device}/{key}/{'' if time is None else time.isoformat()}",
        time=time,
        downlink=of_things_stack(json.loads(body)) if join is None else None,
        raw=body.decode(),
    )


def _uplink(message: _Message, up: _Up, device: str, names: tuple[str, ...]) -> Uplink:
    # The network server's time: the same by MQTT and by webhook, and nearest to the truth.
    time = up.received_at or message.received_at
    reception = best(up.rx_metadata)
    battery = up.last_battery_percentage
    return Uplink(
        kind=UplinkKind.UP,
        event="up",
        device=device,
        names=names,
        dedup_id=f"up:{device}/{up.f_cnt}/{'' if time is None else time.isoformat()}",
        time=time,
        f_cnt=up.f_cnt,
        f_port=up.f_port,
        payload=from_base64(up.frm_payload),
        object=up.decoded_payload,
        battery_pct=None if battery is None else battery.value,
        rssi_dbm=reception.rssi,
        snr_db=reception.snr,
        gateways=len(up.rx_metadata) or None,
    )
