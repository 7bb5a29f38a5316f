"""Kafka as a sink: what is acknowledged is in it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from cloud_app.config import KafkaConfig
from cloud_app.errors import SinkError
from cloud_app.ingest.decode import Inbound, decode_inbound
from cloud_app.stream import TakenEvent
from tests.cloud_app.scripted_edge import ScriptedEdge


def taken(messages: Sequence[Inbound]) -> list[TakenEvent]:
    events = [decode_inbound(message, "pk") for message in messages]
    return [event for event in events if isinstance(event, TakenEvent)]


def test_kafka_gets_every_event_keyed_by_edge_and_in_order() -> None:
    kafka = pytest.importorskip("confluent_kafka", reason="needs the extra lotsight[kafka]")
    from cloud_app.sinks.kafka import KafkaSink

    edges = [ScriptedEdge(edge=f"box-{n}") for n in range(5)]
    config = KafkaConfig(bootstrap="", topic="events", timeout_s=20)
    # librdkafka's own mock cluster: real brokers of its protocol on loopback ports.
    sink = KafkaSink(config, {"test.mock.num.brokers": 3, "test.mock.broker.rtt": 1})
    for n in range(20):
        sink.put(taken([edge.change("a1", bool(n % 2)) for edge in edges]))

    brokers = sink.brokers()
    consumer = kafka.Consumer(
        {"bootstrap.servers": brokers, "group.id": "t", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["events"])
    found: dict[str, list[str]] = {}
    partitions: dict[str, set[int]] = {}
    while sum(map(len, found.values())) < 100:
        message = consumer.poll(10.0)
        assert message is not None, f"got {found} only"
        assert message.error() is None
        edge_name = message.key().decode()
        found.setdefault(edge_name, []).append(json.loads(message.value())["id"])
        partitions.setdefault(edge_name, set()).add(message.partition())
    consumer.close()
    sink.close()
    assert found == {edge.edge: [f"1-{n}" for n in range(1, 21)] for edge in edges}
    assert all(len(where) == 1 for where in partitions.values())


def test_kafka_that_is_away_holds_the_batch_up() -> None:
    pytest.importorskip("confluent_kafka", reason="needs the extra lotsight[kafka]")
    from cloud_app.sinks.kafka import KafkaSink

    sink = KafkaSink(KafkaConfig(bootstrap="127.0.0.1:9", timeout_s=1.0))
    with pytest.raises(SinkError, match="expected 1 records to be delivered"):
        sink.put(taken([ScriptedEdge().change("a1", True)]))
