"""A thousand boxes: how long they take to connect, to do one command, to take one shadow change.

Real mosquitto, a real `lotsight-cloud serve` on SQLite, scripted boxes over real MQTT (a process of
their own, `tests/cloud_app/scripted_fleet.py`), all on loopback. `connected`: from the first dial
until the cloud lists all as online. `command`: one to each, sent by the seam that pages and
roll-outs use (`cloud_app.fleet.commands`), until all are done. `shadow`: one desired change to each
over HTTP, until all report it. Memory is the cloud process's resident size.

    python benchmarks/fleet.py [--boxes 1000]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from cloud_app.config import DatabaseConfig
from cloud_app.fleet.commands import CommandFilter, CommandState, Order, listed, send
from cloud_app.storage.database import Database
from cloud_app.storage.open import open_database
from cloud_app.storage.shadows import load_shadow
from telemetry.commands import CommandName
from tests.cloud_app.processes import Consumer
from tests.cloud_app.scripted_fleet import name_of
from tests.cloud_app.servers import running_broker

POLL_S = 0.25
LIMIT_S = 300.0


class Bench:
    """The cloud under test, and a clock on what it does."""

    def __init__(self, consumer: Consumer, database: Database, boxes: int) -> None:
        self.consumer, self.database, self.boxes = consumer, database, boxes
        self.client = httpx.Client(base_url=consumer.url, timeout=60)
        self._process = psutil.Process(consumer.pid)
        self.rows: list[tuple[str, float, float]] = []

    def mib(self) -> float:
        return self._process.memory_info().rss / 2**20

    def until(self, what: str, begun_s: float, count: Callable[[], int]) -> None:
        """Wait until `count` reaches all boxes; note how long that took."""
        most_mib = self.mib()
        while (found := count()) < self.boxes:
            most_mib = max(most_mib, self.mib())
            if time.monotonic() - begun_s > LIMIT_S:
                msg = f"{what}: {found} of {self.boxes} after {LIMIT_S:g} s"
                raise SystemExit(msg)
            time.sleep(POLL_S)
        self.rows.append((what, time.monotonic() - begun_s, max(most_mib, self.mib())))

    def online(self) -> int:
        return len(self.client.get("/api/v1/edges", params={"state": "online"}).json())

    def command(self) -> None:
        begun_s = time.monotonic()
        orders = [Order(name_of(n), CommandName.SNAPSHOT_NOW) for n in range(self.boxes)]
        with self.database.write() as session:
            ids = [each.id for each in send(session, orders, "benchmark", int(time.time() * 1000))]
        self.rows.append(("command: ordered", time.monotonic() - begun_s, self.mib()))

        def done() -> int:
            with self.database.read() as session:
                found = listed(session, CommandFilter(ids=ids))
            return sum(each.state is CommandState.DONE for each in found)

        self.until("command: done by all", begun_s, done)

    def shadow(self) -> None:
        begun_s = time.monotonic()
        for number in range(self.boxes):
            path = f"/api/v1/edges/{name_of(number)}/shadow"
            body = {"desired": {"bench": 1}}
            self.client.patch(path, params={"name": "config"}, json=body).raise_for_status()
        self.rows.append(("shadow: asked of all", time.monotonic() - begun_s, self.mib()))

        def reported() -> int:
            with self.database.read() as session:
                found = [load_shadow(session, name_of(n), "config") for n in range(self.boxes)]
            return sum(document.reported.get("bench") == 1 for document, _ in found)

        self.until("shadow: reported by all", begun_s, reported)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--boxes", type=int, default=1_000)
    boxes: int = parser.parse_args().boxes
    mosquitto = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if mosquitto is None:
        msg = "mosquitto is needed"
        raise SystemExit(msg)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = "max_queued_messages 100000\nmax_inflight_messages 1000\n"
        with running_broker(Path(mosquitto), folder, settings) as broker:
            url = f"sqlite:{folder / 'cloud.db'}"
            consumer = Consumer("cloud", folder, broker.port, url)
            database = open_database(DatabaseConfig(url=SecretStr(url)))
            bench = Bench(consumer, database, boxes)
            bench.rows.append(("idle", 0.0, bench.mib()))
            begun_s = time.monotonic()
            command = [sys.executable, "-m", "tests.cloud_app.scripted_fleet"]
            fleet = subprocess.Popen([*command, str(broker.port), str(boxes)])
            try:
                bench.until("connected", begun_s, bench.online)
                bench.command()
                bench.shadow()
            finally:
                fleet.terminate()
                fleet.wait(timeout=30)
                bench.client.close()
                database.close()
                # Before the end, which a busy machine may hold up.
                _print(bench)
                consumer.stop()


def _print(bench: Bench) -> None:
    table = Table("what", "seconds", "cloud MiB", box=None, title=f"{bench.boxes:,} boxes")
    for what, seconds, mib in bench.rows:
        table.add_row(what, f"{seconds:.1f}", f"{mib:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
