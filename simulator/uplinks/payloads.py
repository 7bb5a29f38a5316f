"""Payloads of bay sensors and counters, the bytes as the devices send them.

Layouts as read from TheThingsNetwork/lorawan-devices (Bosch, Nwave, Dingtek, Milesight) and
ZennerIoT/element-parsers (Libelium, Parametric). Written from the makers' side, so that a decoder
tested against them is not tested against itself.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

_NO_MAGNET = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Frame:
    """What a device hands to its radio.

    Attributes:
        f_port: of the application.
        payload: its bytes.
    """

    f_port: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a bay sensor may say; each family says a part of it.

    Attributes:
        occupied: what it believes.
        previous_min: how long the state before lasted, minutes; told with a change.
        battery_v: of its cell.
        battery_pct: what is left.
        temperature_c: inside the housing.
        counter: of its frames, one byte or two in some payloads.
        distance_mm: to what is below an overhead sensor.
        magnet: of the field, three axes, in the sensor's own unit.
        tilted: whether it was turned from its mount.
    """

    occupied: bool
    previous_min: float = 0.0
    battery_v: float = 3.6
    battery_pct: float = 100.0
    temperature_c: float = 12.0
    counter: int = 0
    distance_mm: int = 0
    magnet: tuple[int, int, int] = _NO_MAGNET
    tilted: bool = False


class Reset(IntEnum):
    """Why a device started, as Nwave numbers it; Bosch has its own numbers."""

    REJOIN = 0
    WATCHDOG = 1
    POWER_ON = 2
    USER = 3


Version = tuple[int, int, int]
Encoder = Callable[[Reading], Frame]
StartEncoder = Callable[[Reading, Version, Reset], Frame]


# -- Bosch TPS110 ---------------------------------------------------------------------------------


def bosch_status(reading: Reading) -> Frame:
    """The state changed."""
    return Frame(1, bytes([reading.occupied]))


def bosch_heartbeat(reading: Reading) -> Frame:
    """Once a day: the state and the temperature."""
    return Frame(2, struct.pack(">Bb", reading.occupied, round(reading.temperature_c)))


_BOSCH_RESETS = {Reset.WATCHDOG: 1, Reset.POWER_ON: 2, Reset.USER: 3, Reset.REJOIN: 4}
_BOSCH_COUNTS_FROM_ONE = (0, 29, 0)


def bosch_start(
    reading: Reading, firmware: Version, reset: Reset, debug: bytes = bytes(12)
) -> Frame:
    """It started; before firmware 0.29 the reasons were numbered from 0."""
    code = _BOSCH_RESETS[reset] - (firmware < _BOSCH_COUNTS_FROM_ONE)
    return Frame(3, debug + bytes([*firmware, code, reading.occupied]))


# -- Nwave ----------------------------------------------------------------------------------------

_NWAVE_MV, _NWAVE_MV_STEP = 2500, 4
_OVERFLOW = 127


def compressed_min(minutes: float) -> int:
    """Minutes in seven bits: to 89 exact, to four hours in fives, to eleven in hours, 127 more."""
    whole = int(minutes)
    if whole < 90:  # noqa: PLR2004 - the maker's steps
        return max(0, whole)
    if whole < 240:  # noqa: PLR2004
        return 90 + (whole - 90) // 5
    return min(120 + (whole - 240) // 60, _OVERFLOW)


def nps405_status(reading: Reading) -> Frame:
    """The state changed, and how long the one before lasted."""
    return Frame(1, bytes([reading.occupied | compressed_min(reading.previous_min) << 1]))


def nps405_old_status(reading: Reading) -> Frame:
    """The same of older firmware: the state in bit 7."""
    return Frame(1, bytes([reading.occupied << 7 | compressed_min(reading.previous_min)]))


def nps405_heartbeat(reading: Reading, tail: bytes = bytes(3)) -> Frame:
    """The state, the battery in steps of 4 mV and the temperature in half degrees from 10."""
    return Frame(2, _nps405_body(reading.occupied, reading) + tail)


def nps405_old_heartbeat(reading: Reading) -> Frame:
    """The same of older firmware."""
    return Frame(2, _nps405_body(reading.occupied << 7, reading))


def _nps405_body(first: int, reading: Reading) -> bytes:
    half_degrees = round((reading.temperature_c - 10) * 2)
    return struct.pack(">BBb", first, _nwave_battery(reading.battery_v), half_degrees)


def nps405_tag(reading: Reading, tag: bytes) -> Frame:
    """Somebody's tag was seen on arrival."""
    return Frame(10, nps405_status(reading).payload + tag)


def nps310_status(reading: Reading) -> Frame:
    """The state changed."""
    return Frame(1, bytes([reading.occupied]))


def nps310_heartbeat(reading: Reading) -> Frame:
    """The state."""
    return Frame(2, bytes([reading.occupied]))


def nwave_start(reading: Reading, firmware: Version, reset: Reset) -> Frame:
    """It started."""
    return Frame(3, bytes([*firmware, reset, reading.occupied]))


def _nwave_battery(volts: float) -> int:
    return max(0, min(255, round((volts * 1000 - _NWAVE_MV) / _NWAVE_MV_STEP)))


# -- Dingtek DO201 --------------------------------------------------------------------------------

_DO201_HEAD = bytes.fromhex("8000310217")
_DO201_TAIL = bytes.fromhex("0081")


def do201_report(reading: Reading, *, humidity_pct: int = 50, alarm_level: bool = False) -> Frame:
    """All in one: distance, alarms, battery, field, temperature, humidity, counter."""
    return Frame(
        3,
        _DO201_HEAD
        + struct.pack(
            ">HBBH3hbBH",
            reading.distance_mm,
            reading.occupied << 4 | alarm_level,
            0,
            round(reading.battery_v * 100),
            *reading.magnet,
            round(reading.temperature_c),
            humidity_pct,
            reading.counter & 0xFFFF,
        )
        + _DO201_TAIL,
    )


# -- Libelium Smart Parking, firmware 3 -----------------------------------------------------------

_LIBELIUM_PORT = 3
_LOW_V = 3.2
_INFO, _KEEP_ALIVE, _START = 0, 1, 4


def libelium_info(reading: Reading, last: int = 0) -> Frame:
    """The state changed; what the last byte means is not known."""
    return _libelium(reading, _INFO, last)


def libelium_keep_alive(reading: Reading, level: int = 200) -> Frame:
    """Nothing changed; the last byte is the cell's level."""
    return _libelium(reading, _KEEP_ALIVE, level)


def libelium_start(reading: Reading, firmware: Version, _reset: Reset) -> Frame:
    """It started; of the version there is one number."""
    return Frame(_LIBELIUM_PORT, _libelium_head(reading, _START) + bytes([firmware[0], *bytes(8)]))


def _libelium(reading: Reading, kind: int, last: int) -> Frame:
    temperature = round(reading.temperature_c)
    body = struct.pack(">Bb3hB", 0, temperature, *reading.magnet, last)
    return Frame(_LIBELIUM_PORT, _libelium_head(reading, kind) + body)


def _libelium_head(reading: Reading, kind: int) -> bytes:
    low = reading.battery_v < _LOW_V
    return bytes([reading.occupied << 7 | low << 6 | kind, reading.counter & 0xFF])


# -- Milesight EM310-UDL --------------------------------------------------------------------------


def em310_report(reading: Reading) -> Frame:
    """Battery, distance and tilt, each behind its channel and type."""
    return Frame(
        85,
        bytes([0x01, 0x75, round(reading.battery_pct)])
        + struct.pack("<BBH", 0x03, 0x82, reading.distance_mm)
        + bytes([0x04, 0x00, reading.tilted]),
    )


# -- Counters -------------------------------------------------------------------------------------


def ncc405_count(total: int) -> Frame:
    """Nwave NCC405: the running total, which begins again after 65,535."""
    return Frame(1, struct.pack(">H", total & 0xFFFF))


def ncc405_heartbeat(battery_v: float, mean_24h_v: float, health: int = 0) -> Frame:
    """Its health and its battery, now and over a day."""
    return Frame(2, bytes([health, _nwave_battery(battery_v), _nwave_battery(mean_24h_v)]))


def ncc405_start(firmware: Version, reset: Reset) -> Frame:
    """It started; its total begins at 0."""
    return Frame(3, bytes([*firmware, reset]))


@dataclass(frozen=True, slots=True)
class SpeedClass:
    """Vehicles of one class of speed since the last frame, both ways, and their mean speed.

    Attributes:
        left: to the left of the radar.
        right: to its right.
        left_km_h: mean of the left ones.
        right_km_h: of the right ones.
    """

    left: int = 0
    right: int = 0
    left_km_h: int = 0
    right_km_h: int = 0


_TCR_VERSION_2 = bytes.fromhex("be0202")
_TCR_CLASSES = 4


def tcr_counts(
    classes: Sequence[SpeedClass],
    *,
    battery_mv: int = 25_700,
    panel_mv: int = 4_800,
    temperature_c: float = 20.0,
) -> Frame:
    """Parametric TCR: what passed since the last frame; what a lost frame counted is lost.

    Raises:
        ValueError: there are more than four classes.
    """
    if len(classes) > _TCR_CLASSES:
        msg = f"expected up to {_TCR_CLASSES} classes of speed, but got {len(classes)}"
        raise ValueError(msg)
    four = [*classes, *([SpeedClass()] * _TCR_CLASSES)][:_TCR_CLASSES]
    body = struct.pack(">HHh", battery_mv, panel_mv, round(temperature_c * 10))
    counts = b"".join(
        struct.pack(">HBHB", each.left, each.left_km_h, each.right, each.right_km_h)
        for each in four
    )
    return Frame(15, _TCR_VERSION_2 + body + counts)


# -- the table ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Family:
    """How the bay sensors of one kind speak.

    Attributes:
        id: as the decoders' table has it.
        firmware: of which the layout is.
        model: for people.
        changed: what it sends when the state changes.
        heartbeat: what it sends when nothing does.
        started: what it sends after a reset; None: a heartbeat.
        measures_mm: whether it tells a distance, below which a bay is taken.
        free_mm: to the ground of a free bay, if it does.
        taken_mm: to a roof.
    """

    id: str
    firmware: Version
    model: str
    changed: Encoder
    heartbeat: Encoder
    started: StartEncoder | None = None
    measures_mm: bool = False
    free_mm: int = field(default=2_700, kw_only=True)
    taken_mm: int = field(default=1_150, kw_only=True)


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.id: family
        for family in (
            Family(
                "bosch-tps110", (0, 29, 2), "Bosch TPS110",
                bosch_status, bosch_heartbeat, bosch_start,
            ),
            Family(
                "nwave-nps405", (2, 4, 9), "Nwave NPS405SM",
                nps405_status, nps405_heartbeat, nwave_start,
            ),
            Family(
                "nwave-nps310", (1, 13, 0), "Nwave NPS310SM",
                nps310_status, nps310_heartbeat, nwave_start,
            ),
            Family(
                "dingtek-do201", (2, 6, 0), "Dingtek DO201",
                do201_report, do201_report,
                measures_mm=True, free_mm=1_716, taken_mm=240,
            ),
            Family(
                "libelium-smart-parking-v3", (30, 0, 0), "Libelium Smart Parking",
                libelium_info, libelium_keep_alive, libelium_start,
            ),
            Family(
                "milesight-em310-udl", (1, 3, 0), "Milesight EM310-UDL",
                em310_report, em310_report, measures_mm=True,
            ),
        )
    }
)  # fmt: skip
"""The bay sensors that can be simulated, by the id of their device profile."""
