"""Databases of every age are brought up with their data; the way down is refused."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import text

from cloud_app.alert_words import Severity
from cloud_app.config import DatabaseConfig, RulesConfig
from cloud_app.errors import StorageError
from cloud_app.storage.alert_life import Subject, lasting_alerts, open_all
from cloud_app.storage.alerts import EVERY_ALERT, alert_detail, alerts
from cloud_app.storage.bay_events import Window
from cloud_app.storage.counts import drifts
from cloud_app.storage.database import Database
from cloud_app.storage.dwell import lot_stays
from cloud_app.storage.edge_queries import edges_now, edges_to_reread
from cloud_app.storage.history import stays
from cloud_app.storage.incidents import IncidentFilter, incidents
from cloud_app.storage.migrate import configuration, differ, every_table, is_compared
from cloud_app.storage.open import open_database
from cloud_app.storage.partitions import months
from cloud_app.storage.queries import Now, bays_now, lots_now
from cloud_app.storage.series import lot_series
from cloud_app.storage.shadows import load_shadow
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.streams import gaps, holes, recent_events
from tests.cloud_app.servers import PostgresCluster

FOLDER = Path(__file__).parent
# Of make_schema_2.py.txt.
NOW_MS = 1_774_008_000_000
DAY_MS = 86_400_000


def dump(kind: str) -> str:
    return gzip.decompress((FOLDER / f"schema_2.{kind}.sql.gz").read_bytes()).decode()


def load_old(url: str) -> None:
    """Fill a new, empty database with what commit 2f751e7 made."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as connection:
            connection.executescript(dump("sqlite"))
    else:
        with psycopg.connect(url) as connection:
            connection.execute(dump("postgres").encode())


def run_old(url: str, statement: str) -> None:
    """Change an old database, as its own code might have."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as connection:
            connection.executescript(statement)
    else:
        with psycopg.connect(url) as server:
            server.execute(statement.encode())


def opened(url: str) -> Database:
    return open_database(DatabaseConfig(url=SecretStr(url)))


def answers(database: Database) -> dict[str, Any]:
    """As make_schema_2.py.txt asked the old code."""
    now = Now(NOW_MS, 180_000)
    window = Window(NOW_MS - 30 * DAY_MS, NOW_MS)
    with database.read() as session:
        found: dict[str, list[Any]] = {
            "lots": lots_now(session, now),
            "bays": [
                bay for site in ("north", "south") for bay in bays_now(session, now, site=site)
            ],
            "edges": edges_now(session, now),
            "alerts": sorted(
                alerts(session, NOW_MS, EVERY_ALERT, 100),
                key=lambda item: (item.rule, item.subject),
            ),
            "incidents": incidents(session, now, IncidentFilter(), 100),
            "gaps": gaps(session, "box-3"),
            "stays": lot_stays(session, "north", "p1", window),
            "series": lot_series(session, "north", "p1", window, DAY_MS),
            "history": stays(session, "box-1", "a2", window, 500),
            "events": recent_events(session, 1000),
        }
        said: dict[str, Any] = {
            key: [item.model_dump(mode="json") for item in items] for key, items in found.items()
        }
        said["holes"] = [[hole.edge, hole.epoch, hole.upto, hole.top] for hole in holes(session)]
    return said


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'cloud.db'}"
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return cluster.new_database()


def as_told(found: Any, before: Any) -> Any:
    """What was told before, at any depth."""
    if not (isinstance(found, dict) and isinstance(before, dict)):
        return found
    return {key: as_told(value, before[key]) for key, value in found.items() if key in before}


def test_an_old_database_answers_as_it_did(database_url: str) -> None:
    load_old(database_url)
    database = opened(database_url)
    expected = json.loads((FOLDER / "schema_2.answers.json").read_text())
    found = answers(database)
    for key, old in expected.items():
        # A later version may tell more of a thing, never something else.
        if isinstance(old[0], dict):
            assert len(found[key]) == len(old), key
            found[key] = [
                as_told(item, before) for item, before in zip(found[key], old, strict=True)
            ]
        assert found[key] == old, key
    with database.read() as session:
        edges = [edge["edge"] for edge in expected["edges"]]
        assert drifts(session, edges) == []
        # Nothing was missed before, so nothing is read again now; what was told is not told anew.
        assert edges_to_reread(session, Now(NOW_MS, 180_000)) == []
        assert session.rows(text("SELECT COUNT(*) FROM gap WHERE told = 0")) == [(0,)]
        document, exists = load_shadow(session, "box-1", "config")
        assert (exists, document.desired, document.version) == (True, {"a": 1}, 3)
        assert session.rows(text("SELECT times FROM quarantine")) == [(1,)]
        assert session.rows(text("SELECT COUNT(*) FROM aggregate")) == [(1,)]
    database.close()


def test_old_alerts_get_a_life_and_nobody_is_told_twice(database_url: str) -> None:
    """Told ones wait to be told over; what was not told yet is due; each has its log."""
    load_old(database_url)
    more = (
        # Two consumers that both led opened two for one subject.
        "('lot_full', 'north', 'twice', 1000, NULL, 'Full.', 1, 0)",
        "('lot_full', 'north', 'twice', 2000, NULL, 'Full.', 1, 0)",
        "('lot_full', 'north', 'over', 3000, 4000, 'Full.', 1, 0)",
        "('lot_full', 'north', 'untold', 3000, 4000, 'Full.', 0, 0)",
        "('events_lost', 'north', 'lost', 3000, 3000, 'Lost.', 0, 1)",
        "('lot_full', 'north', 'done', 3000, 4000, 'Full.', 1, 1)",
    )
    run_old(database_url, f"INSERT INTO alert VALUES {', '.join(more)}")
    database = opened(database_url)
    with database.read() as session:
        found = {
            (item.subject, item.opened.timestamp()): item
            for item in alerts(session, NOW_MS, EVERY_ALERT, 100)
        }
        notices = session.rows(
            text(
                "SELECT subject, opened_ms, step, due_ms > 0 FROM alert_notice n"
                " JOIN alert a ON a.alert = n.alert WHERE notification = 'config'"
                " AND opened_ms < 10000 ORDER BY subject, opened_ms"
            )
        )
        away = next(item for item in found.values() if item.rule == "edge_offline")
        detail = alert_detail(session, NOW_MS, found["done", 3.0].id)
    assert [tuple(row) for row in notices] == [
        ("lost", 3000, "once", True),
        ("over", 3000, "close", True),
        ("twice", 1000, "close", True),
        ("twice", 2000, "close", None),
        ("untold", 3000, "open", True),
    ]
    assert found["twice", 1.0].closed == found["twice", 2.0].opened
    assert (away.severity, away.delivered, away.lasts) == (Severity.CRITICAL, True, True)
    assert detail is not None
    assert [(entry.action, entry.text) for entry in detail.log] == [
        ("opened", "Full."), ("closed", None),
    ]  # fmt: skip
    # Numbers follow the times, and new ones follow them.
    by_number = sorted(found.values(), key=lambda item: item.id)
    assert [item.opened for item in by_number] == sorted(item.opened for item in by_number)
    with database.write() as session:
        subject = Subject("lot_full", "north", "new")
        open_all(session, [(subject, "Full.")], NOW_MS, RulesConfig().severity_of)
        assert lasting_alerts(session)[subject] > by_number[-1].id
    database.close()


def test_version_1_is_brought_up_too(database_url: str) -> None:
    load_old(database_url)
    to_version_1 = (
        "DROP TABLE incident; DROP TABLE incident_list;"
        "UPDATE meta SET value = '1' WHERE key = 'schema_version'"
    )
    run_old(database_url, to_version_1)
    database = opened(database_url)
    with database.read() as session:
        assert incidents(session, Now(NOW_MS, 180_000), IncidentFilter(), 10) == []
        assert len(recent_events(session, 1000)) == 431
    database.close()


def test_tables_and_revisions_agree(database: Database) -> None:
    with database.read() as session:
        context = MigrationContext.configure(
            session.connection, opts={"include_object": is_compared, "compare_type": differ}
        )
        found = compare_metadata(context, every_table())
    # SQLite has no NOT NULL on the single text keys of the first revision.
    assert [each for each in found if each[0][0] != "modify_nullable"] == []


def test_there_is_one_line_of_revisions() -> None:
    script = ScriptDirectory.from_config(configuration())
    assert len(script.get_heads()) == 1
    revisions = list(script.walk_revisions())[::-1]
    assert all(Path(each.path).name[:5] == f"{each.revision}_" for each in revisions)
    numbers = [revision.revision for revision in revisions]
    assert numbers == [f"{n:04d}" for n in range(1, len(numbers) + 1)]


def test_a_newer_database_is_refused(database_url: str) -> None:
    database = opened(database_url)
    with database.write() as session:
        session.run(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StorageError, match="revision 9999, which a newer lotsight made"):
        opened(database_url)


def test_an_unknown_version_from_before_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cloud.db"
    load_old(f"sqlite:{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE meta SET value = '99'")
        connection.commit()
    with pytest.raises(StorageError, match="schema_version must be 1 or 2, but it is 99"):
        SqliteDatabase(path)


def test_going_down_is_refused(database: Database) -> None:
    config = configuration()
    with pytest.raises(StorageError, match="cannot be undone"), database.write() as session:  # noqa: PT012
        config.attributes["connection"] = session.connection
        command.downgrade(config, "0001")
    with database.read() as session:
        assert session.rows(text("SELECT COUNT(*) FROM bay_count")) == [(0,)]


def test_a_start_that_dies_half_way_leaves_the_old_database(database_url: str) -> None:
    load_old(database_url)
    run: Callable[[str], object]
    # Something stands in the way of the last revision.
    blocker = "CREATE TABLE bay_count (other TEXT)"
    if database_url.startswith("sqlite:"):
        connection = sqlite3.connect(database_url.removeprefix("sqlite:"), isolation_level=None)
        run = connection.execute
    else:
        server = psycopg.connect(database_url, autocommit=True)
        run = lambda statement: server.execute(statement.encode())  # noqa: E731
    run(blocker)
    with pytest.raises(StorageError, match="bay_count"):
        opened(database_url)
    run("DROP TABLE bay_count")
    database = opened(database_url)
    assert len(answers(database)["events"]) == 431
    database.close()
    (connection if database_url.startswith("sqlite:") else server).close()


def test_two_that_start_together_migrate_once(database_url: str) -> None:
    load_old(database_url)
    found: list[int] = []

    def start() -> None:
        database = opened(database_url)
        found.append(len(answers(database)["events"]))
        database.close()

    threads = [Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [431] * 3


@pytest.mark.postgres
def test_the_months_of_an_old_database_become_partitions(
    request: pytest.FixtureRequest,
) -> None:
    url = request.getfixturevalue("postgres").new_database()
    load_old(url)
    database = opened(url)
    with database.read() as session:
        names = [month.table for month in months(session)]
        strays = session.rows(text("SELECT edge, seq FROM event_other ORDER BY seq"))
    assert {"event_2026_01", "event_2026_02", "event_2026_03"} <= set(names)
    assert [tuple(row) for row in strays] == [("box-4", 1), ("box-4", 2)]
    database.close()
