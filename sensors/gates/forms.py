"""Bodies of several parts, as cameras post them: an event beside its pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Final

from sensors.errors import SensorError
from sensors.gates.fields import MAX_BYTES

_MAX_PARTS: Final = 32


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes:
        name: of the form's field; empty where there is none.
        kind: its media type.
        content: its bytes.
    """

    name: str
    kind: str
    content: bytes = field(repr=False)


def parts_of(payload: bytes, content_type: str, where: str) -> list[Part] | None:
    """The parts of a body by its Content-Type; None if it has no parts.

    The standard library's MIME parser, since it also reads what is no form: `multipart/mixed`, as
    event streams have it, and parts without a disposition.

    Raises:
        SensorError: it is too large, or has no parts though it says so.
    """
    if not content_type.strip().lower().startswith("multipart/"):
        return None
    if len(payload) > MAX_BYTES:
        msg = f"{where}: expected at most {MAX_BYTES} bytes, but got {len(payload)}"
        raise SensorError(msg)
    head = content_type.replace("\r", " ").replace("\n", " ").encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + head + b"\r\n\r\n" + payload)
    if not message.is_multipart():
        msg = f"{where}: expected parts with the boundary of the Content-Type, but got none"
        raise SensorError(msg)
    parts = [each for each in message.walk() if not each.is_multipart()]
    if len(parts) > _MAX_PARTS:
        msg = f"{where}: expected at most {_MAX_PARTS} parts, but got {len(parts)}"
        raise SensorError(msg)
    return [
        Part(
            name=str(part.get_param("name", "", header="content-disposition")),
            kind=part.get_content_type(),
            content=part.get_payload(decode=True) or b"",  # type: ignore[arg-type]  # a leaf: bytes
        )
        for part in parts
    ]
