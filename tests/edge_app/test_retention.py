"""What piles up on a box's disk is bounded; the doctor says where it is not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from calibration import Bay, Calibration, list_revisions, load_calibration, save_calibration
from calibration.reference_files import store_reference
from edge_app.assembly import assemble, maintenance_of
from edge_app.config import LotsightConfig, parse_config
from edge_app.delivery.store import Store
from edge_app.diagnostics.checks import Level, check_machine
from edge_app.retention import DAMAGED_KEPT, EVERY_S, Retention, state_usage
from edge_app.service import EdgeService
from edge_app.service_manager import ServiceManager
from telemetry import ManualClock, SystemClock
from tests.edge_app.harvest.bench import START, Bench

OUTLINE = ((0.1, 0.3), (0.3, 0.3), (0.3, 0.7), (0.1, 0.7))
MIB = 1024 * 1024


def config_of(folder: Path, more: str = "") -> LotsightConfig:
    text = (
        '[edge]\nsite = "s"\nedge = "e"\nstate_dir = "state"\nkeep_revisions = 2\n'
        f'[privacy]\nkeep_pictures_days = 30\n{more}\n[[camera]]\nid = "north"\n'
        'source = "sim:"\ncalibration_file = "state/north.json"\n'
    )
    (folder / "state").mkdir(exist_ok=True)
    return parse_config(text, folder / "box.toml")


def aged(path: Path, days: float) -> Path:
    stamp = time.time() - days * 86_400
    os.utime(path, (stamp, stamp))
    return path


def save(path: Path, grey: int, age_days: float) -> None:
    reference = store_reference(path, np.full((48, 64, 3), grey, np.uint8))
    aged(path.with_name(reference.file), age_days)
    present = load_calibration(path).revision if path.exists() else 0
    drawn = Calibration(
        camera="north", image_wh=(64, 48), bays=(Bay(id="A01", polygon=OUTLINE),),
        revision=present, reference=reference,
    )  # fmt: skip
    moment = SystemClock().utc() - timedelta(days=age_days)
    save_calibration(path, drawn, author="ina", now_utc=moment)


def test_a_service_tidies_calibrations_when_it_looks_after_itself(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    path = config.camera[0].calibration_file
    for number, age in enumerate((100, 90, 80, 20, 1)):
        save(path, 30 * number, age)
    box = assemble(config)
    maintenance_of(box, ServiceManager({})).look()
    EdgeService(box.parts).stop()
    assert [revision.number for revision in list_revisions(path)] == [3, 4, 5]
    pictures = list(path.parent.glob("north.reference-*.jpg"))
    assert len(pictures) == 3, "the third was in use until twenty days ago"
    present = load_calibration(path).reference
    assert present is not None
    assert path.with_name(present.file) in pictures


def test_it_looks_again_after_some_hours(tmp_path: Path) -> None:
    config, clock = config_of(tmp_path), ManualClock()
    download = config.edge.state_dir / ".download-a.tar.gz"
    retention = Retention(config, clock)
    retention.tidy_if_due()
    download.touch()
    aged(download, 0.5)
    clock.advance(EVERY_S - 1)
    retention.tidy_if_due()
    assert download.exists()
    fresh = download.with_name(".download-b.tar.gz")
    fresh.touch()
    clock.advance(1)
    retention.tidy_if_due()
    assert not download.exists()
    assert fresh.exists(), "somebody may be fetching it"


def test_what_a_killed_service_left_goes_at_the_start(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    state = config.edge.state_dir
    (state / ".download-x.tar.gz").write_bytes(b"half")
    for folder in (state / "harvest" / "tmpabc", state / "rollout" / "calibration" / "tmpdef"):
        folder.mkdir(parents=True)
        (folder / "harvest.tar.gz").write_bytes(b"half")
    kept = [state / "harvest" / "frames" / "a.json", state / "rollout" / "model" / "slots.json"]
    for path in kept:
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    Retention(config, ManualClock())
    left = sorted(str(path.relative_to(state)) for path in state.rglob("*") if path.is_file())
    assert left == ["harvest/frames/a.json", "rollout/model/slots.json"]


def test_the_newest_copies_of_damaged_stores_stay(tmp_path: Path) -> None:
    config, clock = config_of(tmp_path), SystemClock()
    state = config.edge.state_dir
    for number in range(4):
        (state / "store.db").write_bytes(b"no database, number %d" % number * 100)
        Store.open(state / "store.db", clock).close()
        Retention(config, clock)
    copies = {path.read_bytes()[:21] for path in state.glob("store.db.damaged-*")}
    assert len(copies) == DAMAGED_KEPT
    assert copies == {b"no database, number 2", b"no database, number 3"}
    Store.open(state / "store.db", clock).close()


def test_frames_grow_old_where_the_harvest_was_switched_off(tmp_path: Path) -> None:
    on = config_of(tmp_path, "[harvest]\nenabled = true\nkeep_days = 2")
    bench = Bench(on.edge.state_dir / "harvest", on.harvest)
    bench.show(bench.look((0.55, 0.01)))
    clock = ManualClock(epoch_utc=START)
    retention = Retention(config_of(tmp_path, "[harvest]\nkeep_days = 2"), clock)
    frames = on.edge.state_dir / "harvest" / "frames"
    retention.tidy_if_due()
    assert len(list(frames.iterdir())) == 2
    clock.advance(3 * 86_400)
    retention.tidy_if_due()
    assert list(frames.iterdir()) == []


def test_room_of_a_backlog_that_was_delivered_goes_back(tmp_path: Path) -> None:
    box = assemble(config_of(tmp_path))
    for number in range(20):
        box.store.documents.put(f"backlog-{number}", "x" * MIB)
    for number in range(20):
        box.store.documents.remove(f"backlog-{number}")
    maintenance = maintenance_of(box, ServiceManager({}))
    for _ in range(22):  # a MiB each time
        maintenance.look()
    assert box.store.path.stat().st_size < 4 * MIB
    EdgeService(box.parts).stop()


def test_a_folder_that_cannot_be_written_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = config_of(tmp_path)
    for age in range(5, 0, -1):
        save(config.camera[0].calibration_file, 30 * age, age)
    config.camera[0].calibration_file.write_bytes(b"{")
    Retention(config, SystemClock()).tidy_if_due()
    assert len(list(config.edge.state_dir.glob("north.revisions/*.json"))) == 5
    assert caplog.text == ""


def test_the_doctor_names_what_grows(tmp_path: Path, free_port: Callable[[], int]) -> None:
    more = f"[http]\nport = {free_port()}\n[outbox]\nmax_bytes = 65536"
    config = config_of(tmp_path, more)
    state = config.edge.state_dir
    (state / "store.db").write_bytes(b"\0" * MIB)

    def sizes() -> dict[Level, list[str]]:
        found: dict[Level, list[str]] = {}
        for check in check_machine(config):
            if check.what == "state size":
                found.setdefault(check.level, []).append(check.text)
        return found

    assert sizes() == {Level.OK: ["1.0 MiB"]}
    (state / "store.db-wal").write_bytes(b"\0" * 17 * MIB)
    (state / "store.db.damaged-1").write_bytes(b"\0" * MIB)
    (state / "harvest").mkdir()
    (state / "harvest" / "a.jpg").write_bytes(b"\0" * MIB)
    (state / "core.1234").write_bytes(b"\0" * 65 * MIB)
    texts = sizes()[Level.WARNING]
    assert texts[0].startswith("store: 18.0 MiB, expected at most 16: ")
    assert texts[1].startswith("copies of damaged stores: 1.0 MiB, expected at most 0: ")
    assert texts[2].startswith("kept frames: 1.0 MiB, expected at most 0: ")
    assert texts[3].startswith("other files: 65.0 MiB, expected at most 64: ")
    assert len(texts) == 4


def test_calibrations_in_the_state_folder_are_known(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    save(config.camera[0].calibration_file, 10, 1)
    sizes = {usage.part: usage.size_bytes for usage in state_usage(config)}
    assert sizes["calibrations"] > 1000
    assert sizes["other files"] == 0
