"""Whatever is missing or broken: a clear error or a degraded state, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from calibration import load_calibration, save_calibration
from models import default_model

if TYPE_CHECKING:
    from tests.system.service.conftest import Box, Broker, Lot, WaitFor

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]


def reasons(broker: Broker, camera: str) -> set[str | None]:
    """Reasons of a camera's bays, as a consumer knows them."""
    found = {bay: why for bay, why in broker.reasons().items() if bay.startswith(camera)}
    return set(found.values())


def states(broker: Broker, camera: str, lot: Lot) -> bool:
    """Whether each bay of a camera has a known state."""
    found = [occ for bay, occ in broker.states().items() if bay.startswith(camera)]
    return len(found) == len(lot.bays) and None not in found


def assert_healthy_otherwise(box: Box) -> None:
    """It ran on, said what was wrong in words, and stops as it should."""
    assert "Traceback" not in box.log
    assert box.stop() == 0


# -- model -----------------------------------------------------------------------------------------


def test_a_model_that_is_missing_and_then_comes(
    box: Box, broker: Broker, lot: Lot, picture: Path, wait_for: WaitFor
) -> None:
    box.add_camera("north", str(picture), lot.bays)
    box.sections["model"] = 'threads = 1\nmanifest_file = "models/own.json"'
    box.start()
    wait_for(lambda: reasons(broker, "north") == {"model_error"}, "bays without a model")
    assert "alarm model:" in box.log
    assert "own.json: cannot read this model manifest" in box.log
    folder = box.folder / "models"
    entry = default_model()
    manifest = json.loads(entry.path.with_suffix(".json").read_text()) | {"file": "own.onnx"}
    folder.mkdir()
    shutil.copy(entry.path, folder / "own.onnx")
    (folder / "own.json").write_text(json.dumps(manifest))
    wait_for(lambda: states(broker, "north", lot), "known bays once the model is there")
    assert "alarm model cleared" in box.log
    assert_healthy_otherwise(box)


def test_a_model_with_another_sha256_and_one_that_breaks_while_it_runs(
    box: Box, broker: Broker, lot: Lot, picture: Path, wait_for: WaitFor
) -> None:
    entry = default_model()
    folder = box.folder / "models"
    folder.mkdir()
    manifest = json.loads(entry.path.with_suffix(".json").read_text()) | {"file": "own.onnx"}
    (folder / "own.json").write_text(json.dumps(manifest))
    good = entry.path.read_bytes()
    (folder / "own.onnx").write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    box.add_camera("north", str(picture), lot.bays)
    box.sections["model"] = 'threads = 1\nmanifest_file = "models/own.json"'
    box.start()
    wait_for(lambda: reasons(broker, "north") == {"model_error"}, "bays without a model")
    assert f"expected sha256 {manifest['sha256']}, but got" in box.log
    (folder / "own.onnx").write_bytes(good)
    wait_for(lambda: states(broker, "north", lot), "known bays with the right file")
    known, seqs = broker.states(), broker.seqs()
    (folder / "own.onnx").write_bytes(good[:1000])
    wait_for(lambda: box.log.count("alarm model: ") == 2, "an alarm about the broken file")
    assert (broker.states(), broker.seqs()) == (known, seqs), "the loaded network goes on"
    assert_healthy_otherwise(box)


# -- calibration -----------------------------------------------------------------------------------


def test_a_broken_calibration_costs_its_camera_only(
    box: Box, broker: Broker, lot: Lot, picture: Path, wait_for: WaitFor
) -> None:
    path = box.add_camera("north", str(picture), lot.bays)
    box.add_camera("south", str(picture), lot.bays)
    good = path.read_text()
    path.write_text(good[: len(good) // 2])
    box.start()
    wait_for(lambda: states(broker, "south", lot), "known bays of the other camera")
    assert "north.json" in box.log
    assert "camera north: no bays: its calibration is invalid" in box.log
    path.write_text(good)
    wait_for(lambda: states(broker, "north", lot), "known bays with the mended file")
    assert len(broker.newest("layout")["bays"]) == 2 * len(lot.bays)
    path.write_text(good.replace('"polygon"', '"polygone"', 1))
    wait_for(lambda: box.log.count("alarm calibration-north: ") == 2, "an alarm")
    assert states(broker, "north", lot), "the last valid one stays in use"
    assert box.stop() == 0
    before = broker.seqs()
    box.start()
    goes_on = "the new calibration is invalid: still using revision 1"
    wait_for(lambda: box.log.count(goes_on) == 2, "the kept copy after a restart")
    wait_for(lambda: len(broker.newest("snapshot")["bays"]) == 2 * len(lot.bays), "a snapshot")
    assert broker.seqs() == before
    assert_healthy_otherwise(box)


def test_a_bay_of_two_cameras_is_refused_at_the_start(box: Box, lot: Lot, picture: Path) -> None:
    north = box.add_camera("north", str(picture), lot.bays)
    south = box.add_camera("south", str(picture), lot.bays)
    stolen = load_calibration(south)
    bays = (load_calibration(north).bays[0], *stolen.bays[1:])
    save_calibration(south, stolen.model_copy(update={"bays": bays}), author="test")
    assert box.run_to_end() == 1
    assert "a bay belongs to one camera" in box.log
    assert "Traceback" not in box.log


def test_a_hundred_new_calibrations_lose_no_state(
    box: Box, broker: Broker, lot: Lot, picture: Path, wait_for: WaitFor
) -> None:
    path = box.add_camera("north", str(picture), lot.bays)
    box.start()
    wait_for(lambda: states(broker, "north", lot), "known bays")
    known, seqs = broker.states(), broker.seqs()
    for _ in range(99):
        save_calibration(path, load_calibration(path), author="test")
    extra = lot.bays[0].model_copy(
        update={"id": "new", "polygon": ((0.0, 0.0), (0.05, 0.0), (0.05, 0.05), (0.0, 0.05))}
    )
    last = load_calibration(path)
    save_calibration(path, last.model_copy(update={"bays": (*last.bays, extra)}), author="test")
    wait_for(lambda: "new" in broker.states(), "a state of the new bay")
    assert {bay: occ for bay, occ in broker.states().items() if bay != "new"} == known
    assert len(broker.seqs()) == len(seqs) + 1, "no other bay changed"
    event = next(m.body for m in broker.messages("event") if m.body["subject"] == "new")
    assert event["data"]["calibration"] == 101
    assert_healthy_otherwise(box)


# -- cameras ---------------------------------------------------------------------------------------


def test_cameras_that_are_not_there_or_broken(
    box: Box,
    broker: Broker,
    lot: Lot,
    clip_of_lot: Path,
    free_port: Callable[[], int],
    wait_for: WaitFor,
) -> None:
    cut = box.folder / "cut.mp4"
    cut.write_bytes(clip_of_lot.read_bytes()[:5000])
    garbage = box.folder / "garbage.mp4"
    garbage.write_bytes(bytes(range(256)) * 400)
    box.add_camera("good", str(clip_of_lot), lot.bays)
    box.add_camera("down", f"rtsp://u:s3cret@127.0.0.1:{free_port()}/1", lot.bays)
    box.add_camera("cut", str(cut), lot.bays)
    box.add_camera("garbage", str(garbage), lot.bays)
    box.add_camera("usb", "usb:87", lot.bays)
    box.start()
    wait_for(lambda: states(broker, "good", lot), "known bays of the good camera")
    for camera in ("down", "cut", "garbage", "usb"):
        wait_for(lambda name=camera: reasons(broker, name) == {"camera_lost"}, f"{camera} is lost")
        assert f"camera {camera}: camera source" in box.log
    assert "s3cret" not in box.log
    assert_healthy_otherwise(box)


# -- disk ------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("a file system may not be mounted here (needs root)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_up_loses_no_state(
    box: Box, broker: Broker, lot: Lot, picture: Path, small_disk: Path, wait_for: WaitFor
) -> None:
    box.add_camera("north", str(picture), lot.bays)
    box.sections["edge"] = f'site = "north-bank"\nedge = "box-1"\nstate_dir = "{small_disk}"'
    box.start()
    wait_for(lambda: states(broker, "north", lot), "known bays")
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    hidden = picture.with_name("hidden")
    picture.rename(hidden)
    wait_for(lambda: "is lost" in box.log, "the lost camera")
    wait_for(lambda: "held in memory" in box.log, "an alarm about the disk")
    assert reasons(broker, "north") != {"camera_lost"}, "what is not stored is no event yet"
    wait_for(
        lambda: {bay["reason"] for bay in broker.newest("snapshot")["bays"]} == {"camera_lost"},
        "a snapshot with the states all the same",
    )
    filler.unlink()
    wait_for(lambda: reasons(broker, "north") == {"camera_lost"}, "the events, once there is room")
    hidden.rename(picture)
    wait_for(lambda: states(broker, "north", lot), "known bays again")
    assert broker.seqs() == list(range(1, max(broker.seqs()) + 1))
    assert_healthy_otherwise(box)


# -- configuration and surroundings ----------------------------------------------------------------


def test_a_wrong_key_ends_the_start_with_one_line(box: Box, lot: Lot, picture: Path) -> None:
    box.add_camera("north", str(picture), lot.bays, more="rate = 2")
    assert box.run_to_end() == 1
    assert len(box.log.strip().splitlines()) == 1
    assert "camera[1].rate: unknown key; did you mean 'rate_hz'?" in box.log


def test_a_second_service_on_the_same_state_ends(
    box: Box, broker: Broker, lot: Lot, picture: Path, wait_for: WaitFor
) -> None:
    box.add_camera("north", str(picture), lot.bays)
    box.start()
    wait_for(lambda: states(broker, "north", lot), "known bays")
    first = box.process
    assert box.run_to_end() == 1
    assert "in use by another process" in box.log
    box.process = first
    assert_healthy_otherwise(box)


def test_a_stop_signal_ends_the_service_whichever_thread_it_comes_to(
    box: Box, broker: Broker, lot: Lot, picture: Path, wait_for: WaitFor
) -> None:
    """The system may pick any thread, though it mostly picks the main one."""
    box.add_camera("north", str(picture), lot.bays)
    box.start()
    wait_for(lambda: states(broker, "north", lot), "known bays")
    assert box.process is not None
    main = box.process.pid
    other = max(int(task.name) for task in Path(f"/proc/{main}/task").iterdir())
    assert other != main
    os.kill(other, signal.SIGTERM)  # for the process, but this thread is asked first
    assert box.process.wait(30) == 0
    assert "SIGTERM: stopping" in box.log
    assert box.log.strip().endswith("stopped")


def test_a_state_folder_that_cannot_be_made(box: Box, lot: Lot, picture: Path) -> None:
    (box.folder / "file").write_text("")
    box.sections["edge"] = 'site = "s"\nedge = "e"\nstate_dir = "file/state"'
    box.add_camera("north", str(picture), lot.bays)
    assert box.run_to_end() == 1
    assert "file/state" in box.log
    assert "Traceback" not in box.log


def test_strict_ends_instead_of_starting_degraded(box: Box, lot: Lot, picture: Path) -> None:
    box.add_camera("north", str(picture), lot.bays)
    box.sections["model"] = 'manifest_file = "gone.json"'
    box.start("--strict")
    assert box.process is not None
    assert box.process.wait(60) == 1
    assert "--strict: " in box.log
    assert "Traceback" not in box.log
