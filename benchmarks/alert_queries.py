"""What pages ask of 100,000 alerts, beside 1,000: lists with each filter, an act, a round of rules.

Of each table 300 alerts are open; a tenth of the sites, rules and people is rare. PostgreSQL is a
private cluster with fsync on.

    python benchmarks/alert_queries.py [--alerts 100000]

Prints the median of each call in milliseconds, and the ratio.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import insert, literal, select, text

from benchmarks.ingest import databases
from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.alert_words import AlertRule, AlertState, Severity
from cloud_app.alerts import acts
from cloud_app.alerts.acts import Act
from cloud_app.config import DatabaseConfig
from cloud_app.storage.alert_life import lasting_alerts
from cloud_app.storage.alert_tables import alert, alert_log
from cloud_app.storage.alerts import AlertFilter, alert_detail, alerts, open_by_severity
from cloud_app.storage.database import Database, Session
from cloud_app.storage.open import open_database

_NOW_MS = 1_790_000_000_000
_MINUTE_MS = 60_000
_OPEN = 300
_REPEATS = 15


def fill(database: Database, count: int) -> None:
    """Alerts of two years, the newest of them open, each with three lines of log."""
    source = random.Random(7)
    sites = [f"site-{n:02d}" for n in range(40)]
    rules = list(AlertRule)
    rows = []
    for n in range(count):
        opened_ms = _NOW_MS - (count - n) * 10 * _MINUTE_MS
        is_open = n >= count - _OPEN
        rule = AlertRule.EDGE_FLOODING if n % (count // 20) == 0 else source.choice(rules[:5])
        closed_ms = None if is_open else opened_ms + 30 * _MINUTE_MS
        rows.append(
            {
                "rule": rule.value,
                "site": "site-rare" if n % (count // 10) == 3 else source.choice(sites),
                "subject": f"box-{n % 1000}/i-{n}",
                "text": f"Something is so at place {n}, a sentence for people of usual length.",
                "severity": source.choices(list(Severity), [6, 3, 1])[0].value,
                "opened_ms": opened_ms,
                "closed_ms": closed_ms,
                "ceased_ms": closed_ms,
                "assignee": "ada@example.org" if n % (count // 10) == 7 else None,
                "acknowledged_ms": opened_ms if is_open and n % 3 == 0 else None,
                "planned": 1,
            }
        )
    with database.write() as session:
        session.run_many(insert(alert), rows)
        for action in ("opened", "notified", "closed"):
            opened = select(alert.c.alert, alert.c.opened_ms, literal(action))
            session.run(insert(alert_log).from_select(["alert", "at_ms", "action"], opened))
    with database.write() as session:
        session.run(text("ANALYZE"))


def calls() -> dict[str, Callable[[Session], object]]:
    """What pages and the rules ask."""

    def page(**facts: object) -> Callable[[Session], object]:
        wanted = AlertFilter(**facts)  # type: ignore[arg-type]
        return lambda s: alerts(s, _NOW_MS, wanted, 50)

    return {
        "open first": page(),
        "open": page(states=frozenset({AlertState.OPEN})),
        "closed": page(states=frozenset({AlertState.CLOSED})),
        "a late page": page(before=500),
        "a rare rule": page(rule="edge_flooding", before=2**53),
        "a severity": page(severity=Severity.CRITICAL, before=2**53),
        "a site": page(sites=["site-07"], before=2**53),
        "a rare site": page(sites=["site-rare"], before=2**53),
        "ten sites, rare rule": page(
            sites=[f"site-{n:02d}" for n in range(10)], rule="edge_flooding", before=2**53
        ),
        "somebody's": page(assignee="ada@example.org", before=2**53),
        "a day": page(start_ms=_NOW_MS - 86_400_000, before=2**53),
        "a day long ago": page(
            start_ms=_NOW_MS - 900 * 600_000, end_ms=_NOW_MS - 800 * 600_000, before=2**53
        ),
        "words that are there": page(q="place sentence", before=2**53),
        "words that nobody wrote": page(q="xyzzy", before=2**53),
        "a word beyond ASCII": page(q="straße", before=2**53),
        "one with its log": lambda s: alert_detail(s, _NOW_MS, 500),
        "counts by severity": open_by_severity,
        "what lasts (rules)": lasting_alerts,
    }


def median_ms(database: Database, call: Callable[[Session], object]) -> float:
    """Of some runs, each in a transaction of its own."""
    took = []
    for _ in range(_REPEATS):
        start_s = time.perf_counter()
        with database.read() as session:
            call(session)
        took.append((time.perf_counter() - start_s) * 1000)
    return statistics.median(took)


def act_ms(database: Database) -> float:
    """A comment, with its log and audit line."""
    took = []
    for n in range(_REPEATS):
        actor = Actor(ActorKind.PERSON, "ada@example.org", None, _NOW_MS + n)
        start_s = time.perf_counter()
        with database.write() as session:
            acts.comment(session, Act(actor, 500), "Seen.")
        took.append((time.perf_counter() - start_s) * 1000)
    return statistics.median(took)


def main() -> None:
    """Measure both databases, small and large."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--alerts", type=int, default=100_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for name, new_url in urls.items():
            figures: list[dict[str, float]] = []
            for count in (1_000, wanted.alerts):
                database = open_database(DatabaseConfig(url=SecretStr(new_url())))
                fill(database, count)
                found = {key: median_ms(database, call) for key, call in calls().items()}
                figures.append(found | {"an act": act_ms(database)})
                database.close()
            print(f"{name}: ms with 1,000 and {wanted.alerts:,} alerts, and the ratio")
            for key, small in figures[0].items():
                large = figures[1][key]
                print(f"  {key:24} {small:8.1f} {large:8.1f} {large / small:6.1f}")


if __name__ == "__main__":
    main()
