"""Commands: each id is done once, none after its time, and every one gets its answer."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Sequence
from datetime import timedelta

from pydantic import ValidationError

from edge_app.delivery.agent import Publish
from edge_app.delivery.agents.answer_files import AnswerUpload
from edge_app.delivery.agents.base import QuietAgent
from edge_app.delivery.agents.handlers import Answer, CommandHandlers, Handler, Result
from edge_app.delivery.connection import Outgoing
from edge_app.delivery.database import StoreError
from edge_app.delivery.documents import Documents
from edge_app.delivery.errors import REFUSED, reason_text
from edge_app.redaction import SECRETS, mask_secrets
from edge_app.worker import Worker
from telemetry.clock import Clock
from telemetry.commands import Command, CommandResult, CommandStatus
from telemetry.errors import LotsightError, TelemetryError
from telemetry.messages import Message, decode
from telemetry.payload_checks import describe
from telemetry.rules import DELIVERY_RULES
from telemetry.topics import EdgeTopics, TopicFilter, TopicKind, parse_edge_topic

_log = logging.getLogger(__name__)

KEEP_RESULTS = timedelta(days=1)
"""How long the result of a finished command is kept for repeated requests."""
_Step = Callable[[], None]


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
        self._steps: queue.SimpleQueue[_Step] = queue.SimpleQueue()
        self._uploads: dict[str, AnswerUpload] = {}
        self._unconfirmed: dict[str, CommandResult] = {}

    def filters(self) -> Sequence[TopicFilter]:
        """All commands to this box."""
        return (self._topics.command_filter,)

    def connected(self, publish: Publish) -> None:
        """Answers and parts that the broker did not confirm go out again."""
        super().connected(publish)
        for result in tuple(self._unconfirmed.values()):
            self._send(result)
        for upload in tuple(self._uploads.values()):
            self._send_part(upload)

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
        """Tell what the commands came to; give up files that came too late."""
        while not self._steps.empty():
            self._steps.get()()
        for upload in tuple(self._uploads.values()):
            if self._clock.utc() >= upload.command.expires:
                detail = f"expired with {upload.sent} of {upload.parts} parts of its file delivered"
                self._close(upload, CommandStatus.EXPIRED, detail)

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
        self._send(self._result(command, CommandStatus.RECEIVED, "", {}))
        self._worker.do(lambda: self._do(command, handler, args))

    def _do(self, command: Command, handler: Handler, args: Message) -> None:
        """In the worker's thread."""
        self._then(lambda: self._send(self._result(command, CommandStatus.RUNNING, "", {})))
        status, detail, answer = CommandStatus.DONE, "", Answer()
        try:
            given = handler(args)
            answer = given if isinstance(given, Answer) else Answer(given)
        except LotsightError as exc:
            status, detail = CommandStatus.FAILED, str(exc)
        except Exception as exc:
            _log.exception("command %s failed", command.name)
            status, detail = CommandStatus.FAILED, f"{type(exc).__name__}: {exc}"
        self._then(
            lambda: self._finish(
                command, self._result(command, status, detail, answer.result), answer
            )
        )

    def _then(self, step: _Step) -> None:
        """Have the link's thread do it."""
        self._steps.put(step)
        self._wake()

    def _finish(self, command: Command, result: CommandResult, answer: Answer) -> None:
        if answer.file is None:
            self._running.discard(command.id)
            self._answer(result)
            return
        upload = AnswerUpload(command, result, answer.file)
        self._uploads[command.id] = upload
        self._send_part(upload)

    def _send_part(self, upload: AnswerUpload) -> None:
        """One at a time, so that events keep their place on a slow line."""
        running = self._result(upload.command, CommandStatus.RUNNING, "", {})
        part = running.model_copy(update={"part": upload.part()})
        self._send(part, lambda code: self._part_answered(upload, code))

    def _part_answered(self, upload: AnswerUpload, code: int) -> None:
        if upload.command.id not in self._uploads:
            return
        if code >= REFUSED:
            detail = f"the broker refused its file: {reason_text(code)}"
            self._close(upload, CommandStatus.FAILED, detail)
            return
        upload.sent += 1
        if upload.sent < upload.parts:
            self._send_part(upload)
        else:
            self._close(upload, upload.result.status, upload.result.detail)

    def _close(self, upload: AnswerUpload, status: CommandStatus, detail: str) -> None:
        command = upload.command
        del self._uploads[command.id]
        self._running.discard(command.id)
        self._answer(self._result(command, status, detail, upload.result.result))

    def _settle(self, command: Command, status: CommandStatus, detail: str) -> None:
        self._documents.begin_command(command.id, command.expires + KEEP_RESULTS, self._clock.utc())
        self._answer(self._result(command, status, detail, {}))

    def _result(
        self, command: Command, status: CommandStatus, detail: str, result: Result
    ) -> CommandResult:
        return CommandResult(
            id=command.id,
            status=status,
            at=self._clock.utc(),
            detail=mask_secrets(detail)[:1024],
            result=SECRETS.mask_values(dict(result)),
        )

    def _answer(self, result: CommandResult) -> None:
        """Keep the answer, then send it: a crash between must not lose it."""
        self._unconfirmed[result.id] = result
        try:
            self._documents.finish_command(result.id, result.model_dump_json())
        finally:
            self._send(result)

    def _send(self, result: CommandResult, on_done: Callable[[int], None] | None = None) -> None:
        if self._publish is None:
            return
        rule = DELIVERY_RULES[TopicKind.COMMAND_RESULT]
        self._publish(
            Outgoing(
                self._topics.command_result(result.id),
                result.encode(),
                rule.qos,
                rule.retain,
                on_done=on_done or (lambda _: self._confirmed(result)),
            )
        )

    def _confirmed(self, result: CommandResult) -> None:
        if result.status.is_final:
            self._unconfirmed.pop(result.id, None)
