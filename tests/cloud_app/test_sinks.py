"""The lake and Kafka: what is acknowledged is in them."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from cloud_app.config import KafkaConfig, LakeConfig
from cloud_app.errors import SinkError
from cloud_app.ingest.decode import Inbound, decode_inbound
from cloud_app.sinks.lake import MANIFEST, Lake, read_manifest
from cloud_app.stream import TakenEvent
from telemetry import ManualClock
from tests.cloud_app.scripted_edge import ScriptedEdge


def taken(messages: Sequence[Inbound]) -> list[TakenEvent]:
    events = [decode_inbound(message, "pk") for message in messages]
    return [event for event in events if isinstance(event, TakenEvent)]


def ids(lake: Path) -> list[str]:
    """Every event in a lake, sealed or open."""
    lines: list[bytes] = []
    for path in sorted(lake.glob("date=*/*.ndjson*")):
        raw = path.read_bytes()
        lines += (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines()
    return [json.loads(line)["id"] for line in lines]


def test_events_lie_in_files_by_day(tmp_path: Path) -> None:
    edge = ScriptedEdge()
    lake = Lake(LakeConfig(folder=tmp_path / "lake"), "one", ManualClock())
    lake.put(taken([edge.change("a1", True), edge.change("a1", False)]))
    edge.now += timedelta(days=1)
    lake.put(taken([edge.change("a1", True)]))
    assert ids(tmp_path / "lake") == ["1-1", "1-2", "1-3"]

    lake.close()

    rows = list(read_manifest(tmp_path / "lake" / MANIFEST))
    assert [(row["part"], row["rows"]) for row in rows] == [
        ("date=2026-03-01/one-000001.ndjson.gz", 2),
        ("date=2026-03-02/one-000001.ndjson.gz", 1),
    ]
    for row in rows:
        packed = (tmp_path / "lake" / str(row["part"])).read_bytes()
        assert hashlib.sha256(packed).hexdigest() == row["sha256"]


def test_a_part_is_sealed_by_age_and_by_size(tmp_path: Path) -> None:
    edge, clock = ScriptedEdge(), ManualClock()
    lake = Lake(LakeConfig(folder=tmp_path, roll_s=60.0, roll_mb=0.002), "one", clock)
    lake.put(taken([edge.change("a1", True)]))
    assert not (tmp_path / MANIFEST).exists()
    clock.advance(60)
    lake.put(taken([edge.change("a1", False)]))
    assert [row["rows"] for row in read_manifest(tmp_path / MANIFEST)] == [2]
    lake.put(taken([edge.change("a1", bool(n % 2)) for n in range(5)]))
    assert [row["rows"] for row in read_manifest(tmp_path / MANIFEST)] == [2, 5]
    lake.close()


_CRASH = """
import os, sys
from pathlib import Path
from tests.cloud_app.test_sinks import Lake, LakeConfig, ManualClock, ScriptedEdge, taken

edge = ScriptedEdge()
lake = Lake(LakeConfig(folder=Path(sys.argv[1])), "one", ManualClock())
lake.put(taken([edge.change("a1", True), edge.change("a1", False)]))
os._exit(9)
"""


@pytest.mark.parametrize("where", ["mid-line", "after sealing", "after listing"])
def test_a_crash_loses_nothing_and_lists_nothing_twice(tmp_path: Path, where: str) -> None:
    subprocess.run([sys.executable, "-c", _CRASH, str(tmp_path)], check=False, timeout=60)
    [part] = tmp_path.glob("date=*/one-*.ndjson")
    whole = part.read_bytes()
    if where == "mid-line":
        part.write_bytes(whole + b'{"specversion":"1.0","id":"1-3","sou')
    else:
        part.with_name(part.name + ".gz").write_bytes(gzip.compress(whole, 6, mtime=0))
    if where == "after listing":
        row = {"part": f"{part.parent.name}/{part.name}.gz", "rows": 2}
        (tmp_path / MANIFEST).write_text(json.dumps(row) + "\n")

    Lake(LakeConfig(folder=tmp_path), "one", ManualClock()).close()

    assert ids(tmp_path) == ["1-1", "1-2"]
    assert [row["rows"] for row in read_manifest(tmp_path / MANIFEST)] == [2]


def test_parts_of_another_writer_are_left_alone(tmp_path: Path) -> None:
    edge = ScriptedEdge()
    first = Lake(LakeConfig(folder=tmp_path), "one", ManualClock())
    first.put(taken([edge.change("a1", True)]))
    second = Lake(LakeConfig(folder=tmp_path), "two", ManualClock())
    second.put(taken([edge.change("a1", False)]))
    second.close()
    first.put(taken([edge.change("a1", True)]))
    first.close()
    assert sorted(ids(tmp_path)) == ["1-1", "1-2", "1-3"]


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file, not a folder")
    with pytest.raises(SinkError, match="must be writable"):
        Lake(LakeConfig(folder=tmp_path / "lake"), "one", ManualClock())


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
