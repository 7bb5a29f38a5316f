"""How long reports take: a year of one lot, and a month of 400 lots; and the map of unmet demand.

    python -m benchmarks.reports [--lots 400] [--on sqlite]

The kept past is made in the database itself: quarters of an hour of each lot, the same of two parts
each, a cause for one in 20, a day of stays for each part. PostgreSQL is a private cluster with
fsync on, its statistics fresh as autovacuum keeps them. Each report is made three times; the median
counts. CPU is the process's own and the server's, which other work on the machine changes less than
the time on the clock. Each report is made before and after days are packed. Files are made once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import SecretStr
from rich.console import Console
from sqlalchemy import text

from benchmarks.ingest import databases
from cloud_app.analytics.planning.plan import unmet_lots
from cloud_app.analytics.reports.files import FileKind, file_of
from cloud_app.analytics.reports.making import Compared, Order, make_report
from cloud_app.analytics.reports.period import Period
from cloud_app.analytics.reports.words import Language
from cloud_app.config import DatabaseConfig
from cloud_app.storage.database import Database, Session
from cloud_app.storage.open import open_database
from cloud_app.storage.quarter_sums import pack_days
from cloud_app.storage.times import to_ms

NOW = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)
MONTH = Period(date(2026, 10, 1), date(2026, 10, 31))
YEAR = Period(date(2025, 11, 1), date(2026, 10, 31))
ZONE = ZoneInfo("UTC")
QUARTER_MS, BAYS = 900_000, 60

_SHARE = "(0.5 + 0.45 * sin((at % 86400000)::float8 / 86400000 * 6.283 - 1.6))"
_QUARTERS = f"""
INSERT INTO {{table}}
SELECT 'city', '{{lot}}' || lpad(n::text, 3, '0'), at, 'box-{{lot}}' || n{{more}},
       ({{bays}} * {QUARTER_MS} * {_SHARE})::bigint,
       ({{bays}} * {QUARTER_MS} * (0.98 - {_SHARE}))::bigint,
       ({{bays}} * {QUARTER_MS} * 0.02)::bigint
FROM generate_series(1, {{lots}}) n,
     generate_series({{start}}, {{end}} - 1, {QUARTER_MS}) at{{parts}}
"""
# The same words in SQLite's own dialect; it has no table function for series.
_SERIES = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {lots}),
     span(at) AS (SELECT {start} UNION ALL SELECT at + {step} FROM span WHERE at + {step} < {end}),
     calendar(day) AS
       (SELECT '{first}' UNION ALL SELECT date(day, '+1 day') FROM calendar WHERE day < '{last}'),
     part(zone, kind) AS (VALUES ('a', 'standard'), ('b', 'ev'))
"""
_SQLITE = (
    ("generate_series(1, {lots}) n", "number"),
    (f"generate_series({{start}}, {{end}} - 1, {QUARTER_MS}) at", "span"),
    ("generate_series('{first}'::timestamp, '{last}'::timestamp, '1 day') day", "calendar"),
    ("(VALUES ('a', 'standard'), ('b', 'ev')) part(zone, kind)", "part"),
    ("to_char(day, 'YYYY-MM-DD')", "day"),
    ("lpad(n::text, 3, '0')", "printf('%03d', n)"),
    ("(at % 86400000)::float8", "(at % 86400000) * 1.0"),
    ("::bigint", ""),
)
_PARTS = ", (VALUES ('a', 'standard'), ('b', 'ev')) part(zone, kind)"
_CAUSES = f"""
INSERT INTO quarter_cause
SELECT site, lot, start_ms, edge, 'camera_lost', unknown_ms FROM quarter
WHERE (start_ms / {QUARTER_MS}) % 20 = 0
"""
_STAYS = """
INSERT INTO stay_day
SELECT 'city', '{lot}' || lpad(n::text, 3, '0'), to_char(day, 'YYYY-MM-DD'), 'box-{lot}' || n,
       zone, kind, 120, 3, 600000000,
       '[0,2,3,4,5,9,12,20,15,10,8,8,7,5,3,2,2,1,1,1,1,0,1,0,0,0,0]'
FROM generate_series(1, {lots}) n,
     generate_series('{first}'::timestamp, '{last}'::timestamp, '1 day') day, {parts}
"""
_MARKS = "INSERT INTO quarter_pack SELECT DISTINCT site, lot, 0 FROM quarter"
_SIZES = text(
    "SELECT pg_total_relation_size('quarter_day'),"
    " pg_total_relation_size('quarter') + pg_total_relation_size('quarter_part')"
)
_COUNTS = """
INSERT INTO bay_count
    (edge, camera, lot, zone, level, kind, site, bays, occupied, free, unknown, closed)
SELECT 'box-{lot}' || n, 'c', '{lot}' || lpad(n::text, 3, '0'), zone, '', kind, 'city',
       30, 15, 15, 0, 0
FROM generate_series(1, {lots}) n, {parts}
"""


def fill(database: Database, lot: str, lots: int, period: Period) -> None:
    """The past of some lots."""
    window = period.window(ZONE)
    values = _PARTS.removeprefix(", ")
    given = {
        "start": window.start_ms, "end": window.end_ms, "lot": lot, "lots": lots,
        "first": period.first, "last": period.last, "step": QUARTER_MS,
    }  # fmt: skip
    whole = {"table": "quarter", "more": "", "bays": BAYS, "parts": ""}
    parts = {"table": "quarter_part", "more": ", zone, kind", "bays": BAYS // 2, "parts": _PARTS}
    statements = (
        (_QUARTERS, whole), (_QUARTERS, parts), (_STAYS, {"parts": values}),
        (_COUNTS, {"parts": values}),
    )  # fmt: skip
    with database.write() as session:
        for template, more in statements:
            if session.connection.dialect.name == "sqlite":
                into, columns, rest = _translated(template, more).partition("SELECT")
                into = f"{into}{_SERIES}"
                session.run(text((into + columns + rest).format(**given)))
            else:
                session.run(text(template.format(**given, **more)))


def _translated(template: str, more: Mapping[str, object]) -> str:
    """A statement in the words of SQLite, with its series still to come."""

    class Kept(dict[str, str]):
        def __missing__(self, key: str) -> str:
            return f"{{{key}}}"

    statement = template.format_map(Kept({key: str(value) for key, value in more.items()}))
    for word, own in _SQLITE:
        statement = statement.replace(word, own)
    return statement


def server_cpu_s(session: Session) -> float:
    """What the connection's process used, and all that ended (parallel workers)."""
    if session.connection.dialect.name == "sqlite":
        return 0.0
    [(pid,)] = session.rows(text("SELECT pg_backend_pid()"))
    own = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    parent = Path(f"/proc/{own[1]}/stat").read_text().rpartition(")")[2].split()
    ticks = sum(map(int, own[11:13])) + sum(map(int, parent[13:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def measured(session: Session, make: Callable[[], object]) -> tuple[float, float, float]:
    """Seconds on the clock, own CPU seconds and the server's; each the median of three."""
    took = []
    for _ in range(3):
        begin = (time.perf_counter(), time.process_time(), server_cpu_s(session))
        make()
        end = (time.perf_counter(), time.process_time(), server_cpu_s(session))
        took.append([after - before for before, after in zip(begin, end, strict=True)])
    clock_s, own_s, server_s = (statistics.median(each) for each in zip(*took, strict=True))
    return clock_s, own_s, server_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lots", type=int, default=400)
    parser.add_argument("--on", choices=("postgres", "sqlite"), default="postgres")
    asked = parser.parse_args()
    lots = asked.lots
    console = Console()
    with (
        tempfile.TemporaryDirectory() as folder,
        databases(Path(folder)) as kinds,
        contextlib.closing(
            open_database(
                DatabaseConfig(
                    url=SecretStr(kinds[{"sqlite": "SQLite"}.get(asked.on, "PostgreSQL")]())
                )
            )
        ) as database,
    ):
        fill(database, "lot", lots, MONTH)
        fill(database, "old", 1, YEAR)
        with database.write() as session:
            session.run(text(_CAUSES))
            session.run(text(_MARKS))
        with database.write() as session:
            session.run(text("ANALYZE"))
            [(rows,)] = session.rows(text("SELECT count(*) FROM quarter"))
        console.print(f"{rows} quarters of lots")
        _reports(database, console, lots, "by quarters")
        begin_s, cpu_s, days = time.perf_counter(), time.process_time(), 1
        while days:
            with database.write() as session:
                days = pack_days(session, to_ms(NOW), 20)
        took = f"{time.perf_counter() - begin_s:.1f} s, own CPU {time.process_time() - cpu_s:.1f} s"
        with database.write() as session:
            session.run(text("ANALYZE"))
            sizes = session.rows(_SIZES) if asked.on == "postgres" else []
        beside = "".join(f": {new / 1e6:.0f} MB beside {old / 1e6:.0f} MB" for new, old in sizes)
        console.print(f"packed in {took}{beside}")
        _reports(database, console, lots, "by packed days")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    console.print(f"most memory of this process: {peak_mb:.0f} MB")


def _reports(database: Database, console: Console, lots: int, how: str) -> None:
    year = Order(("city",), "old001", YEAR, Compared.NONE, "t")
    month = Order(("city",), None, MONTH, Compared.NONE, "t")
    _report(database, console, f"a year of one lot, {how}", year)
    _report(database, console, f"a month of {lots + 1} lots, {how}", month)
    begin_s = time.perf_counter()
    with database.read() as session:
        found = unmet_lots(session, ("city",), MONTH, to_ms(NOW))
    took_s = time.perf_counter() - begin_s
    console.print(f"unmet demand of {len(found)} lots, a month, {how}: {took_s:.2f} s")


def _report(database: Database, console: Console, name: str, order: Order) -> None:
    with database.read() as session:
        clock_s, own_s, server_s = measured(session, lambda: make_report(session, order, NOW))
        report = make_report(session, order, NOW)
    files = []
    for kind in FileKind:
        begin_s = time.perf_counter()
        size = len(file_of(report, kind, Language.EN).content)
        files.append(f"{kind.value} {time.perf_counter() - begin_s:.2f} s, {size / 1000:.0f} kB")
    told = report.total.occupancy
    used = f"{clock_s:.2f} s; CPU {own_s:.2f} s own, {server_s:.2f} s server"
    console.print(f"{name}: {used} ({told.value:.3f}, {told.observed:.2f} observed)")
    console.print(f"  files: {'; '.join(files)}")


if __name__ == "__main__":
    main()
