"""Room of delivered events on a disk that is really full: it is there that it is wanted most."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from edge_app.delivery import Store
from edge_app.delivery.vacuum import KEEP_BYTES, RETRY_S
from telemetry import ManualClock
from tests.system.delivery.conftest import MakeDisk
from tests.system.delivery.edge import layout_of

MIB = 1024 * 1024


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def check_sound(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def deliver_much(disk: Path, clock: ManualClock) -> Store:
    """A store of 24 MiB, nearly all of it free."""
    store = Store.open(disk / "store.db", clock)
    store.set_layout(layout_of(10))
    for number in range(24):
        store.documents.put(f"backlog-{number}", "x" * MIB)
    for number in range(24):
        store.documents.remove(f"backlog-{number}")
    return store


def give_all(store: Store) -> None:
    for _ in range(40):
        store.vacuum()


def test_a_full_disk_gets_its_room_back(make_disk: MakeDisk) -> None:
    disk, clock = make_disk(48), ManualClock()
    store = deliver_much(disk, clock)
    fill(disk / "ballast")
    give_all(store)
    assert store.path.stat().st_size < KEEP_BYTES + MIB
    assert shutil.disk_usage(disk).free > 20 * MIB
    store.close()


def test_a_disk_without_room_for_the_journal_is_tried_again_later(
    make_disk: MakeDisk, caplog: pytest.LogCaptureFixture
) -> None:
    disk, clock = make_disk(48), ManualClock()
    deliver_much(disk, clock).close()  # its journal goes with it
    fill(disk / "ballast")
    store = Store.open(disk / "store.db", clock)
    give_all(store)
    assert store.path.stat().st_size > 20 * MIB
    assert len(caplog.records) == 1
    assert "store.db: cannot vacuum now" in caplog.text
    (disk / "ballast").unlink()
    give_all(store)
    assert store.path.stat().st_size > 20 * MIB, "it waits, lest it fill the log"
    clock.advance(RETRY_S)
    give_all(store)
    assert store.path.stat().st_size < KEEP_BYTES + MIB
    store.close()
    check_sound(store.path)
