"""How fast the outbox takes and gives: writes, releases, room given back, drain over a mosquitto.

    .venv/bin/python benchmarks/outbox_rates.py [FOLDER]

FOLDER lies on the disk to be measured; a temporary one otherwise. The last row is the hour after an
outage: 100 cameras with 50 bays each, every bay changing once an hour, at the contract's 50/s.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console
from rich.table import Table

from edge_app.delivery import BayChange, MqttConfig, MqttLink, Store
from telemetry import Ack, BayState, Cause, Layout, LayoutBay, SystemClock, decode_event
from tests.kit.mosquitto import free_port

BAYS = 400
HOUR_EVENTS = 5_000
OUTAGE_EVENTS = 200_000
"""As many as the outbox keeps by default."""


def change(turn: int) -> BayChange:
    state = BayState(f"b{turn % BAYS}", turn // BAYS % 2 == 0, None, 0.95, datetime.now(UTC))
    return BayChange(state, Cause.DETECTION, "gate", "bay_head", None, 1)


def open_store(folder: Path) -> Store:
    shutil.rmtree(folder, ignore_errors=True)
    store = Store.open(folder / "store.db", SystemClock())
    store.set_layout(Layout.of([LayoutBay(bay=f"b{i}", camera="gate") for i in range(BAYS)]))
    return store


def writes(folder: Path, batch: int, seconds: float = 3.0) -> tuple[float, float, float]:
    """Events per second, and the median and 95th percentile of a transaction in milliseconds."""
    store = open_store(folder)
    took: list[float] = []
    turn, started_s = 0, time.perf_counter()
    while time.perf_counter() - started_s < seconds:
        changes = [change(turn + i) for i in range(batch)]
        before_s = time.perf_counter()
        store.record(changes)
        took.append((time.perf_counter() - before_s) * 1000)
        turn += batch
    rate = turn / (time.perf_counter() - started_s)
    store.close()
    return rate, statistics.median(took), statistics.quantiles(took, n=20)[-1]


def release(folder: Path, rows: int) -> tuple[float, float]:
    """Seconds to read all waiting rows in steps of 20, and to release them in steps of 20."""
    store = open_store(folder)
    for start in range(0, rows, 1000):
        store.record([change(start + i) for i in range(1000)])
    before_s = time.perf_counter()
    cursor = 0
    while batch := store.pending(cursor, 20):
        cursor = batch[-1].seq
    read_s = time.perf_counter() - before_s
    before_s = time.perf_counter()
    for upto in range(200, rows + 1, 200):
        store.acknowledge(upto)
    release_s = time.perf_counter() - before_s
    store.close()
    return read_s, release_s


def room(folder: Path, rows: int) -> tuple[float, float, list[float]]:
    """Size of the file with all rows delivered, and once its room went back, MiB; steps in ms."""
    store = open_store(folder)
    for start in range(0, rows, 1000):
        store.record([change(start + i) for i in range(1000)])
    for upto in range(200, rows + 1, 200):
        store.acknowledge(upto)
    full_bytes, took = store.path.stat().st_size, []
    for _ in range(full_bytes // 2**20 + 1):
        before_s = time.perf_counter()
        store.vacuum()
        took.append((time.perf_counter() - before_s) * 1000)
    left_bytes = store.path.stat().st_size
    store.close()
    return full_bytes / 2**20, left_bytes / 2**20, took


def drain(folder: Path, rows: int, rate_hz: float, in_flight: int) -> float:
    """Seconds from the connection to the last acknowledgement, with an acknowledging consumer."""
    port = free_port()
    broker = subprocess.Popen(
        [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    store = open_store(folder)
    for start in range(0, rows, 1000):
        store.record([change(start + i) for i in range(min(1000, rows - start))])
    time.sleep(0.5)
    listening = threading.Event()
    consumer = paho.Client(CallbackAPIVersion.VERSION2, "consumer")

    def take(client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        event = decode_event(bytes(message.payload), message.topic)
        if event.seq % 20 == 0 or event.seq == rows:
            ack = Ack(epoch=event.epoch, upto=event.seq)
            client.publish("pk/v1/north/edge-7/ack", ack.encode(), qos=1)

    consumer.on_message = take
    consumer.on_subscribe = lambda *_: listening.set()
    consumer.connect("127.0.0.1", port)
    consumer.subscribe("pk/v1/north/edge-7/event", qos=1)
    consumer.loop_start()
    listening.wait(10)
    config = MqttConfig(
        host="127.0.0.1", port=port, site="north", edge="edge-7", ack_grace_s=0.0,
        backlog_rate_hz=rate_hz, in_flight_max=in_flight,
    )  # fmt: skip
    link = MqttLink(config, store, SystemClock())
    before_s = time.perf_counter()
    link.start()
    while store.acked < rows:
        time.sleep(0.005)
    took_s = time.perf_counter() - before_s
    link.stop()
    store.close()
    consumer.disconnect()
    consumer.loop_stop()
    broker.terminate()
    broker.wait()
    return took_s


def main(folder: Path) -> None:
    table = Table("what", "rate", "more", title=f"Outbox, {BAYS} bays", title_justify="left")
    for batch in (1, 10, 100):
        rate, median_ms, p95_ms = writes(folder / "w", batch)
        table.add_row(
            f"write, {batch} per transaction (WAL, synchronous FULL)",
            f"{rate:,.0f} events/s",
            f"transaction p50 {median_ms:.1f} ms, p95 {p95_ms:.1f} ms",
        )
    rows = 20_000
    read_s, release_s = release(folder / "r", rows)
    table.add_row(f"read {rows:,} waiting, 20 at a time", f"{rows / read_s:,.0f} events/s", "")
    table.add_row(
        f"release {rows:,}, 200 per acknowledgement",
        f"{rows / release_s:,.0f} events/s",
        f"{release_s / (rows / 200) * 1000:.1f} ms each",
    )
    full_mib, left_mib, took = room(folder / "g", OUTAGE_EVENTS)
    table.add_row(
        f"give back what {OUTAGE_EVENTS:,} delivered took",
        f"{full_mib:.1f} -> {left_mib:.1f} MiB",
        f"step p50 {statistics.median(took):.1f} ms, max {max(took):.1f} ms, one a second",
    )
    for what, count, rate_hz in (
        ("unpaced, 20 in flight", 5_000, 100_000.0),
        ("50/s: an hour of 100 cameras", HOUR_EVENTS, 50.0),
    ):
        took_s = drain(folder / "d", count, rate_hz, in_flight=20)
        table.add_row(
            f"drain {count:,} over mosquitto, {what}",
            f"{count / took_s:,.0f} events/s",
            f"{took_s:.1f} s to the last acknowledgement",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
