"""Software rolled out by the real cloud to real boxes that are killed meanwhile; nothing is lost.

As many boxes and kills as CI can bear; scripts/conformance runs it with fifty boxes, three of them
real, of which one and a scripted one fail, and ten kills.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edge_app.delivery.database import shipped_migrations
from edge_app.launcher import FOLDER, read_slots
from edge_app.version import version
from telemetry import JobStatus, JobUpdate, NextJob, decode
from telemetry.aws import JobTopics, StartNextJob
from tests.cloud_app.processes import Consumer
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.edge_app.delivery.tuf_repository import Repository
from tests.edge_app.software.kit import MIGRATES, archive_of
from tests.system.service.conftest import Box

if TYPE_CHECKING:
    from tests.system.service.conftest import Broker, WaitFor

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow, pytest.mark.timeout(3000)]

KILLS = int(os.environ.get("LOTSIGHT_TEST_UPDATE_KILLS", "2"))
REAL = int(os.environ.get("LOTSIGHT_TEST_UPDATE_BOXES", "1"))
SCRIPTED = 47 if REAL > 1 else 6
NEW = "9.4"
# It crashes where this file is beside the configuration; its store has a column more.
MAIN = (
    MIGRATES.replace("import main", "import main as real")
    + """
import os, sys
def main():
    if sys.argv[1] == "run" and os.path.exists("crash-here"):
        sys.exit("this version crashes on this box")
    real()
"""
)


@dataclass
class LaunchedBox:
    """A box by its launcher, and a service manager that starts it again whenever it ends."""

    name: str
    box: Box
    kills: int = 0
    process: subprocess.Popen[bytes] | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    starts: int = 0

    def __post_init__(self) -> None:
        self.box.sections["edge"] = f'site = "north"\nedge = "{self.name}"\nstate_dir = "state"'
        self.box.sections["remote"] = "trial_s = 60"
        self.box.cameras.append(f'[[sensor]]\nid = "s"\nbay = "{self.name}-1"\nprofile = "plain"\n')
        self.thread = threading.Thread(target=self._keep_running)

    @property
    def slots_folder(self) -> Path:
        return self.box.folder / "state" / FOLDER

    def start(self) -> None:
        self.box.write()
        self.thread.start()

    def _keep_running(self) -> None:
        command = [
            sys.executable, "-m", "edge_app.launcher", str(self.box.folder / "state"),
            "run", "--config", str(self.box.config),
        ]  # fmt: skip
        while not self.stopped.is_set():
            with (self.box.folder / "log").open("ab") as log:
                self.process = subprocess.Popen(
                    command, stdout=log, stderr=log, cwd=self.box.folder,
                    env={**os.environ, "PYTHONPATH": str(Path.cwd())},
                )  # fmt: skip
            self.starts += 1
            self.process.wait()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.kills += 1

    def stop(self) -> None:
        self.stopped.set()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
        if self.thread.ident is not None:
            self.thread.join(60)


class ScriptedBoxes:
    """Boxes that do their jobs at once, over one connection; one of them fails."""

    def __init__(self, port: int, failing: str) -> None:
        names = [f"s-{number:02d}" for number in range(SCRIPTED)]
        self.edges = [ScriptedEdge(name, "north", None, (f"{name}-1",)) for name in names]
        self.failing = failing
        self.versions = dict.fromkeys(names, version())
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._message
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("$aws/things/+/jobs/#", 1)
        self._client.loop_start()
        for edge in self.edges:
            for each in edge.hello():
                self._client.publish(each.topic, each.payload, qos=1, retain=True)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        name, _, rest = message.topic.removeprefix("$aws/things/").partition("/jobs/")
        if name not in self.versions or rest not in {"notify-next", "start-next/accepted"}:
            return
        topics = JobTopics(name)
        job = decode(NextJob, bytes(message.payload), message.topic).execution
        if job is None:
            return
        if rest == "notify-next":
            self._client.publish(str(topics.start_next), StartNextJob().encode(), qos=1)
            return
        wanted = str(job.job_document["version"])
        fails = name == self.failing and wanted == NEW
        if not fails:
            self.versions[name] = wanted
        update = JobUpdate(
            status=JobStatus.FAILED if fails else JobStatus.SUCCEEDED,
            expected_version=job.version_number,
            status_details={"detail": "no room" if fails else "in use"},
        )
        self._client.publish(str(topics.update(job.job_id)), update.encode(), qos=1)


class Cloud:
    """The real cloud, by its API."""

    def __init__(self, consumer: Consumer, wait_for: WaitFor) -> None:
        self.consumer, self._wait_for = consumer, wait_for
        self.client = httpx.Client(base_url=f"{consumer.url}/api/v1", timeout=30)

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        return answer.json() if answer.status_code == 200 else {}

    def close_bay(self, box: str, closed: bool) -> None:
        """A change of state on the box, an event; it answers only where it runs."""
        order = {"name": "set_bay_closed", "args": {"bay": f"{box}-1", "closed": closed}}
        answer = self.client.post(f"/edges/{box}/commands", json=order)
        assert answer.status_code == 202, answer.text
        command = f"/edges/{box}/commands/{answer.json()['id']}"
        self._wait_for(lambda: self.get(command).get("ended"), f"{box} to answer", 240)
        assert self.get(command)["state"] == "done", self.get(command)

    def campaign(self, **draft: Any) -> str:
        made = self.client.post("/campaigns", json=draft)
        assert made.status_code == 201, made.text
        path = f"/campaigns/{made.json()['id']}"
        started = self.client.post(f"{path}/start", headers={"If-Match": '"1"'})
        assert started.status_code == 200, started.text
        return path

    def boxes(self, campaign: str) -> dict[str, Any]:
        return {each["edge"]: each for each in self.get(f"{campaign}/boxes")}


@pytest.fixture
def cloud(broker: Broker, tmp_path: Path, wait_for: WaitFor) -> Iterator[Cloud]:
    consumer = Consumer("one", tmp_path, broker.port, f"sqlite:{tmp_path / 'cloud.db'}")
    made = Cloud(consumer, wait_for)
    yield made
    made.client.close()
    consumer.stop()


@pytest.fixture
def real(make_box: Any, broker: Broker) -> Iterator[list[LaunchedBox]]:
    boxes = [LaunchedBox(f"box-{number}", make_box(broker.port)) for number in range(1, REAL + 1)]
    yield boxes
    for each in boxes:
        each.stop()


@pytest.mark.conformance("software: fifty boxes, two fail, ten kills: rolled back, nothing lost")
def test_a_campaign_of_software_stops_itself_and_no_kill_stops_a_box(
    *, real: list[LaunchedBox], broker: Broker, cloud: Cloud, tmp_path: Path, wait_for: WaitFor
) -> None:
    repository = Repository(tmp_path / "repository")
    repository.publish(f"lotsight-{NEW}.zip", archive_of(tmp_path / "built", NEW, MAIN))
    scripted = ScriptedBoxes(broker.port, failing="s-03")
    crashing = real[1] if len(real) > 1 else None
    if crashing is not None:
        (crashing.box.folder / "crash-here").touch()
    with repository.served() as url:
        for each in real:
            each.box.sections["rollout"] = (
                f'repository = "{url}"\nroot_file = "{repository.trusted_root}"'
            )
            each.start()
        names = [each.name for each in real] + [each.edge for each in scripted.edges]
        wait_for(lambda: len(cloud.get("/edges")) == len(names), "all boxes in the cloud", 300)
        campaign = cloud.campaign(
            name="software 9.4", kind="software", edges=names, canaries=1, batch=10,
            soak_s=0, attempts=2,
            stop_after_failures=2 if crashing else 1,
            payload={"target": f"lotsight-{NEW}.zip", "version": NEW},
            former={"target": "lotsight-factory.zip", "version": version()},
        )  # fmt: skip
        kill_while_it_updates(real[0], cloud, campaign, wait_for)
        wait_for(
            lambda: cloud.get(campaign)["state"] == "stopped", "the campaign to stop itself", 1500
        )
        wait_for(lambda: "returning" not in cloud.get(campaign)["boxes"], "the way back", 900)
        boxes = cloud.boxes(campaign)
        failed = {name for name, each in boxes.items() if each["state"] == "failed"}
        assert failed == {"s-03"} | ({"box-2"} if crashing else set())
        assert boxes["box-1"]["state"] == "returned", boxes["box-1"]
        if crashing is not None:
            assert "started 3 times without becoming healthy" in boxes["box-2"]["detail"]
            assert boxes["box-3"]["state"] == "returned"
            assert cloud.get(campaign)["boxes"]["cancelled"] > 20
        known = len(shipped_migrations())
        assert "software 9.4 has proved itself" in real[0].box.log
        assert f"from version {known} to {known + 1}" in real[0].box.log
        assert set(scripted.versions.values()) == {version()}
        for each in real:
            assert read_slots(each.slots_folder).active == "factory"
            cloud.close_bay(each.name, closed=True)
            check_that_nothing_was_lost(each, cloud, wait_for)
    scripted.stop()


def kill_while_it_updates(box: LaunchedBox, cloud: Cloud, campaign: str, wait_for: WaitFor) -> None:
    """SIGKILL at random moments: most while it downloads and installs, the last ones on trial."""
    rng = random.Random(5)
    wait_for(lambda: cloud.boxes(campaign)[box.name]["state"] == "running", "the canary", 180)
    for number in range(KILLS):
        if number >= max(1, KILLS - 2):
            wait_for(lambda: read_slots(box.slots_folder).trial_s is not None, "the trial", 600)
        time.sleep(rng.uniform(0.1, 4.0))
        box.kill()
        cloud.close_bay(box.name, closed=number % 2 == 0)


def check_that_nothing_was_lost(each: LaunchedBox, cloud: Cloud, wait_for: WaitFor) -> None:
    """One stream without a gap, whichever software wrote it, and all of it is in the cloud."""
    stored = each.box.folder / "state" / "store.db"

    def stream() -> Any:
        return cloud.get(f"/edges/{each.name}")["stream"]

    each.stop()
    assert "Traceback" not in each.box.log, each.box.log[-4000:]
    with closing(sqlite3.connect(stored)) as store:
        epoch, last = store.execute("SELECT epoch, last_seq FROM stream").fetchone()
        assert store.execute("PRAGMA user_version").fetchone() == (len(shipped_migrations()),)
    whole = {"epoch": epoch, "upto": last, "top": last, "lost": 0}
    wait_for(lambda: stream() == whole, f"{stream()} to be {whole}", 60)
    assert last > KILLS if each.name == "box-1" else last > 0
