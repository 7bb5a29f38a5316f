"""Milesight EM310-UDL and EM400: distance from above, in (channel, type, value) triples.

Layout: TheThingsNetwork/lorawan-devices and Milesight's guides, port 85. A vehicle is nearer than
the bay's threshold; a sensor that is tilted measures something else, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sensors.decoders.payload import no_such_port, percent, version
from sensors.errors import SensorError
from sensors.readings import Decoded, DeviceStatus, DistanceReading, Scalar, plausible_c

_PORT: Final = 85
_NO_ECHO: Final = frozenset({0, 0xFFFD, 0xFFFE, 0xFFFF})
"""What stands for a distance that could not be measured."""

_Read = Callable[[bytes], Scalar]
_Triple = tuple[str, int, _Read]


def _uint16(value: bytes) -> int:
    return int.from_bytes(value[:2], "little")


def _tenths(value: bytes) -> float:
    return int.from_bytes(value[:2], "little", signed=True) / 10


_ABOUT: Final[Mapping[tuple[int, int], _Triple]] = {
    (0xFF, 0x01): ("protocol", 1, lambda value: f"{value[0] >> 4}.{value[0] & 15}"),
    (0xFF, 0x09): ("hardware", 2, lambda value: f"{value[0]:x}.{value[1] >> 4}"),
    (0xFF, 0x0A): ("firmware", 2, lambda value: f"{value[0]:x}.{value[1]:x}"),
    (0xFF, 0x0B): ("started", 1, lambda _: True),
    (0xFF, 0x0F): ("lorawan_class", 1, lambda value: value[0]),
    (0xFF, 0x16): ("serial", 8, bytes.hex),
    (0xFF, 0xFE): ("reset", 1, lambda _: "reset"),
    (0xFF, 0xFF): ("tsl", 2, version),
    (0x01, 0x75): ("battery_pct", 1, lambda value: value[0]),
}
_EM310: Final[Mapping[tuple[int, int], _Triple]] = {
    **_ABOUT,
    (0x03, 0x82): ("distance_mm", 2, _uint16),
    (0x04, 0x00): ("tilted", 1, lambda value: value[0] != 0),
}
_EM400: Final[Mapping[tuple[int, int], _Triple]] = {
    **_ABOUT,
    (0x03, 0x67): ("temperature_c", 2, _tenths),
    (0x04, 0x82): ("distance_mm", 2, _uint16),
    (0x05, 0x00): ("tilted", 1, lambda value: value[0] != 0),
    (0x83, 0x67): ("temperature_c", 3, _tenths),
    (0x84, 0x82): ("distance_mm", 3, _uint16),
}


def em310_udl(f_port: int | None, payload: bytes) -> Decoded:
    """An uplink of an EM310-UDL.

    Raises:
        SensorError: it is none.
    """
    return _decoded(f_port, payload, _EM310)


def em400(f_port: int | None, payload: bytes) -> Decoded:
    """An uplink of an EM400-UDL, EM400-MUD or EM400-TLD over LoRaWAN.

    Raises:
        SensorError: it is none.
    """
    return _decoded(f_port, payload, _EM400)


def _decoded(
    f_port: int | None, payload: bytes, table: Mapping[tuple[int, int], _Triple]
) -> Decoded:
    if f_port != _PORT:
        raise no_such_port(f_port, str(_PORT))
    said = _triples(payload, table)
    distance = said.pop("distance_mm", None)
    battery = said.pop("battery_pct", None)
    temperature = said.pop("temperature_c", None)
    firmware, reset, tilted = (said.pop(name, None) for name in ("firmware", "reset", "tilted"))
    return Decoded(
        distance=_distance(distance),
        status=DeviceStatus(
            battery_pct=percent(battery) if isinstance(battery, int) else None,
            temperature_c=plausible_c(temperature) if isinstance(temperature, float) else None,
            firmware=None if firmware is None else str(firmware),
            reset=None if reset is None else str(reset),
            tilted=None if tilted is None else bool(tilted),
        ),
        more=said,
    )


def _distance(distance: Scalar) -> DistanceReading | None:
    if not isinstance(distance, int):
        return None
    return DistanceReading(None if distance in _NO_ECHO else distance)


def _triples(payload: bytes, table: Mapping[tuple[int, int], _Triple]) -> dict[str, Scalar]:
    said: dict[str, Scalar] = {}
    at = 0
    while at < len(payload):
        head = tuple(payload[at : at + 2])
        entry = table.get((head[0], head[1])) if len(head) == 2 else None
        if entry is None:
            if not said:
                msg = f"byte {at}: expected a channel and type, but got {payload[at:].hex()[:40]}"
                raise SensorError(msg)
            # A channel of later firmware: its length is not known, so the rest cannot be read.
            said["unread"] = payload[at:].hex()
            break
        name, length, read = entry
        value = payload[at + 2 : at + 2 + length]
        if len(value) < length:
            msg = f"{name} at byte {at}: expected {length} bytes, but got {len(value)}"
            raise SensorError(msg)
        said[name] = read(value)
        at += 2 + length
    if not said:
        msg = "expected channels with their values, but got none"
        raise SensorError(msg)
    return said
