"""The file that answers a command, put together from its parts."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field

from cloud_app.fleet.commands import CommandError
from cloud_app.fleet.progress import parts_of
from cloud_app.storage.database import Session


@dataclass(frozen=True, slots=True)
class CommandFile:
    """A file from a box.

    Attributes:
        name: as the box calls it.
        media_type: as the box says.
        data: checked against its SHA-256.
    """

    name: str
    media_type: str
    data: bytes = field(repr=False)

    @property
    def is_picture(self) -> bool:
        """Whether it shows what a camera saw."""
        return self.media_type.startswith("image/")


def file_of(session: Session, command: str) -> CommandFile | None:
    """The file that answers a command; None: there is none, or its minutes are over.

    Raises:
        CommandError: it is not whole.
    """
    rows = parts_of(session, command)
    if not rows:
        return None
    first = rows[0]
    if [row.number for row in rows] != list(range(1, first.parts + 1)):
        msg = f"expected {first.parts} parts of {first.name}, but got {len(rows)} so far"
        raise CommandError(msg)
    try:
        data = b"".join(base64.b64decode(row.data, validate=True) for row in rows)
    except binascii.Error as exc:
        msg = f"{first.name}: expected base64: {exc}"
        raise CommandError(msg) from exc
    if hashlib.sha256(data).hexdigest() != first.sha256:
        msg = f"{first.name}: its parts do not make the file that the box announced"
        raise CommandError(msg)
    return CommandFile(first.name, first.media_type, data)
