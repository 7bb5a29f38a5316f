"""A store that was full for long gives its room back to the disk, and loses nothing by it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from edge_app.delivery import Store
from edge_app.delivery.vacuum import BEGIN_BYTES, KEEP_BYTES, STEP_PAGES
from telemetry import ManualClock
from tests.edge_app.delivery.kit import change, events, layout_of, open_store

MIB = 1024 * 1024
PAGE = 4096


@pytest.fixture
def path(quick_path: Path) -> Path:
    return quick_path / "store.db"


@pytest.fixture
def store(path: Path, clock: ManualClock) -> Iterator[Store]:
    opened = open_store(path, clock)
    opened.set_layout(layout_of(10))
    yield opened
    opened.close()


def free_some(store: Store, size_bytes: int) -> None:
    """Leave free pages behind, as delivered events do; something in use lies at the file's end."""
    for number in range(size_bytes // MIB):
        store.documents.put(f"ballast-{number}", "x" * MIB)
    store.record([change(bay, True) for bay in range(10)])
    store.documents.put("last", "y" * 100_000)
    for number in range(size_bytes // MIB):
        store.documents.remove(f"ballast-{number}")


def give_all(store: Store) -> int:
    """Give room back until nothing changes; how many steps that took."""
    steps = 0
    while True:
        before = file_sizes(store.path)
        store.vacuum()
        if file_sizes(store.path) == before:
            return steps
        steps += 1


def file_sizes(path: Path) -> tuple[int, int, bytes]:
    """Of the file and its journal; the journal's bytes too, since it is written over."""
    journal = path.with_name(path.name + "-wal")
    return path.stat().st_size, journal.stat().st_size, journal.read_bytes()


def check_sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_room_goes_back_and_everything_stays(store: Store, path: Path, clock: ManualClock) -> None:
    free_some(store, 24 * MIB)
    kept = (events(store), store.states(), store.documents.get("last"))
    assert path.stat().st_size > 20 * MIB
    steps = give_all(store)
    assert path.stat().st_size < KEEP_BYTES + MIB
    assert steps >= 22 * MIB // (STEP_PAGES * PAGE), "all at once would hold up whoever waits"
    assert (events(store), store.states(), store.documents.get("last")) == kept
    store.close()
    check_sound(path)
    again = open_store(path, clock)
    assert (events(again), again.states(), again.documents.get("last")) == kept
    again.close()


def test_the_room_of_ordinary_outages_is_left_alone(store: Store, path: Path) -> None:
    free_some(store, BEGIN_BYTES - 2 * MIB)
    assert give_all(store) == 0
    assert path.stat().st_size > BEGIN_BYTES - 2 * MIB


def test_a_backlog_is_delivered_first(store: Store, path: Path) -> None:
    free_some(store, BEGIN_BYTES + 2 * MIB)
    store.vacuum()
    for _ in range(3):  # an outage begins meanwhile
        store.record([change(turn % 10, bool(turn // 10 % 2)) for turn in range(1000)])
    store.vacuum()  # what was given is cut off, and that is all
    assert give_all(store) == 0
    assert path.stat().st_size > BEGIN_BYTES
    store.acknowledge(store.last_seq - 10)
    give_all(store)
    assert path.stat().st_size < KEEP_BYTES + MIB
    assert len(events(store)) == 10


def test_a_kill_at_any_point_leaves_a_whole_store(
    store: Store, path: Path, clock: ManualClock
) -> None:
    """A kill leaves the files as they lie: one of them half written, first the journal."""
    free_some(store, BEGIN_BYTES + MIB)
    journal = path.with_name("store.db-wal")
    kept = (events(store), store.states(), store.documents.get("last"))
    seen = {"store.db": 0, "store.db-wal": 0}
    before = (path.read_bytes(), journal.read_bytes())
    for _ in range(30):
        store.vacuum()
        after = (path.read_bytes(), journal.read_bytes())
        states = [
            ("store.db-wal", before[0], torn(before[1], after[1])),
            ("store.db", torn(before[0], after[0]), after[1]),
        ]
        for name, store_bytes, journal_bytes in states:
            if (store_bytes, journal_bytes) in {before, after} or seen[name] == 4:
                continue
            seen[name] += 1
            killed = path.parent / f"killed-{name}-{seen[name]}" / "store.db"
            killed.parent.mkdir()
            killed.write_bytes(store_bytes)
            killed.with_name(journal.name).write_bytes(journal_bytes)
            again = open_store(killed, clock)
            assert (events(again), again.states(), again.documents.get("last")) == kept
            again.close()
            check_sound(killed)
        before = after
    assert path.stat().st_size < KEEP_BYTES + MIB
    assert seen == {"store.db": 1, "store.db-wal": 4}


def torn(before: bytes, after: bytes) -> bytes:
    """A file of which what differs was written up to the middle; it was not cut off yet."""
    if before == after:
        return before
    short = min(len(before), len(after))
    old, new = (np.frombuffer(each, np.uint8)[:short] for each in (before, after))
    (differs,) = np.nonzero(old != new)
    if not len(differs):
        return after + before[short:]
    middle = int(differs[0] + differs[-1]) // 2
    return after[:middle] + before[middle:]


def test_a_store_that_cannot_shrink_is_used_as_it_is(path: Path, clock: ManualClock) -> None:
    open_store(path, clock).close()
    with closing(sqlite3.connect(path)) as database:
        database.executescript("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM")
    store = open_store(path, clock)
    store.set_layout(layout_of(10))
    free_some(store, BEGIN_BYTES + MIB)
    assert give_all(store) == 0
    assert len(events(store)) == 10
    store.close()
