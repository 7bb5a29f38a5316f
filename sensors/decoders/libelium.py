"""Libelium Plug & Sense Smart Parking, payloads v2 and v3: 11 bytes, on any port.

Layout: Libelium's technical guide as ZennerIoT/element-parsers have it (v3), and what users of v2
found (libelium-parking-sensor-v2): there the frame's type has three bits and other words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sensors.decoders.payload import check_length, int8
from sensors.errors import SensorError
from sensors.readings import BayReading, Decoded, DeviceStatus, Scalar, plausible_c

_INFO, _KEEP_ALIVE, _DAILY, _START_1 = 0, 1, 2, 4
_FRAMES_3: Final[Mapping[int, str]] = {
    0: "info", 1: "keep_alive", 2: "daily", 3: "error", 4: "start_1", 5: "start_2",
    6: "service", 7: "downlink", 8: "rssi",
}  # fmt: skip
_FRAMES_2: Final[Mapping[int, str]] = {
    0: "info", 1: "keep_alive", 2: "config_up", 3: "config_down", 4: "start_1", 5: "start_2",
    6: "clock_sync", 7: "clock_update",
}  # fmt: skip


def smart_parking_v3(f_port: int | None, payload: bytes) -> Decoded:
    """An uplink of payload version 3.

    Raises:
        SensorError: it is none.
    """
    return _smart_parking(payload, _FRAMES_3, 0x0F, frozenset({_INFO, _KEEP_ALIVE, _DAILY}))


def smart_parking_v2(f_port: int | None, payload: bytes) -> Decoded:
    """An uplink of payload version 2.

    Raises:
        SensorError: it is none.
    """
    return _smart_parking(payload, _FRAMES_2, 0x07, frozenset({_INFO, _KEEP_ALIVE}))


def _smart_parking(
    payload: bytes, frames: Mapping[int, str], mask: int, of_bay: frozenset[int]
) -> Decoded:
    check_length(payload, (11,), "frame")
    head, kind = payload[0], payload[0] & mask
    if kind not in frames:
        msg = f"byte 0: expected a frame type of 0 to {max(frames)}, but got {kind}"
        raise SensorError(msg)
    more: dict[str, Scalar] = {
        "frame": frames[kind],
        "counter": payload[1],
        "recalibrated": bool(head & 0x10),
    }
    is_measured = kind in {_INFO, _KEEP_ALIVE}
    error = payload[2] if is_measured else 0
    if kind == _START_1:
        more["firmware_code"] = payload[2]
    return Decoded(
        # Frames of start and service come before the sensor has looked at its bay.
        bay=BayReading(bool(head & 0x80)) if kind in of_bay else None,
        status=DeviceStatus(
            battery_low=bool(head & 0x40),
            temperature_c=plausible_c(int8(payload[3])) if is_measured else None,
            fault=f"sensor error {error}" if error else None,
        ),
        more=more,
    )
