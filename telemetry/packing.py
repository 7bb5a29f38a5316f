"""A text within a message: zlib (RFC 1950) in base64, unpacked to a bounded size."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Annotated, Final

from pydantic import StringConstraints

from telemetry.errors import TelemetryError

MAX_TEXT_BYTES: Final = 16 * 1024 * 1024
"""Unpacked; a calibration of 1,000 bays has 200 kB."""

MAX_CHARS: Final = 700_000
"""Packed: a calibration of some 10,000 bays, and within a message of 1 MiB."""
Packed = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_CHARS, pattern=r"^[A-Za-z0-9+/]*={0,2}$")
]


def pack(text: str) -> str:
    """The text as base64 of its compressed UTF-8."""
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def unpack(packed: str) -> str:
    """The text that was packed.

    Raises:
        TelemetryError: it is malformed, or larger than `MAX_TEXT_BYTES`.
    """
    reader = zlib.decompressobj()
    try:
        data = reader.decompress(base64.b64decode(packed, validate=True), MAX_TEXT_BYTES)
    except (binascii.Error, zlib.error) as exc:
        msg = f"expected a packed text: {exc}"
        raise TelemetryError(msg) from exc
    if reader.unconsumed_tail:
        msg = f"expected a packed text of at most {MAX_TEXT_BYTES} bytes, but got more"
        raise TelemetryError(msg)
    if not reader.eof:
        msg = f"expected a whole packed text, but got the first {len(data)} bytes of one"
        raise TelemetryError(msg)
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        msg = f"expected UTF-8, but got byte {data[exc.start]:#04x} at {exc.start}"
        raise TelemetryError(msg) from exc
