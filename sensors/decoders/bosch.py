"""Bosch parking lot sensor TPS110.

Layout: Bosch's communication interface as TheThingsNetwork/lorawan-devices and
ZennerIoT/element-parsers have it. Port 1 status, 2 heartbeat (temperature since 0.29), 3 start,
4 and 5 device information, 6 debug.
"""

from __future__ import annotations

from typing import Final

from sensors.decoders.payload import check_least, check_length, int8, no_such_port, version
from sensors.decoders.payload import named as word_of
from sensors.readings import BayReading, Decoded, DeviceStatus, plausible_c

_RESETS: Final = ("watchdog", "power_on", "system_request", "other")
_COUNTED_FROM_1: Final = (0, 29)
"""The first firmware (major, minor) whose reset codes count from 1; before, from 0."""


def tps110(f_port: int | None, payload: bytes) -> Decoded:
    """An uplink of a TPS110.

    Raises:
        SensorError: it is none.
    """
    match f_port:
        case 1:
            check_length(payload, (1,), "status")
            return Decoded(bay=_bay(payload[0]))
        case 2:
            check_length(payload, (1, 2), "heartbeat")
            temperature_c = plausible_c(int8(payload[1])) if len(payload) > 1 else None
            return Decoded(bay=_bay(payload[0]), status=DeviceStatus(temperature_c=temperature_c))
        case 3:
            return _start(payload)
        case 4 | 5 | 6:
            check_least(payload, 1, "device information")
            return Decoded(more={"information": payload.hex()})
        case _:
            raise no_such_port(f_port, "1 to 6")


def _bay(byte: int) -> BayReading:
    return BayReading(bool(byte & 1))


def _start(payload: bytes) -> Decoded:
    check_length(payload, (17,), "start")
    firmware, code = payload[12:15], payload[15]
    first = 1 if (firmware[0], firmware[1]) >= _COUNTED_FROM_1 else 0
    # A code before the first is none: 255 has no word either.
    reset = word_of(_RESETS, code - first) if code >= first else f"code {code}"
    return Decoded(
        bay=_bay(payload[16]),
        status=DeviceStatus(firmware=version(firmware), reset=reset),
        more={"reset_code": code},
    )
