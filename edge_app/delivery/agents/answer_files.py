"""A file on its way to whoever sent a command, part by part."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from edge_app.delivery.agents.handlers import AnswerFile
from telemetry.commands import PART_BYTES, Command, CommandPart, CommandResult


@dataclass(slots=True)
class AnswerUpload:
    """How far a file came.

    Attributes:
        command: that it answers.
        result: sent after the last part.
        file: the file.
        sent: how many parts the broker has confirmed.
    """

    command: Command
    result: CommandResult
    file: AnswerFile
    sent: int = 0

    @property
    def parts(self) -> int:
        """How many there are."""
        return -(-len(self.file.data) // PART_BYTES)

    def part(self) -> CommandPart:
        """The next part."""
        piece = self.file.data[self.sent * PART_BYTES : (self.sent + 1) * PART_BYTES]
        return CommandPart(
            name=self.file.name,
            media_type=self.file.media_type,
            sha256=self.file.sha256,
            number=self.sent + 1,
            parts=self.parts,
            data=base64.b64encode(piece).decode(),
        )
