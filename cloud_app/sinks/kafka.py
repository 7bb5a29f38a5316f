"""Every event to a Kafka topic, keyed by edge: one edge's events stay in order in one partition."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from cloud_app.config import KafkaConfig
from cloud_app.errors import SinkError
from cloud_app.kafka_options import client_options
from cloud_app.stream import TakenEvent
from telemetry.cloudevents import CONTENT_TYPE

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KafkaRecord:
    """One record to send.

    Attributes:
        topic: where to.
        key: decides the partition: records of one key stay in order.
        value: what readers get.
        headers: beside it.
    """

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)


class KafkaSink:
    """A producer that waits until all brokers in sync have a batch.

    Args:
        config: where to.
        more: further librdkafka settings; tests turn on its own mock cluster here.
    """

    def __init__(self, config: KafkaConfig, more: Mapping[str, str | int] | None = None) -> None:
        self._config = config
        self._failure: KafkaError | None = None
        try:
            self._producer = Producer(
                {
                    **client_options(config),
                    # No duplicates and no disorder by the producer's own retries.
                    "enable.idempotence": True,
                    "linger.ms": 5,
                    "compression.type": "lz4",
                    "delivery.timeout.ms": int(config.timeout_s * 1000),
                    **(more or {}),
                },
                logger=_log,
            )
        except KafkaException as exc:
            msg = f"kafka: the producer must start, but: {exc}"
            raise SinkError(msg) from exc

    def put(self, events: Sequence[TakenEvent]) -> None:
        """Send events to the configured topic and wait for their delivery reports.

        Raises:
            SinkError: not all were delivered in time; the batch comes again.
        """
        headers = {"content-type": CONTENT_TYPE.encode()}
        self.send(
            KafkaRecord(self._config.topic, taken.edge.encode(), taken.body.encode(), headers)
            for taken in events
        )

    def send(self, records: Iterable[KafkaRecord]) -> None:
        """Send records and wait for their delivery reports; one caller at a time.

        Raises:
            SinkError: not all were delivered in time; those that were may come twice.
        """
        self._failure, count = None, 0
        try:
            for count, record in enumerate(records, 1):  # noqa: B007 - how many there were
                self._produce(record)
            left = self._producer.flush(self._config.timeout_s)
        except (KafkaException, BufferError) as exc:
            msg = f"kafka {self._config.bootstrap}: {exc}"
            raise SinkError(msg) from exc
        if left or self._failure is not None:
            # The whole batch comes again; what is left of this one must not come beside it.
            self._producer.purge()
            msg = (
                f"kafka {self._config.bootstrap}: expected {count} records to be delivered in "
                f"{self._config.timeout_s} s, but {left} are left, {self._failure}"
            )
            raise SinkError(msg)

    def brokers(self) -> str:
        """The cluster's brokers as the producer found them, host:port joined by commas."""
        found = self._producer.list_topics(timeout=self._config.timeout_s).brokers.values()
        return ",".join(f"{broker.host}:{broker.port}" for broker in found)

    def close(self) -> None:
        """Deliver what is under way."""
        self._producer.flush(self._config.timeout_s)

    def _produce(self, record: KafkaRecord) -> None:
        produce = partial(
            self._producer.produce,
            record.topic,
            value=record.value,
            key=record.key,
            headers=list(record.headers.items()),
            on_delivery=self._delivered,
        )
        try:
            produce()
        except BufferError:
            # The queue is full: let deliveries happen, then once more.
            self._producer.poll(1.0)
            produce()

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failure = error
