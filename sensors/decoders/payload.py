"""Reading bytes by their place, with errors that say which place was wrong."""

from __future__ import annotations

from collections.abc import Iterable

from sensors.errors import SensorError


def check_length(payload: bytes, lengths: Iterable[int], what: str) -> None:
    """Refuse a payload of another length.

    Raises:
        SensorError: it has none of these lengths.
    """
    wanted = sorted(lengths)
    if len(payload) not in wanted:
        expected = " or ".join(map(str, wanted))
        msg = f"{what}: expected {expected} bytes, but got {len(payload)}: {payload.hex()[:80]}"
        raise SensorError(msg)


def check_least(payload: bytes, least: int, what: str) -> None:
    """Refuse a payload that is shorter: later firmware may add at the end.

    Raises:
        SensorError: it is.
    """
    if len(payload) < least:
        msg = f"{what}: expected at least {least} bytes, but got {len(payload)}: {payload.hex()}"
        raise SensorError(msg)


def int8(byte: int) -> int:
    """A byte, as a signed number."""
    return byte - 256 if byte > 127 else byte


def uint16(payload: bytes, at: int) -> int:
    """Two bytes from `at`, big endian."""
    return int.from_bytes(payload[at : at + 2], "big")


def int16(payload: bytes, at: int) -> int:
    """Two bytes from `at`, big endian, signed."""
    return int.from_bytes(payload[at : at + 2], "big", signed=True)


def percent(number: int) -> int | None:
    """A share of a hundred; None where the byte holds more, which no share is."""
    return number if number <= 100 else None


def version(three: bytes) -> str:
    """A firmware's version, a number a byte."""
    return ".".join(map(str, three))


def named(table: Iterable[str | None], code: int) -> str:
    """The word of a code; `code 9` where the table has none."""
    words = tuple(table)
    return (words[code] if code < len(words) else None) or f"code {code}"


def no_such_port(f_port: int | None, expected: str) -> SensorError:
    """The error of an uplink on a port that the device does not use."""
    msg = f"f_port: expected {expected}, but got {f_port}"
    return SensorError(msg)
