"""A device-shadow service with AWS IoT's topics and answers, for brokers that have none."""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from cloud_app.errors import CloudError
from cloud_app.json_values import mended
from cloud_app.storage.database import Database, Session
from cloud_app.storage.shadows import load_shadow, lock_shadow, save_shadow
from telemetry import Clock, TelemetryError
from telemetry.aws import ShadowRequest, ShadowTopics, parse_shadow_request
from telemetry.payload_checks import check_json
from telemetry.shadow import (
    MAX_CLIENT_TOKEN_BYTES,
    MAX_PAYLOAD_BYTES,
    SECTIONS,
    JsonObject,
    ShadowDocument,
    ShadowRejection,
    ShadowUpdate,
    accepted_message,
    apply_update,
    delta_message,
    documents_message,
    dump_json,
    parse_update,
    rejected_message,
)
from telemetry.topics import Topic

_log = logging.getLogger(__name__)

# A box sends at most one update a second; this is minutes of a large fleet, and bounds memory.
_WAITING_MAX = 10_000


Note: TypeAlias = Callable[[Session, ShadowDocument], None]
"""Takes down a change; it is given the shadow as it was."""


@dataclass(frozen=True, slots=True)
class Publication:
    """Something to publish."""

    topic: Topic
    payload: bytes


@dataclass(slots=True)
class ShadowService:
    """Answers shadow requests out of the database.

    Attributes:
        database: where the documents are.
        clock: for their timestamps.
        root: first level of the topics.
    """

    database: Database
    clock: Clock
    root: str

    def answer(self, topic: str, payload: bytes) -> list[Publication]:
        """Serve one request from the broker.

        Raises:
            TelemetryError: the topic is none of a shadow of the contract.
            StorageError: the database did not do it.
        """
        request = parse_shadow_request(topic, self.root)
        topics = request.topics
        try:
            if request.action == "update":
                return self.update(topics, _parsed(payload))[1]
            token = _client_token(payload)
            if request.action == "get":
                body: JsonObject = self._existing(topics, token).to_json()
            else:
                body = self._delete(topics, token)
            if token is not None:
                body["clientToken"] = token
            return [Publication(topics.of(request.action, "accepted"), dump_json(body))]
        except ShadowRejection as rejection:
            return [self._rejected(request, rejection)]

    def update(
        self, topics: ShadowTopics, update: ShadowUpdate, note: Note | None = None
    ) -> tuple[ShadowDocument, list[Publication]]:
        """Change a shadow, whoever asks; what the broker should hear of it comes back.

        Args:
            topics: of the shadow.
            update: to it.
            note: called in the transaction of the change, for the audit log of what people do.

        Raises:
            ShadowRejection: the update is refused, with AWS's code.
        """
        now_s = self._now_s()
        with self.database.write() as session:
            before, exists, after = change_shadow(session, topics, update, now_s)
            if note is not None:
                note(session, before)
        token = update.client_token
        messages: list[tuple[Topic, JsonObject | None]] = [
            (topics.of("update", "accepted"), accepted_message(after, update, now_s)),
            (topics.delta, delta_message(after, token)),
            (
                topics.of("update", "documents"),
                documents_message(before if exists else None, after, token),
            ),
        ]
        return after, [
            Publication(topic, dump_json(body)) for topic, body in messages if body is not None
        ]

    def document(self, topics: ShadowTopics) -> ShadowDocument:
        """A shadow as it stands.

        Raises:
            ShadowRejection: 404, there is none.
        """
        return self._existing(topics, None)

    def kept(self, topics: ShadowTopics) -> ShadowDocument:
        """A shadow as it stands; an empty one where there is none."""
        with self.database.read() as session:
            return _loaded(session, topics)[0]

    def _existing(self, topics: ShadowTopics, token: str | None) -> ShadowDocument:
        with self.database.read() as session:
            document, exists = _loaded(session, topics)
        if not exists:
            raise ShadowRejection(404, f"no shadow exists with name {topics.base!r}", token)
        return document

    def _delete(self, topics: ShadowTopics, token: str | None) -> JsonObject:
        with self.database.write() as session:
            lock_shadow(session, topics.thing, topics.name)
            document, exists = _loaded(session, topics)
            if not exists:
                raise ShadowRejection(404, f"no shadow exists with name {topics.base!r}", token)
            save_shadow(session, topics.thing, topics.name, None)
            session.announce(topics.thing)
        return {"version": document.version, "timestamp": self._now_s()}

    def _rejected(self, request: ShadowRequest, rejection: ShadowRejection) -> Publication:
        topic = request.topics.of(request.action, "rejected")
        return Publication(topic, dump_json(rejected_message(rejection, self._now_s())))

    def _now_s(self) -> int:
        return int(self.clock.utc().timestamp())


def change_shadow(
    session: Session, topics: ShadowTopics, update: ShadowUpdate, now_s: int
) -> tuple[ShadowDocument, bool, ShadowDocument]:
    """Change a shadow in the caller's transaction; nobody is told.

    Returns:
        The document before, whether there was one, and the document after.

    Raises:
        ShadowRejection: the update is refused, with AWS's code.
    """
    lock_shadow(session, topics.thing, topics.name)
    before, exists = _loaded(session, topics)
    after = apply_update(before, update, now_s)
    save_shadow(session, topics.thing, topics.name, after)
    session.announce(topics.thing)
    return before, exists, after


def _loaded(session: Session, topics: ShadowTopics) -> tuple[ShadowDocument, bool]:
    """A shadow without what no reader could take: an older service may have let it in."""
    document, exists = load_shadow(session, topics.thing, topics.name)
    parts = (*SECTIONS, *(f"{name}_times" for name in SECTIONS))
    return replace(document, **{part: mended(getattr(document, part)) for part in parts}), exists


def _parsed(payload: bytes) -> ShadowUpdate:
    try:
        return parse_update(payload)
    except (ValueError, RecursionError) as exc:
        raise ShadowRejection(400, "expected UTF-8 JSON of sound values") from exc


def _client_token(payload: bytes) -> str | None:
    """The token of a get or delete request; these carry nothing else, and often nothing at all."""
    try:
        check_json(payload, "request", max_bytes=MAX_PAYLOAD_BYTES)
        body: Any = json.loads(payload) if payload.strip() else {}
    except (ValueError, RecursionError, TelemetryError) as exc:
        raise ShadowRejection(400, "expected UTF-8 JSON or nothing") from exc
    token = body.get("clientToken") if isinstance(body, dict) else None
    is_short = isinstance(token, str) and len(token.encode()) <= MAX_CLIENT_TOKEN_BYTES
    return token if is_short else None


@dataclass(slots=True)
class ShadowWorker:
    """Serves requests from the broker one after the other, off the network thread.

    Attributes:
        service: that answers.
        publish: how answers go out.
        is_leader: of several consumers only one answers.
    """

    service: ShadowService
    publish: Callable[[Topic, bytes], None]
    is_leader: Callable[[], bool]
    _waiting: queue.Queue[tuple[str, bytes]] = field(
        default_factory=lambda: queue.Queue(_WAITING_MAX)
    )
    _stop: threading.Event = field(default_factory=threading.Event)

    def offer(self, topic: str, payload: bytes) -> None:
        """Queue a request; with the queue full it is dropped, as its sender asks again."""
        try:
            # One byte too many is enough to be refused; the rest need not wait in memory.
            self._waiting.put_nowait((topic, payload[: MAX_PAYLOAD_BYTES + 1]))
        except queue.Full:
            _log.warning("shadow request dropped, %d are waiting: %s", _WAITING_MAX, topic)

    def run(self) -> None:
        """Work until `stop`."""
        while not self._stop.is_set():
            try:
                topic, payload = self._waiting.get(timeout=0.2)
            except queue.Empty:
                continue
            if self.is_leader():
                self._serve(topic, payload)

    def stop(self) -> None:
        """Let `run` end."""
        self._stop.set()

    def _serve(self, topic: str, payload: bytes) -> None:
        try:
            for publication in self.service.answer(topic, payload):
                self.publish(publication.topic, publication.payload)
        except (TelemetryError, CloudError) as exc:
            _log.warning("shadow request not served: %s", exc)
        except Exception:
            # The next request is somebody else's.
            _log.exception("%.200s: shadow request not served", topic)
