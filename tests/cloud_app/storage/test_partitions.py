"""Events by month on PostgreSQL: every time has a home, months come and go, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from cloud_app.config import DatabaseConfig
from cloud_app.storage.database import Database
from cloud_app.storage.open import open_database
from cloud_app.storage.partitions import Month, months
from cloud_app.storage.times import to_ms
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import PostgresCluster
from tests.cloud_app.test_intake import take

pytestmark = pytest.mark.postgres
NOW = datetime(2031, 3, 31, 23, 59, tzinfo=UTC)


@pytest.fixture
def database(postgres: PostgresCluster) -> Iterator[Database]:
    opened = open_database(DatabaseConfig(url=SecretStr(postgres.migrated_database())))
    yield opened
    opened.close()


def homes(database: Database) -> dict[str, list[int]]:
    """Which events lie in which partition."""
    found: dict[str, list[int]] = {}
    with database.read() as session:
        rows = session.rows(text("SELECT tableoid::regclass::text, seq FROM event ORDER BY seq"))
    for table, seq in rows:
        found.setdefault(table, []).append(seq)
    return found


def keep_room(database: Database, now: datetime, days: int = 400) -> None:
    database.keep_room(to_ms(now), to_ms(now - timedelta(days=days)))


def at(box: ScriptedEdge, moment: datetime) -> None:
    box.now = moment
    box.bay_ids = ("a1",)


def test_months_are_ahead_and_strays_move_into_theirs(database: Database) -> None:
    box = ScriptedEdge()
    moments = [
        datetime(2001, 1, 1, tzinfo=UTC),  # a clock that was never set
        datetime(2031, 1, 15, tzinfo=UTC),  # a backlog from before the first start
        NOW - timedelta(days=1),
        datetime(2090, 1, 1, tzinfo=UTC),  # a clock that is ahead
    ]
    for moment in moments:
        at(box, moment)
        take(database, [box.change("a1", bool(box.seq % 2))])
    assert homes(database) == {"event_other": [1, 2, 3, 4]}

    keep_room(database, NOW)
    keep_room(database, NOW)

    assert homes(database) == {"event_other": [1, 4], "event_2031_01": [2], "event_2031_03": [3]}
    with database.read() as session:
        ahead = [month for month in months(session) if month >= Month(2031, 3)]
    assert ahead == [Month(2031, 3), Month(2031, 4), Month(2031, 5)]


def test_a_number_is_taken_once_whatever_its_time(database: Database) -> None:
    box = ScriptedEdge()
    at(box, NOW)
    first = box.change("a1", True)
    take(database, [first])
    keep_room(database, NOW)
    box.seq = 0
    at(box, NOW - timedelta(days=300))
    again = box.change("a1", False)

    assert take(database, [again, first]) == {("box-1", 1): 1}
    assert homes(database) == {"event_2031_03": [1]}

    # In a hole: the number lies above the watermark, and is looked up in every month.
    box.seq = 4
    late = box.change("a1", True)
    take(database, [late])
    box.seq = 4
    at(box, NOW)
    assert take(database, [box.change("a1", False), late]) == {("box-1", 1): 1}
    assert sorted(seq for seqs in homes(database).values() for seq in seqs) == [1, 5]


def test_old_months_are_dropped_but_for_what_is_not_acknowledged(database: Database) -> None:
    box = ScriptedEdge()
    at(box, datetime(2029, 5, 10, tzinfo=UTC))
    kept = [box.change("a1", bool(n % 2)) for n in range(4)]
    keep_room(database, box.now)
    take(database, [kept[0], kept[1], kept[3]])
    assert homes(database) == {"event_2029_05": [1, 2, 4]}

    keep_room(database, datetime(2030, 6, 1, tzinfo=UTC))
    assert homes(database) == {"event_2029_05": [1, 2, 4]}  # its last day is not old enough
    keep_room(database, datetime(2030, 7, 6, tzinfo=UTC))

    assert homes(database) == {"event_other": [4]}
    assert take(database, [kept[2]]) == {("box-1", 1): 4}


def test_months_know_their_bounds() -> None:
    assert Month(2026, 12).later(1) == Month(2027, 1)
    assert Month(2026, 1).later(-1) == Month(2025, 12)
    assert Month.of_ms(Month(2026, 3).end_ms - 1) == Month(2026, 3)
    assert Month.of_ms(Month(2026, 3).end_ms) == Month(2026, 4)
    assert Month(2026, 3).table == "event_2026_03"
