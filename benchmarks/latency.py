"""Frame to broker: how long from a picture's arrival to its events at a subscriber.

    .venv/bin/python benchmarks/latency.py [--seconds 60] [--threads 0]

A camera (an HTTP server on loopback) alternates between a full and an empty lot, so every bay
changes again and again; a real mosquitto and a paho subscriber in this process, so that both ends
are read on one clock. Hold times are set to nought here: they are a decision, not a delay. What is
left is decoding, guard, network, rule, store (synchronous FULL) and MQTT.

Also told: frames per second that one core judges, network and all.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from calibration import Bay, Calibration, save_calibration
from edge_app.assembly import assemble
from edge_app.config import CameraConfig, LotsightConfig, parse_config
from edge_app.service import EdgeService
from edge_app.sources import FrameSource, ReplaySource
from models import default_model, open_detector
from simulator import demo_scene
from simulator.lot import SimulatedLot
from telemetry import Clock, SystemClock
from tests.kit.mosquitto import free_port
from vision.input_size import plan_input
from vision.types import ImageBgr


@dataclass
class Scene:
    """Two pictures of one lot and its bays."""

    pictures: tuple[ImageBgr, ImageBgr]
    calibration: Calibration
    shown_s: list[float] = field(default_factory=list)


def make_scene(width_px: int) -> Scene:
    """The demo's lot: as it is, and five minutes later; the bays that differ make the events."""
    lot = SimulatedLot(demo_scene(image_wh=(width_px, width_px * 9 // 16)), seed=3, detail=1)
    moments = [60.0 * minute for minute in range(30)]
    truths = [lot.truth(moment) for moment in moments]
    pairs = [(a, b) for a in range(len(moments)) for b in range(a)]
    first, second = max(
        pairs, key=lambda ab: sum(truths[ab[0]][bay] != truths[ab[1]][bay] for bay in lot.bay_ids)
    )
    bays = tuple(
        Bay(id=bay, polygon=tuple((float(x), float(y)) for x, y in np.clip(quad, 0, 1)))
        for bay, quad in zip(lot.bay_ids, lot.quads_norm(), strict=True)
    )
    pictures = (lot.frame(moments[first]), lot.frame(moments[second]))
    height, width = pictures[0].shape[:2]
    return Scene(pictures, Calibration(camera="north", image_wh=(width, height), bays=bays))


class FlippingSource(ReplaySource):
    """Shows one picture, then the other, each for `hold_s`, and notes when each first came."""

    def __init__(self, scene: Scene, interval_s: float, hold_s: float, clock: Clock) -> None:
        per_picture = round(hold_s / interval_s)
        jpegs = [cv2.imencode(".jpg", picture)[1] for picture in scene.pictures]

        def steps() -> object:
            number = 0
            while True:
                jpeg = jpegs[(number // per_picture) % 2]
                begin_s = clock.mono_s()  # the picture has arrived; decoding it is our time
                picture = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)
                if number % per_picture == 0:
                    scene.shown_s.append(begin_s)
                number += 1
                yield picture

        super().__init__(steps(), interval_s=interval_s, clock=clock)  # type: ignore[arg-type]


def measure(seconds: float, threads: int, folder: Path, mosquitto: str) -> None:
    """Run the service and print the figures."""
    port = free_port()
    (folder / "m.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    broker = subprocess.Popen([mosquitto, "-c", str(folder / "m.conf")], stderr=subprocess.DEVNULL)
    time.sleep(1)
    try:
        scene = make_scene(1280)
        save_calibration(folder / "north.json", scene.calibration, author="benchmark")
        config = parse_config(_config(port, threads), folder / "box.toml")
        arrivals = subscribe(port)
        latencies_s = run(config, scene, seconds, arrivals)
    finally:
        broker.terminate()
        broker.wait()
    report("frame to broker", latencies_s)


def _config(port: int, threads: int) -> str:
    return (
        '[edge]\nsite = "s"\nedge = "e"\nstate_dir = "state"\n[http]\nenabled = false\n'
        f"[model]\nthreads = {threads}\n"
        "[evidence]\nmemory_s = 0.001\nenter_hold_s = 0\nleave_hold_s = 0\nstart_hold_s = 0\n"
        f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\nrelease = "puback"\nack_grace_s = 0\n'
        "backlog_rate_hz = 1000\n"
        '[[camera]]\nid = "north"\nsource = "replay"\ncalibration_file = "north.json"\n'
        "rate_hz = 4\n"
    )


def subscribe(port: int) -> queue.SimpleQueue[float]:
    """Arrival times of the box's events, on this process' monotonic clock."""
    arrivals: queue.SimpleQueue[float] = queue.SimpleQueue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _data, _message: arrivals.put(time.monotonic())
    client.connect("127.0.0.1", port)
    client.subscribe("pk/v1/s/e/event", qos=1)
    client.loop_start()
    return arrivals


def run(
    config: LotsightConfig, scene: Scene, seconds: float, arrivals: queue.SimpleQueue[float]
) -> list[float]:
    """Latency of each event: from the first frame of its picture to the subscriber."""
    interval_s, hold_s = 0.25, 2.0

    def make_camera(_camera: CameraConfig, clock: Clock) -> FrameSource:
        return FlippingSource(scene, interval_s, hold_s, clock)

    service = EdgeService(assemble(config, SystemClock(), make_camera).parts)
    service.start()
    time.sleep(seconds)
    service.stop()
    found: list[float] = []
    while not arrivals.empty():
        at_s = arrivals.get()
        shown_s = max((s for s in scene.shown_s if s <= at_s), default=at_s)
        found.append(at_s - shown_s)
    # The first picture's events wait for the connection.
    return found[len(scene.calibration.bays) :]


def report(what: str, latencies_s: list[float]) -> None:
    """One JSON line."""
    ms = np.array(latencies_s) * 1000
    spec = default_model().manifest
    line = {
        "what": what, "events": len(ms), "model": f"{spec.name} {spec.version}",
        "min_ms": round(float(ms.min()), 1), "p50_ms": round(float(np.percentile(ms, 50)), 1),
        "p95_ms": round(float(np.percentile(ms, 95)), 1),
        "max_ms": round(float(ms.max()), 1), "cpus": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(json.dumps(line))


def frames_per_core(width_px: int, seconds: float) -> None:
    """Frames that one thread judges in a second."""
    scene = make_scene(width_px)
    detector = open_detector(default_model(), threads=1)
    polygons, quads = scene.calibration.polygons_norm(), scene.calibration.quads_norm()
    plan = plan_input(polygons, scene.calibration.image_wh, detector.spec)
    detector.detect(scene.pictures[0], quads, plan)
    begin_s, cpu_s, frames = time.monotonic(), time.process_time(), 0
    while time.monotonic() - begin_s < seconds:
        detector.detect(scene.pictures[frames % 2], quads, plan)
        frames += 1
    wall_s, cpu_s = time.monotonic() - begin_s, time.process_time() - cpu_s
    line = {
        "what": "one core", "input_wh": plan.input_wh, "bays": len(polygons),
        "frames_per_s": round(frames / wall_s, 2), "frames_per_cpu_s": round(frames / cpu_s, 2),
    }  # fmt: skip
    print(json.dumps(line))


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--mosquitto", default="/usr/sbin/mosquitto")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(options.seconds, options.threads, Path(folder), options.mosquitto)
    frames_per_core(1280, min(options.seconds, 15.0))


if __name__ == "__main__":
    main()
