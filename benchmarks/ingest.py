"""Events per second into the cloud's tables, and how fast an hour's backlog of 100 cameras is in.

`tables`: decoding, one transaction per batch, watermarks; no broker. `backlog`: 100 boxes of one
camera with 60 bays, two changes per bay and hour, all returning after an hour: 12,000 events
through a real mosquitto, a real session with PUBACK after commit, into the tables. A box sends at
most 50 events a second (contract, rule 3), so its own 120 events take 2.4 s however fast the cloud
is.

    python benchmarks/ingest.py [--events 20000] [--batch 500]

PostgreSQL is a private cluster with fsync on, mosquitto a private broker, both on loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import SecretStr
from sqlalchemy import text

from cloud_app.config import BrokerConfig, DatabaseConfig, IngestConfig
from cloud_app.ingest.batch import Batch
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.link import CloudLink
from cloud_app.ingest.worker import IngestWorker
from cloud_app.storage.database import Database
from cloud_app.storage.open import open_database
from cloud_app.stream import Watermark
from telemetry import SystemClock
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import running_broker, running_postgres, wait_until

EDGES, BAYS, CHANGES_PER_BAY = 100, 60, 2
PACE_HZ = 50.0


class Nobody:
    """An outlet without a broker behind it."""

    def confirm(self, messages: Sequence[Inbound]) -> None:
        pass

    def acknowledge(self, watermarks: Iterable[Watermark], *, replay: bool = False) -> None:
        pass


def nothing(_batch: Batch) -> None:
    pass


def interleaved(edges: int, each: int) -> list[Inbound]:
    """Events of many boxes, in turn."""
    boxes = [
        ScriptedEdge(edge=f"box-{n:03d}", bay_ids=[f"b{k}" for k in range(BAYS)])
        for n in range(edges)
    ]
    return [
        box.change(box.bay_ids[n % BAYS], bool((n // BAYS) % 2))
        for n in range(each)
        for box in boxes
    ]


def tables(database: Database, events: int, batch: int) -> tuple[float, float]:
    """Events per second into the tables, and microseconds of this process per event."""
    messages = interleaved(EDGES, events // EDGES)
    worker = IngestWorker(database, (), Nobody(), IngestConfig(), "pk", SystemClock(), nothing)
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    for first in range(0, len(messages), batch):
        worker.take(messages[first : first + batch])
    took_s = time.perf_counter() - start_s
    cpu_s = time.process_time() - start_cpu_s
    check_complete(database, len(messages))
    return len(messages) / took_s, 1e6 * cpu_s / len(messages)


def check_complete(database: Database, events: int) -> None:
    with database.read() as session:
        [(stored, done)] = session.rows(
            text("SELECT (SELECT COUNT(*) FROM event), (SELECT SUM(upto) FROM stream)")
        )
    if (stored, done) != (events, events):
        msg = f"expected {events} events, all acknowledged, but got {stored} and {done}"
        raise SystemExit(msg)


def backlog(database: Database, port: int) -> tuple[int, float]:
    """Events, and seconds from the first publish to the last commit."""
    messages = interleaved(EDGES, BAYS * CHANGES_PER_BAY)
    clock = SystemClock()
    link = CloudLink(BrokerConfig(port=port), clock)
    worker = IngestWorker(database, (), link, IngestConfig(), "pk", clock, nothing)
    link.deliver_to(worker.inbox, lambda *_: None)
    thread = threading.Thread(target=worker.run)
    thread.start()
    link.start()
    try:
        wait_until(lambda: link.state.connected, 20, "the broker")
        start_s = time.perf_counter()
        publish(messages, port)
        wait_until(lambda: worker.counts.events >= len(messages), 300, "the backlog")
        took_s = time.perf_counter() - start_s
    finally:
        link.stop()
        worker.stop()
        thread.join()
    check_complete(database, len(messages))
    return len(messages), took_s


def publish(messages: Sequence[Inbound], port: int) -> None:
    """Publish as 100 boxes would: each at most 50 events a second."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.max_inflight_messages_set(20 * EDGES)
    client.connect("127.0.0.1", port)
    client.loop_start()
    sent: list[mqtt.MQTTMessageInfo] = []
    start_s = time.perf_counter()
    for n, message in enumerate(messages):
        ahead_s = n / (PACE_HZ * EDGES) - (time.perf_counter() - start_s)
        if ahead_s > 0.01:
            time.sleep(ahead_s)
        sent.append(client.publish(message.topic, message.payload, 1))
    for info in sent:
        info.wait_for_publish(120)
    client.disconnect()
    client.loop_stop()


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, Callable[[], str]]]:
    """A function per kind that gives the URL of a new database."""
    numbers = iter(range(1000))
    kinds: dict[str, Callable[[], str]] = {
        "SQLite": lambda: f"sqlite:{folder / f'{next(numbers)}.db'}"
    }
    found = shutil.which("initdb", path=os.environ.get("PATH", "") + ":/usr/lib/postgresql/15/bin")
    if found is None:
        yield kinds
        return
    with running_postgres(Path(found).resolve().parent) as cluster:
        kinds["PostgreSQL"] = cluster.new_database
        yield kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500)
    options = parser.parse_args()
    program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    with tempfile.TemporaryDirectory() as name, databases(Path(name)) as kinds:
        for kind, new_url in kinds.items():
            database = open_database(DatabaseConfig(url=SecretStr(new_url())))
            rate_hz, cpu_us = tables(database, options.events, options.batch)
            database.close()
            figures = {"events_per_s": round(rate_hz), "own_cpu_us_per_event": round(cpu_us)}
            print(json.dumps({"what": "tables", "database": kind, **figures}))
            if program is None:
                continue
            # A queue as docs/cloud.md asks for: the default of 1,000 drops, and replays follow.
            with running_broker(Path(program), Path(name), "max_queued_messages 20000\n") as broker:
                database = open_database(DatabaseConfig(url=SecretStr(new_url())))
                events, took_s = backlog(database, broker.port)
                database.close()
            line = {"what": "backlog", "database": kind, "events": events, "s": round(took_s, 1)}
            print(json.dumps(line))


if __name__ == "__main__":
    main()
