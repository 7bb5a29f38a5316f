"""Commands: each id is done once, none after its time, and every one gets its answer."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from edge_app.delivery.agent import Publish
from edge_app.delivery.agents.base import QuietAgent
from edge_app.delivery.connection import Outgoing
from edge_app.delivery.database import StoreError
from edge_app.delivery.documents import Documents
from edge_app.redaction import SECRETS, mask_secrets
from edge_app.worker import Worker
from telemetry.clock import Clock
from telemetry.commands import (
    COMMAND_ARGS,
    CameraArgs,
    Command,
    CommandName,
    CommandResult,
    CommandStatus,
    ConfirmBayArgs,
    NoArgs,
    SetBayBlockedArgs,
    SetBayClosedArgs,
)
from telemetry.door import describe
from telemetry.errors import LotsightError, TelemetryError
from telemetry.messages import Message, decode
from telemetry.rules import DELIVERY_RULES
from telemetry.topics import EdgeTopics, TopicFilter, TopicKind, parse_edge_topic
from telemetry.vocabulary import BlockKind

_log = logging.getLogger(__name__)

KEEP_RESULTS = timedelta(days=1)
"""How long the result of a finished command is kept for repeated requests."""
Result = Mapping[str, JsonValue]
A = TypeVar("A", bound=Message)


class CommandHandlers:
    """What the service does for each command; a command without a handler is rejected."""

    def __init__(self) -> None:
        self._handlers: dict[CommandName, Callable[[Message], Result]] = {}

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

    def on_set_bay_blocked(self, handler: Callable[[str, BlockKind | None], Result]) -> None:
        """`handler` gets the bay and what blocks it; None: nothing does."""
        self._add(
            CommandName.SET_BAY_BLOCKED,
            SetBayBlockedArgs,
            lambda args: handler(args.bay, args.kind),
        )

    def on_confirm_bay(self, handler: Callable[[str, bool], Result]) -> None:
        """`handler` gets the bay and whether a person sees a vehicle in it."""
        self._add(CommandName.CONFIRM_BAY, ConfirmBayArgs, lambda args: handler(args.bay, args.occ))

    def on_snapshot_now(self, handler: Callable[[], Result]) -> None:
        """`handler` sees to it that a snapshot goes out."""
        self._add(CommandName.SNAPSHOT_NOW, NoArgs, lambda _: handler())

    def on_diagnostics(self, handler: Callable[[], Result]) -> None:
        """`handler` gives what a technician wants to know."""
        self._add(CommandName.DIAGNOSTICS, NoArgs, lambda _: handler())

    def find(self, name: str) -> tuple[type[Message], Callable[[Message], Result]] | None:
        """The arguments and the handler of a command; None when it is not known here."""
        try:
            command = CommandName(name)
        except ValueError:
            return None
        handler = self._handlers.get(command)
        return None if handler is None else (COMMAND_ARGS[command], handler)

    def _add(self, name: CommandName, kind: type[A], handler: Callable[[A], Result]) -> None:
        def checked(args: Message) -> Result:
            if not isinstance(args, kind):
                msg = f"{name.value}: expected {kind.__name__}, but got {type(args).__name__}"
                raise TelemetryError(msg)
            return handler(args)

        self._handlers[name] = checked


class CommandAgent(QuietAgent):
    """Receives commands, runs them in its own thread, and publishes the results.

    Args:
        topics: of this box.
        documents: remembers ids and answers across restarts.
        clock: wall time decides what is too late; the broker's message expiry (MQTT 5) guards
            against a box whose clock is behind.
        handlers: what is done.
        wake: tells the link that an answer waits.
    """

    def __init__(
        self,
        topics: EdgeTopics,
        documents: Documents,
        clock: Clock,
        handlers: CommandHandlers,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self._topics = topics
        self._documents = documents
        self._clock = clock
        self._handlers = handlers
        self._wake = wake
        self._worker = Worker("commands")
        self._running: set[str] = set()
        self._finished: queue.SimpleQueue[CommandResult] = queue.SimpleQueue()
        self._unconfirmed: dict[str, CommandResult] = {}

    def filters(self) -> Sequence[TopicFilter]:
        """All commands to this box."""
        return (self._topics.command_filter,)

    def connected(self, publish: Publish) -> None:
        """Answers that the broker did not confirm go out again."""
        super().connected(publish)
        for result in tuple(self._unconfirmed.values()):
            self._send(result)

    def message(self, topic: str, payload: bytes) -> None:
        """Judge a command and answer it, or have it done.

        Raises:
            TelemetryError: it is no command; without an id there is nothing to answer.
        """
        item = parse_edge_topic(topic, self._topics.prefix).item
        command = decode(Command, payload, topic)
        if command.id != item:
            msg = f"{topic}: expected a command with id {item}, but got {command.id}"
            raise TelemetryError(msg)
        if command.id in self._running:
            return  # its answer is on the way
        known = self._documents.command_result(command.id)
        if known is not None:
            self._answer(CommandResult.model_validate_json(known))
            return
        self._first_time(command)

    def tick(self, now_s: float) -> None:
        """Send the answers that came in."""
        while not self._finished.empty():
            result = self._finished.get()
            self._running.discard(result.id)
            self._answer(result)

    def _first_time(self, command: Command) -> None:
        now = self._clock.utc()
        if now >= command.expires:
            late_s = (now - command.expires).total_seconds()
            self._settle(command, CommandStatus.EXPIRED, f"arrived {late_s:.0f} s after it expired")
            return
        found = self._handlers.find(command.name)
        if found is None:
            self._settle(command, CommandStatus.REJECTED, f"unknown command {command.name!r}")
            return
        kind, handler = found
        try:
            args = kind.model_validate(command.args)
        except ValidationError as exc:
            detail = describe(exc, f"{command.name} command")
            self._settle(command, CommandStatus.REJECTED, detail)
            return
        try:
            is_new = self._documents.begin_command(command.id, command.expires + KEEP_RESULTS, now)
        except StoreError as exc:
            # What cannot be remembered might be done twice: not doing it is the safe answer.
            self._send(self._result(command, CommandStatus.FAILED, str(exc), {}))
            return
        if not is_new:
            # Begun before a crash and never finished: to do it twice may be worse than to say so.
            self._settle(command, CommandStatus.FAILED, "the box restarted during execution")
            return
        self._running.add(command.id)
        self._worker.do(lambda: self._do(command, handler, args))

    def _do(self, command: Command, handler: Callable[[Message], Result], args: Message) -> None:
        """In the worker's thread."""
        try:
            result = dict(handler(args))
            status, detail = CommandStatus.DONE, ""
        except LotsightError as exc:
            result, status, detail = {}, CommandStatus.FAILED, str(exc)
        except Exception as exc:
            _log.exception("command %s failed", command.name)
            result, status, detail = {}, CommandStatus.FAILED, f"{type(exc).__name__}: {exc}"
        self._finished.put(self._result(command, status, detail, result))
        self._wake()

    def _settle(self, command: Command, status: CommandStatus, detail: str) -> None:
        self._documents.begin_command(command.id, command.expires + KEEP_RESULTS, self._clock.utc())
        self._answer(self._result(command, status, detail, {}))

    def _result(
        self, command: Command, status: CommandStatus, detail: str, result: dict[str, JsonValue]
    ) -> CommandResult:
        return CommandResult(
            id=command.id,
            status=status,
            at=self._clock.utc(),
            detail=mask_secrets(detail)[:1024],
            result=SECRETS.mask_values(result),
        )

    def _answer(self, result: CommandResult) -> None:
        """Keep the answer, then send it: a crash between must not lose it."""
        self._unconfirmed[result.id] = result
        try:
            self._documents.finish_command(result.id, result.model_dump_json())
        finally:
            self._send(result)

    def _send(self, result: CommandResult) -> None:
        if self._publish is None:
            return
        rule = DELIVERY_RULES[TopicKind.COMMAND_RESULT]
        self._publish(
            Outgoing(
                self._topics.command_result(result.id),
                result.encode(),
                rule.qos,
                rule.retain,
                on_done=lambda _: self._confirmed(result.id),
            )
        )

    def _confirmed(self, command_id: str) -> None:
        self._unconfirmed.pop(command_id, None)
