"""Commands to a box and their answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, model_validator

from telemetry.bounds import Name64, Name128, Sha256, Text1k, UtcTime
from telemetry.messages import Message
from telemetry.vocabulary import BayId, BlockKind, CameraId, Identifier

MAX_FILE_BYTES: Final = 8 * 1024 * 1024
"""Of a file that answers a command; a diagnostics bundle has some hundred kilobytes."""
PART_BYTES: Final = 96 * 1024
"""Of one part of it: 128 KiB in base64, which every broker takes."""
MAX_PARTS: Final = -(-MAX_FILE_BYTES // PART_BYTES)
MAX_LOG_LINES: Final = 2_000


class CommandName(StrEnum):
    """Commands that a box accepts."""

    RECALIBRATE = "recalibrate"
    SNAPSHOT_NOW = "snapshot_now"
    RESTART_CAMERA = "restart_camera"
    SET_BAY_CLOSED = "set_bay_closed"
    SET_BAY_BLOCKED = "set_bay_blocked"
    CONFIRM_BAY = "confirm_bay"
    DIAGNOSTICS = "diagnostics"
    DIAGNOSTICS_BUNDLE = "diagnostics_bundle"
    CAMERA_STILL = "camera_still"
    CAMERA_CALIBRATION = "camera_calibration"
    CAMERA_REFERENCE = "camera_reference"
    RECENT_LOGS = "recent_logs"
    RESTART_SERVICE = "restart_service"
    AUDIT_NOW = "audit_now"
    REFRESH_LAYOUT = "refresh_layout"


class Command(Message):
    """An order with an end: a box that wakes later than `expires` refuses it.

    `name` is free text so that an unknown command is answered and not dropped as malformed.
    """

    id: Identifier
    name: Name64
    args: dict[str, JsonValue] = Field(default_factory=dict)
    issued: UtcTime
    expires: UtcTime


class CameraArgs(Message):
    """Arguments of the commands about one camera, such as `camera_still` and `audit_now`."""

    model_config = ConfigDict(extra="forbid")
    camera: CameraId


class SetBayClosedArgs(Message):
    """Arguments of `set_bay_closed`."""

    model_config = ConfigDict(extra="forbid")
    bay: BayId
    closed: bool


class LogsArgs(Message):
    """Arguments of `recent_logs`: how many of the last lines."""

    model_config = ConfigDict(extra="forbid")
    lines: Annotated[int, Field(ge=1, le=MAX_LOG_LINES)] = 500


class SetBayBlockedArgs(Message):
    """Arguments of `set_bay_blocked`; null: nothing blocks the bay, as far as people said so."""

    model_config = ConfigDict(extra="forbid")
    bay: BayId
    kind: BlockKind | None


class ConfirmBayArgs(Message):
    """Arguments of `confirm_bay`: whether a vehicle is in the bay, as a person sees it now."""

    model_config = ConfigDict(extra="forbid")
    bay: BayId
    occ: bool


class NoArgs(Message):
    """Arguments of a command that takes none."""

    model_config = ConfigDict(extra="forbid")


COMMAND_ARGS: dict[CommandName, type[Message]] = {
    CommandName.RECALIBRATE: CameraArgs,
    CommandName.SNAPSHOT_NOW: NoArgs,
    CommandName.RESTART_CAMERA: CameraArgs,
    CommandName.SET_BAY_CLOSED: SetBayClosedArgs,
    CommandName.SET_BAY_BLOCKED: SetBayBlockedArgs,
    CommandName.CONFIRM_BAY: ConfirmBayArgs,
    CommandName.DIAGNOSTICS: NoArgs,
    CommandName.DIAGNOSTICS_BUNDLE: NoArgs,
    CommandName.CAMERA_STILL: CameraArgs,
    CommandName.CAMERA_CALIBRATION: CameraArgs,
    CommandName.CAMERA_REFERENCE: CameraArgs,
    CommandName.RECENT_LOGS: LogsArgs,
    CommandName.RESTART_SERVICE: NoArgs,
    CommandName.AUDIT_NOW: CameraArgs,
    CommandName.REFRESH_LAYOUT: NoArgs,
}


class CommandStatus(StrEnum):
    """Where a command stands at the box: on its way to an end, or how it ended."""

    RECEIVED = "received"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Whether it is the answer, and nothing can follow."""
        return self not in {CommandStatus.RECEIVED, CommandStatus.RUNNING}


class CommandPart(Message):
    """A part of the file that answers a command; parts come in order, before the final answer.

    The box keeps no file: one that was lost on its way needs a new command.
    """

    name: Name128
    media_type: Name64
    sha256: Sha256 = Field(description="Of the whole file.")
    number: Annotated[int, Field(ge=1, le=MAX_PARTS)] = Field(description="Counted from 1.")
    parts: Annotated[int, Field(ge=1, le=MAX_PARTS)]
    data: Annotated[
        str, StringConstraints(max_length=4 * (PART_BYTES // 3), pattern=r"^[A-Za-z0-9+/]*={0,2}$")
    ] = Field(description="Base64.")

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.number > self.parts:
            msg = f"number must be at most {self.parts}, but got {self.number}"
            raise ValueError(msg)
        return self


class CommandResult(Message):
    """How a command stands. The same command id always gets the same final answer.

    `received` and `running` are told on the way, as are the parts of a file; a box of an earlier
    version sends only the final answer.
    """

    id: Identifier
    status: CommandStatus
    at: UtcTime
    detail: Text1k = ""
    result: dict[str, JsonValue] = Field(default_factory=dict)
    part: CommandPart | None = None
