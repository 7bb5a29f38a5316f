"""What may be asked of a device over LoRaWAN, and the bytes that ask it: a table of pure encoders.

Only what a maker published is here; anything else is refused by name, and an operator who has the
maker's document gives the bytes (`[[sensors.downlink]]` of the cloud, or the action `bytes`).
Sources: Milesight's downlink pages and encoders (EM310-UDL, EM400-UDL over LoRaWAN, port 85), and
Nwave's wiki page of its vehicle counter (port 53).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sensors.decoders import profile_of
from sensors.decoders.profiles import MOST_PAYLOAD_BYTES
from sensors.errors import SensorError

_MOST_PORT: Final = 223
"""Higher ports are LoRaWAN's own."""


class DownlinkAction(StrEnum):
    """What is asked of a device."""

    INTERVAL = "interval"
    """Report every so many seconds."""
    RECALIBRATE = "recalibrate"
    """Take the bay as it is now for empty."""
    RESTART = "restart"
    BYTES = "bytes"
    """Whatever the maker's document says of the bytes that are given."""


@dataclass(frozen=True, slots=True)
class Downlink:
    """Bytes for a device.

    Attributes:
        f_port: LoRaWAN port, 1 to 223.
        payload: 1 to 242 bytes.

    Raises:
        SensorError: out of these bounds.
    """

    f_port: int
    payload: bytes

    def __post_init__(self) -> None:
        if not 1 <= self.f_port <= _MOST_PORT:
            msg = f"f_port: expected 1 to {_MOST_PORT}, but got {self.f_port}"
            raise SensorError(msg)
        if not 1 <= len(self.payload) <= MOST_PAYLOAD_BYTES:
            got = len(self.payload)
            msg = f"payload: expected 1 to {MOST_PAYLOAD_BYTES} bytes, but got {got}"
            raise SensorError(msg)


@dataclass(frozen=True, slots=True)
class Encoder:
    """How a kind of device is asked for something.

    Attributes:
        f_port: that the device listens on.
        payload: makes the bytes; its argument is an interval in seconds, 0 for other actions.
        interval_s: the shortest and the longest interval; None for other actions.
    """

    f_port: int
    payload: Callable[[int], bytes]
    interval_s: tuple[int, int] | None = None


def _milesight_interval(interval_s: int) -> bytes:
    return b"\xff\x03" + interval_s.to_bytes(2, "little")


def _nwave_interval(interval_s: int) -> bytes:
    # Four bits say which row of the transmission table, twelve the seconds; one row replaces it.
    return interval_s.to_bytes(2, "big")


_RESTART: Final = Encoder(85, lambda _: b"\xff\x10\xff")
_MILESIGHT: Final = {
    DownlinkAction.INTERVAL: Encoder(85, _milesight_interval, (60, 64_800)),
    DownlinkAction.RESTART: _RESTART,
}
ENCODERS: Final[Mapping[str, Mapping[DownlinkAction, Encoder]]] = {
    "milesight-em310-udl": _MILESIGHT,
    "milesight-em400": _MILESIGHT,
    "nwave-ncc405": {DownlinkAction.INTERVAL: Encoder(53, _nwave_interval, (60, 4_095))},
}
"""Profile -> action -> how."""

_WHY_NOT: Final[Mapping[str, str]] = {
    "parametric-tcr": "a downlink to port 190 replaces its whole configuration",
    "nwave-nps405": "it is calibrated with the maker's app",
    "nwave-nps405-bit7": "it is calibrated with the maker's app",
}


def encode(profile_id: str, action: DownlinkAction, interval_s: int | None = None) -> Downlink:
    """The bytes that ask a device of a profile for something.

    Args:
        profile_id: of the device.
        action: what; not `bytes`, which come as they are.
        interval_s: of the action `interval`, and of no other.

    Raises:
        SensorError: there is no such profile, its maker published no such bytes, or the interval
            is not one that the device takes.
    """
    profile = profile_of(profile_id)
    encoder = ENCODERS.get(profile.id, {}).get(action)
    if encoder is None:
        why = _WHY_NOT.get(profile.id, "its maker published no bytes for it")
        msg = f"{profile.device} cannot be asked for {action.value}: {why}"
        raise SensorError(msg)
    if encoder.interval_s is None:
        if interval_s is not None:
            msg = f"interval_s: expected none with {action.value}, but got {interval_s}"
            raise SensorError(msg)
        return Downlink(encoder.f_port, encoder.payload(0))
    least_s, most_s = encoder.interval_s
    if interval_s is None or not least_s <= interval_s <= most_s:
        msg = f"interval_s: expected {least_s} to {most_s} s, but got {interval_s}"
        raise SensorError(msg)
    return Downlink(encoder.f_port, encoder.payload(interval_s))
