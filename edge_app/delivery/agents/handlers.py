"""What a service does for each command."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from pydantic import JsonValue

from telemetry.commands import (
    COMMAND_ARGS,
    MAX_FILE_BYTES,
    CameraArgs,
    CommandName,
    LogsArgs,
    NoArgs,
    SetBayClosedArgs,
)
from telemetry.errors import TelemetryError
from telemetry.messages import Message

Result = Mapping[str, JsonValue]
A = TypeVar("A", bound=Message)


@dataclass(frozen=True)
class AnswerFile:
    """A file that answers a command; it is kept nowhere on the box.

    Attributes:
        name: what a person saves it as.
        media_type: such as `image/jpeg`.
        data: the bytes.
    """

    name: str
    media_type: str
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 < len(self.data) <= MAX_FILE_BYTES:
            msg = (
                f"{self.name}: expected 1 to {MAX_FILE_BYTES} bytes to answer a command with, "
                f"but got {len(self.data)}"
            )
            raise TelemetryError(msg)

    @cached_property
    def sha256(self) -> str:
        """Of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler gives back where facts alone are not enough.

    Attributes:
        result: facts.
        file: sent in parts before the answer itself.
    """

    result: Result = field(default_factory=dict)
    file: AnswerFile | None = None


Handler = Callable[[Message], Result | Answer]


class CommandHandlers:
    """What the service does for each command; a command without a handler is rejected.

    A handler runs in a thread of its own, one after the other, and raises a LotsightError when it
    cannot do what is asked.
    """

    def __init__(self) -> None:
        self._handlers: dict[CommandName, Handler] = {}

    def on_recalibrate(self, handler: Callable[[str], Result]) -> None:
        """`handler` gets the camera."""
        self._add(CommandName.RECALIBRATE, CameraArgs, lambda args: handler(args.camera))

    def on_restart_camera(self, handler: Callable[[str], Result]) -> None:
        """`handler` gets the camera."""
        self._add(CommandName.RESTART_CAMERA, CameraArgs, lambda args: handler(args.camera))

    def on_set_bay_closed(
        self, handler: Callable[[str, bool], Result], *, default: bool = False
    ) -> None:
        """`handler` gets the bay and whether it is closed; a default gives way to another."""
        if default and CommandName.SET_BAY_CLOSED in self._handlers:
            return
        self._add(
            CommandName.SET_BAY_CLOSED,
            SetBayClosedArgs,
            lambda args: handler(args.bay, args.closed),
        )

    def on_snapshot_now(self, handler: Callable[[], Result]) -> None:
        """`handler` sees to it that a snapshot goes out."""
        self._add(CommandName.SNAPSHOT_NOW, NoArgs, lambda _: handler())

    def on_diagnostics(self, handler: Callable[[], Result]) -> None:
        """`handler` gives what a technician wants to know."""
        self._add(CommandName.DIAGNOSTICS, NoArgs, lambda _: handler())

    def on_recent_logs(self, handler: Callable[[int], Answer]) -> None:
        """`handler` gets how many of the last lines are wanted."""
        self._add(CommandName.RECENT_LOGS, LogsArgs, lambda args: handler(args.lines))

    def on_camera(self, name: CommandName, handler: Callable[[str], Result | Answer]) -> None:
        """`handler` of a command about one camera gets the camera."""
        self._add(name, CameraArgs, lambda args: handler(args.camera))

    def on_plain(self, name: CommandName, handler: Callable[[], Result | Answer]) -> None:
        """`handler` of a command without arguments."""
        self._add(name, NoArgs, lambda _: handler())

    def find(self, name: str) -> tuple[type[Message], Handler] | None:
        """The arguments and the handler of a command; None when it is not known here."""
        try:
            command = CommandName(name)
        except ValueError:
            return None
        handler = self._handlers.get(command)
        return None if handler is None else (COMMAND_ARGS[command], handler)

    def _add(
        self, name: CommandName, kind: type[A], handler: Callable[[A], Result | Answer]
    ) -> None:
        def checked(args: Message) -> Result | Answer:
            if not isinstance(args, kind):
                msg = f"{name.value}: expected {kind.__name__}, but got {type(args).__name__}"
                raise TelemetryError(msg)
            return handler(args)

        self._handlers[name] = checked
