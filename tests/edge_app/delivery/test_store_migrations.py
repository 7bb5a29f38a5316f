"""A store of an earlier version: brought up to date with all that it holds, or left as it was."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from edge_app.delivery import OutboxConfig, Store, StoreError
from edge_app.delivery.agents.aggregates import AggregateAgent
from edge_app.delivery.database import open_database, shipped_migrations
from telemetry import BayChangedEvent, IncidentChangedEvent, ManualClock, UnknownReason
from telemetry.topics import EdgeTopics
from tests.edge_app.delivery.kit import change, events, layout_of, open_store, stamp

# Made by the code of that version: see data/make_store.py.
VERSION_1 = Path(__file__).parent / "data" / "store-v1.sqlite"

# What a later version of lotsight might do: a column, a table made anew, an index, a trigger.
NEXT = """
-- Why an event was refused; a semicolon; in a comment.
ALTER TABLE outbox ADD COLUMN note TEXT NOT NULL DEFAULT 'none;';
CREATE TABLE bay_new (bay TEXT PRIMARY KEY, occ INTEGER, reason TEXT, conf REAL NOT NULL,
  since TEXT NOT NULL, closed INTEGER NOT NULL DEFAULT 0, calibration INTEGER NOT NULL DEFAULT 0,
  blocked TEXT, times INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
INSERT INTO bay_new (bay, occ, reason, conf, since, closed, calibration, blocked)
  SELECT bay, occ, reason, conf, since, closed, calibration, blocked FROM bay;
DROP TABLE bay;
ALTER TABLE bay_new RENAME TO bay;
CREATE TRIGGER counted AFTER UPDATE OF occ ON bay BEGIN
  UPDATE bay SET times = times + 1 WHERE bay = new.bay;
END;
"""
AFTER_NEXT = "UPDATE outbox SET note = 'seen' WHERE seq = 3;\n"


@pytest.fixture
def old_store(tmp_path: Path) -> Path:
    return Path(shutil.copy(VERSION_1, tmp_path / "store.db"))


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        version: int = database.execute("PRAGMA user_version").fetchone()[0]
        return version


def steps(*later: str) -> tuple[str, ...]:
    return (*shipped_migrations(), *later)


def migrated(
    path: Path, clock: ManualClock, migrations: Sequence[str], max_pages: int | None = None
) -> Store:
    bounds = OutboxConfig()
    database = open_database(path, clock, max_pages, migrations)
    return Store(path, database, clock, bounds, stamp)


def expect_all_that_it_held(store: Store) -> None:
    assert (store.last_seq, store.acked) == (6, 2)
    first, second, closed, incident = events(store)
    assert isinstance(first, BayChangedEvent)
    assert isinstance(second, BayChangedEvent)
    assert isinstance(closed, BayChangedEvent)
    assert isinstance(incident, IncidentChangedEvent)
    assert (first.seq, first.subject, first.data.occ) == (3, "b0", False)
    assert (second.seq, second.data.reason) == (4, UnknownReason.OCCLUDED)
    assert (closed.subject, closed.data.closed) == ("b3", True)
    assert (incident.subject, incident.data.open) == ("i-1", True)
    assert [row.seq for row in store.pending(0, 10)] == [3, 5, 6], "4 was refused by the broker"
    assert store.layout is not None
    assert store.layout.bay_ids == ("b0", "b1", "b2", "b3")
    assert [state.occ for state in store.states()] == [False, False, None, None]
    assert store.closed_bays() == {"b3"}
    assert [each.id for each in store.incidents()] == ["i-1"]
    assert [period_s for period_s, *_ in store.documents.aggregates(10)] == [600]
    assert store.documents.command_result("cmd-1") == '{"status": "done"}'
    assert store.begin_connection() == 2


def test_a_box_that_is_updated_keeps_its_outbox(
    old_store: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(old_store, clock)
    expect_all_that_it_held(store)
    AggregateAgent(EdgeTopics("north", "edge-7"), store, clock)
    assert not caplog.records, "its open windows are read too"
    store.record([change(1, True)])
    assert [event.seq for event in events(store)] == [3, 4, 5, 6, 7], "numbers go on"
    store.close()
    assert version_of(old_store) == len(shipped_migrations())


def test_later_steps_are_taken_in_order(old_store: Path, clock: ManualClock) -> None:
    store = migrated(old_store, clock, steps(NEXT, AFTER_NEXT))
    expect_all_that_it_held(store)
    store.record([change(0, True)])
    store.close()
    assert version_of(old_store) == len(shipped_migrations()) + 2
    with closing(sqlite3.connect(old_store)) as database:
        notes = database.execute("SELECT seq, note FROM outbox ORDER BY seq").fetchall()
        assert notes == [(3, "seen"), (4, "none;"), (5, "none;"), (6, "none;"), (7, "none;")]
        assert database.execute("SELECT times FROM bay WHERE bay = 'b0'").fetchone() == (1,)
    again = migrated(old_store, clock, steps(NEXT, AFTER_NEXT))
    assert len(events(again)) == 5, "each step is taken once"
    again.close()


def test_an_old_store_and_a_new_one_have_the_same_tables(
    old_store: Path, tmp_path: Path, clock: ManualClock
) -> None:
    new = tmp_path / "new.db"
    for path in (old_store, new):
        migrated(path, clock, steps(NEXT, AFTER_NEXT)).close()
    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    with closing(sqlite3.connect(old_store)) as old, closing(sqlite3.connect(new)) as made:
        assert old.execute(schema).fetchall() == made.execute(schema).fetchall()


@pytest.mark.parametrize(
    "broken",
    ["UPDATE outbox SET nothing = 1;", "DELETE FROM outbox;\nINSERT INTO bay (bay) VALUES ('x');"],
    ids=["no such column", "a constraint, half way"],
)
def test_a_step_that_fails_leaves_the_store_as_it_was(
    old_store: Path, clock: ManualClock, broken: str
) -> None:
    before = contents(old_store)
    with pytest.raises(StoreError, match=r"store\.db: cannot open the store: "):
        migrated(old_store, clock, steps(NEXT, broken))
    assert contents(old_store) == before
    assert version_of(old_store) == 1
    store = open_store(old_store, clock)
    expect_all_that_it_held(store)
    store.close()


KILLED = """
import json, os, signal, sqlite3, sys
from pathlib import Path

from edge_app.delivery import database
from telemetry import ManualClock

class Cut(sqlite3.Connection):
    def execute(self, sql, *values):
        if "power_cut" in sql:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(sql, *values)

real = sqlite3.connect
sqlite3.connect = lambda *args, **named: real(*args, factory=Cut, **named)
path, steps = Path(sys.argv[1]), json.loads(sys.argv[2])
database.open_database(path, ManualClock(), None, steps)
"""
# More than SQLite keeps in memory, so that a part of the transaction is on the disk already.
_FILLING = """
CREATE TABLE filling (text TEXT) STRICT;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
  INSERT INTO filling SELECT hex(zeroblob(500)) FROM n;
"""


@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_a_power_cut_while_migrating_leaves_it_as_it_was(
    old_store: Path, clock: ManualClock, place: str
) -> None:
    open_store(old_store, clock).close()
    before = contents(old_store)
    cut = "SELECT power_cut();\n"
    parts = {"before": cut + NEXT, "between": NEXT + _FILLING + cut, "after": NEXT + _FILLING}
    later = [parts[place], cut + AFTER_NEXT]
    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(old_store), json.dumps(steps(*later))],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert died.returncode == -9, died.stderr
    if place != "before":
        assert old_store.with_name("store.db-wal").stat().st_size > 1_000_000
    store = open_store(old_store, clock)
    expect_all_that_it_held(store)
    store.close()
    assert [line for line in contents(old_store) if "stream" not in line] == [
        line for line in before if "stream" not in line
    ]
    store = migrated(old_store, clock, steps(NEXT, AFTER_NEXT))
    assert len(events(store)) == 4, "the next start migrates it"
    store.close()


def test_a_store_at_its_bound_is_migrated_too(old_store: Path, clock: ManualClock) -> None:
    store = migrated(old_store, clock, steps(_FILLING), max_pages=10)
    expect_all_that_it_held(store)
    store.close()


def test_a_store_of_a_later_version_is_left_alone(old_store: Path, clock: ManualClock) -> None:
    migrated(old_store, clock, steps(NEXT, AFTER_NEXT)).close()
    before = contents(old_store)
    with pytest.raises(StoreError) as refused:
        migrated(old_store, clock, steps(NEXT))
    known = len(shipped_migrations()) + 1
    assert str(refused.value).endswith(
        f"store.db: expected a store of version {known} or earlier, but got {known + 1}: written "
        "by a newer "
        "lotsight; install that version again"
    )
    assert contents(old_store) == before


WAY_BACK = """
-- way back
DROP TRIGGER counted;
CREATE TABLE bay_old (bay TEXT PRIMARY KEY, occ INTEGER, reason TEXT, conf REAL NOT NULL,
  since TEXT NOT NULL, closed INTEGER NOT NULL DEFAULT 0, calibration INTEGER NOT NULL DEFAULT 0,
  blocked TEXT) STRICT, WITHOUT ROWID;
INSERT INTO bay_old SELECT bay, occ, reason, conf, since, closed, calibration, blocked FROM bay;
DROP TABLE bay;
ALTER TABLE bay_old RENAME TO bay;
ALTER TABLE outbox DROP COLUMN note;
"""
NOTHING_TO_UNDO = "\n-- way back\n-- A value in a column that was there.\n"


def test_software_that_falls_back_opens_the_store_of_the_later_one(
    old_store: Path, clock: ManualClock
) -> None:
    newer = migrated(old_store, clock, steps(NEXT + WAY_BACK, AFTER_NEXT + NOTHING_TO_UNDO))
    newer.record([change(1, True)])
    newer.close()
    older = migrated(old_store, clock, steps())
    assert [event.seq for event in events(older)] == [3, 4, 5, 6, 7], "no event is lost"
    older.record([change(0, True)])
    assert [event.seq for event in events(older)] == [3, 4, 5, 6, 7, 8], "no number is used twice"
    older.close()
    assert version_of(old_store) == len(shipped_migrations())
    again = migrated(old_store, clock, steps(NEXT + WAY_BACK, AFTER_NEXT + NOTHING_TO_UNDO))
    assert [event.seq for event in events(again)] == [3, 4, 5, 6, 7, 8]
    again.close()


@pytest.mark.parametrize(
    "scripts",
    [
        pytest.param((NEXT + WAY_BACK, AFTER_NEXT), id="one step does not say how"),
        pytest.param((NEXT + "\n-- way back\nDROP TABLE none;\n",), id="it does not work"),
    ],
)
def test_a_way_back_that_does_not_lead_all_the_way_changes_nothing(
    old_store: Path, clock: ManualClock, scripts: tuple[str, ...]
) -> None:
    migrated(old_store, clock, steps(*scripts)).close()
    before = contents(old_store)
    with pytest.raises(StoreError):
        migrated(old_store, clock, steps())
    assert contents(old_store) == before


def test_the_steps_are_numbered_without_a_gap() -> None:
    folder = Path(open_database.__code__.co_filename).with_name("migrations")
    numbers = [int(path.name.split("_")[0]) for path in sorted(folder.glob("*.sql"))]
    assert numbers == list(range(1, len(shipped_migrations()) + 1))
    assert all(
        sqlite3.complete_statement(part) or not part.strip()
        for script in shipped_migrations()
        for part in script.partition("-- way back")[::2]
    )


def test_steps_can_be_taken_back_so_that_a_box_can_fall_back_from_an_update() -> None:
    assert all("\n-- way back\n" in script for script in shipped_migrations()[2:])


def test_a_new_store_has_all_steps(tmp_path: Path, clock: ManualClock) -> None:
    store = open_store(tmp_path / "store.db", clock)
    store.set_layout(layout_of(2))
    store.close()
    assert version_of(tmp_path / "store.db") == len(shipped_migrations())
