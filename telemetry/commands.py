"""Commands to a box and their answers."""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict, Field, JsonValue

from telemetry.bounds import Name64, Text1k, UtcTime
from telemetry.messages import Message
from telemetry.vocabulary import BayId, BlockKind, CameraId, Identifier


class CommandName(StrEnum):
    """Commands that a box accepts."""

    RECALIBRATE = "recalibrate"
    SNAPSHOT_NOW = "snapshot_now"
    RESTART_CAMERA = "restart_camera"
    SET_BAY_CLOSED = "set_bay_closed"
    SET_BAY_BLOCKED = "set_bay_blocked"
    CONFIRM_BAY = "confirm_bay"
    DIAGNOSTICS = "diagnostics"


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
    """Arguments of `recalibrate` and `restart_camera`."""

    model_config = ConfigDict(extra="forbid")
    camera: CameraId


class SetBayClosedArgs(Message):
    """Arguments of `set_bay_closed`."""

    model_config = ConfigDict(extra="forbid")
    bay: BayId
    closed: bool


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
}


class CommandStatus(StrEnum):
    """How a command ended."""

    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"


class CommandResult(Message):
    """The answer; the same command id always gets the same answer."""

    id: Identifier
    status: CommandStatus
    at: UtcTime
    detail: Text1k = ""
    result: dict[str, JsonValue] = Field(default_factory=dict)
