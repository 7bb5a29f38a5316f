"""Memory of `lotsight-cloud serve` while events arrive and pages ask, minute by minute.

A real broker (mosquitto) and a real service on SQLite; one box of 200 bays speaks all the time, and
a reader asks once a second for what a page asks for.

    python -m benchmarks.city_memory [--minutes 10] [--rate-hz 50]

Prints the resident memory of each minute (median of its samples), and how much it grew from the
third minute to the last: caches and pools fill in the first two.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
import psutil
from paho.mqtt.enums import CallbackAPIVersion

from city.cloud import CloudFiles, CloudProcess, write_config
from telemetry import SystemClock
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import running_broker
from tests.kit.mosquitto import free_port

_TOKEN = "benchmark"  # of a service that lives for ten minutes on loopback
_MIB = 2**20
_SETTLED = 2
_PATHS = ("lots", "lots/north/p1/bays", "overview", "alerts", "edges", "events?limit=50")


def speak(client: mqtt.Client, edge: ScriptedEdge, rate_hz: float, stop: threading.Event) -> None:
    """Change one bay after the other, at a steady rate."""
    next_s = time.monotonic()
    while not stop.is_set():
        bay = edge.bay_ids[edge.seq % len(edge.bay_ids)]
        message = edge.change(bay, not edge.occ.get(bay), 1 / rate_hz)
        client.publish(message.topic, message.payload, 1)
        next_s += 1 / rate_hz
        stop.wait(max(0.0, next_s - time.monotonic()))


def ask(url: str, stop: threading.Event) -> None:
    """Ask for what pages ask for, one path a second."""
    headers = {"Authorization": f"Bearer {_TOKEN}"}
    with httpx.Client(base_url=f"{url}/api/v1/", headers=headers, timeout=60) as client:
        number = 0
        while not stop.wait(1.0):
            client.get(_PATHS[number % len(_PATHS)]).raise_for_status()
            number += 1


def watched(pid: int, minutes: int) -> list[float]:
    """The resident memory of each minute in MiB."""
    process = psutil.Process(pid)
    found = []
    for minute in range(1, minutes + 1):
        samples = []
        for _ in range(60):
            samples.append(process.memory_info().rss / _MIB)
            time.sleep(1.0)
        found.append(statistics.median(samples))
        print(f"  minute {minute:2}: {found[-1]:7.1f} MiB", flush=True)
    return found


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--rate-hz", type=float, default=50.0)
    wanted = parser.parse_args()
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    with tempfile.TemporaryDirectory() as folder, running_broker(Path(program), Path(folder)) as on:
        files, port = CloudFiles(Path(folder)), free_port()
        write_config(files, on.port, port, _TOKEN)
        cloud = CloudProcess(files, f"http://127.0.0.1:{port}")
        cloud.start()
        cloud.wait(lambda: False)
        edge = ScriptedEdge(
            bay_ids=[f"b{n:03d}" for n in range(200)], now=SystemClock().utc(), camera="mast"
        )
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", on.port)
        client.loop_start()
        for message in edge.hello():
            client.publish(message.topic, message.payload, 1, retain=message.retained)
        stop = threading.Event()
        threads = [
            threading.Thread(target=speak, args=(client, edge, wanted.rate_hz, stop)),
            threading.Thread(target=ask, args=(cloud.url, stop)),
        ]
        for thread in threads:
            thread.start()
        try:
            found = watched(cloud.pid, wanted.minutes)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            client.loop_stop()
            cloud.stop()
    print(f"{edge.seq:,} events in {wanted.minutes} minutes")
    if len(found) > _SETTLED + 1:
        first, last = found[_SETTLED], found[-1]
        print(
            f"minute {_SETTLED + 1} to {wanted.minutes}: {last - first:+.1f} MiB"
            f" ({100 * (last / first - 1):+.1f} %)"
        )


if __name__ == "__main__":
    main()
