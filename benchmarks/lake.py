"""What the lake costs the intake, and how long one lot's month takes to read.

`ingest`: events per second from a consumer's inbox to the commit, without and with a lake that
writes all the while (ten thousand events a file, not an hour's as by default), in turn. It says
how much of the events the lake had when the last one was committed, and the processor time of both
for each event.

`month`: events of 1,000 lots at 50 sites over 30 days, once as raw JSON, a file a day, and once as
the lake has them after compaction. The question is that of docs/lake.md, how full one lot was by
the hour; DuckDB answers both, each in a process of its own, with 1 GB.

    python benchmarks/lake.py [--pairs 2] [--events 40000] [--month 1000000] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from benchmarks.ingest_worker import EDGES, Nobody, interleaved, nothing
from cloud_app.config import DatabaseConfig, IngestConfig, LakeConfig
from cloud_app.ingest.worker import IngestWorker
from cloud_app.lake.catalogue import Catalogue, Draft, Kind, Place
from cloud_app.lake.query import LakeReader, Span
from cloud_app.lake.schema import EventRow, Places, by_place, events_table
from cloud_app.lake.store import LakeStore
from cloud_app.lake.worker import LakeWorker
from cloud_app.storage.open import open_database
from cloud_app.storage.times import to_ms
from telemetry import SystemClock
from tests.cloud_app.scripted_edge import ScriptedEdge

HERE = Path(__file__).resolve()
SITES, LOTS_A_SITE, DAYS, BAYS = 50, 20, 30, 40
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
ASKED = ("site-07", "lot-07-11")


def ingest(folder: Path, events: int, *, with_lake: bool) -> dict[str, float]:
    """One run in this process."""
    database = open_database(DatabaseConfig(url=SecretStr(f"sqlite:{folder / 'cloud.db'}")))
    clock = SystemClock()
    worker = IngestWorker(database, (), Nobody(), IngestConfig(), "pk", clock, nothing)
    messages = interleaved(range(EDGES), events // EDGES)
    worker.take(messages[:500])
    config = LakeConfig(folder=folder / "lake", roll_rows=10_000)
    lake = LakeWorker(config, database, clock, "pk", 24)
    lake.seal()
    for message in messages[500:]:
        worker.inbox.put(message)
    done = threading.Event()

    def rounds() -> None:
        while not done.wait(0.2):
            lake.tick()

    threads = [threading.Thread(target=worker.run)]
    if with_lake:
        threads.append(threading.Thread(target=rounds))
    start_s, cpu_s = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    while worker.counts.messages < len(messages):
        time.sleep(0.002)
    took_s, used_s = time.perf_counter() - start_s, time.process_time() - cpu_s
    with database.read() as session:
        from cloud_app.storage.lake_queries import pending

        waiting = pending(session)
    done.set()
    worker.stop()
    for thread in threads:
        thread.join()
    count = len(messages) - 500
    database.close()
    return {
        "events_per_s": round(count / took_s),
        "in_lake_pct": round(100 * (1 - waiting / count)),
        "cpu_us": round(1e6 * used_s / count, 1),
    }


def made_events(day: int, site: int, count: int) -> Iterator[EventRow]:
    """Changes of one site's bays on one day, as rows of the table `event`."""
    edge = ScriptedEdge(edge=f"box-{site:02d}", site=f"site-{site:02d}")
    told = json.loads(edge.change("b0", False).payload)
    start = FIRST + timedelta(days=day)
    for n in range(count):
        lot, at = n % LOTS_A_SITE, start + timedelta(seconds=86_400 * n / count)
        bay, occ = f"lot-{site:02d}-{lot:02d}-{n // LOTS_A_SITE % BAYS:02d}", bool(n * 7 % 3 % 2)
        seq = day * count + n + 1
        text = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
        told |= {"id": f"1-{seq}", "subject": bay, "time": text}
        told["data"] |= {"occ": occ, "state": "occupied" if occ else "free", "since": text}
        data = told["data"]
        yield EventRow(
            edge.edge, 1, seq, edge.site, "changed", bay, to_ms(at), int(occ), 0, None, to_ms(at),
            data["conf"], data["cause"], data["layout"], json.dumps(told, separators=(",", ":")),
        )  # fmt: skip


def make_month(folder: Path, events: int) -> None:
    """Write the same events as raw JSON by day, and as a lake after compaction."""
    each = max(LOTS_A_SITE, events // (DAYS * SITES))
    database = open_database(DatabaseConfig(url=SecretStr(f"sqlite:{folder / 'cloud.db'}")))
    store = LakeStore.of(LakeConfig(folder=folder / "lake"))
    catalogue = Catalogue(database, store, SystemClock())
    (folder / "raw").mkdir()
    for day in range(DAYS):
        drafts = []
        with (folder / "raw" / f"{day:02d}.ndjson").open("w") as raw:
            for site in range(SITES):
                rows = list(made_events(day, site, each))
                raw.writelines(f"{row.body}\n" for row in rows)
                layout = rows[0].layout
                places = Places.made(
                    [
                        (row.edge, layout, row.bay, str(row.bay)[:-3], "z1", "cam-1", 0)
                        for row in rows[: LOTS_A_SITE * BAYS]
                    ],
                    [(rows[0].edge, "box")],
                )
                date = f"{FIRST + timedelta(days=day):%Y-%m-%d}"
                place = Place(Kind.EVENTS, date, f"site-{site:02d}")
                [(_, _, table)] = by_place(events_table(rows, places))
                drafts.append(Draft(place, table))
        catalogue.publish(drafts)
    catalogue.write_manifest()
    database.close()


def question() -> str:
    """Occupancy by hour, as docs/lake.md has it, for one lot."""
    page = (HERE.parents[1] / "docs" / "lake.md").read_text()
    sql = str(re.findall(r"```sql\n(.*?)```", page, re.DOTALL)[1])
    return sql.replace("'north'", f"'{ASKED[0]}'").replace("'p1'", f"'{ASKED[1]}'")


def ask(folder: Path, of: str) -> dict[str, float]:
    """Answer it in this process."""
    start_s = time.perf_counter()
    first, last = FIRST.date(), (FIRST + timedelta(days=DAYS)).date()
    reader = LakeReader(
        LakeStore.of(LakeConfig(folder=folder / "lake")), Span(first, last, [ASKED[0]])
    )
    if of == "json":
        reader.connection.execute(
            f"""CREATE OR REPLACE TEMP VIEW events AS SELECT
                split_part(source, '/', 3) AS site, split_part(source, '/', 4) AS edge,
                CAST(split_part(id, '-', 1) AS BIGINT) AS epoch,
                CAST(split_part(id, '-', 2) AS BIGINT) AS seq,
                subject AS bay, subject[:9] AS lot, type, CAST(time AS TIMESTAMPTZ) AS time,
                data.occ AS occ, false AS carried
            FROM read_ndjson('{folder}/raw/*.ndjson', columns = {{id: 'VARCHAR',
                source: 'VARCHAR', type: 'VARCHAR', subject: 'VARCHAR', time: 'VARCHAR',
                data: 'STRUCT(occ BOOLEAN)'}})"""
        )
    rows = list(reader.run(question()).rows)
    took_s = time.perf_counter() - start_s
    reader.close()
    return {
        "s": took_s,
        "rows": len(rows),
        "occupied": sum(row[1] or 0 for row in rows),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def child(*words: str) -> dict[str, float]:
    command = [sys.executable, str(HERE), *words]
    root = HERE.parents[1]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=root, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--month", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="for the month; kept, and used again")
    parser.add_argument("--one", choices=["without", "with", "parquet", "json"])
    parser.add_argument("--at", type=Path)
    options = parser.parse_args()
    if options.one in {"without", "with"}:
        with tempfile.TemporaryDirectory() as name:
            figures = ingest(Path(name), options.events, with_lake=options.one == "with")
        print(json.dumps(figures))
        return
    if options.one:
        print(json.dumps(ask(options.at, options.one)))
        return
    rates: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(options.pairs):
        for which, seen in rates.items():
            told = child("--one", which, "--events", str(options.events))
            seen.append(told["events_per_s"])
            print(json.dumps({"what": f"ingest {which} lake", **told}), flush=True)
    if options.pairs:
        cost = 1 - statistics.median(rates["with"]) / statistics.median(rates["without"])
        print(json.dumps({"what": "cost of the lake, % of the rate", "pct": round(100 * cost, 1)}))
    folder = options.folder or Path(tempfile.mkdtemp(prefix="lotsight-lake-"))
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "raw").exists():
        make_month(folder, options.month)
    raw = sum(path.stat().st_size for path in (folder / "raw").iterdir())
    packed = sum(path.stat().st_size for path in (folder / "lake").rglob("*.parquet"))
    print(json.dumps({"what": "size, MB", "json": raw // 10**6, "parquet": packed // 10**6}))
    answers = {of: child("--one", of, "--at", str(folder)) for of in ("parquet", "json")}
    for of, told in answers.items():
        print(json.dumps({"what": f"one lot by hour, {of}", **told}))
    ratio = answers["json"]["s"] / answers["parquet"]["s"]
    print(json.dumps({"what": "JSON / Parquet", "times": round(ratio, 1)}))
    if options.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
