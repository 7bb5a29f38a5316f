"""The service as it is started on a box, a real broker, a real subscriber, and rendered cameras."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from calibration import Bay, Calibration, check_calibration, normalise_calibration, save_calibration
from simulator import make_sample
from tests.kit.forks import Fork, program
from tests.kit.mosquitto import Mosquitto
from tests.kit.waiting import eventually
from vision.types import ImageBgr

IMAGE_WH = (960, 544)
SITE, EDGE = "north-bank", "box-1"
BASE = f"pk/v1/{SITE}/{EDGE}"


WaitFor = Callable[..., float]


@pytest.fixture
def wait_for() -> WaitFor:
    """`wait_for(condition, what, timeout_s)`: tries again and again, and says what did not come."""
    return eventually


@dataclass
class Message:
    """One MQTT message, as mosquitto_sub saw it."""

    topic: str
    retained: bool
    at_s: float
    body: dict[str, Any]


class Broker:
    """A real mosquitto with persistence, and a real mosquitto_sub that writes down everything."""

    def __init__(self, mosquitto: Path, mosquitto_sub: Path, folder: Path) -> None:
        settings = (
            f"allow_anonymous true\npersistence true\npersistence_location {folder}/\n"
            "autosave_interval 1"
        )
        self._mosquitto = Mosquitto(mosquitto, folder, settings)
        self._sub = mosquitto_sub
        self._starts = 0
        self._listener: subprocess.Popen[bytes] | None = None
        self._seen = folder / "seen.jsonl"
        self._seen.touch()

    @property
    def port(self) -> int:
        return self._mosquitto.port

    def start(self) -> None:
        self._mosquitto.start()
        self._listen()

    def _listen(self) -> None:
        self._starts += 1
        name = f"listener-{self._starts}"
        form = '{"topic":"%t","retained":%r,"at_s":%U,"body":%p}'
        command = [
            str(self._sub), "-i", name, "-p", str(self.port), "-V", "5", "-q", "1",
            "-t", f"{BASE}/#", "-F", form,
        ]  # fmt: skip
        with self._seen.open("ab") as seen:
            self._listener = subprocess.Popen(command, stdout=seen, stderr=subprocess.DEVNULL)
        subscribed = f"Sending SUBACK to {name}"
        eventually(lambda: subscribed in self._mosquitto.log(), "the listener", 20)

    def stop(self) -> None:
        if self._listener is not None:
            self._listener.terminate()
            self._listener.wait(10)
            self._listener = None
        self._mosquitto.stop()

    def messages(self, kind: str) -> list[Message]:
        """All messages seen so far under one topic of the box."""
        found = []
        for line in self._seen.read_text().splitlines():
            try:
                raw = json.loads(line)
            except json.JSONDecodeError:
                continue  # the last line, while it is written
            if raw["topic"] == f"{BASE}/{kind}":
                found.append(Message(raw["topic"], bool(raw["retained"]), raw["at_s"], raw["body"]))
        return found

    def newest(self, kind: str) -> dict[str, Any]:
        found = self.messages(kind)
        return found[-1].body if found else {}

    def states(self) -> dict[str, bool | None]:
        """What a consumer knows of each bay: the newest event of each."""
        return {
            message.body["subject"]: message.body["data"]["occ"]
            for message in self.messages("event")
            if message.body["type"] == "pk.bay.changed.v1"
        }

    def reasons(self) -> dict[str, str | None]:
        return {
            message.body["subject"]: message.body["data"]["reason"]
            for message in self.messages("event")
            if message.body["type"] == "pk.bay.changed.v1"
        }

    def seqs(self) -> list[int]:
        return sorted({int(m.body["id"].rpartition("-")[2]) for m in self.messages("event")})

    def send(self, kind: str, body: dict[str, Any]) -> None:
        command = [
            str(self._sub.with_name("mosquitto_pub")), "-p", str(self.port), "-q", "1",
            "-t", f"{BASE}/{kind}", "-m", json.dumps(body),
        ]  # fmt: skip
        subprocess.run(command, check=True, timeout=20)


@pytest.fixture
def make_broker(
    mosquitto: Path, mosquitto_sub: Path, tmp_path: Path
) -> Iterator[Callable[..., Broker]]:
    made: list[Broker] = []

    def make(*, started: bool = True) -> Broker:
        folder = tmp_path / f"broker{len(made)}"
        folder.mkdir()
        made.append(Broker(mosquitto, mosquitto_sub, folder))
        if started:
            made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def broker(make_broker: Callable[..., Broker]) -> Broker:
    return make_broker()


@dataclass
class Lot:
    """A rendered lot: its picture and its bays with the truth."""

    image: ImageBgr
    bays: tuple[Bay, ...]
    occupied: dict[str, bool]


@pytest.fixture(scope="session")
def lot() -> Lot:
    """Eleven bays under an overcast sky, about half of them taken."""
    sample = make_sample(3, IMAGE_WH)
    bays = tuple(
        Bay(id=f"b{index:02d}", polygon=tuple((float(x), float(y)) for x, y in np.clip(quad, 0, 1)))
        for index, quad in enumerate(sample.quads_norm)
    )
    drawn, _ = normalise_calibration(Calibration(camera="any", image_wh=IMAGE_WH, bays=bays))
    bad = {finding.bay for finding in check_calibration(drawn) if finding.severity == "error"}
    kept = tuple(bay for bay in drawn.bays if bay.id not in bad)
    truth = {bay.id: bool(taken) for bay, taken in zip(bays, sample.occupied, strict=True)}
    return Lot(sample.image_bgr, kept, truth)


@pytest.fixture(scope="session")
def clip_of_lot(lot: Lot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of the lot at 10 frames a second, H.264, a key frame each second."""
    path = tmp_path_factory.mktemp("clips") / "lot.mp4"
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = *IMAGE_WH, "yuv420p"
        stream.options = {"g": "10", "preset": "veryfast"}
        for _ in range(100):
            noise = rng.integers(0, 4, lot.image.shape, dtype=np.uint8)
            noisy = np.asarray(cv2.add(lot.image, noise), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="bgr24")))
        container.mux(stream.encode())
    return path


@dataclass
class Box:
    """One edge box: its folder, its configuration, its process.

    A box whose cameras must not be lost, however busy the machine is, has a large `lost_after_s`.
    """

    folder: Path
    broker_port: int | None
    http_port: int | None = None
    cameras: list[str] = field(default_factory=list)
    sections: dict[str, str] = field(default_factory=dict)
    lost_after_s: int = 3
    is_fork: bool = True
    process: Fork | subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.folder / "box.toml"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text() if (self.folder / "log").exists() else ""

    def add_camera(
        self,
        name: str,
        source: str,
        bays: tuple[Bay, ...],
        more: str = "",
        image_wh: tuple[int, int] = IMAGE_WH,
    ) -> Path:
        """A camera whose bays are called `name`-id; the calibration's path."""
        path = self.folder / f"{name}.json"
        own = tuple(bay.model_copy(update={"id": f"{name}-{bay.id}"}) for bay in bays)
        save_calibration(path, Calibration(camera=name, image_wh=image_wh, bays=own), author="test")
        self.cameras.append(
            f'[[camera]]\nid = "{name}"\nsource = "{source}"\ncalibration_file = "{path}"\n'
            f"frame_timeout_s = 2\nlost_after_s = {self.lost_after_s}\nretry_longest_s = 0.5\n"
            f"{more}\n"
        )
        return path

    def write(self) -> Path:
        sections = {
            "edge": f'site = "{SITE}"\nedge = "{EDGE}"\nstate_dir = "state"',
            "http": "enabled = false" if self.http_port is None else f"port = {self.http_port}",
            "model": "threads = 1",
        }
        if self.broker_port is not None:
            sections["mqtt"] = (
                f'host = "127.0.0.1"\nport = {self.broker_port}\nwill_delay_s = 2\n'
                "keep_alive_s = 5\nbackoff_min_s = 0.2\nbackoff_max_s = 0.5\n"
                "connect_timeout_s = 3\nack_grace_s = 0.1\nbacklog_rate_hz = 500\n"
                'release = "puback"\nhealth_period_s = 1\nresend_after_s = 2'
            )
        sections.update(self.sections)
        text = "".join(f"[{name}]\n{body}\n" for name, body in sections.items())
        self.config.write_text(text + "".join(self.cameras))
        return self.config

    def start(self, *options: str) -> None:
        arguments = ["run", "--config", str(self.write()), *options]
        start = Fork if self.is_fork else program
        self.process = start("edge_app.cli", arguments, self.folder / "log", self.folder)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # faulthandler: every thread's stack
            self.process.wait(10)
            pytest.fail(f"it goes on after {how.name}; where its threads are:\n{self.log[-9000:]}")

    def run_to_end(self) -> int:
        self.start()
        assert self.process is not None
        return self.process.wait(60)


@pytest.fixture
def make_box(tmp_path: Path) -> Iterator[Callable[..., Box]]:
    made: list[Box] = []

    def make(broker_port: int | None = None, http_port: int | None = None) -> Box:
        folder = tmp_path / f"box{len(made)}"
        folder.mkdir()
        made.append(Box(folder, broker_port, http_port))
        return made[-1]

    yield make
    for box in made:
        if box.process is not None and box.process.poll() is None:
            box.process.kill()
            box.process.wait(10)


@pytest.fixture
def box(make_box: Callable[..., Box], broker: Broker) -> Box:
    """A box beside a running broker."""
    return make_box(broker.port)


@pytest.fixture
def picture(lot: Lot, tmp_path: Path) -> Path:
    """A camera that gives one picture again and again; replace the file to change the scene."""
    path = tmp_path / "scene.png"
    cv2.imwrite(str(path), lot.image)
    return path
