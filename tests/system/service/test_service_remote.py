"""A real box, a real broker and a real cloud: commands and settings from afar."""

from __future__ import annotations

import io
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import httpx
import numpy as np
import pytest

from calibration import load_calibration
from tests.cloud_app.processes import Consumer

if TYPE_CHECKING:
    from tests.system.service.conftest import Box, Broker, Lot, WaitFor

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]

# A busy machine takes ten seconds to start a box, and what does no harm must be heard within it.
TRIAL_S = 25


class Cloud:
    """Asks a box by the cloud's API, and waits for the end."""

    def __init__(self, consumer: Consumer, wait_for: WaitFor) -> None:
        self.consumer, self._wait_for = consumer, wait_for
        self.url = f"{consumer.url}/api/v1/edges/box-1"
        self.client = httpx.Client(timeout=30)

    def get(self, path: str = "") -> Any:
        answer = self.client.get(self.url + path)
        return answer.json() if answer.status_code == 200 else {}

    def send(self, name: str, **args: Any) -> str:
        answer = self.client.post(f"{self.url}/commands", json={"name": name, "args": args})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def ended(self, command: str) -> Any:
        self._wait_for(lambda: self.get(f"/commands/{command}").get("ended"), f"{command} to end")
        return self.get(f"/commands/{command}")

    def ask(self, name: str, **args: Any) -> Any:
        return self.ended(self.send(name, **args))

    def file(self, command: Any) -> bytes:
        answer = self.client.get(f"{self.url}/commands/{command['id']}/file")
        assert answer.status_code == 200, answer.text
        return answer.content


@pytest.fixture
def cloud(broker: Broker, tmp_path: Path, wait_for: WaitFor) -> Iterator[Cloud]:
    consumer = Consumer("one", tmp_path, broker.port, f"sqlite:{tmp_path / 'cloud.db'}")
    made = Cloud(consumer, wait_for)
    yield made
    made.client.close()
    consumer.stop()


def test_a_box_is_run_from_the_cloud(
    box: Box, lot: Lot, picture: Path, cloud: Cloud, wait_for: WaitFor
) -> None:
    box.lost_after_s = 60
    box.add_camera("north", str(picture), lot.bays)
    box.start()
    wait_for(lambda: cloud.get().get("online"), "the box in the cloud")
    wait_for(lambda: cloud.get().get("bays") == len(lot.bays), "its layout")

    wait_for(lambda: cloud.ask("camera_still", camera="north")["state"] == "done", "a still")
    still = cloud.ask("camera_still", camera="north")
    assert (still["state"], still["detail"], still["result"]) == ("done", "", {})
    image = cv2.imdecode(np.frombuffer(cloud.file(still), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape[1] == 960
    assert np.abs(image.astype(int) - lot.image.astype(int)).mean() > 0.5, "it is pixelated"
    unknown = cloud.ask("camera_still", camera="south")
    assert (unknown["state"], "cameras north" in unknown["detail"]) == ("failed", True)

    _move_a_bay(box, cloud, wait_for)

    logs = cloud.ask("recent_logs", lines=50)
    assert b"connected to 127.0.0.1" in cloud.file(logs)
    bundle = cloud.file(cloud.ask("diagnostics_bundle"))
    with tarfile.open(fileobj=io.BytesIO(bundle)) as archive:
        names = {Path(each).name for each in archive.getnames()}
    assert {"about.json", "status.json", "log.txt", "metrics.txt"} <= names
    assert not any(name.endswith(".jpg") for name in names)
    assert cloud.ask("refresh_layout")["result"] == {"cameras": 1, "bays": len(lot.bays)}
    assert cloud.ask("audit_now", camera="north")["state"] == "done"

    assert box.process is not None
    pid, starts = box.process.pid, box.log.count("edge box box-1")
    restart = cloud.ask("restart_service")
    assert restart["state"] == "done"
    wait_for(lambda: box.log.count("edge box box-1") > starts, "the second start")
    wait_for(lambda: cloud.ask("recent_logs")["state"] == "done", "the box again")
    assert (box.process.poll(), box.process.pid) == (None, pid), "the same process for its parent"
    assert cloud.get(f"/commands/{restart['id']}")["state"] == "done"
    assert box.log.count("by command") == 1, "done once, though the broker may bring it again"
    assert box.stop() == 0
    waiting = cloud.send("recent_logs")
    box.start()
    assert cloud.ended(waiting)["state"] == "done", "it waited for the box"
    assert box.stop() == 0
    assert "Traceback" not in box.log


def _move_a_bay(box: Box, cloud: Cloud, wait_for: WaitFor) -> None:
    """With the editor, from afar: fetched, saved, taken up, with the box's image as reference."""
    page = "/cameras/north/calibration"
    assert cloud.client.post(f"{cloud.url}{page}/fetch").status_code == 202

    def is_fetched() -> bool:
        asked = cloud.get(page)
        return (asked["newest"], asked["image"]["state"]) == (1, "done")

    wait_for(is_fetched, "the calibration and its image")
    editor = f"{cloud.consumer.url}/calibrate/box-1/api/north"
    assert cloud.client.get(f"{editor}/picture").headers["content-type"] == "image/jpeg"
    drawn = cloud.client.get(f"{editor}/session").json()["calibration"]
    document = {name: drawn[name] for name in ("bays", "lot", "masks")}
    document["bays"][0]["zone"] = "short-stay"
    body = {"base_revision": 1, "document": document}
    answer = cloud.client.post(f"{editor}/save", json=body)
    assert answer.status_code == 200, answer.text

    def is_used() -> bool:
        now = cloud.get(page)
        return (now["reported"], now["revisions"][0]["status"]) == (2, "SUCCEEDED")

    wait_for(is_used, "the box to use it")
    assert cloud.get(page)["revisions"][0]["changes"]["changed"] == [drawn["bays"][0]["id"]]
    saved = load_calibration(box.folder / "north.json")
    assert (saved.revision, saved.bays[0].zone) == (2, "short-stay")
    assert saved.reference is not None, "there was none, so the image of now is it"


def test_settings_that_cut_the_box_off_heal_and_are_told(
    box: Box, lot: Lot, picture: Path, cloud: Cloud, wait_for: WaitFor
) -> None:
    box.lost_after_s = 60
    box.add_camera("north", str(picture), lot.bays)
    box.sections["remote"] = f'settings = "guarded"\ntrial_s = {TRIAL_S}'
    box.start()

    def settings() -> Any:
        return cloud.get("/settings")

    def change(**wanted: Any) -> None:
        wait_for(lambda: settings().get("settings_schema"), "the box's schema")

        def is_taken() -> bool:
            body = {"settings": wanted, "version": settings()["version"]}
            answer = cloud.client.patch(f"{cloud.url}/settings", json=body)
            # 409: the box reported something in between, as any client of a shadow must expect.
            assert answer.status_code in {200, 409}, answer.text
            return answer.status_code == 200

        wait_for(is_taken, "the change to be taken")

    change(evidence={"enter_hold_s": 2.5}, camera={"north": {"rate_hz": 3}})
    wait_for(lambda: settings()["state"] == "applied", "a change that does no harm")
    assert settings()["values"]["camera"] == {"north": {"rate_hz": 3.0}}

    change(mqtt={"port": 1})
    wait_for(lambda: "settings from the cloud are tried out" in box.log, "the trial")
    wait_for(lambda: box.log.count("edge box box-1") >= 3, "the start on trial")
    # A power cut in the midst of it: the next start goes on with the trial.
    box.stop(signal.SIGKILL)
    box.start()
    wait_for(lambda: settings()["state"] == "rolled_back", "the box to heal itself", 150)
    assert settings()["reason"] == f"within {TRIAL_S} s: no answer from the cloud"
    assert settings()["values"]["mqtt"]["port"] == box.broker_port
    assert settings()["values"]["evidence"]["enter_hold_s"] == 2.5, "what was kept before stays"
    assert box.stop() == 0
    assert "Traceback" not in box.log
