"""Checks that every payload passes before anything else reads it.

Its work is linear in the payload's bytes, recurses nowhere, and depends on no field: it also covers
the fields that a reader passes over, which are kept and handed on as they came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final, NoReturn, TypeVar

from pydantic import ValidationError

from telemetry.bounds import MAX_DEPTH, MAX_MESSAGE_BYTES, MAX_NUMBER
from telemetry.errors import TelemetryError

T = TypeVar("T")

# A string that is never closed reaches to the end: so each byte is looked at once, whatever comes.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
# 16 digits before the point, or an exponent of three: only these can leave the range.
_LARGE = re.compile(rb"(?<![.0-9])[0-9]{16}|[eE]\+?[0-9]{3}")
# All digits become 0 and an exponent's sign goes, so that a plain search finds what may be large.
_TO_ZEROS = bytes.maketrans(b"123456789E", b"000000000e")
_MANY_DIGITS = b"0" * 16
# What stands around a number, so that digits in quotes do not count.
_LONG_NUMBER = re.compile(rb'(?<![".0])0{16,}(?:[,\]}\s.e]|\Z)')
_LARGE_EXPONENT = re.compile(rb"0e0{3,}(?:[,\]}\s]|\Z)")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SHOWN_CHARS: Final = 60
_TOLD_FAULTS: Final = 5
_SAYS_IT_ALL = frozenset({"json_invalid", "missing", "value_error"})


def check_json(
    payload: bytes, where: str, *, max_bytes: int = MAX_MESSAGE_BYTES, max_depth: int = MAX_DEPTH
) -> None:
    """Reject a payload that is too large or too deep, or holds what no message may.

    Args:
        payload: supposedly UTF-8 JSON.
        where: the topic or file it came from, for the error text.
        max_bytes: how long it may be.
        max_depth: how many objects and arrays may lie within each other.

    Raises:
        TelemetryError: it is too long or too deep, is no UTF-8, holds a NUL, NaN or Infinity, a
            whole number beyond 2^53, a number that no float holds or half a surrogate pair. Other
            faults of JSON are left to the parser.
    """
    if len(payload) > max_bytes:
        _refuse(where, f"expected at most {max_bytes} bytes, but got {len(payload)}")
    try:
        payload.decode()
    except UnicodeDecodeError as exc:
        _refuse(where, f"expected UTF-8, but got byte 0x{payload[exc.start]:02x} at {exc.start}")
    # The plain search first: it is many times as fast, and nearly always enough.
    if b"\0" in payload or (b"\\u0000" in payload and _ESCAPED_NUL.search(payload)):
        _refuse(where, "expected text without NUL, but got one")
    is_large = _may_be_large(payload)
    is_deep = payload.count(b"{") + payload.count(b"[") > max_depth
    if is_deep or is_large or b"NaN" in payload or b"Infinity" in payload:
        bare = _STRING.sub(b"", payload)
        _check_depth(bare, where, max_depth)
        if b"N" in bare or b"I" in bare:
            _refuse(where, "expected JSON, but got NaN or Infinity")
        is_large = is_large and _LARGE.search(bare) is not None
    if is_large or (b"\\u" in payload and _SURROGATE.search(payload)):
        _check_values(payload, where)


def _may_be_large(payload: bytes) -> bool:
    """Whether a number could leave its range: rarely true, and seldom in vain."""
    zeros = payload.translate(_TO_ZEROS, b"+")
    return bool(
        (_MANY_DIGITS in zeros and _LONG_NUMBER.search(zeros))
        or (b"0e000" in zeros and _LARGE_EXPONENT.search(zeros))
    )


def _check_depth(bare: bytes, where: str, max_depth: int) -> None:
    depth = 0
    for match in _BRACKET.finditer(bare):
        depth += 1 if match[0] in b"{[" else -1
        if depth > max_depth:
            _refuse(where, f"expected at most {max_depth} levels of objects and arrays, got more")


def _check_values(payload: bytes, where: str) -> None:
    def whole(digits: str) -> int:
        # int() itself refuses thousands of digits, and takes long over fewer.
        if len(digits) > len(str(MAX_NUMBER)) + 1 or abs(int(digits)) > MAX_NUMBER:
            _refuse(where, f"expected whole numbers up to 2^53, but got {digits[:_SHOWN_CHARS]}")
        return int(digits)

    def real(text: str) -> float:
        number = float(text)
        if number in {float("inf"), float("-inf")}:
            _refuse(where, f"expected finite numbers, but got {text[:_SHOWN_CHARS]}")
        return number

    try:
        value = json.loads(payload, parse_int=whole, parse_float=real)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as exc:
        _refuse(where, f"expected JSON, but got: {exc}")


def checked(
    validate: Callable[[bytes], T],
    payload: bytes,
    where: str,
    what: str,
    *,
    max_depth: int = MAX_DEPTH,
) -> T:
    """Read a payload with `validate`, once it has passed the checks.

    Args:
        validate: makes the value; whatever it raises becomes a TelemetryError.
        payload: UTF-8 JSON.
        where: the topic or file it came from, for the error text.
        what: the name of what is expected.
        max_depth: how many objects and arrays may lie within each other.

    Raises:
        TelemetryError: the payload does not pass the checks, or `validate` refuses it.
    """
    check_json(payload, where, max_depth=max_depth)
    try:
        return validate(payload)
    except ValidationError as exc:
        _refuse(where, describe(exc, what), exc)
    except (ValueError, ArithmeticError, RecursionError) as exc:
        _refuse(where, f"not a {what}: {type(exc).__name__}: {exc}", exc)


def describe(error: ValidationError, what: str) -> str:
    """One line that names each wrong field, what was expected and what came."""
    faults = [
        f"{'.'.join(str(part)[:_SHOWN_CHARS] for part in fault['loc']) or 'document'}: "
        + fault["msg"].removeprefix("Value error, ")
        + ("" if fault["type"] in _SAYS_IT_ALL else f", but got {_shown(fault['input'])!r}")
        for fault in error.errors(include_url=False)[:_TOLD_FAULTS]
    ]
    return f"not a {what}: " + "; ".join(faults)


def _shown(value: object) -> str:
    return str(value)[:_SHOWN_CHARS]


def _refuse(where: str, why: str, cause: Exception | None = None) -> NoReturn:
    msg = f"{where[:200]}: {why}"
    raise TelemetryError(msg) from cause
