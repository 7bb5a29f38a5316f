"""Nwave bay sensors NPS405 and NPS310, and vehicle counter NCC405.

Layouts: TheThingsNetwork/lorawan-devices. Port 1 status, 2 heartbeat, 3 start, 6 debug, 10 a user's
tag. The NPS405 was described twice: with the occupied bit highest (2022), and lowest (now). Nothing
in a payload tells which, so each is a profile of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sensors.decoders.payload import (
    check_least,
    check_length,
    int8,
    named,
    no_such_port,
    uint16,
    version,
)
from sensors.readings import UINT16, BayReading, Decoded, DeviceStatus, RunningTotal, plausible_c

_RESETS_405: Final = (
    "rejoined", "watchdog", "power_on", "user_request", None, None, "brownout", "other",
)  # fmt: skip
_RESETS_310: Final = (None, "watchdog", "power_on", "user_request", "brownout", "other")
_OVERFLOW_MIN: Final = 660
"""The state before lasted at least so long."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a status byte has its occupied bit, and its other seven."""

    occupied: Callable[[int], bool]
    rest: Callable[[int], int]


_LOWEST = _Layout(lambda byte: bool(byte & 1), lambda byte: byte >> 1)
_HIGHEST = _Layout(lambda byte: bool(byte >> 7), lambda byte: byte & 127)


def nps405(f_port: int | None, payload: bytes) -> Decoded:
    """An uplink of an NPS405 as it is made now: the lowest bit says occupied.

    Raises:
        SensorError: it is none.
    """
    return _nps405(f_port, payload, _LOWEST)


def nps405_bit7(f_port: int | None, payload: bytes) -> Decoded:
    """An uplink of an early NPS405: the highest bit says occupied.

    Raises:
        SensorError: it is none.
    """
    return _nps405(f_port, payload, _HIGHEST)


def _nps405(f_port: int | None, payload: bytes, layout: _Layout) -> Decoded:
    match f_port:
        case 1:
            check_length(payload, (1,), "status")
            return Decoded(bay=_status(payload[0], layout))
        case 2:
            # Three more bytes since firmware 2; nobody says what they are.
            check_least(payload, 3, "heartbeat")
            return Decoded(
                bay=BayReading(layout.occupied(payload[0])),
                status=_battery(payload[1], int8(payload[2]) / 2 + 10),
                more={"health_code": layout.rest(payload[0])},
            )
        case 3:
            return _start(payload, _RESETS_405)
        case 6:
            return _debug(payload)
        case 10:
            # The longer one has the tag's battery before the tag, in tenths of a volt.
            check_length(payload, (5, 6), "tag")
            # A user may register before the vehicle is there: this frees no bay.
            is_taken = layout.occupied(payload[0])
            bay = _status(payload[0], layout, payload[-4:].hex()) if is_taken else None
            return Decoded(bay=bay, more={} if is_taken else {"tag": payload[-4:].hex()})
        case _:
            raise no_such_port(f_port, "1, 2, 3, 6 or 10")


def nps310(f_port: int | None, payload: bytes) -> Decoded:
    """An uplink of an NPS310.

    Raises:
        SensorError: it is none.
    """
    match f_port:
        case 1 | 2:
            check_least(payload, 1, "status")
            return Decoded(bay=BayReading(bool(payload[0] & 1)))
        case 3:
            return _start(payload, _RESETS_310)
        case 6:
            return _debug(payload)
        case _:
            raise no_such_port(f_port, "1, 2, 3 or 6")


def ncc405(f_port: int | None, payload: bytes) -> Decoded:
    """An uplink of an NCC405: a running total that starts again at 65,536, and after a reset.

    Raises:
        SensorError: it is none.
    """
    match f_port:
        case 1:
            check_length(payload, (2,), "count")
            return Decoded(count=RunningTotal(uint16(payload, 0), UINT16))
        case 2:
            check_length(payload, (3,), "heartbeat")
            return Decoded(
                status=DeviceStatus(battery_v=_volts(payload[1])),
                more={
                    "health_code": payload[0] & 127,
                    "battery_mean_24h_v": _volts(payload[2]),
                },
            )
        case 3:
            check_length(payload, (4,), "start")
            return Decoded(status=_started(payload, _RESETS_405))
        case 6:
            return _debug(payload)
        case _:
            raise no_such_port(f_port, "1, 2, 3 or 6")


def _status(byte: int, layout: _Layout, tag: str | None = None) -> BayReading:
    minutes, tolerance = _duration(layout.rest(byte))
    return BayReading(layout.occupied(byte), minutes, tolerance, tag)


def _duration(code: int) -> tuple[int, int | None]:
    """Minutes of the state before, and how many more it may have been; None: any number."""
    if code < 90:
        return code, 0
    if code < 120:
        return 90 + (code - 90) * 5, 4
    if code < 127:
        return 240 + (code - 120) * 60, 59
    return _OVERFLOW_MIN, None


def _volts(byte: int) -> float:
    return (2500 + byte * 4) / 1000


def _battery(byte: int, temperature_c: float) -> DeviceStatus:
    # Nwave's own rule: low below 3.0 V, in the cold below 2.9 V.
    battery_v = _volts(byte)
    is_low = battery_v < (2.9 if temperature_c < -5 else 3.0)
    return DeviceStatus(battery_v, None, is_low, plausible_c(temperature_c))


def _started(payload: bytes, resets: tuple[str | None, ...]) -> DeviceStatus:
    return DeviceStatus(firmware=version(payload[:3]), reset=named(resets, payload[3]))


def _start(payload: bytes, resets: tuple[str | None, ...]) -> Decoded:
    check_least(payload, 5, "start")
    return Decoded(bay=BayReading(bool(payload[4] & 1)), status=_started(payload, resets))


def _debug(payload: bytes) -> Decoded:
    return Decoded(more={"debug": payload.hex()})
