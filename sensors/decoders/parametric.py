"""Parametric TCR radar counters: vehicles to the left and right since the uplink before.

Layout: Parametric's payload versions 1 and 2 as ZennerIoT/element-parsers have them. Port 15
counts of up to four speed classes, 190 configuration.
"""

from __future__ import annotations

from typing import Final

from sensors.decoders.payload import check_length, int16, no_such_port, percent, uint16, version
from sensors.errors import SensorError
from sensors.readings import Decoded, DeviceStatus, IntervalCounts, Scalar, plausible_c

_MAKER: Final = bytes((0xBE, 0x02))
_CLASS_BYTES: Final = 6
_CLASSES: Final = 4
_COUNTS, _CONFIGURATION = 15, 190


def tcr(f_port: int | None, payload: bytes) -> Decoded:
    """An uplink of a TCR-LS, TCR-HS or their solar kin.

    Raises:
        SensorError: it is none.
    """
    if f_port not in {_COUNTS, _CONFIGURATION}:
        raise no_such_port(f_port, f"{_COUNTS} or {_CONFIGURATION}")
    if payload[:2] != _MAKER or payload[2:3] not in {b"\x01", b"\x02"}:
        msg = f"expected be02 and payload version 1 or 2, but got {payload[:3].hex() or 'nothing'}"
        raise SensorError(msg)
    return _counts(payload) if f_port == _COUNTS else _configuration(payload)


def _counts(payload: bytes) -> Decoded:
    head = 7 + payload[2]  # Version 1 has a byte of percent, version 2 two of millivolts.
    check_length(
        payload, [head + _CLASS_BYTES * number for number in range(1, _CLASSES + 1)], "counts"
    )
    battery = int.from_bytes(payload[3 : head - 4], "big")
    classes = range(head, len(payload), _CLASS_BYTES)
    more: dict[str, Scalar] = {"solar_mw": uint16(payload, head - 4)}
    for number, at in enumerate(classes):
        left, right = uint16(payload, at), uint16(payload, at + 3)
        if left or right:
            more |= {
                f"class_{number}_left": left,
                f"class_{number}_left_km_h": payload[at + 2],
                f"class_{number}_right": right,
                f"class_{number}_right_km_h": payload[at + 5],
            }
    is_percent = payload[2] == 1
    return Decoded(
        count=IntervalCounts(
            sum(uint16(payload, at) for at in classes),
            sum(uint16(payload, at + 3) for at in classes),
        ),
        status=DeviceStatus(
            battery_pct=percent(battery) if is_percent else None,
            # 0 where no battery is fitted.
            battery_v=battery / 1000 if not is_percent and battery else None,
            temperature_c=plausible_c(int16(payload, head - 2) / 10),
        ),
        more=more,
    )


def _configuration(payload: bytes) -> Decoded:
    check_length(payload, (27,), "configuration")
    return Decoded(
        status=DeviceStatus(firmware=version(payload[4:7])),
        more={"interval_min": uint16(payload, 10), "sensitivity_pct": payload[16]},
    )
