"""The thread that hears boxes out, and the round in which the leader tells them what to do."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cloud_app.config import FleetConfig
from cloud_app.errors import CloudError
from cloud_app.fleet.commands import find
from cloud_app.fleet.files import file_of
from cloud_app.fleet.job_service import JobService
from cloud_app.fleet.progress import (
    expire,
    forget_files,
    is_idle,
    keep_part,
    prune_commands,
    take_due,
    take_result,
)
from cloud_app.ingest.link import LinkState
from cloud_app.storage.database import Database, Session
from cloud_app.storage.edge_queries import site_of
from cloud_app.storage.times import to_ms
from telemetry import Clock, LotsightError, TelemetryError
from telemetry.aws import job_requests, parse_job_request
from telemetry.bounds import MAX_MESSAGE_BYTES
from telemetry.commands import CommandName, CommandResult, CommandStatus
from telemetry.messages import decode
from telemetry.topics import EdgeTopics, Topic, TopicFilter, TopicKind, every_edge, parse_edge_topic

_log = logging.getLogger(__name__)

# Parts of files are the largest: a thousand of them are 130 MB.
_WAITING_MAX_BYTES = 64 * 1024 * 1024
_PRUNE_EVERY_S = 600.0
_DAY_MS = 86_400_000


class FleetLink(Protocol):
    """What this needs of the broker's link."""

    @property
    def state(self) -> LinkState:
        """How the link stands now."""
        ...

    def publish(
        self, topic: Topic, payload: bytes, qos: int = 1, *, expiry_s: int | None = None
    ) -> None:
        """Publish if there is a connection."""
        ...


def fleet_requests(prefix: str, root: str | None) -> tuple[TopicFilter, ...]:
    """What is subscribed to for a `FleetWorker` of the same arguments."""
    jobs = () if root is None else job_requests(root)
    return (every_edge(TopicKind.COMMAND_RESULT, prefix), *jobs)


@dataclass(slots=True)
class FleetWorker:
    """Takes what boxes say of their commands and jobs; one part of the service.

    What is lost here, as the queue was full or the process ended, is told again: a command is sent
    until it is answered, and a box asks for its jobs until it is told.

    Attributes:
        database: where to.
        link: how jobs are answered.
        config: how long files are kept.
        prefix: first levels of the edges' topics.
        root: first level of the jobs' topics; None where the broker has a jobs service.
        clock: wall time.
        is_leader: of several processes only one answers.
    """

    database: Database
    link: FleetLink
    config: FleetConfig
    prefix: str
    root: str | None
    clock: Clock
    is_leader: Callable[[], bool]
    _waiting: queue.SimpleQueue[tuple[str, bytes] | None] = field(default_factory=queue.SimpleQueue)
    _waiting_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    def offer(self, topic: str, payload: bytes) -> None:
        """Queue a message; with the queue full it is dropped, as it comes again."""
        if len(payload) > MAX_MESSAGE_BYTES:
            _log.warning("%.200s: %d bytes are too many", topic, len(payload))
            return
        with self._lock:
            if self._waiting_bytes + len(payload) > _WAITING_MAX_BYTES:
                _log.warning("%.200s: dropped, too much is waiting", topic)
                return
            self._waiting_bytes += len(payload)
        self._waiting.put((topic, payload))

    def run(self) -> None:
        """Work until `stop`."""
        while not self._stop.is_set():
            try:
                item = self._waiting.get(timeout=0.2)
            except queue.Empty:
                continue
            if item is None:
                continue
            topic, payload = item
            with self._lock:
                self._waiting_bytes -= len(payload)
            if self.is_leader():
                self._take(topic, payload)

    def stop(self) -> None:
        """Let `run` end."""
        self._stop.set()
        self._waiting.put(None)

    def _take(self, topic: str, payload: bytes) -> None:
        try:
            self.take(topic, payload)
        except (TelemetryError, CloudError) as exc:
            _log.warning("%.200s: not taken: %s", topic, exc)
        except Exception:
            # The next one is somebody else's.
            _log.exception("%.200s: not taken", topic)

    def take(self, topic: str, payload: bytes) -> None:
        """Take one message.

        Raises:
            TelemetryError: not part of the contract, or not for its sender to send.
            StorageError: it could not be written.
        """
        now_ms = to_ms(self.clock.utc())
        if self.root is not None and topic.startswith(f"{self.root}/"):
            request = parse_job_request(topic, self.root)
            with self.database.write() as session:
                said = JobService(self.root).answer(session, request, payload, now_ms)
            for where, body in said:
                self.link.publish(where, body.encode())
            return
        self._take_result(topic, payload, now_ms)

    def _take_result(self, topic: str, payload: bytes, now_ms: int) -> None:
        place = parse_edge_topic(topic, self.prefix)
        answer = decode(CommandResult, payload, topic)
        if answer.id != place.item:
            msg = f"{topic}: expected an answer with id {place.item}, but got {answer.id}"
            raise TelemetryError(msg)
        with self.database.write() as session:
            if site_of(session, place.edge) != place.site:
                msg = f"{topic}: edge {place.edge} does not belong to site {place.site}"
                raise TelemetryError(msg)
            if not take_result(session, place.edge, answer, now_ms):
                msg = f"{topic}: no such command was sent to {place.edge}"
                raise TelemetryError(msg)
            if answer.part is not None:
                keep_part(session, answer.id, answer.part, now_ms + self._kept_ms(answer))
            elif answer.status is CommandStatus.DONE:
                _take_calibration(session, answer.id, now_ms)

    def _kept_ms(self, answer: CommandResult) -> int:
        is_picture = answer.part is not None and answer.part.media_type.startswith("image/")
        kept_s = self.config.picture_kept_s if is_picture else self.config.file_kept_s
        return int(kept_s * 1000)


def _take_calibration(session: Session, name: str, now_ms: int) -> None:
    """Keep the calibration that answers a command, if that is what was asked for."""
    command = find(session, name)
    if command is None or command.name != CommandName.CAMERA_CALIBRATION:
        return
    # What reads images comes with it, and most services never need it.
    from cloud_app.fleet.calibrations.editing import take_in

    try:
        if file := file_of(session, name):
            take_in(session, command.edge, str(command.args["camera"]), file, now_ms)
    except LotsightError as exc:
        _log.warning("%s: calibration not taken: %s", command.edge, exc)


@dataclass(slots=True)
class FleetRounds:
    """Sends what is due, ends what is over; what only the leader does.

    Attributes:
        database: with the commands.
        link: to the boxes.
        config: how long things are kept.
        prefix: first levels of the edges' topics.
        root: first level of the jobs' topics; None where the broker has a jobs service.
        clock: wall and monotonic time.
    """

    database: Database
    link: FleetLink
    config: FleetConfig
    prefix: str
    root: str | None
    clock: Clock
    _pruned_s: float | None = None

    def tick(self) -> None:
        """One round.

        Raises:
            StorageError: the database did not do it; the next round tries again.
        """
        now_s, now_ms = self.clock.mono_s(), to_ms(self.clock.utc())
        if self._pruned_s is None or now_s - self._pruned_s >= _PRUNE_EVERY_S:
            with self.database.write() as session:
                prune_commands(session, now_ms - int(self.config.commands_days * _DAY_MS))
            self._pruned_s = now_s
        with self.database.read() as session:
            if is_idle(session):
                return
        with self.database.write() as session:
            expire(session, now_ms)
            forget_files(session, now_ms)
        if self.link.state.connected:
            self._send(now_ms)

    def _send(self, now_ms: int) -> None:
        with self.database.write() as session:
            due = take_due(session, now_ms)
            said = [] if self.root is None else JobService(self.root).untold(session, now_ms)
        for each in due:
            topic = EdgeTopics(each.site, each.edge, self.prefix).command(each.message.id)
            self.link.publish(topic, each.message.encode(), expiry_s=each.left_s)
        for where, body in said:
            self.link.publish(where, body.encode())
