"""Models and calibrations rolled out by jobs to a running box, from a repository really signed."""

from __future__ import annotations

import hashlib
import json
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from calibration import Bay, Calibration, format_calibration, load_calibration, seal
from calibration.reference_files import store_reference
from calibration.references import check_reference
from models import ModelEntry, default_model, find_model
from telemetry import JobStatus, JobUpdate, NextJob, decode
from telemetry.aws import JobExecution, JobTopics
from tests.edge_app.delivery.tuf_repository import Repository

if TYPE_CHECKING:
    from tests.system.service.conftest import Box, Broker, Lot, WaitFor

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow, pytest.mark.timeout(300)]

TOPICS = JobTopics("box-1")
Document = dict[str, Any]


class JobService:
    """The cloud's side of jobs: gives out one job at a time, and writes down how it went."""

    def __init__(self, port: int) -> None:
        self.updates: queue.SimpleQueue[JobUpdate] = queue.SimpleQueue()
        self._jobs: list[JobExecution] = []
        self._given = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._message
        self._client.connect("127.0.0.1", port)
        self._client.subscribe([(str(TOPICS.start_next), 1), (f"{TOPICS.base}/+/update", 1)])
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def run(self, **document: Any) -> tuple[JobStatus, str]:
        """Give a job to the box; how it went, and what the box says of it."""
        self._given += 1
        job = JobExecution(
            job_id=f"job-{self._given}",
            status=JobStatus.QUEUED,
            version_number=1,
            job_document=document,
        )
        self._jobs.append(job)
        self._publish(str(TOPICS.notify_next), NextJob(execution=job).encode())
        update = self.updates.get(timeout=120)
        assert update.client_token == job.job_id
        return update.status, update.status_details["detail"]

    def _publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1)

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == str(TOPICS.start_next):
            execution = self._jobs[0] if self._jobs else None
            answer = NextJob(execution=execution).encode()
            self._publish(str(TOPICS.start_next_accepted), answer)
            return
        update = decode(JobUpdate, bytes(message.payload), message.topic)
        self._publish(f"{message.topic}/accepted", b"{}")
        # A resent update is answered as well, but told once.
        if self._jobs and self._jobs[0].job_id == update.client_token:
            self._jobs.clear()
            self.updates.put(update)


@pytest.fixture
def jobs(broker: Broker) -> Iterator[JobService]:
    service = JobService(broker.port)
    yield service
    service.stop()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.fixture
def watched(
    box: Box, broker: Broker, repository: Repository, lot: Lot, picture: Path, wait_for: WaitFor
) -> Iterator[Box]:
    """A running box with one camera, all of whose bays are known."""
    box.add_camera("north", str(picture), lot.bays)
    box.sections["guard"] = "enabled = false"  # scenes are swapped below, as no camera would
    with repository.served() as url:
        box.sections["rollout"] = f'repository = "{url}"\nroot_file = "{repository.trusted_root}"'
        box.start()
        wait_for(lambda: known(broker, lot), "a known state of each bay", 120)
        wait_for(lambda: broker.newest("status").get("online") is True, "the birth")
        yield box
        assert box.stop() == 0
    assert "Traceback" not in box.log


def known(broker: Broker, lot: Lot) -> bool:
    states = broker.states()
    return len(states) == len(lot.bays) and None not in states.values()


def other_model() -> ModelEntry:
    """A network that comes with lotsight and is not the one in use."""
    used = default_model().manifest.name
    return find_model("lotsight-n" if used == "lotsight-n-int8" else "lotsight-n-int8")


def offer(
    repository: Repository, entry: ModelEntry, change: Callable[[Document], bytes] | None = None
) -> Document:
    """Sign a model; the job that rolls it out. `change` may spoil it."""
    manifest = json.loads(entry.path.with_suffix(".json").read_text())
    body = entry.path.with_suffix(".onnx").read_bytes() if change is None else change(manifest)
    name = manifest["name"]
    manifest["file"] = f"{name}.onnx"
    repository.publish(f"{name}.onnx", body)
    repository.publish(f"{name}.json", json.dumps(manifest).encode())
    return {
        "kind": "model",
        "target": f"{name}.onnx",
        "companions": [f"{name}.json"],
        "version": f"{name}-{manifest['version']}",
    }


def models_after_a_new_scene(
    broker: Broker, picture: Path, wait_for: WaitFor
) -> set[tuple[str, str]]:
    """Mirror the scene, so that bays change; the networks that the events of it name."""
    before = len(broker.messages("event"))
    scene = cv2.imread(str(picture))
    assert scene is not None
    fresh = picture.with_name("fresh.png")
    cv2.imwrite(str(fresh), scene[:, ::-1])
    fresh.replace(picture)
    wait_for(lambda: len(broker.messages("event")) > before, "an event of the new scene", 120)
    models = [message.body["data"]["model"] for message in broker.messages("event")[before:]]
    return {(model["name"], model["sha256"]) for model in models}


def test_a_model_is_rolled_out_and_survives_a_restart(
    watched: Box,
    broker: Broker,
    jobs: JobService,
    repository: Repository,
    picture: Path,
    wait_for: WaitFor,
) -> None:
    entry = other_model()
    wanted = (entry.manifest.name, entry.manifest.sha256)
    assert broker.newest("status")["model"]["name"] == default_model().manifest.name
    document = offer(repository, entry)
    status, detail = jobs.run(**document)
    assert (status, detail) == (
        JobStatus.SUCCEEDED,
        f"version {document['version']} is in use",
    )
    in_use = f"model {wanted[0]} {entry.manifest.version} in use"
    wait_for(lambda: in_use in watched.log, "the new network")
    assert models_after_a_new_scene(broker, picture, wait_for) == {wanted}

    status, detail = jobs.run(**document)
    assert (status, "already" in detail) == (JobStatus.SUCCEEDED, True)

    births = len(broker.messages("status"))
    assert watched.stop() == 0
    watched.start()
    wait_for(
        lambda: any(m.body["online"] for m in broker.messages("status")[births:]),
        "a new birth",
        120,
    )
    assert broker.newest("status")["model"]["sha256"] == wanted[1]


def test_a_model_on_trial_whose_file_a_power_cut_damaged_is_rolled_back_at_the_start(
    watched: Box, broker: Broker, jobs: JobService, repository: Repository, wait_for: WaitFor
) -> None:
    document = offer(repository, other_model())
    assert jobs.run(**document)[0] is JobStatus.SUCCEEDED
    assert watched.stop() == 0
    # As after a power cut between the switch and the proof, with a file that the cut damaged.
    slots = watched.folder / "state" / "rollout" / "model"
    state = json.loads((slots / "slots.json").read_text())
    assert state["trial"] is False
    (slots / "slots.json").write_text(json.dumps(state | {"trial": True}))
    (slots / state["active"] / document["target"]).write_bytes(b"half")
    births = len(broker.messages("status"))
    watched.start()
    refused = f"model {document['version']} can no longer be loaded: rolled back: "
    wait_for(lambda: refused in watched.log, "the roll back")
    wait_for(
        lambda: any(m.body["online"] for m in broker.messages("status")[births:]), "a birth", 120
    )
    assert broker.newest("status")["model"]["sha256"] == default_model().manifest.sha256


def sees_no_cars(manifest: Document) -> bytes:
    """A network in working order whose manifest mistakes cars for bicycles."""
    manifest["classes"] = {"0": "bicycle", "1": "motorcycle", "2": "bus", "3": "train"}
    return find_model("yolo11n-vehicles").path.with_suffix(".onnx").read_bytes()


def is_cut_short(manifest: Document) -> bytes:
    """Half a network, with a manifest that says so."""
    whole = find_model("yolo11n-vehicles").path.with_suffix(".onnx")
    half = whole.read_bytes()[: whole.stat().st_size // 2]
    manifest["sha256"] = hashlib.sha256(half).hexdigest()
    return half


@pytest.mark.conformance("model with bad signature, failed self-test, power cut")
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(sees_no_cars, "of the golden images right, but got", id="wrong answers"),
        pytest.param(is_cut_short, "cannot open this model", id="half a file"),
    ],
)
def test_a_bad_model_leaves_the_old_one_in_use(
    *,
    watched: Box,
    broker: Broker,
    jobs: JobService,
    repository: Repository,
    picture: Path,
    wait_for: WaitFor,
    spoil: Callable[[Document], bytes],
    says: str,
) -> None:
    status, detail = jobs.run(**offer(repository, find_model("yolo11n-vehicles"), spoil))
    assert status is JobStatus.FAILED
    assert says in detail
    used = default_model().manifest
    assert models_after_a_new_scene(broker, picture, wait_for) == {(used.name, used.sha256)}

    forged = offer(repository, other_model())
    stored = repository.stored(forged["target"])
    stored.write_bytes(stored.read_bytes()[:-1] + b"!")
    status, detail = jobs.run(**forged)
    assert (status, "LengthOrHashMismatch" in detail) == (JobStatus.FAILED, True)
    assert models_after_a_new_scene(broker, picture, wait_for) == {(used.name, used.sha256)}


def offer_calibration(repository: Repository, calibration: Calibration, version: str) -> Document:
    text = format_calibration(seal(calibration))
    repository.publish(f"north-{version}.json", text.encode())
    return {
        "kind": "calibration",
        "target": f"north-{version}.json",
        "version": version,
        "camera": "north",
    }


def test_a_calibration_is_rolled_out_without_a_restart(
    watched: Box,
    broker: Broker,
    jobs: JobService,
    repository: Repository,
    lot: Lot,
    wait_for: WaitFor,
) -> None:
    file = watched.folder / "north.json"
    present = load_calibration(file)
    states = broker.states()
    gone = present.bays[-1].id
    kept = present.bays[:-1]
    first = kept[0].model_copy(update={"zone": "short-stay"})
    office = repository.folder.with_name("office") / "north.json"
    picture = store_reference(office, lot.image)
    fresh = present.model_copy(update={"bays": (first, *kept[1:]), "reference": picture})
    document = offer_calibration(repository, fresh, "2026-11")
    status, detail = jobs.run(**document)
    assert status is JobStatus.FAILED
    assert picture.file in detail, "its reference picture was not sent along"
    assert load_calibration(file) == present

    repository.publish(picture.file, office.with_name(picture.file).read_bytes())
    document["companions"] = [picture.file]
    status, detail = jobs.run(**document)
    assert status is JobStatus.SUCCEEDED, detail
    assert f"revision 2 with {len(kept)} bays" in detail
    ids = [bay.id for bay in kept]
    wait_for(lambda: [bay["bay"] for bay in broker.newest("layout")["bays"]] == ids, "the layout")
    assert broker.newest("layout")["bays"][0]["zone"] == "short-stay"
    wait_for(
        lambda: broker.newest("snapshot").get("layout") == broker.newest("layout")["hash"],
        "a snapshot by the new layout",
    )
    snapshot = {bay["bay"]: bay["occ"] for bay in broker.newest("snapshot")["bays"]}
    assert snapshot == {bay: states[bay] for bay in ids}, (
        "bays that stay keep what is known of them"
    )
    saved = load_calibration(file)
    assert (saved.revision, saved.author) == (2, "roll-out 2026-11")
    assert saved.retired_ids == (gone,)
    assert not check_reference(file, saved)
    assert sum(m.body["online"] for m in broker.messages("status")) == 1, "no restart"

    status, detail = jobs.run(**document)
    assert (status, "already" in detail) == (JobStatus.SUCCEEDED, True)
    assert load_calibration(file).revision == 2


def test_a_wrong_calibration_is_refused_with_the_reason(
    watched: Box, broker: Broker, jobs: JobService, repository: Repository
) -> None:
    file = watched.folder / "north.json"
    before, layout = file.read_bytes(), broker.newest("layout")["hash"]
    present = load_calibration(file)
    crossed = Bay(id="north-x", polygon=((0.1, 0.1), (0.3, 0.3), (0.3, 0.1), (0.1, 0.3)))
    wrong = {
        "crossed": (present.model_copy(update={"bays": (*present.bays, crossed)}), "north-x"),
        "south": (present.model_copy(update={"camera": "south"}), "'south'"),
    }
    for version, (calibration, says) in wrong.items():
        status, detail = jobs.run(**offer_calibration(repository, calibration, version))
        assert (status, says in detail) == (JobStatus.FAILED, True), detail
    moved = present.model_copy(update={"bays": present.bays[1:]})
    text = format_calibration(seal(moved)).replace("0.", "0.1", 1)
    repository.publish("north-edited.json", text.encode())
    status, detail = jobs.run(
        kind="calibration", target="north-edited.json", version="edited", camera="north"
    )
    assert status is JobStatus.FAILED
    assert "checksum" in detail
    assert jobs.run(kind="calibration", target="none.json", version="none")[0] is JobStatus.FAILED
    assert file.read_bytes() == before
    assert broker.newest("layout")["hash"] == layout
    assert not list((watched.folder / "state" / "rollout" / "calibration").iterdir())
