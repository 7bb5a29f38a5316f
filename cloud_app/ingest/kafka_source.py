"""Events from a Kafka topic, as one member of a consumer group.

A record's value is what an edge would publish by MQTT, its key the edge, so that one edge's events
stay in order in one partition and one consumer reads them. Records go the way of MQTT's messages:
the same decoding, the same once for each (edge, epoch, seq), the same acknowledgement to the edge.
Offsets are committed after the database has committed: whoever takes a partition over reads from
there, and what comes twice is taken once.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import (
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from cloud_app.config import KafkaConfig
from cloud_app.errors import SinkError, StorageError
from cloud_app.ingest.decode import Inbound
from cloud_app.kafka_options import client_options
from cloud_app.storage.times import to_ms
from telemetry import Clock
from telemetry.bounds import MAX_MESSAGE_BYTES
from telemetry.topics import TopicKind

_log = logging.getLogger(__name__)

TOPIC_HEADER = "topic"
"""Of a record: the MQTT topic that its value came on; without it, the event's own source tells."""

_POLL_S = 0.2
_RETRY_MIN_S, _RETRY_MAX_S = 0.2, 10.0
_ASK_EVERY_S = 5.0


@dataclass(slots=True)
class KafkaSource:
    """Reads records in batches and hands them over, until told to stop.

    Attributes:
        config: with a `source`.
        take: makes messages lasting and acknowledges them to the edges; raises `StorageError` or
            `SinkError` if they should come again.
        batch_rows: records in one transaction, at most.
        clock: for arrival times and pauses.
        problem: why nothing comes; None if it does, or nothing is there to come.
    """

    config: KafkaConfig
    take: Callable[[Sequence[Inbound]], None]
    batch_rows: int
    clock: Clock
    problem: str | None = None
    _wait_s: float = _RETRY_MIN_S
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Work until `stop`; what is not committed is read by the next member."""
        while not self._stop.is_set():
            try:
                self._consume()
            except KafkaException as exc:
                self._tell(f"kafka {self.config.bootstrap}: {exc}")
                self._pause()

    def stop(self) -> None:
        """Let `run` end after the batch in hand."""
        self._stop.set()

    def _consume(self) -> None:
        source = self.config.source
        assert source is not None  # noqa: S101 - assembled only with one
        consumer = Consumer(
            {
                **client_options(self.config),
                "group.id": source.group,
                "enable.auto.commit": False,
                # A group that is new, or was away for longer than the topic keeps records.
                "auto.offset.reset": "earliest",
                "error_cb": self._failed,
            },
            logger=_log,
        )
        try:
            consumer.subscribe([source.topic], on_assign=self._assigned)
            asked_s = self.clock.mono_s()
            while not self._stop.is_set():
                found = consumer.consume(self.batch_rows, _POLL_S)
                self._batch(consumer, found)
                if self.problem is not None and self.clock.mono_s() - asked_s >= _ASK_EVERY_S:
                    asked_s = self.clock.mono_s()
                    consumer.list_topics(source.topic, timeout=_POLL_S)
                    self.problem = None
        finally:
            consumer.close()

    def _batch(self, consumer: Consumer, found: Sequence[Message]) -> None:
        for message in found:
            error = message.error()
            if error is not None:
                self._failed(error)
        records = [each for each in found if each.error() is None]
        if not records:
            return
        try:
            said = [self._inbound(each) for each in records]
            self.take([each for each in said if each is not None])
        except (StorageError, SinkError) as exc:
            self._tell(f"{len(records)} records wait {self._wait_s:.1f} s: {exc}")
            # Read again, instead of kept: so this member keeps asking, and stays in its group.
            for partition in _ends(records, first=True):
                consumer.seek(partition)
            self._pause()
            return
        self._wait_s, self.problem = _RETRY_MIN_S, None
        consumer.commit(offsets=_ends(records, first=False), asynchronous=True)

    def _inbound(self, record: Message) -> Inbound | None:
        value = record.value()
        if value is None:
            # A tombstone, as compacted topics have: nothing was said.
            return None
        kind, time_ms = record.timestamp()
        now_ms = to_ms(self.clock.utc())
        # A backlog says nothing of now: an edge was heard of when the record was made.
        heard_ms = now_ms if kind == TIMESTAMP_NOT_AVAILABLE else min(time_ms, now_ms)
        topic = _topic_of(record, value)
        return Inbound(topic, value[: MAX_MESSAGE_BYTES + 1], retained=False, received_ms=heard_ms)

    def _assigned(self, _consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self.problem = None
        _log.info("kafka: reads %s", ", ".join(f"{p.topic}[{p.partition}]" for p in partitions))

    def _failed(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN or not error.retriable():  # noqa: SLF001
            self._tell(f"kafka {self.config.bootstrap}: {error.str()}")

    def _tell(self, problem: str) -> None:
        if problem != self.problem:
            _log.warning("%s", problem)
        self.problem = problem

    def _pause(self) -> None:
        self._stop.wait(self._wait_s)
        self._wait_s = min(2 * self._wait_s, _RETRY_MAX_S)


def _ends(records: Sequence[Message], *, first: bool) -> list[TopicPartition]:
    """Of each partition the first offset of a batch, or the one after its last."""
    ends: dict[tuple[str, int], int] = {}
    for record in records:
        topic, number, offset = record.topic(), record.partition(), record.offset()
        if topic is None or number is None or offset is None:
            continue
        if first:
            ends.setdefault((topic, number), offset)
        else:
            ends[topic, number] = offset + 1
    return [TopicPartition(topic, number, offset) for (topic, number), offset in ends.items()]


def _topic_of(record: Message, value: bytes) -> str:
    told = dict(record.headers() or ()).get(TOPIC_HEADER)
    if isinstance(told, bytes):
        return told.decode("utf-8", "replace")
    try:
        event: Any = json.loads(value)
    except (ValueError, RecursionError):
        event = None
    source = event.get("source") if isinstance(event, Mapping) else None
    if isinstance(source, str):
        return f"{source}/{TopicKind.EVENT.value}"
    return f"kafka:{record.topic()}/{record.partition()}"
