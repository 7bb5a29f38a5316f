"""Reading the JSON of gates without ever repeating a value: in any of them may be a plate.

Errors name the place, what was expected and the type of what came. They are raised outside of
`except`, so that no parser's exception, which holds the text it choked on, hangs on them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from sensors.errors import SensorError
from telemetry import TelemetryError
from telemetry.bounds import MAX_NUMBER, in_range
from telemetry.payload_checks import check_json

MAX_BYTES: Final = 8 * 1024 * 1024
"""Of a message: plate readers put pictures into theirs, which are thrown away unseen."""
_MAX_DEPTH: Final = 12
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_TYPES: Mapping[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "nothing",
}


def refuse(where: str, expected: str, got: object) -> NoReturn:
    """Tell what was expected, and of what came the type alone.

    Raises:
        SensorError: always.
    """
    msg = f"{where}: expected {expected}, but got {_TYPES.get(type(got), 'something else')}"
    raise SensorError(msg)


def read_json(payload: bytes, where: str) -> object:
    """The value of a JSON text.

    Raises:
        SensorError: it is none, or too large.
    """
    if len(payload) > MAX_BYTES:
        msg = f"{where}: expected at most {MAX_BYTES} bytes, but got {len(payload)}"
        raise SensorError(msg)
    value: object = None
    good = True
    try:
        check_json(payload, where, max_bytes=MAX_BYTES, max_depth=_MAX_DEPTH)
        value = json.loads(payload)
    except (TelemetryError, ValueError, RecursionError):
        good = False
    if not good:
        msg = f"{where}: expected JSON within the bounds of the contract, but got {len(payload)} "
        raise SensorError(msg + "bytes of something else")
    return value


def is_name(text: str) -> bool:
    """Whether a text can name a device, an address of an interface included."""
    return _NAME.fullmatch(text) is not None


def moment(text: str) -> datetime | None:
    """A time of RFC 3339, in UTC; None if the text is none, has no zone or lies out of range."""
    try:
        return in_range(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def moment_ms(number: float) -> datetime | None:
    """Milliseconds since 1970 as a time; None if it lies out of range."""
    try:
        return in_range(datetime.fromtimestamp(number / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return None


class Fields:
    """An object of a message.

    Attributes:
        where: its place, for error texts.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            refuse(where, "an object", value)
        self._value: dict[str, Any] = value
        self.where = where

    def __contains__(self, name: str) -> bool:
        return self._value.get(name) is not None

    def place(self, name: str) -> str:
        """Where a field is."""
        return f"{self.where}.{name}"

    def inside(self, name: str) -> Fields:
        """An object in it."""
        return Fields(self._value.get(name), self.place(name))

    def items(self, name: str, most: int) -> list[object]:
        """A list in it."""
        found = self._value.get(name)
        if not isinstance(found, list):
            refuse(self.place(name), "a list", found)
        if len(found) > most:
            msg = f"{self.place(name)}: expected at most {most} items, but got {len(found)}"
            raise SensorError(msg)
        return found

    def text(self, name: str) -> str:
        """A text in it."""
        found = self._value.get(name)
        if not isinstance(found, str):
            refuse(self.place(name), "text", found)
        return found

    def text_or_none(self, name: str) -> str | None:
        """A text in it; None if there is none, or something else."""
        found = self._value.get(name)
        return found if isinstance(found, str) else None

    def name(self, name: str) -> str:
        """The name of a device in it."""
        found = self.text(name)
        if not is_name(found):
            refuse(self.place(name), "1 to 64 of A-Z, a-z, 0-9, '.', '_', ':' and '-'", found)
        return found

    def number(self, name: str) -> float | None:
        """A finite number in it, also one in quotes; None if there is none."""
        found = self._value.get(name)
        if isinstance(found, str):
            try:
                found = float(found)
            except ValueError:
                return None
        if isinstance(found, bool) or not isinstance(found, int | float):
            return None
        return float(found) if math.isfinite(found) else None

    def whole(self, name: str, most: int = MAX_NUMBER) -> int:
        """A whole number from 0 on in it."""
        found = self._value.get(name)
        if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= most:
            refuse(self.place(name), f"a whole number of 0 to {most}", found)
        return found

    def flag(self, name: str) -> bool:
        """True or false in it; false if there is neither."""
        found = self._value.get(name, False)
        if not isinstance(found, bool):
            refuse(self.place(name), "true or false", found)
        return found

    def moment(self, name: str) -> datetime:
        """A time in it, in UTC."""
        found = moment(self.text(name))
        if found is None:
            msg = "a time from 2000 to 2099 with its zone, as RFC 3339 has it"
            refuse(self.place(name), msg, self._value[name])
        return found
