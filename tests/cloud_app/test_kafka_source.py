"""Kafka as a source: what its topic holds is in the tables, once, whatever happens on the way."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from sqlalchemy import text

from cloud_app.config import BrokerConfig, IngestConfig, KafkaConfig, KafkaSourceConfig
from cloud_app.errors import StorageDownError
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.kafka_source import KafkaSource
from cloud_app.ingest.link import CloudLink
from cloud_app.ingest.worker import IngestWorker
from cloud_app.kafka_options import client_options
from cloud_app.storage.database import Database
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import ConfigError, SystemClock
from telemetry.topics import TopicKind
from tests.cloud_app.kafka_kit import Edges, options
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import wait_until
from tests.kit.kafka_cluster import KafkaCluster, running_kafka

TOPIC = "edges"


@dataclass
class Member:
    """One consumer of the group, in a thread."""

    source: KafkaSource
    thread: threading.Thread

    def stop(self) -> None:
        self.source.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    with running_kafka() as running:
        yield running


@pytest.fixture
def topic(cluster: KafkaCluster, request: pytest.FixtureRequest) -> str:
    name = f"edges-{request.node.name}"[:200]
    cluster.make_topic(name)
    return name


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = SqliteDatabase(tmp_path / "cloud.db")
    yield opened
    opened.close()


def config_of(cluster: KafkaCluster, topic: str) -> KafkaConfig:
    return KafkaConfig(
        bootstrap=cluster.bootstrap,
        sink=False,
        source=KafkaSourceConfig(topic=topic, group=f"group-{topic}"[:60].rstrip("-[")),
        options=options(),
    )


def ingest(database: Database, edges: Edges) -> IngestWorker:
    config = IngestConfig(batch_rows=25)
    return IngestWorker(database, (), edges, config, "pk", SystemClock(), lambda _: None)


@contextmanager
def member(config: KafkaConfig, take: Callable[[Sequence[Inbound]], None]) -> Iterator[Member]:
    source = KafkaSource(config, take, 25, SystemClock())
    made = Member(source, threading.Thread(target=source.run))
    made.thread.start()
    try:
        yield made
    finally:
        made.stop()


def send(
    producer: Producer, topic: str, message: Inbound, headers: dict[str, str] | None = None
) -> None:
    edge = message.topic.split("/")[3]
    given: dict[str, str | bytes | None] = {**(headers or {})}
    producer.produce(topic, key=edge, value=message.payload, headers=given)


def uptos(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {row.edge: row.upto for row in session.rows(text("SELECT edge, upto FROM stream"))}


def test_restarts_of_brokers_members_and_database_lose_nothing(
    cluster: KafkaCluster, topic: str, database: Database
) -> None:
    edges = [ScriptedEdge(edge=f"box-{n}") for n in range(6)]
    told, source = Edges(), random.Random(5)
    worker = ingest(database, told)

    def unsteady(messages: Sequence[Inbound]) -> None:
        """The database goes away now and then: before, or after it has committed."""
        moment = source.random()
        if moment < 0.1:
            msg = "away before"
            raise StorageDownError(msg)
        worker.take(messages)
        if moment > 0.9:
            msg = "away after"
            raise StorageDownError(msg)

    config = config_of(cluster, topic)
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    with member(config, unsteady) as first:
        for n in range(60):
            for edge in edges:
                send(producer, topic, edge.change("a1", bool(n % 2)))
            if n == 20:
                producer.flush(20)
                wait_until(lambda: bool(uptos(database)), 20, "the first events")
                cluster.stop_broker(1)
            if n == 30:
                cluster.start_broker(1)
        producer.flush(20)
        with member(config, unsteady):
            first.stop()
            wanted = {edge.edge: 60 for edge in edges}
            wait_until(lambda: uptos(database) == wanted, 60, "all events")
            wait_until(lambda: told.acks == wanted, 20, "all watermarks")
    with database.read() as session:
        [(count,)] = session.rows(text("SELECT count(*) FROM event"))
        assert session.rows(text("SELECT reason FROM quarantine")) == []
        assert session.rows(text("SELECT * FROM gap")) == []
    assert count == 360
    assert committed(cluster, config, topic) == 360


def test_a_member_that_is_killed_loses_nothing(
    cluster: KafkaCluster, topic: str, database: Database, tmp_path: Path
) -> None:
    group = "killed"
    words = (cluster.bootstrap, topic, group, str(tmp_path / "cloud.db"))
    command = [sys.executable, "-m", "tests.cloud_app.kafka_member", *words]
    edges = [ScriptedEdge(edge=f"box-{n}") for n in range(6)]
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "log_level": 0})

    def produce(events: int) -> None:
        for n in range(events):
            for edge in edges:
                send(producer, topic, edge.change("a1", bool(n % 2)))
        producer.flush(20)

    members = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    try:
        produce(10)
        wait_until(lambda: len(uptos(database)) == len(edges), 60, "events of all partitions")
        produce(60)
        members[0].kill()
        produce(10)
        wanted = {edge.edge: 80 for edge in edges}
        wait_until(lambda: uptos(database) == wanted, 60, "all events")
        assert members[1].poll() is None
    finally:
        for each in members:
            each.kill()
            each.wait()
    with database.read() as session:
        assert session.rows(text("SELECT count(*) FROM event")) == [(480,)]
        assert session.rows(text("SELECT * FROM gap")) == []


def committed(cluster: KafkaCluster, config: KafkaConfig, topic: str) -> int:
    """Records that the group need not read again."""
    assert config.source is not None
    asker = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": config.source.group})
    try:
        found = asker.committed([TopicPartition(topic, n) for n in range(4)], timeout=20)
    finally:
        asker.close()
    return sum(each.offset for each in found if each.offset > 0)


def test_what_is_no_event_is_quarantined_and_the_next_comes_through(
    cluster: KafkaCluster, topic: str, database: Database
) -> None:
    edge = ScriptedEdge()
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    for value in (
        b"\xff no JSON",
        b"[" * 100_000,
        b'{"source": 5}',
        b'{"source": "pk/v1/+/x"}',
        None,
    ):
        producer.produce(topic, key="box-1", value=value)
    # A report has no source: the header tells its topic.
    layout = edge.layout_message()
    send(producer, topic, layout, {"topic": layout.topic})
    send(producer, topic, edge.change("a1", True))
    producer.flush(20)

    with member(config_of(cluster, topic), ingest(database, Edges()).take) as one:
        wait_until(lambda: uptos(database) == {"box-1": 1}, 30, "the event")
        assert one.source.problem is None
    with database.read() as session:
        reasons = [reason for (reason,) in session.rows(text("SELECT reason FROM quarantine"))]
        assert len(reasons) == 4
        [(lot,)] = session.rows(text("SELECT DISTINCT lot FROM bay"))
    assert lot == "p1"


def test_brokers_that_are_away_are_told(database: Database) -> None:
    config = KafkaConfig(
        bootstrap="127.0.0.1:9", sink=False, source=KafkaSourceConfig(topic=TOPIC)
    ).model_copy(update={"options": {"log_level": 0}})
    with member(config, ingest(database, Edges()).take) as one:
        wait_until(lambda: one.source.problem is not None, 20, "the fault to be told")
        assert one.source.problem is not None
        assert one.source.problem.startswith("kafka 127.0.0.1:9: ")


def test_events_are_read_from_one_place_only() -> None:
    def events(link: CloudLink) -> list[str]:
        return [name for name in link._filters() if name.endswith(TopicKind.EVENT.value)]

    link = CloudLink(BrokerConfig(), SystemClock(), events=False)
    assert events(link) == []
    link.listen_to("north", "box-1")
    assert events(link) == ["pk/v1/north/box-1/event"], "a replay that fills a hole"
    assert len(events(CloudLink(BrokerConfig(), SystemClock()))) == 1


def test_a_topic_is_not_copied_into_itself() -> None:
    with pytest.raises(ValueError, match="expected two topics"):
        KafkaConfig(bootstrap="b:1", topic="t", source=KafkaSourceConfig(topic="t"))
    with pytest.raises(ValueError, match="neither"):
        KafkaConfig(bootstrap="b:1", sink=False)


def test_options_come_from_the_file_too(tmp_path: Path) -> None:
    path = tmp_path / "kafka.properties"
    path.write_text("# secrets\nsasl.password = a=b \n\nsecurity.protocol=SASL_SSL\n")
    config = KafkaConfig(bootstrap="b:1", options={"acks": "all"}, options_file=path)
    assert client_options(config) == {
        "bootstrap.servers": "b:1",
        "client.id": "lotsight-cloud",
        "acks": "all",
        "sasl.password": "a=b",
        "security.protocol": "SASL_SSL",
    }
    path.write_text("hunter2\n")
    with pytest.raises(ConfigError, match="line 1: expected key=value") as caught:
        client_options(config)
    assert "hunter2" not in str(caught.value)
    path.unlink()
    with pytest.raises(ConfigError, match="readable file"):
        client_options(config)
