"""Roll-outs: two slots, power cuts, self-tests, and a repository that is really signed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from edge_app.delivery.agents import JobAgent
from edge_app.delivery.rollout import Rollout
from edge_app.delivery.slots import RolloutError, TwoSlots
from edge_app.delivery.tuf_client import TufFetcher
from telemetry import JobDocument, JobKind, JobStatus, JobUpdate, ModelError, NextJob, decode
from telemetry.aws import JobExecution
from tests.edge_app.delivery.kit import Wire
from tests.edge_app.delivery.tuf_repository import Repository
from tests.kit.waiting import eventually


def fill(text: str, folder: Path) -> None:
    (folder / "model.onnx").write_text(text)


def rolled_out(folder: Path, *versions: str) -> TwoSlots:
    slots = TwoSlots(folder)
    for version in versions:
        slots.stage(version, partial(fill, version))
        slots.switch()
        slots.confirm()
    return slots


def content(slots: TwoSlots) -> str | None:
    folder = slots.active_folder
    return None if folder is None else (folder / "model.onnx").read_text()


def test_slots_take_turns(tmp_path: Path) -> None:
    slots = rolled_out(tmp_path, "1", "2", "3")
    assert content(slots) == "3"
    assert set(slots.state.versions.values()) == {"2", "3"}
    slots.roll_back()
    assert (content(slots), slots.state.refused) == ("2", "3")


def test_before_the_first_roll_out_there_is_none(tmp_path: Path) -> None:
    slots = TwoSlots(tmp_path)
    assert (slots.active_folder, slots.active_version, slots.note_start()) == (None, None, False)
    with pytest.raises(RolloutError, match="empty"):
        slots.switch()
    slots.stage("1", partial(fill, "1"))
    slots.switch()
    slots.roll_back()
    assert slots.active_folder is None


@pytest.mark.conformance("model with bad signature, failed self-test, power cut")
def test_two_failed_starts_roll_back(tmp_path: Path) -> None:
    slots = rolled_out(tmp_path, "1")
    slots.stage("2", partial(fill, "2"))
    slots.switch()
    for _ in range(2):  # each time the power goes, or the service dies, before it is confirmed
        slots = TwoSlots(tmp_path)
        assert not slots.note_start()
        assert content(slots) == "2"
    slots = TwoSlots(tmp_path)
    assert slots.note_start()
    assert (content(slots), slots.state.refused) == ("1", "2")
    assert not TwoSlots(tmp_path).note_start()


@pytest.mark.conformance("model with bad signature, failed self-test, power cut")
def test_a_power_cut_while_staging_leaves_the_old_one(tmp_path: Path) -> None:
    slots = rolled_out(tmp_path, "1", "2")

    def die(folder: Path) -> None:
        (folder / "model.onnx").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        slots.stage("3", die)
    slots = TwoSlots(tmp_path)
    assert content(slots) == "2"
    assert "3" not in slots.state.versions.values()
    with pytest.raises(RolloutError, match="empty"):
        slots.switch()


def test_a_version_on_trial_keeps_both_slots(tmp_path: Path) -> None:
    slots = rolled_out(tmp_path, "1")
    slots.stage("2", partial(fill, "2"))
    slots.switch()
    with pytest.raises(RolloutError, match="on trial"):
        slots.stage("3", partial(fill, "3"))


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "slots.json").write_text("{")
    with pytest.raises(RolloutError, match=r"slots\.json"):
        TwoSlots(tmp_path)


# A signed repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.publish("model.onnx", b"good 1")
    return made


@pytest.fixture
def url(repository: Repository) -> Iterator[str]:
    with repository.served() as address:
        yield address


@pytest.fixture
def fetcher(url: str, repository: Repository, tmp_path: Path) -> TufFetcher:
    return TufFetcher(url, repository.trusted_root, tmp_path / "metadata")


def test_a_signed_file_is_fetched(
    fetcher: TufFetcher, repository: Repository, tmp_path: Path
) -> None:
    assert fetcher.fetch("model.onnx", tmp_path).read_bytes() == b"good 1"
    repository.publish("model.onnx", b"good 2")
    assert fetcher.fetch("model.onnx", tmp_path).read_bytes() == b"good 2"
    with pytest.raises(RolloutError, match="no signed file"):
        fetcher.fetch("other.onnx", tmp_path)


def test_an_old_state_passed_off_as_new_is_refused(
    fetcher: TufFetcher, repository: Repository, tmp_path: Path
) -> None:
    old = (repository.folder / "metadata" / "timestamp.json").read_bytes()
    repository.publish("model.onnx", b"good 2")
    fetcher.fetch("model.onnx", tmp_path)
    (repository.folder / "metadata" / "timestamp.json").write_bytes(old)
    with pytest.raises(RolloutError, match="BadVersionNumber"):
        fetcher.fetch("model.onnx", tmp_path)


def test_an_expired_repository_is_refused(tmp_path: Path) -> None:
    expired = Repository(tmp_path / "expired", expires=datetime.now(UTC) - timedelta(days=1))
    expired.publish("model.onnx", b"good")
    with expired.served() as address:
        fetcher = TufFetcher(address, expired.trusted_root, tmp_path / "metadata")
        with pytest.raises(RolloutError, match="expired"):
            fetcher.fetch("model.onnx", tmp_path)


@pytest.mark.parametrize("address", ["http://models.example", "ftp://127.0.0.9.example", "models"])
def test_a_repository_is_never_asked_in_the_clear(address: str, repository: Repository) -> None:
    with pytest.raises(RolloutError, match="https"):
        TufFetcher(address, repository.trusted_root, repository.folder)


def test_a_repository_that_does_not_answer(repository: Repository, tmp_path: Path) -> None:
    fetcher = TufFetcher("http://127.0.0.1:9", repository.trusted_root, tmp_path / "m")
    with pytest.raises(RolloutError, match=r"model\.onnx"):
        fetcher.fetch("model.onnx", tmp_path)
    with pytest.raises(RolloutError, match="trusted root"):
        TufFetcher("http://127.0.0.1:9", tmp_path / "none.json", tmp_path / "m")


# The whole way: a job, a signed file, a self-test, a service that uses it


@dataclass
class Service:
    """Uses what is active; refuses what it cannot load."""

    used: list[str] = field(default_factory=list)
    breaks_on: str = "cannot load"

    def activate(self, folder: Path | None) -> None:
        text = "built-in" if folder is None else (folder / "model.onnx").read_text()
        if self.breaks_on in text:
            msg = f"cannot load {text!r}"
            raise ModelError(msg)
        self.used.append(text)

    def self_test(self, folder: Path) -> None:
        text = (folder / "model.onnx").read_text()
        if "blind" in text:
            msg = "golden images: 12 of 40 bays right, 38 wanted"
            raise ModelError(msg)


@dataclass
class Box:
    agent: JobAgent
    service: Service
    slots: TwoSlots
    wire: Wire = field(default_factory=Wire)

    def run(self, version: str, target: str = "model.onnx", kind: str = "model") -> JobUpdate:
        """Be told of a job, and say how it went."""
        self.wire = Wire()
        self.agent.connected(self.wire.publish)
        assert self.wire.topics() == ["$aws/things/edge-7/jobs/start-next"]
        document = {"kind": kind, "target": target, "version": version}
        job = JobExecution(
            job_id="j1", status=JobStatus.IN_PROGRESS, version_number=2, job_document=document
        )
        base = "$aws/things/edge-7/jobs"
        self.agent.message(f"{base}/start-next/accepted", NextJob(execution=job).encode())
        eventually(self._told)
        told = self.wire.sent[1]
        assert str(told.topic) == f"{base}/j1/update"
        self.agent.message(f"{base}/j1/update/accepted", b"{}")
        assert self.wire.topics()[-1] == f"{base}/start-next"
        self.agent.disconnected()
        return decode(JobUpdate, told.payload, "update")

    def _told(self) -> bool:
        self.agent.tick(0.0)
        return len(self.wire.sent) == 2


@pytest.fixture
def box(fetcher: TufFetcher, tmp_path: Path) -> Box:
    service = Service()
    slots = TwoSlots(tmp_path / "slots")
    rollout = Rollout(slots, fetcher, service.self_test, service.activate)
    return Box(JobAgent("edge-7", "$aws", {JobKind.MODEL: rollout}), service, slots)


def test_a_good_model_is_rolled_out_once(box: Box) -> None:
    update = box.run("1")
    assert (update.status, update.expected_version) == (JobStatus.SUCCEEDED, 2)
    assert box.service.used == ["good 1"]
    again = box.run("1")
    assert again.status is JobStatus.SUCCEEDED
    assert "already" in again.status_details["detail"]
    assert box.service.used == ["good 1"]
    assert not box.slots.state.trial


@pytest.mark.conformance("model with bad signature, failed self-test, power cut")
@pytest.mark.parametrize(
    ("body", "forge", "says"),
    [
        pytest.param(b"good 2", True, "LengthOrHashMismatch", id="bad signature"),
        pytest.param(b"blind", False, "golden images", id="failed self-test"),
        pytest.param(b"cannot load", False, "rolled back", id="fails when used"),
    ],
)
def test_a_bad_model_leaves_the_old_one(
    box: Box, repository: Repository, body: bytes, forge: bool, says: str
) -> None:
    box.run("1")
    repository.publish("next.onnx", body)
    if forge:
        repository.stored("next.onnx").write_bytes(b"evil 2")
    repository.publish("model.onnx", body)
    if forge:
        for path in (repository.folder / "targets").glob("*.model.onnx"):
            path.write_bytes(b"evil 2")
    update = box.run("2")
    assert update.status is JobStatus.FAILED
    assert says in update.status_details["detail"]
    assert (content(box.slots), box.slots.active_version) == ("good 1", "1")
    assert box.service.used[-1] == "good 1"
    repository.publish("model.onnx", b"good 3")
    assert box.run("3").status is JobStatus.SUCCEEDED
    assert content(box.slots) == "good 3"


def test_jobs_that_this_box_cannot_do_are_rejected(box: Box) -> None:
    assert box.run("1", kind="calibration").status is JobStatus.REJECTED
    assert box.run("1", kind="firmware").status is JobStatus.REJECTED


def test_what_ended_offline_is_told_at_the_next_connection(box: Box) -> None:
    document = JobDocument(kind=JobKind.MODEL, target="model.onnx", version="1")
    job = JobExecution(
        job_id="j1",
        status=JobStatus.QUEUED,
        version_number=1,
        job_document=document.model_dump(mode="json"),
    )
    box.agent.connected(box.wire.publish)
    box.agent.message(
        "$aws/things/edge-7/jobs/start-next/accepted", NextJob(execution=job).encode()
    )
    box.agent.disconnected()
    eventually(lambda: box.service.used == ["good 1"])
    eventually(lambda: not box.slots.state.trial)
    box.agent.tick(0.0)
    box.wire.take()

    def told() -> bool:
        box.agent.tick(0.0)
        return bool(box.agent._untold)

    eventually(told)
    box.agent.connected(box.wire.publish)
    assert "$aws/things/edge-7/jobs/j1/update" in box.wire.topics()
