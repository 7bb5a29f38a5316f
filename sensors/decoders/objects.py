"""Readings out of fields that somebody else has decoded: a network server's codec, or plain JSON.

`ObjectMapping` names where each field stands; `COMMON` is the one of `docs/sensors.md`, which the
plain JSON and the profile `decoded-object` use. A mapping of one's own serves a codec that names
its fields otherwise, such as zigbee2mqtt's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sensors.errors import SensorError
from sensors.readings import (
    BayReading,
    CounterReading,
    Decoded,
    DeviceStatus,
    DistanceReading,
    IntervalCounts,
    RunningTotal,
    Scalar,
    plausible_c,
)

_WORDS: Final[Mapping[str, bool | None]] = {
    **dict.fromkeys(("occupied", "busy", "taken", "true", "on", "1", "yes"), True),
    **dict.fromkeys(("free", "vacant", "empty", "available", "false", "off", "0", "no"), False),
    **dict.fromkeys(("unknown", "error", "undefined"), None),
}
"""How codecs say that a bay is occupied, free or not known."""
_MOST_FIELDS: Final = 64
_MOST_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class ObjectMapping:
    """Names of the fields that say each thing, the first that is there counts.

    A dot leads into an object: `parking.status` is the field `status` of the object `parking`.
    """

    occupied: tuple[str, ...] = (
        "occupied", "is_occupied", "parking_occupied", "occupancy", "parking_status",
        "parkingStatus", "parking_state", "status", "state",
    )  # fmt: skip
    distance_mm: tuple[str, ...] = ("distance_mm", "distance")
    running_total: tuple[str, ...] = ("running_total", "counter_value", "total")
    left: tuple[str, ...] = ("left", "left_count")
    right: tuple[str, ...] = ("right", "right_count")
    battery_v: tuple[str, ...] = ("battery_v", "battery_voltage", "volt")
    battery_pct: tuple[str, ...] = ("battery_pct", "battery_level", "batteryLevel", "battery")
    battery_low: tuple[str, ...] = ("battery_low", "low_battery", "alarmBattery")
    temperature_c: tuple[str, ...] = ("temperature_c", "temperature")
    humidity_pct: tuple[str, ...] = ("humidity_pct", "humidity")
    firmware: tuple[str, ...] = ("firmware", "firmware_version", "firmwareVersion")
    fault: tuple[str, ...] = ("fault",)
    tilted: tuple[str, ...] = ("tilted",)


COMMON: Final = ObjectMapping()


def from_object(fields: Mapping[str, Any], mapping: ObjectMapping = COMMON) -> Decoded:
    """What decoded fields say.

    Args:
        fields: an object of JSON.
        mapping: where each thing stands in it.

    Raises:
        SensorError: a field that is there holds something else than it should, or none is there.
    """
    reader = _Reader(fields)
    occupied, is_told = reader.occupied(mapping.occupied)
    distance = reader.number(mapping.distance_mm)
    said = Decoded(
        bay=BayReading(occupied) if is_told else None,
        distance=None if distance is None else DistanceReading(round(distance)),
        count=_count(reader, mapping),
        status=_status(reader, mapping),
    )
    if said == Decoded():
        known = ", ".join((mapping.occupied[0], mapping.distance_mm[0], mapping.running_total[0]))
        msg = f"expected a field such as {known}, but got {', '.join(list(fields)[:8]) or 'none'}"
        raise SensorError(msg)
    return Decoded(said.bay, said.distance, said.count, said.status, reader.rest())


def _count(reader: _Reader, mapping: ObjectMapping) -> CounterReading | None:
    total = reader.whole(mapping.running_total)
    if total is not None:
        return RunningTotal(total)
    left, right = reader.whole(mapping.left), reader.whole(mapping.right)
    return None if left is None and right is None else IntervalCounts(left or 0, right or 0)


def _status(reader: _Reader, mapping: ObjectMapping) -> DeviceStatus:
    temperature_c = reader.number(mapping.temperature_c)
    return DeviceStatus(
        battery_v=reader.number(mapping.battery_v),
        battery_pct=reader.number(mapping.battery_pct),
        battery_low=reader.flag(mapping.battery_low),
        temperature_c=None if temperature_c is None else plausible_c(temperature_c),
        humidity_pct=reader.number(mapping.humidity_pct),
        firmware=reader.text(mapping.firmware),
        tilted=reader.flag(mapping.tilted),
        fault=reader.text(mapping.fault),
    )


class _Reader:
    """Takes fields out of an object, and knows which ones nobody took."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        self._taken: set[str] = set()

    def _found(self, name: str) -> Any:
        value: Any = self._fields
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def _take(self, name: str) -> None:
        self._taken.add(name.split(".", 1)[0])

    def _first(self, names: tuple[str, ...]) -> tuple[str, Any]:
        for name in names:
            value = self._found(name)
            if value is not None:
                self._take(name)
                return name, value
        return names[0], None

    def occupied(self, names: tuple[str, ...]) -> tuple[bool | None, bool]:
        """Whether the bay is occupied, and whether anything was said of it."""
        # `null` in so many words is a word: the sensor does not know.
        if names[0] in self._fields and self._fields[names[0]] is None:
            return None, True
        for name in names:
            value = self._found(name)
            word = _word(value)
            if word in _WORDS:
                self._take(name)
                return _WORDS[word], True
            # A codec's `status` may be of something else; our own word may not.
            if name == names[0] and value is not None:
                raise _wrong(name, "true, false, occupied, free or unknown", value)
        return None, False

    def number(self, names: tuple[str, ...]) -> float | None:
        """A number."""
        name, value = self._first(names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(name, "a number", value)
        try:
            number = float(value)
        except OverflowError as exc:
            raise _wrong(name, "a number that a float holds", "more digits") from exc
        if not math.isfinite(number):
            raise _wrong(name, "a finite number", value)
        return number

    def whole(self, names: tuple[str, ...]) -> int | None:
        """A whole number."""
        number = self.number(names)
        if number is not None and not number.is_integer():
            raise _wrong(names[0], "a whole number", number)
        return None if number is None else int(number)

    def flag(self, names: tuple[str, ...]) -> bool | None:
        """True or false."""
        name, value = self._first(names)
        if value is None or isinstance(value, bool):
            return value
        if value in (0, 1):
            return bool(value)
        raise _wrong(name, "true or false", value)

    def text(self, names: tuple[str, ...]) -> str | None:
        """A short text."""
        name, value = self._first(names)
        if value is None:
            return None
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise _wrong(name, "a text", value)
        return str(value)[:_MOST_CHARS]

    def rest(self) -> dict[str, Scalar]:
        """The fields that nobody took, as far as they are plain values."""
        left = {
            name[:_MOST_CHARS]: value[:_MOST_CHARS] if isinstance(value, str) else value
            for name, value in self._fields.items()
            if name not in self._taken and isinstance(value, str | int | float | bool)
        }
        return dict(list(left.items())[:_MOST_FIELDS])


def _word(value: Any) -> str:
    # Whole floats come of codecs that know only numbers.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().lower() if isinstance(value, bool | int | str) else ""


def _wrong(name: str, expected: str, value: Any) -> SensorError:
    return SensorError(f"{name}: expected {expected}, but got {str(value)[:60]!r}")
