"""Software on trial: kept when it does what the one before did, given up when it does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_app.delivery.slots import RolloutError
from edge_app.launcher import ENVIRONMENT, FACTORY, begin, factory_version, read_slots
from edge_app.software.install import Installer
from edge_app.software.rollout import SoftwareRollout
from edge_app.software.trial import SoftwareTrial, launcher_folder
from telemetry import ManualClock
from telemetry.aws import JobDocument, JobKind
from tests.edge_app.software.kit import archive_of

FIRST = factory_version()


class RestartNow(Exception):  # noqa: N818 - it ends the process of the test's box
    """The service begins anew."""


class ShellInstaller(Installer):
    """Makes slots of one small program instead of a virtual environment: pip is tried elsewhere."""

    def install(self, unpacked: Path, slot: Path, version: str) -> None:
        assert (unpacked / "wheels").is_dir()
        (slot / "bin").mkdir(parents=True)
        self.check(slot, version)

    def check(self, slot: Path, version: str) -> None:
        assert (slot / "bin").is_dir(), f"{slot} is whole"


class Bench:
    """A box that is started by the launcher's rules, works and dies as a test says."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder / "software", ManualClock()
        self.folder.mkdir()
        self.built = folder / "built"
        self.up: Sequence[str] = ("north",)
        self.busy = self.fault = ""
        self.fetched: list[str] = []
        self.start()

    def start(self) -> None:
        """Also after a power cut: nothing but the files is left."""
        slots = begin(self.folder)
        self.version = slots.version or FIRST
        self.trial = SoftwareTrial(self.folder, self.clock, self._restart, lambda: self.up)
        self.rollout = SoftwareRollout(
            trial=self.trial,
            fetcher=self,
            installer=ShellInstaller(Path("box.toml")),
            version=self.version,
            trial_s=300.0,
            working=lambda: self.up,
            busy=lambda: self.busy,
            restart=self._restart,
        )

    def _restart(self, _why: str) -> None:
        raise RestartNow

    def fetch(self, target: str, folder: Path) -> Path:
        self.fetched.append(target)
        if self.fault:
            raise RolloutError(self.fault)
        version = target.removesuffix(".zip")
        path = folder / target
        path.write_bytes(archive_of(self.built, version))
        return path

    def job(self, version: str) -> str:
        document = JobDocument(kind=JobKind.SOFTWARE, target=f"{version}.zip", version=version)
        return self.rollout.run(document)

    def refusal(self, version: str) -> str:
        with pytest.raises(RolloutError) as refused:
            self.job(version)
        return str(refused.value)

    def try_out(self, version: str) -> None:
        """Until the new software was started once."""
        with pytest.raises(RestartNow):
            self.job(version)
        self.start()

    def fall_back(self) -> None:
        with pytest.raises(RestartNow):
            self.trial.look()
        self.start()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_software_is_kept_once_the_cloud_answers_and_cameras_work(bench: Bench) -> None:
    bench.try_out("2.0")
    assert (bench.version, bench.trial.runs) == ("2.0", True)
    bench.trial.look()
    assert bench.trial.runs, "the cloud did not answer yet"
    bench.up = ()
    bench.trial.answered()
    bench.trial.look()
    assert bench.trial.runs, "the camera does not work yet"
    bench.up = ("south", "north")
    bench.trial.look()
    assert bench.job("2.0") == "version 2.0 is in use"
    for _ in range(9):
        bench.start()
    assert (bench.version, bench.trial.runs) == ("2.0", False)


@pytest.mark.parametrize(
    ("answered", "up", "says"),
    [
        pytest.param(False, ("north",), "within 300 s: no answer from the cloud", id="cut off"),
        pytest.param(True, ("south",), "within 300 s: camera north does not work", id="blind"),
    ],
)
def test_software_that_does_less_than_the_one_before_is_given_up_and_told(
    bench: Bench, answered: bool, up: Sequence[str], says: str
) -> None:
    bench.try_out("2.0")
    bench.up = up
    if answered:
        bench.trial.answered()
    bench.clock.advance(299)
    bench.trial.look()
    bench.clock.advance(2)
    bench.fall_back()
    assert (bench.version, bench.trial.runs) == (FIRST, False)
    assert bench.refusal("2.0") == f"version 2.0 was tried, and {FIRST} is used again: {says}"
    bench.up = ("north",)
    bench.try_out("2.0")
    assert bench.version == "2.0", "the next job of it is somebody's wish to try it again"


def test_software_that_crashes_is_given_up_and_told(bench: Bench) -> None:
    bench.try_out("2.0")
    for _ in range(3):
        bench.start()
    assert bench.version == FIRST
    assert "started 3 times without becoming healthy" in bench.refusal("2.0")


def test_the_third_version_takes_the_slot_of_the_first_and_falls_back_to_the_second(
    bench: Bench,
) -> None:
    for version in ("2.0", "3.0", "4.0"):
        bench.try_out(version)
        bench.trial.answered()
        bench.trial.look()
        bench.start()
    assert bench.trial.slots.versions == {FACTORY: FIRST, "a": "4.0", "b": "3.0"}
    bench.try_out("5.0")
    for _ in range(3):
        bench.start()
    assert bench.version == "4.0"
    assert (bench.folder / "a" / "bin").is_dir()


def test_a_version_that_a_slot_holds_is_not_fetched_again(bench: Bench) -> None:
    for version in ("2.0", "3.0", "2.0", FIRST):
        bench.try_out(version)
        bench.trial.answered()
        bench.trial.look()
        bench.start()
    assert bench.version == FIRST
    assert bench.fetched == ["2.0.zip", "3.0.zip"]


def test_what_cannot_be_fetched_or_tried_leaves_all_as_it_was(bench: Bench) -> None:
    bench.fault = "LengthOrHashMismatchError"
    assert bench.refusal("2.0") == "version 2.0 rejected: LengthOrHashMismatchError"
    bench.fault, bench.busy = "", "settings from the cloud are on trial"
    assert bench.refusal("2.0") == "version 2.0 rejected: settings from the cloud are on trial"
    assert sorted(each.name for each in bench.folder.iterdir()) == ["slots.json"]
    bench.busy = ""
    bench.try_out("2.0")
    assert bench.refusal("3.0").startswith("version 2.0 is on trial: try again")
    bench.start()
    assert bench.version == "2.0"


def test_a_full_disk_is_told_before_anything_is_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_app.delivery.rollout.disk_free_bytes", lambda _folder: 2**20)
    assert "MiB free, but got 1" in bench.refusal("2.0")
    assert read_slots(bench.folder).active == FACTORY
    assert not (bench.folder / "a").exists()


def test_a_power_cut_while_a_slot_is_made_does_not_make_it_count(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("2.0", "3.0"):
        bench.try_out(version)
        bench.trial.answered()
        bench.trial.look()

    def power_cut(*_: object) -> None:
        raise RestartNow

    monkeypatch.setattr(ShellInstaller, "check", power_cut)
    with pytest.raises(RestartNow):
        bench.job("4.0")
    bench.start()
    slots = bench.trial.slots
    assert (slots.version, slots.former) == ("3.0", FACTORY), "the slot before was overwritten"
    assert slots.versions == {FACTORY: FIRST, "b": "3.0"}


def test_only_the_launcher_of_this_box_is_followed(tmp_path: Path) -> None:
    told = {ENVIRONMENT: json.dumps({"argv": [], "folder": str(tmp_path / "state" / "software")})}
    assert launcher_folder(tmp_path / "state", told) == tmp_path / "state" / "software"
    assert launcher_folder(tmp_path / "other", told) is None
    assert launcher_folder(tmp_path / "state", {}) is None
    assert launcher_folder(tmp_path / "state", {ENVIRONMENT: "none"}) is None
