"""Box and cloud of different releases: what must hold between them.

    scripts/compat COMMIT                   the box of a commit, against today's cloud
    scripts/compat COMMIT --record FOLDER   also keep what the box published, for the suite
    scripts/compat COMMIT --old cloud       today's box, against the cloud of a commit

The commit's own code runs from a `git worktree`; the rest is today's, and the broker is real. The
suite replays what was recorded (`tests/system/test_compat.py`): a shallow clone has no earlier
commit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import httpx
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from simulator import make_sample
from tests.cloud_app.processes import Consumer
from tests.kit.mosquitto import Mosquitto

ROOT = Path(__file__).parents[2]
IMAGE_WH = (960, 544)
SITE, CAMERA = "compat", "north"
_SAVE = """
import json, sys
from calibration import Bay, Calibration, save_calibration
drawn = json.loads(sys.argv[1])
bays = tuple(Bay(id=name, polygon=tuple(map(tuple, quad))) for name, quad in drawn)
whole = Calibration(camera=sys.argv[2], image_wh=tuple(json.loads(sys.argv[3])), bays=bays)
save_calibration("north.json", whole, author="compat")
"""
_RUN = "from edge_app.cli import main; main()"
_LONGEST_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A message of a box.

    Attributes:
        topic: of it.
        qos: with which it was published.
        retain: whether the broker keeps it.
        payload: text; empty for a retained topic that was cleared.
    """

    topic: str
    qos: int
    retain: bool
    payload: str


def load(path: Path) -> list[Recorded]:
    """What was recorded of a box."""
    return [Recorded(**json.loads(line)) for line in path.read_text().splitlines()]


class Recorder:
    """Writes down what one box publishes."""

    def __init__(self, port: int, edge: str) -> None:
        self.messages: list[Recorded] = []
        self._edge = edge
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        # `retain as published`, so that what is to be kept can be told from what is not.
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        self._client.subscribe([("pk/#", options), ("$aws/#", options)])
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _heard(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if not self._is_of_the_box(message.topic) or len(message.payload) > _LONGEST_BYTES:
            return
        text = message.payload.decode()
        self.messages.append(Recorded(message.topic, message.qos, message.retain, text))

    def _is_of_the_box(self, topic: str) -> bool:
        """Not what the cloud publishes: acknowledgements, commands, answers."""
        if topic.startswith("$aws/"):
            ours = ("/accepted", "/rejected", "/delta", "/documents", "/notify", "/notify-next")
            return f"/{self._edge}/" in topic and not topic.endswith(ours)
        tail = topic.split(f"/{self._edge}/", 1)
        is_command = tail[-1].startswith("cmd/") and not tail[-1].endswith("/res")
        return len(tail) == 2 and tail[1] != "ack" and not is_command


@dataclass
class Trial:
    """A box, a broker and a cloud; `holds` is what was seen."""

    cloud: Consumer
    edge: str
    holds: dict[str, bool]

    def get(self, path: str = "") -> Any:
        return self.get_any(f"/edges/{self.edge}{path}")

    def get_any(self, path: str) -> Any:
        answer = httpx.get(f"{self.cloud.url}/api/v1{path}", timeout=10)
        return answer.json() if answer.is_success else {}

    def see(self, what: str, condition: Callable[[], bool], within_s: float = 60) -> None:
        """Note whether something becomes true."""
        ends_s = time.monotonic() + within_s
        while not (found := condition()) and time.monotonic() < ends_s:
            time.sleep(0.2)
        self.holds[what] = found
        sys.stdout.write(f"{'holds ' if found else 'FAILS '} {what}\n")
        sys.stdout.flush()

    def decided(self) -> int:
        """How many bays are occupied or free; asked by lot, as every release answers it."""
        lots = self.get_any("/lots")
        counts = [each["counts"] for each in lots if each["site"] == SITE]
        return sum(each["occupied"] + each["free"] for each in counts)

    def set_health_period(self, seconds: int) -> None:
        """Ask the box for a setting, by its shadow."""
        change = {"desired": {"settings": {"mqtt": {"health_period_s": seconds}}}}
        url = f"{self.cloud.url}/api/v1/edges/{self.edge}/shadow"
        httpx.patch(url, params={"name": "config"}, json=change).raise_for_status()

    def health_period(self) -> object:
        """What the box reports of that setting."""
        document = self.get("/shadow?name=config").get("document", {})
        settings = document.get("state", {}).get("reported", {}).get("settings", {})
        return settings.get("mqtt", {}).get("health_period_s")

    def ask(self, name: str, **more: Any) -> str:
        order = {"name": name, "id": f"{self.edge}-{name.replace('_', '-')}", **more}
        answer = httpx.post(f"{self.cloud.url}/api/v1/edges/{self.edge}/commands", json=order)
        answer.raise_for_status()
        return str(order["id"])

    def state_of(self, command: str) -> str:
        return str(self.get(f"/commands/{command}").get("state"))


def _try(trial: Trial, bays: int, log: Callable[[], str], *, by_commands: bool) -> None:
    trial.see("the box is connected", lambda: bool(trial.get().get("online")), 120)
    trial.see("its layout is known", lambda: trial.get().get("bays") == bays)
    trial.see("every bay has a state", lambda: trial.decided() == bays, 120)
    trial.see("its health is known", lambda: bool(trial.get().get("health")))
    trial.see("its shadow is known", lambda: "software" in json.dumps(trial.get("/shadow")))
    if by_commands:
        _try_commands(trial)
    else:
        trial.set_health_period(3)
        trial.see("it takes a setting", lambda: trial.health_period() == 3)
    trial.see("nothing of it is refused", lambda: not (trial.get().get("faults") or []), 5)
    lost = (trial.get().get("stream") or {}).get("lost")
    trial.see("no event is lost", lambda: lost == 0, 1)
    if not all(trial.holds.values()):
        sys.stdout.write(log()[-3000:])


def _try_commands(trial: Trial) -> None:
    for name in ("diagnostics", "refresh_layout"):
        command = trial.ask(name)
        trial.see(
            f"it answers {name}",
            lambda command=command: trial.state_of(command) in _OVER,  # type: ignore[misc]
        )


# A box that does not know a command says so: that is an answer.
_OVER = {"done", "rejected"}


@contextmanager
def _worktree(commit: str, folder: Path) -> Iterator[Path]:
    path = folder / "box-code"
    git = ["git", "-C", str(ROOT)]
    subprocess.run([*git, "worktree", "add", "--detach", "--quiet", str(path), commit], check=True)
    try:
        yield path
    finally:
        subprocess.run([*git, "worktree", "remove", "--force", str(path)], check=True)


def run(commit: str, mosquitto: Path, old: str, record: Path | None) -> bool:
    """Try one commit's box, or its cloud, with today's other half; True: everything holds."""
    edge = f"box-{commit[:7]}"
    with tempfile.TemporaryDirectory() as name, _worktree(commit, Path(name)) as code:
        folder = Path(name)
        box_code, cloud_code = (code, ROOT) if old == "box" else (ROOT, code)
        broker = Mosquitto(mosquitto, folder)
        broker.start()
        database = f"sqlite:{folder / 'cloud.db'}"
        cloud = Consumer("cloud", folder, broker.port, database, code=cloud_code)
        recorder = Recorder(broker.port, edge)
        trial = Trial(cloud, edge, {})
        with _box(box_code, folder, edge, broker.port) as bays:
            log = (folder / "box.log").read_text
            _try(trial, bays, log, by_commands=old == "box")
        trial.see("its leaving is known", lambda: trial.get().get("online") is False)
        recorder.close()
        cloud.stop()
        broker.stop()
    if record is not None:
        kept = _without_repeats(recorder.messages)
        lines = [json.dumps(asdict(each), sort_keys=True) for each in kept]
        (record / f"{commit[:7]}.jsonl").write_text("\n".join(lines) + "\n")
    return all(trial.holds.values())


def _without_repeats(messages: list[Recorded]) -> list[Recorded]:
    """All but health, of which the first three say as much as a hundred."""
    health = [each for each in messages if each.topic.endswith("/health")][3:]
    return [each for each in messages if each not in health]


@contextmanager
def _box(code: Path, folder: Path, edge: str, port: int) -> Iterator[int]:
    """The box of a commit, running; how many bays it has."""
    sample = make_sample(3, IMAGE_WH)
    cv2.imwrite(str(folder / "scene.png"), sample.image_bgr)
    bays = [
        (f"b{n}", quad.clip(0, 1).tolist()) for n, quad in enumerate(sample.quads_norm[:4], start=1)
    ]
    env = {**os.environ, "PYTHONPATH": str(code)}
    arguments = [json.dumps(bays), CAMERA, json.dumps(IMAGE_WH)]
    subprocess.run(
        [sys.executable, "-c", _SAVE, *arguments], cwd=folder, env=env, check=True, timeout=120
    )
    (folder / "box.toml").write_text(
        f'[edge]\nsite = "{SITE}"\nedge = "{edge}"\nstate_dir = "state"\n'
        "[http]\nenabled = false\n[model]\nthreads = 1\n"
        f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\nhealth_period_s = 2\n'
        f'[[camera]]\nid = "{CAMERA}"\nsource = "{folder / "scene.png"}"\n'
        f'calibration_file = "{folder / "north.json"}"\n'
    )
    with (folder / "box.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _RUN, "run", "--config", str(folder / "box.toml")],
            cwd=folder, env=env, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield len(bays)
    finally:
        process.terminate()
        process.wait(60)


def main() -> None:
    """Try one half of a commit."""
    parser = argparse.ArgumentParser(prog="scripts/compat", description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--old", choices=["box", "cloud"], default="box", help="the commit's half")
    parser.add_argument("--record", type=Path, help="keep what the box publishes in this folder")
    parser.add_argument("--mosquitto", type=Path, default=Path("/usr/sbin/mosquitto"))
    given = parser.parse_args()
    git = ["git", "-C", str(ROOT), "rev-parse", "--verify", f"{given.commit}^{{commit}}"]
    commit = subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()
    sys.exit(0 if run(commit, given.mosquitto, given.old, given.record) else 1)


if __name__ == "__main__":
    main()
