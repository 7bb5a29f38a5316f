"""How many events a second the leader judges by 1,000 rules, on one core.

    python -m benchmarks.rules [--rules 1000] [--events 10000] [--sites 40]

Three cases: rules as a city has them, each about one of the sites and some kinds of events; rules
that all look at every event, which meets one in fifty; and the same where it meets a quarter.
No two have the same condition. Each is measured twice: judging alone (conditions and windows), and
the whole round (events read from SQLite by position; windows, outcomes and the position written, a
transaction per batch). The process is held to one core, and its processor time is printed too,
which other work on the machine does not change much.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import delete

from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.accounts.roles import ConfiguredTenants, Tenant
from cloud_app.config import AccountsConfig
from cloud_app.rules import feed, store
from cloud_app.rules.evaluation import Fold, Judge, RuleBook
from cloud_app.rules.feed import Batch
from cloud_app.rules.occurrences import SiteClock
from cloud_app.rules.spec import RuleSpec
from cloud_app.rules.tables import rule as rule_table
from cloud_app.rules.tables import rule_position
from cloud_app.rules.worker import Pace, RuleWorker
from cloud_app.storage.database import Database
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import SystemClock
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take

TENANT = Tenant.parse("operator:main")
SHAPES = (
    (
        "event.state == 'occupied' && now.hour >= {hour} && now.hour < 20 && event.bay != 'b{n}'",
        {"kind": "for", "span_s": 7200},
    ),
    (
        "event.state == 'unknown' && event.reason != 'occluded{n}'",
        {"kind": "rate", "span_s": 600, "count": 5},
    ),
    ("event.bay.startsWith('a1') && event.confidence < 0.{n:04d}", {"kind": "none"}),
    ("event.data.cause == 'startup' && event.subject != '{n}'", {"kind": "none"}),
    (
        "event.state == 'free' && now.weekday == 7 && event.bay != 'b{n}'",
        {"kind": "absence", "span_s": 86_400},
    ),
)
RARE = "event.bay == 'a{bay}' && event.subject != '{n}' && "
KINDS = (["changed"], ["incident"], ["gate"], ["changed", "sensor"])


def specs(count: int, sites: int, before: str = "") -> list[RuleSpec]:
    """Rules, no two with the same condition; without sites each looks at every event."""
    found = []
    for n in range(count):
        when, window = SHAPES[n % len(SHAPES)]
        when = before + when
        found.append(
            RuleSpec.model_validate(
                {
                    "name": f"rule {n}",
                    "when": when.format(n=n, hour=n % 20, bay=n % 40),
                    "window": window,
                    "kinds": KINDS[n % len(KINDS)] if sites else [],
                    "sites": [f"site-{n % sites}"] if sites else [],
                    "actions": [{"kind": "table"}],
                }
            )
        )
    return found


def fill(database: Database, events: int, sites: int) -> None:
    """Events of a box at each site, in equal parts."""
    for n in range(sites):
        box = ScriptedEdge(edge=f"box-{n}", site=f"site-{n}", lot=f"lot-{n}")
        take(database, box.hello())
        take(
            database, [box.change(f"a{1 + k % 3}", k % 2 == 0, 30) for k in range(events // sites)]
        )


def timed(work: Callable[[], int]) -> str:
    """The rate of what `work` counts, by the clock and by the processor."""
    start_s, cpu_s = time.perf_counter(), time.process_time()
    done = work()
    wall_s, used_s = time.perf_counter() - start_s, time.process_time() - cpu_s
    return f"{done / wall_s:>9,.0f} events/s  ({done / used_s:>9,.0f} per second of one core)"


def judged(database: Database, rules: list[store.Rule]) -> int:
    """Judge all events, without writing anything."""
    book = RuleBook(rules, {TENANT: None})
    with database.read() as session:
        batch = Batch()
        feed.read_events(session, book, 0, batch)
    judge = Judge(book, SiteClock({}), {})
    fold = Fold({})
    for verdict in judge.verdicts(batch.seen):
        fold.take(verdict)
    return len(batch.seen)


def rounds(database: Database) -> int:
    """Let the worker do all that it does until nothing is left."""
    pace = Pace(events_max_age_s=1e9, poll_s=1e9)
    worker = RuleWorker(database, ConfiguredTenants(AccountsConfig()), SystemClock(), pace)
    with database.read() as session:
        waiting = feed.behind(session)
    while worker.work():
        pass
    return waiting


def measure(database: Database, name: str, wanted: list[RuleSpec]) -> None:
    """Print both rates of some rules."""
    with database.write() as session:
        session.run(delete(rule_table))
        session.run(delete(rule_position))
        actor = Actor(ActorKind.SYSTEM, "benchmark", None, 0)
        for each in wanted[:1]:
            store.create(session, actor, TENANT, each)
    # `create` looks at all others of the tenant each time, which is no part of this.
    with database.write() as session:
        for n, each in enumerate(wanted[1:]):
            row = {"rule": f"{n:016x}", "tenant": str(TENANT), **store.columns_of(session, each)}
            session.run(rule_table.insert(), row)
        rules = store.every_one(session)
    feed.BATCH = 1_000_000
    print(f"{name}, {len(rules)} rules")
    print(f"  judging alone  {timed(lambda: judged(database, rules))}")
    feed.BATCH = 2000
    print(f"  whole round    {timed(lambda: rounds(database))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=1000)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--sites", type=int, default=40)
    given = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        database = SqliteDatabase(Path(folder) / "cloud.db")
        fill(database, given.events, given.sites)
        measure(database, "as in a city", specs(given.rules, given.sites))
        measure(database, "every rule looks at every event", specs(given.rules, 0, RARE))
        measure(database, "and a quarter of them is met", specs(given.rules, 0))
        database.close()


if __name__ == "__main__":
    main()
