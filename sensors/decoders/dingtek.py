"""Dingtek bay sensors DO200 and DO202 (magnet), DO201 (magnet and distance).

Layout: TheThingsNetwork/lorawan-devices, port 3. A frame starts with 80 and ends with 81; byte 3 is
what it is, byte 4 its length.
"""

from __future__ import annotations

from typing import Final

from sensors.decoders.payload import check_least, int8, int16, no_such_port, percent, uint16
from sensors.errors import SensorError
from sensors.readings import BayReading, Decoded, DeviceStatus, Scalar, plausible_c

_PORT: Final = 3
_HEAD, _TAIL = 0x80, 0x81
_LONG: Final = 23
"""With temperature and humidity; DO200 has neither."""
_SHORT: Final = 21
_DO202: Final = 0x32
"""A magnet only: its bytes of the distance hold none."""


def do20x(f_port: int | None, payload: bytes) -> Decoded:
    """An uplink of a DO200, DO201 or DO202.

    Raises:
        SensorError: it is none.
    """
    if f_port != _PORT:
        raise no_such_port(f_port, str(_PORT))
    check_least(payload, 6, "frame")
    if (payload[0], payload[-1]) != (_HEAD, _TAIL) or payload[4] != len(payload):
        msg = f"expected a frame 80...81 with its length in byte 4, but got {payload.hex()[:80]}"
        raise SensorError(msg)
    match payload[3]:
        case 1 | 2:
            return _reading(payload)
        case 3:
            return Decoded(status=DeviceStatus(firmware=f"{payload[5]}.{payload[6]}"))
        case other:
            msg = f"byte 3: expected 1, 2 (readings) or 3 (parameters), but got {other}"
            raise SensorError(msg)


def _reading(payload: bytes) -> Decoded:
    if len(payload) not in {_SHORT, _LONG}:
        msg = f"reading: expected {_SHORT} or {_LONG} bytes, but got {len(payload)}"
        raise SensorError(msg)
    more: dict[str, Scalar] = {
        "alarm_level": bool(payload[7] & 0x0F),
        "alarm_magnet": bool(payload[8] >> 4),
        "magnet_x": int16(payload, 11),
        "magnet_y": int16(payload, 13),
        "magnet_z": int16(payload, 15),
        "counter": uint16(payload, len(payload) - 4 if len(payload) == _LONG else 17),
    }
    if payload[2] != _DO202:
        more["level_mm"] = uint16(payload, 5)
    temperature_c: float | None = None
    humidity_pct: float | None = None
    if len(payload) == _LONG:
        # Makers' own examples have -117 degrees: a sensor that is not fitted.
        temperature_c = plausible_c(int8(payload[17]))
        humidity_pct = percent(payload[18])
    return Decoded(
        bay=BayReading(bool(payload[7] >> 4)),
        status=DeviceStatus(
            battery_v=_volts(uint16(payload, 9)),
            battery_low=bool(payload[8] & 0x0F),
            temperature_c=temperature_c,
            humidity_pct=humidity_pct,
        ),
        more=more,
    )


def _volts(hundredths: int) -> float | None:
    # 16 bits reach to 655 V: what no battery has is no measurement.
    return hundredths / 100 if hundredths <= 10_000 else None
