"""Soak: the service overloaded for an hour; is its memory flat, is every event delivered once?

    .venv/bin/python benchmarks/soak.py --hours 1 [--cameras 16] [--chart X.svg] [--out X.json]

`lotsight run` as on a box, with a real mosquitto and a consumer that acknowledges by the contract.
The cameras play an H.264 clip that shows one state of a simulated lot, then another, so that bays
change again and again; there are more of them than the machine can judge at the wanted rate. While
it runs, the broker is killed and stays away for minutes, cameras are restarted by command, and
calibrations and the model are replaced; near the end the box is killed (SIGKILL) and started again.

Every ten seconds: resident memory, file descriptors, threads, processor time, waiting events and
dropped frames. The slope of the memory is a straight line through the means of five minutes each,
after a warm-up of ten; its 95 % interval is Student's, since such means are all but independent.

It takes the hours that are asked for, on all cores, and two to ten minutes more for the kill, the
restart and what is then still waiting. Less than half an hour says little of the memory.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import psutil
from latency import Scene, make_scene
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.progress import Progress
from soak_chart import draw_chart
from soak_memory import memory

from calibration import load_calibration, save_calibration
from models import default_model
from telemetry import BayChangedEvent, EdgeTopics, StreamGapEvent
from tests.kit.mosquitto import Mosquitto, free_port
from tests.system.delivery.consumer import Consumer

SITE, EDGE = "soak", "box-1"
COMMAND = (sys.executable, "-c", "from edge_app.cli import main; main()", "run", "--config")
FPS, SHOW_S = 2, 40
SAMPLE_S = 10.0
console = Console(stderr=True)


@dataclass
class Sample:
    """What the box was like at one moment."""

    at_s: float
    rss_mib: float
    fds: int
    threads: int
    cpu_s: float
    outbox_rows: float
    judged: float
    dropped: float
    connected: bool


@dataclass
class Deeds:
    """What was done to the box, and when."""

    outages: list[tuple[float, float]] = field(default_factory=list)
    camera_restarts: int = 0
    calibrations: int = 0
    models: int = 0
    kills: int = 0
    stopped_in_time: bool = True


class TimingConsumer(Consumer):
    """Notes, beside its books, how late each event came, and whether its number had another text.

    An event may come more than once (MQTT QoS 1 and the contract say so); it is told apart by its
    number. What must not be is one number with two texts.
    """

    def __init__(self, port: int, topics: EdgeTopics) -> None:
        super().__init__(port, topics)
        self.late_s: list[tuple[float, float]] = []
        self.contradictions = 0

    def _take(self, event: BayChangedEvent | StreamGapEvent) -> None:
        known = self.books[event.epoch].events.get(event.seq) if event.epoch in self.books else None
        if known is None:
            late_s = (datetime.now(UTC) - event.time).total_seconds()
            self.late_s.append((time.monotonic(), late_s))
        elif known != event:
            self.contradictions += 1
        super()._take(event)
        self.messages.clear()  # an hour of them would be this program's memory


class SoakedBox:
    """The service's process and its files."""

    def __init__(self, folder: Path, broker_port: int, cameras: int, scene: Scene) -> None:
        self.folder, self.http_port = folder, free_port()
        self.names = [f"c{number:02d}" for number in range(cameras)]
        entry = default_model()
        (folder / "models").mkdir()
        shutil.copy(entry.path, folder / "models" / "own.onnx")
        self.manifest = json.loads(entry.path.with_suffix(".json").read_text())
        self.manifest["file"] = "own.onnx"
        self.write_model()
        clip = folder / "clip.mp4"
        make_clip(clip, scene)
        for name in self.names:
            bays = tuple(
                bay.model_copy(update={"id": f"{name}-{bay.id}"}) for bay in scene.calibration.bays
            )
            own = scene.calibration.model_copy(update={"camera": name, "bays": bays})
            save_calibration(self.calibration(name), own, author="soak")
        (folder / "box.toml").write_text(self._config(broker_port, clip))
        self.start()

    def calibration(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def write_model(self) -> None:
        """The same network, told as another version: the service takes it up anew."""
        self.manifest["version"] = f"soak-{time.monotonic():.0f}"
        path = self.folder / "models" / "own.json"
        path.with_suffix(".tmp").write_text(json.dumps(self.manifest))
        path.with_suffix(".tmp").replace(path)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            command = [*COMMAND, str(self.folder / "box.toml")]
            self.process = subprocess.Popen(command, stderr=log, cwd=self.folder)
        self.seen = psutil.Process(self.process.pid)

    def sample(self, begin_s: float) -> Sample | None:
        """None while the box does not answer."""
        try:
            page = f"http://127.0.0.1:{self.http_port}/metrics"
            with urllib.request.urlopen(page, timeout=10) as answer:
                text = answer.read().decode()
        except OSError:
            return None
        figures: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for one in family.samples:
                figures[one.name] = figures.get(one.name, 0.0) + one.value
        with self.seen.oneshot():
            cpu = self.seen.cpu_times()
            return Sample(
                at_s=time.monotonic() - begin_s,
                rss_mib=self.seen.memory_info().rss / 2**20,
                fds=self.seen.num_fds(),
                threads=self.seen.num_threads(),
                cpu_s=cpu.user + cpu.system,
                outbox_rows=figures["lotsight_outbox_rows"],
                judged=figures["lotsight_camera_judged_total"],
                dropped=figures["lotsight_camera_dropped_total"],
                connected=bool(figures["lotsight_mqtt_connected"]),
            )

    def _config(self, broker_port: int, clip: Path) -> str:
        text = (
            f'[edge]\nsite = "{SITE}"\nedge = "{EDGE}"\nstate_dir = "state"\n'
            f"[http]\nport = {self.http_port}\n[gate]\nenabled = false\n"
            '[model]\nthreads = 1\nmanifest_file = "models/own.json"\n'
            "[evidence]\nmemory_s = 0.001\nenter_hold_s = 0\nleave_hold_s = 0\nstart_hold_s = 0\n"
            f'[mqtt]\nhost = "127.0.0.1"\nport = {broker_port}\nrelease = "ack"\n'
            "backoff_max_s = 5\n"
        )
        for name in self.names:
            text += (
                f'[[camera]]\nid = "{name}"\nsource = "{clip}"\nrate_hz = 1\n'
                f'calibration_file = "{name}.json"\nlost_after_s = 120\n'
            )
        return text


def make_clip(path: Path, scene: Scene) -> None:
    """First one picture of the lot, then the other, with sensor noise; a key frame a second."""
    rng = np.random.default_rng(0)
    height, width = scene.pictures[0].shape[:2]
    noise = [rng.integers(0, 5, (height, width, 3), dtype=np.uint8) for _ in range(5)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"g": str(FPS), "sc_threshold": "0", "preset": "ultrafast"}
        for number in range(2 * SHOW_S * FPS):
            picture = cv2.add(scene.pictures[number // (SHOW_S * FPS)], noise[number % len(noise)])
            frame = av.VideoFrame.from_ndarray(np.asarray(picture, np.uint8), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


class Soak:
    """One run: samples, and what is done to the box at its times."""

    def __init__(self, box: SoakedBox, broker: Mosquitto, consumer: Consumer, hours: float) -> None:
        self.box, self.broker, self.consumer = box, broker, consumer
        self.end_s = hours * 3600
        self.samples: list[Sample] = []
        self.deeds = Deeds()
        self._rng = random.Random(1)
        self._away_until_s: float | None = None
        # Shares of the run: three outages, the longest a twelfth of it.
        self._outages = [(0.25, 1 / 30), (0.45, 1 / 12), (0.7, 1 / 30)]
        self._done_minutes: set[int] = set()

    def run(self) -> None:
        begin_s = time.monotonic()
        with Progress(console=console) as progress:
            task = progress.add_task("soaking", total=self.end_s)
            while (now_s := time.monotonic() - begin_s) < self.end_s:
                sample = self.box.sample(begin_s)
                if sample is not None:
                    self.samples.append(sample)
                self._disturb(now_s)
                progress.update(task, completed=now_s)
                time.sleep(max(0.0, SAMPLE_S - (time.monotonic() - begin_s - now_s)))

    def _disturb(self, now_s: float) -> None:
        if self._away_until_s is not None and now_s >= self._away_until_s:
            self.broker.start()
            self._away_until_s = None
        if self._outages and now_s >= self._outages[0][0] * self.end_s:
            length_s = self._outages.pop(0)[1] * self.end_s
            self.broker.kill()
            self._away_until_s = now_s + length_s
            self.deeds.outages.append((now_s, self._away_until_s))
        minute = int(now_s // 60)
        if minute in self._done_minutes:
            return
        self._done_minutes.add(minute)
        if minute % 2 == 1 and self._away_until_s is None:
            self._restart_camera()
        if minute % 3 == 2:
            path = self.box.calibration(self._rng.choice(self.box.names))
            save_calibration(path, load_calibration(path), author="soak")
            self.deeds.calibrations += 1
        if minute % 10 == 6:
            self.box.write_model()
            self.deeds.models += 1

    def _restart_camera(self) -> None:
        now, key = datetime.now(UTC), f"k{self.deeds.camera_restarts}"
        args = {"camera": self._rng.choice(self.box.names)}
        body = {
            "id": key, "name": "restart_camera", "args": args, "issued": now.isoformat(),
            "expires": (now + timedelta(seconds=120)).isoformat(),
        }  # fmt: skip
        topic = f"{self.consumer.topics.base}/cmd/{key}"
        try:
            self.consumer.publish(topic, json.dumps(body).encode())
        except (RuntimeError, ValueError):  # this program's own link is not back yet
            return
        self.deeds.camera_restarts += 1

    def kill_and_drain(self) -> int:
        """SIGKILL under load, a new start, a clean stop once all is out; what is still waiting."""
        self.box.process.kill()
        self.box.process.wait()
        self.deeds.kills += 1
        self.box.start()
        end_s = time.monotonic() + 300
        waiting = -1
        time.sleep(60)
        while time.monotonic() < end_s:
            sample = self.box.sample(0.0)
            waiting = -1 if sample is None else int(sample.outbox_rows)
            if waiting == 0:
                break
            time.sleep(1)
        self.box.process.terminate()
        try:
            self.box.process.wait(300)
        except subprocess.TimeoutExpired:
            self.deeds.stopped_in_time = False
        return waiting


def delivered(consumer: TimingConsumer) -> dict[str, int]:
    """Hold the stream's numbers against each other: gaps, contradictions, changes told twice."""
    lost = given_up = told_twice = events = 0
    for books in consumer.books.values():
        events += len(books.events)
        given_up += len(books.given_up)
        lost += max(books.events) - len(books.events.keys() | books.given_up)
        before: dict[str, object] = {}
        for _, event in sorted(books.events.items()):
            if isinstance(event, BayChangedEvent):
                facts = (event.data.occ, event.data.reason, event.data.closed)
                told_twice += before.get(event.subject) == facts
                before[event.subject] = facts
    return {
        "events": events, "lost": lost, "given_up": given_up, "told_twice": told_twice,
        "one_number_two_texts": consumer.contradictions, "sent_again": consumer.duplicates,
        "epochs": len(consumer.books),
    }  # fmt: skip


def lateness(consumer: TimingConsumer, begin_s: float, deeds: Deeds) -> dict[str, object]:
    """From a change to the consumer, while the broker was there and a minute after an outage."""
    good = [
        late_s
        for at_s, late_s in consumer.late_s
        if not any(a - 5 <= at_s - begin_s <= b + 60 for a, b in deeds.outages)
    ]
    p50, p95 = np.percentile(good or [np.nan], [50, 95])
    return {"events": len(good), "p50_s": round(float(p50), 3), "p95_s": round(float(p95), 3)}


def summary(soak: Soak, consumer: TimingConsumer, begin_s: float, cameras: int) -> dict[str, Any]:
    samples = soak.samples
    first, last = samples[0], samples[-1]
    wall_s = last.at_s - first.at_s
    judged, dropped = last.judged - first.judged, last.dropped - first.dropped
    late = [s for s in samples if s.at_s >= samples[-1].at_s / 6]
    return {
        "minutes": round(wall_s / 60, 1), "cameras": cameras, "cpus": os.cpu_count(),
        "frames_judged": int(judged), "frames_dropped": int(dropped),
        "rate_reached_hz": round(judged / wall_s / cameras, 3),
        "cpu_cores_used": round((last.cpu_s - first.cpu_s) / wall_s, 2),
        "memory": memory(samples, samples[-1].at_s / 6),
        "fds": [min(s.fds for s in late), max(s.fds for s in late)],
        "threads": [min(s.threads for s in late), max(s.threads for s in late)],
        "most_waiting_events": int(max(s.outbox_rows for s in samples)),
        "latency": lateness(consumer, begin_s, soak.deeds),
        "deeds": asdict(soak.deeds),
    }  # fmt: skip


def main() -> None:
    """Read the options and soak."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=1.0, help="1 by default")
    parser.add_argument("--cameras", type=int, default=16, help="16 by default")
    parser.add_argument(
        "--mosquitto", type=Path, default=Path("/usr/sbin/mosquitto"), help="the broker's program"
    )
    parser.add_argument("--out", type=Path, help="JSON of the figures and of all samples")
    parser.add_argument("--chart", type=Path, help="SVG of memory, events, descriptors, threads")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "broker").mkdir()
        lines = "allow_anonymous true\npersistence true\nautosave_interval 5"
        lines += f"\npersistence_location {folder}/broker/\nmax_queued_messages 100000"
        broker = Mosquitto(options.mosquitto, folder / "broker", lines)
        broker.start()
        consumer = TimingConsumer(broker.port, EdgeTopics(SITE, EDGE))
        consumer.start()
        box = SoakedBox(folder, broker.port, options.cameras, make_scene(1280))
        soak, begin_s = Soak(box, broker, consumer, options.hours), time.monotonic()
        try:
            soak.run()
            found = summary(soak, consumer, begin_s, options.cameras)
            save(options, soak, found)  # an hour's figures must outlive whatever comes now
            found["waiting_at_end"] = soak.kill_and_drain()
            found["delivery"] = delivered(consumer)
            found["tracebacks"] = (folder / "log").read_text().count("Traceback")
        finally:
            if box.process.poll() is None:
                box.process.kill()
            consumer.stop()
            broker.stop()
    found["deeds"] = asdict(soak.deeds)
    console.print_json(json.dumps(found))
    save(options, soak, found)


def save(options: argparse.Namespace, soak: Soak, found: dict[str, Any]) -> None:
    rows = [asdict(each) for each in soak.samples]
    if options.out is not None:
        options.out.write_text(json.dumps({"summary": found, "samples": rows}, indent=1) + "\n")
    if options.chart is not None:
        options.chart.write_text(draw_chart(rows, soak.deeds.outages))


if __name__ == "__main__":
    main()
