"""No list of alerts that has an index reads them all: what the databases themselves say."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import insert, text

from cloud_app.alert_words import AlertState, Severity
from cloud_app.alerts.planning import plan
from cloud_app.storage.alert_life import cease_all, lasting_alerts
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.alerts import AlertFilter, alert_detail, alerts, open_by_severity
from cloud_app.storage.database import Database, Session
from tests.cloud_app.alerts.kit import Desk
from tests.cloud_app.hub import Hub
from tests.cloud_app.storage.test_plans import listening

NOW_MS = 1_790_000_000_000
EVER = 2**53
LISTS = {
    "open": AlertFilter(states=frozenset({AlertState.OPEN, AlertState.SILENCED})),
    "rule": AlertFilter(rule="edge_flooding", before=EVER),
    "severity": AlertFilter(severity=Severity.CRITICAL, before=EVER),
    "assignee": AlertFilter(assignee="ada@example.org", before=EVER),
    "site": AlertFilter(sites=["rare"], before=EVER),
    "page": AlertFilter(before=1_000),
}


@pytest.fixture
def filled(database: Database) -> Database:
    """3,000 alerts: a few are open, critical, somebody's, of a rare rule or site."""
    rows = [
        {
            "rule": "edge_flooding" if n % 500 == 1 else "incident",
            "site": "rare" if n % 500 == 2 else f"site-{n % 3}",
            "subject": f"i-{n}",
            "text": "Something is so.",
            "severity": "critical" if n % 500 == 3 else "info",
            "opened_ms": NOW_MS + n,
            "closed_ms": None if n % 500 == 4 else NOW_MS + n,
            "ceased_ms": None if n % 500 == 4 else NOW_MS + n,
            "assignee": "ada@example.org" if n % 500 == 5 else None,
            "planned": 1,
        }
        for n in range(3_000)
    ]
    with database.write() as session:
        session.run_many(insert(alert), rows)
        session.run(
            text(
                "INSERT INTO alert_notice (alert, notification, step, due_ms)"
                " SELECT alert, 'config', 'close', NULL FROM alert"
            )
        )
        session.run(text("ANALYZE"))
    return database


def read_whole(session: Session, statement: str, given: object) -> list[str]:
    """The alert tables that a statement reads from end to end."""
    if not statement.startswith(("SELECT", "UPDATE", "INSERT INTO alert_log")):
        return []
    is_sqlite = session.connection.dialect.name == "sqlite"
    if not is_sqlite:
        session.run(text("SET LOCAL enable_seqscan = off"))
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    rows = session.connection.exec_driver_sql(explain + statement, given).all()  # type: ignore[arg-type]
    pattern = r"^SCAN (alert\w*)(?! USING)" if is_sqlite else r"Seq Scan on (alert\w*)"
    return [match[1] for row in rows if (match := re.search(pattern, str(row[-1]).strip()))]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_goes_by_its_index(filled: Database, name: str) -> None:
    with filled.read() as session:
        with listening(session) as heard:
            found = alerts(session, NOW_MS, LISTS[name], 50)
        assert found
        assert [read_whole(session, *each) for each in heard] == [[]] * len(heard)


def test_the_rules_and_the_courier_read_what_lasts_and_what_is_due(filled: Database) -> None:
    desk = Desk(Hub(filled))
    with filled.write() as session, listening(session) as heard:
        lasting = lasting_alerts(session)
        plan(session, desk.hub.accounts.tenants)
        cease_all(session, list(lasting.values())[:1], NOW_MS)
        open_by_severity(session)
        alert_detail(session, NOW_MS, 17)
    with filled.write() as session:
        wrong = {
            statement: found
            for statement, given in heard
            if not isinstance(given, list) and (found := read_whole(session, statement, given))
        }
    assert wrong == {}
    assert desk.courier.due_rules() == []
