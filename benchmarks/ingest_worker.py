"""One consumer without a broker: from its inbox into the tables, for `benchmarks/ingest.py`.

It uses only what other commits have too, and runs on whichever source tree comes first on
PYTHONPATH. It says "ready", waits for a line, and prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from cloud_app.config import DatabaseConfig, IngestConfig
from cloud_app.ingest.batch import Batch
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.worker import IngestWorker
from cloud_app.storage.open import open_database
from telemetry import SystemClock
from tests.cloud_app.scripted_edge import ScriptedEdge

EDGES, BAYS = 100, 60
_START = datetime(2026, 3, 1, 8, tzinfo=UTC)


class Nobody:
    """An outlet without a broker behind it."""

    def confirm(self, messages: Sequence[Inbound]) -> None:
        pass

    def acknowledge(self, watermarks: Iterable[object], *, replay: bool = False) -> None:
        pass


def nothing(_batch: Batch) -> None:
    pass


def interleaved(edges: Sequence[int], each: int) -> list[Inbound]:
    """Events of many boxes, in turn, as the boxes write them."""
    streams = [changes(f"box-{n:03d}", each) for n in edges]
    return [message for turn in zip(*streams, strict=True) for message in turn]


def changes(edge: str, count: int) -> Iterator[Inbound]:
    """One box whose bays change in turn, one a second."""
    first = ScriptedEdge(edge=edge, bay_ids=[f"b{n}" for n in range(BAYS)]).change("b0", False)
    event = json.loads(first.payload)
    for n in range(count):
        occ, at = bool((n // BAYS) % 2), _START + timedelta(seconds=n)
        event |= {"id": f"1-{n + 1}", "subject": f"b{n % BAYS}", "time": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
        event["data"] |= {
            "occ": occ,
            "state": "occupied" if occ else "free",
            "since": event["time"],
        }
        payload = json.dumps(event, separators=(",", ":")).encode()
        yield Inbound(first.topic, payload, False, int(at.timestamp() * 1000))


def server_cpu_s(name: str) -> float:
    """Processor time of the PostgreSQL sessions on one database, as Linux tells it."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            title = (process / "cmdline").read_bytes().decode(errors="replace")
            if title.startswith("postgres:") and name in title:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--edges", type=int, nargs=2, default=(0, EDGES), help="first and last + 1")
    parser.add_argument("--dealt", type=int, nargs=2, default=(0, 1), help="which one of how many")
    options = parser.parse_args()
    edges = range(*options.edges)
    nth, of = options.dealt
    messages = interleaved(edges, options.events // len(edges))[nth::of]
    database = open_database(DatabaseConfig(url=SecretStr(options.url)))
    config = IngestConfig(batch_rows=options.batch)
    worker = IngestWorker(database, (), Nobody(), config, "pk", SystemClock(), nothing)
    # Once round first: connections, caches and plans are those of a service that runs.
    worker.take(messages[: options.batch])
    for message in messages[options.batch :]:
        worker.inbox.put(message)
    print("ready", flush=True)
    input()
    name = options.url.rpartition("/")[2]
    thread = threading.Thread(target=worker.run)
    start_s, own_s, server_s = time.perf_counter(), time.process_time(), server_cpu_s(name)
    thread.start()
    while worker.counts.messages < len(messages):
        time.sleep(0.002)
    took_s = time.perf_counter() - start_s
    count = len(messages) - options.batch
    figures = {
        "events": count,
        "s": round(took_s, 3),
        "events_per_s": round(count / took_s),
        "own_cpu_us_per_event": round(1e6 * (time.process_time() - own_s) / count, 1),
        "server_cpu_us_per_event": round(1e6 * (server_cpu_s(name) - server_s) / count, 1),
    }
    worker.stop()
    thread.join()
    database.close()
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
