"""No page reads all bays or all events: what the databases themselves say of each query.

Each query is run against a small city, and its plan is asked for. A plan that goes through `bay`,
`bay_state` or `event` from end to end fails. PostgreSQL, which may well do so while a table is
small, is told to do it only where there is no other way; `benchmarks/cloud_queries.py` shows what
it chooses in a large city.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from cloud_app.analytics.accuracy import prune_scores
from cloud_app.analytics.reports.stays import prune_stays
from cloud_app.config import RulesConfig
from cloud_app.ingest.batch import Batch, take_batch
from cloud_app.ingest.sensors.downlinks import prune_downlinks
from cloud_app.occupancy.city import map_lots, overview
from cloud_app.occupancy.finding import hits
from cloud_app.occupancy.passages import forget_hashes, prune_passages
from cloud_app.occupancy.plan import lot_plan
from cloud_app.registry.geometry import Box
from cloud_app.rules import ledger
from cloud_app.rules.builtin import judge
from cloud_app.rules.outbox import prune_dead
from cloud_app.storage.alert_life import prune_alerts
from cloud_app.storage.alerts import EVERY_ALERT, alerts
from cloud_app.storage.bay_events import Window
from cloud_app.storage.count_points import prune_points
from cloud_app.storage.database import Database, Session
from cloud_app.storage.dwell import lot_stays
from cloud_app.storage.edge_queries import edges_now, edges_to_reread
from cloud_app.storage.events import prune
from cloud_app.storage.health_history import health_points, prune_health
from cloud_app.storage.history import stays
from cloud_app.storage.incidents import IncidentFilter, IncidentOrder, incidents, prune_incidents
from cloud_app.storage.intake import prune_quarantine
from cloud_app.storage.past import bays_at
from cloud_app.storage.quarter_sums import lot_quarters
from cloud_app.storage.quarters import edges_due, prune_parts, prune_quarters
from cloud_app.storage.queries import Now, bays_now, lot_now, lot_size, lots_now, lots_of_edges
from cloud_app.storage.sensors import prune_sensors
from cloud_app.storage.series import lot_series
from cloud_app.storage.steps import QUARTER_MS
from cloud_app.storage.streams import EventFilter, gaps, holes, recent_events
from cloud_app.storage.times import to_ms
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take

LARGE = (
    "bay",
    "bay_state",
    "event",
    "incident",
    "quarter",
    "quarter_day",
    "quarter_part",
    "registry_thing",
    "registry_word",
)
NOW = Now(to_ms(START) + 3_600_000, 180_000)
HOUR = Window(to_ms(START), to_ms(START) + 3_600_000)
MONTH = Window(to_ms(START) - 30 * 86_400_000, to_ms(START) + 3_600_000)
QUARTERS = Window(MONTH.start_ms // QUARTER_MS * QUARTER_MS, HOUR.end_ms // QUARTER_MS * QUARTER_MS)
MUNICH = Box(11.4, 48.0, 11.7, 48.3)

PAGES: dict[str, Callable[[Session], object]] = {
    "all lots": lambda s: lots_now(s, NOW),
    "a site's lots": lambda s: lots_now(s, NOW, ["site-1"]),
    "a lot": lambda s: (lot_now(s, NOW, "site-1", "p1"), lot_size(s, "site-1", "p1")),
    "a lot's bays": lambda s: bays_now(s, NOW, site="site-1", lot="p1"),
    "edges": lambda s: edges_now(s, NOW),
    "newest events": lambda s: recent_events(s, 20),
    "a site's newest events": lambda s: recent_events(s, 20, EventFilter(["site-1"])),
    "alerts": lambda s: alerts(s, NOW.now_ms, EVERY_ALERT, 20),
    "incidents": lambda s: incidents(s, NOW, IncidentFilter(is_open=True), 20),
    "dwell": lambda s: lot_stays(s, "site-1", "p1", HOUR),
    "series": lambda s: lot_series(s, "site-1", "p1", HOUR, 60_000),
    "a bay's history": lambda s: stays(s, "box-1", "b1", HOUR, 50),
    "holes and losses": lambda s: (holes(s), gaps(s, "box-1")),
    "missed layouts": lambda s: edges_to_reread(s, NOW),
    "a lot's bays in the past": lambda s: bays_at(s, "site-1", "p1", HOUR.end_ms),
    "a month's series": lambda s: lot_series(s, "site-1", "p1", MONTH, 3_600_000),
    "quarters of lots": lambda s: list(
        lot_quarters(s, [("site-1", "p1"), ("site-1", "p2")], QUARTERS, with_parts=True)
    ),
    "a lot's plan": lambda s: lot_plan(s, "site-1", "p1"),
    "the map": lambda s: map_lots(s, NOW, None, MUNICH, 100),
    "the map of some sites": lambda s: map_lots(s, NOW, ["site-1"], MUNICH, 100),
    "the overview": lambda s: overview(s, NOW, None),
    "search": lambda s: hits(s, "b1", None, 20),
    "search at a site": lambda s: hits(s, "p1 b1", ["site-1"], 20),
    "lots of edges": lambda s: lots_of_edges(s, NOW, ["box-1", "box-2"]),
    "an edge's events": lambda s: recent_events(s, 20, EventFilter(edge="box-1")),
    "events of a span": lambda s: recent_events(s, 20, EventFilter(window=HOUR)),
    "the next events": lambda s: recent_events(s, 20, EventFilter(after=(HOUR.end_ms, "b", 1, 1))),
    "incidents that are over": lambda s: incidents(s, NOW, IncidentFilter(is_open=False), 20),
    "incidents by kind": lambda s: incidents(
        s, NOW, IncidentFilter(order=IncidentOrder.KIND, is_down=True), 20
    ),
    "the longest incidents": lambda s: incidents(
        s, NOW, IncidentFilter(order=IncidentOrder.STOOD, is_down=True), 20
    ),
    "an edge's health": lambda s: health_points(s, "box-1", HOUR),
    "quarters that are due": lambda s: edges_due(s, HOUR.end_ms, 20),
}


def fill(database: Database) -> None:
    """Enough rows that a database which may choose takes an index for a few of them."""
    for number in range(30):
        names = tuple(f"b{n}" for n in range(40))
        box = ScriptedEdge(f"box-{number}", f"site-{number}", "p1", names)
        take(database, box.hello())
        changes = [box.change(bay, bool(n % 2), 0.5) for n in range(6) for bay in names]
        take(database, changes)
    with database.write() as session:
        session.run(text("ANALYZE"))


@contextmanager
def listening(session: Session) -> Iterator[list[tuple[str, Any]]]:
    """What goes to the driver meanwhile."""
    heard: list[tuple[str, Any]] = []

    def hear(_c: Connection, _cursor: Any, statement: str, given: Any, *_: object) -> None:
        heard.append((statement, given))

    event.listen(session.connection, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(session.connection, "before_cursor_execute", hear)


def whole_tables(session: Session, statement: str, given: Any) -> list[str]:
    """The large tables that a statement's plan reads from end to end."""
    is_sqlite = session.connection.dialect.name == "sqlite"
    if not is_sqlite:
        session.run(text("SET LOCAL enable_seqscan = off"))
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    rows = session.connection.exec_driver_sql(explain + statement, given).all()
    lines = [str(row[-1]) for row in rows]
    pattern = r"^SCAN (\w+)(?! USING)" if is_sqlite else r"Seq Scan on (\w+)"
    found = [match[1] for line in lines if (match := re.search(pattern, line))]
    return [table for table in found if table.startswith("event") or table in LARGE]


def test_no_page_reads_a_large_table_whole(database: Database) -> None:
    fill(database)
    wrong: dict[str, Sequence[str]] = {}
    for name, page in PAGES.items():
        with database.read() as session:
            with listening(session) as heard:
                page(session)
            assert heard, name
            for statement, given in heard:
                if found := whole_tables(session, statement, given):
                    wrong[name] = [*found, statement]
    assert wrong == {}


def test_a_round_of_the_rules_reads_no_large_table_whole(database: Database) -> None:
    fill(database)
    with database.write() as session:
        with listening(session) as heard:
            judge(session, NOW, RulesConfig(), 0)
        found = [
            table
            for statement, given in heard
            if statement.startswith("SELECT")
            for table in whole_tables(session, statement, given)
        ]
    assert found == []


@pytest.mark.parametrize("events", [1, 300])
def test_a_batch_reads_no_large_table_whole(database: Database, events: int) -> None:
    """What is in the tables already does not make the intake slower."""
    fill(database)
    box = ScriptedEdge("box-1", "site-1", "p1", tuple(f"b{n}" for n in range(40)), seq=240)
    messages = [box.change(box.bay_ids[n % 40], True) for n in range(events)]
    with database.write() as session:
        with listening(session) as heard:
            take_batch(session, Batch.of(messages, "pk"))
        found = [
            table
            for statement, given in heard
            if statement.startswith(("SELECT", "UPDATE bay_count"))
            for table in whole_tables(session, statement, given)
        ]
    assert found == []


PRUNES: dict[str, Callable[[Session], object]] = {
    "events": lambda s: prune(s, NOW.now_ms),
    "incidents": lambda s: prune_incidents(s, NOW.now_ms),
    "alerts": lambda s: prune_alerts(s, NOW.now_ms),
    "quarantine": lambda s: prune_quarantine(s, NOW.now_ms),
    "sensors": lambda s: prune_sensors(s, NOW.now_ms),
    "downlinks": lambda s: prune_downlinks(s, NOW.now_ms),
    "passages": lambda s: prune_passages(s, NOW.now_ms, NOW.now_ms),
    "hashes of plates": lambda s: forget_hashes(s, NOW.now_ms),
    "health": lambda s: prune_health(s, NOW.now_ms),
    "count points": lambda s: prune_points(s, NOW.now_ms),
    "quarters": lambda s: prune_quarters(s, NOW.now_ms),
    "parts of quarters": lambda s: prune_parts(s, NOW.now_ms),
    "stays": lambda s: prune_stays(s, "2026-01-01"),
    "scores of forecasts": lambda s: prune_scores(s, NOW.now_ms),
    "firings of rules": lambda s: ledger.prune(s, NOW.now_ms),
    "what rules could not send": lambda s: prune_dead(s, NOW.now_ms),
}
# A row for each lot, zone and horizon; a row for each device; 20,000 at most.
_SMALL = {"forecast_width", "sensor", "quarantine"}


def deleted_whole(session: Session, statement: str, given: Any) -> list[str]:
    """The tables that a deletion reads from end to end."""
    is_sqlite = session.connection.dialect.name == "sqlite"
    if not is_sqlite:
        session.run(text("SET LOCAL enable_seqscan = off"))
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    lines = [str(row[-1]) for row in session.connection.exec_driver_sql(explain + statement, given)]
    pattern = r"^SCAN (\w+)$" if is_sqlite else r"Seq Scan on (\w+)"
    found = [match[1] for line in lines if (match := re.search(pattern, line))]
    return [table for table in found if table not in _SMALL]


def test_no_pruning_reads_a_table_whole(database: Database) -> None:
    """Pruning runs all day long: what it deletes it finds by an index."""
    fill(database)
    wrong: dict[str, Sequence[str]] = {}
    for name, pruned in PRUNES.items():
        with database.write() as session:
            with listening(session) as heard:
                pruned(session)
            assert any(statement.startswith("DELETE") for statement, _ in heard) or name in {
                "hashes of plates"
            }, name
            for statement, given in heard:
                if found := deleted_whole(session, statement, given):
                    wrong[name] = [*found, statement]
    assert wrong == {}
