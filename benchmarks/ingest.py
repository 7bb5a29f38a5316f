"""Events per second into the cloud's tables, and how fast an hour's backlog of 100 cameras is in.

`tables`: from a consumer's inbox to the commit, no broker; `cpu` is the consumer's own. `two
consumers`: on one PostgreSQL, each with edges of its own (as Kafka deals them), or every edge's
events dealt in turn (as a shared subscription does); `cores` is how many they and the server were
busy on: where one consumer takes nearly all that there are, a second one has none left. `backlog`:
100 boxes of one camera with 60 bays, two changes per bay and hour, all returning after an hour:
12,000 events through a real mosquitto, a real session with PUBACK after commit, into the tables. A
box sends at most 50 events a second (contract, rule 3), so its own 120 events take 2.4 s however
fast the cloud is.

    python benchmarks/ingest.py [--events 20000] [--batch 500] [--pairs 5] [--against COMMIT]

With `--against`, the tables alone: this tree and the other commit take turns, and what counts is
the ratio of each pair, since other work on the machine slows down both.

PostgreSQL is a private cluster with fsync on, mosquitto a private broker, both on loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import SecretStr
from sqlalchemy import text

from benchmarks.ingest_worker import BAYS, EDGES, interleaved, nothing
from cloud_app.config import BrokerConfig, DatabaseConfig, IngestConfig
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.link import CloudLink
from cloud_app.ingest.worker import IngestWorker
from cloud_app.storage.database import Database
from cloud_app.storage.open import open_database
from telemetry import SystemClock
from tests.cloud_app.servers import running_broker, running_postgres, wait_until

HERE = Path(__file__).resolve().parent
CHANGES_PER_BAY = 2
PACE_HZ = 50.0


def tables(url: str, tree: Path, options: argparse.Namespace, *shares: str) -> dict[str, float]:
    """One consumer, or several at once, on the code of a source tree.

    Returns:
        Events per second in all, processor time of the consumers and of the server per event, and
        how many cores these were busy on.
    """
    command = [
        *(sys.executable, "-P", str(HERE / "ingest_worker.py"), url),
        *("--events", str(options.events), "--batch", str(options.batch)),
    ]
    consumers = [
        subprocess.Popen(
            [*command, *share.split()],
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in shares or ("",)
    ]
    for consumer in consumers:
        assert consumer.stdout is not None
        if consumer.stdout.readline() != "ready\n":
            msg = f"{tree}: a consumer does not start"
            raise SystemExit(msg)
    for consumer in consumers:
        assert consumer.stdin is not None
        consumer.stdin.write("\n")
        consumer.stdin.flush()
    told = [json.loads(consumer.communicate()[0]) for consumer in consumers]
    events = sum(each["events"] for each in told)
    rate_hz = events / max(each["s"] for each in told)
    own_us = sum(e["events"] * e["own_cpu_us_per_event"] for e in told) / events
    # Each of several consumers sees the sessions of all.
    server_us = max(e["server_cpu_us_per_event"] * e["events"] / events for e in told)
    return {
        "events_per_s": round(rate_hz),
        "cpu_us": round(own_us, 1),
        "server_cpu_us": round(server_us, 1),
        "cores": round(rate_hz * (own_us + server_us) / 1e6, 2),
    }


def compare(
    new_url: Callable[[], str], kind: str, other: Path, options: argparse.Namespace
) -> None:
    """Pairs of this tree and another one."""
    ratios: dict[str, list[float]] = {"events_per_s": [], "cpu_us": [], "all_cpu_us": []}
    for _ in range(options.pairs):
        pair = [tables(new_url(), tree, options) for tree in (HERE.parent, other)]
        for each in pair:
            each["all_cpu_us"] = each["cpu_us"] + each["server_cpu_us"]
        print(json.dumps({"what": "pair", "database": kind, "this": pair[0], "other": pair[1]}))
        for name, values in ratios.items():
            values.append(pair[0][name] / pair[1][name])
    line = {
        name: {"least": min(of), "median": statistics.median(of), "most": max(of)}
        for name, of in ratios.items()
    }
    shown = {n: {k: round(v, 2) for k, v in of.items()} for n, of in line.items()}
    print(json.dumps({"what": "this / other", "database": kind, **shown}), flush=True)


def two_consumers(new_url: Callable[[], str], options: argparse.Namespace) -> None:
    """How much more two consumers take in than one."""
    half = EDGES // 2
    kinds = {
        "edges of their own": (f"--edges 0 {half}", f"--edges {half} {EDGES}"),
        "dealt in turn": ("--dealt 0 2", "--dealt 1 2"),
    }
    for name, shares in kinds.items():
        for _ in range(options.pairs):
            one = tables(new_url(), HERE.parent, options)
            two = tables(new_url(), HERE.parent, options, *shares)
            ratio = round(two["events_per_s"] / one["events_per_s"], 2)
            line = {"what": f"two consumers, {name}", "one": one, "two": two, "ratio": ratio}
            print(json.dumps(line), flush=True)


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
    messages = interleaved(range(EDGES), BAYS * CHANGES_PER_BAY)
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


@contextmanager
def source_tree(commit: str) -> Iterator[Path]:
    """The files of another commit of this repository."""
    with tempfile.TemporaryDirectory() as name:
        packed = subprocess.run(
            ["git", "-C", str(HERE.parent), "archive", commit], check=True, stdout=subprocess.PIPE
        )
        subprocess.run(["tar", "-x", "-C", name], check=True, input=packed.stdout)
        yield Path(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--against", help="another commit of this repository")
    options = parser.parse_args()
    program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    with tempfile.TemporaryDirectory() as name, databases(Path(name)) as kinds:
        for kind, new_url in kinds.items():
            if options.against:
                with source_tree(options.against) as other:
                    compare(new_url, kind, other, options)
                continue
            figures = tables(new_url(), HERE.parent, options)
            print(json.dumps({"what": "tables", "database": kind, **figures}), flush=True)
            if kind == "PostgreSQL":
                two_consumers(new_url, options)
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
