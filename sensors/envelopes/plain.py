"""The plain JSON of `docs/sensors.md`: for gateways, scripts and makers' clouds without LoRaWAN.

One reading is an object, several are an array or `{"readings": [...]}`. Each is read by itself, so
that a wrong one keeps none of the others away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from pydantic import Field, ValidationError, model_validator

from sensors.decoders.objects import from_object
from sensors.decoders.profiles import PLAIN
from sensors.envelopes.uplink import (
    Envelope,
    EnvelopeId,
    FrameCount,
    Port,
    Rssi,
    Snr,
    Uplink,
    UplinkKind,
    from_base64,
    read,
)
from sensors.errors import SensorError
from telemetry.bounds import UtcTime
from telemetry.payload_checks import describe
from telemetry.vocabulary import Identifier

MOST_READINGS: Final = 1_000
"""Of one batch."""
_ABOUT: Final = frozenset(
    {"device", "id", "time", "kind", "f_cnt", "f_port", "payload_hex", "payload", "rssi_dbm",
     "snr_db", "object"}
)  # fmt: skip


class _Reading(Envelope):
    device: Identifier
    id: EnvelopeId | None = Field(default=None, min_length=1)
    time: UtcTime | None = None
    kind: UplinkKind = UplinkKind.UP
    f_cnt: FrameCount | None = None
    f_port: Port | None = None
    payload_hex: str | None = Field(default=None, pattern=r"^([0-9A-Fa-f]{2}){1,242}$")
    payload: str | None = None
    object: dict[str, Any] | None = None
    rssi_dbm: Rssi | None = None
    snr_db: Snr | None = None

    @model_validator(mode="after")
    def _has_a_key(self) -> _Reading:
        if self.id is None and self.time is None:
            msg = "expected a time or an id: without either a repeated message counts twice"
            raise ValueError(msg)
        return self


def plain(body: bytes) -> Iterator[Uplink | SensorError]:
    """The readings of a plain message, each by itself: what it says, or why it cannot be read.

    Raises:
        SensorError: the message as a whole is no JSON, or has too many readings.
    """
    value = read(json.loads, body, "readings", "JSON document")
    if isinstance(value, dict) and isinstance(value.get("readings"), list):
        value = value["readings"]
    readings = value if isinstance(value, list) else [value]
    if len(readings) > MOST_READINGS:
        msg = f"expected at most {MOST_READINGS} readings, but got {len(readings)}"
        raise SensorError(msg)
    return map(_tried, readings)


def _tried(value: Any) -> Uplink | SensorError:
    try:
        return _uplink(value)
    except SensorError as exc:
        return exc


def _uplink(value: Any) -> Uplink:
    try:
        reading = _Reading.model_validate(value)
    except ValidationError as exc:
        raise SensorError(describe(exc, "reading")) from exc
    payload = from_base64(reading.payload)
    if reading.payload_hex is not None:
        payload = bytes.fromhex(reading.payload_hex)
    said = {name: each for name, each in value.items() if name not in _ABOUT}
    # Without bytes the reading speaks for itself, and needs nobody's profile.
    is_plain = payload is None and reading.object is None and reading.kind is UplinkKind.UP
    time = "" if reading.time is None else reading.time.isoformat()
    f_cnt = "" if reading.f_cnt is None else reading.f_cnt
    return Uplink(
        kind=reading.kind,
        event=reading.kind.value,
        device=reading.device,
        dedup_id=f"{reading.kind.value}:{reading.device}/{reading.id or f'{f_cnt}/{time}'}",
        time=reading.time,
        f_cnt=reading.f_cnt,
        f_port=reading.f_port,
        payload=payload,
        object=said if is_plain else reading.object,
        profile=PLAIN if is_plain else None,
        battery_pct=_battery(said) if reading.kind is UplinkKind.STATUS else None,
        rssi_dbm=reading.rssi_dbm,
        snr_db=reading.snr_db,
        raw=json.dumps(value, ensure_ascii=False),
    )


def _battery(said: dict[str, Any]) -> float | None:
    return from_object(said).status.battery_pct if "battery_pct" in said else None
