"""What the lake costs the intake, and how long one lot's month takes to read.

`ingest`: events from a consumer's inbox to the commit, without and with a lake that writes all the
while (twenty thousand events a file, not an hour's as by default) and has all of them at the end,
in turn. What counts is the processor time per event, of this process and of the database: the
lake's share of it is what it costs the rate of a machine that is busy. By the clock it costs less
where a core is idle. With `--postgres` on a private cluster, else on SQLite.

`month`: events of 1,000 lots at 50 sites over 30 days, once as raw JSON, a file a day, and once as
the lake has them after compaction. The question is that of docs/lake.md, how full one lot was by
the hour; DuckDB answers both, each in a process of its own, with 1 GB.

    python benchmarks/lake.py [--pairs 4] [--events 40000] [--postgres]
        [--month 1000000] [--folder FOLDER]
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
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from benchmarks.ingest_worker import EDGES, Nobody, interleaved, nothing, server_cpu_s
from cloud_app.config import DatabaseConfig, IngestConfig, LakeConfig
from cloud_app.ingest.worker import IngestWorker
from cloud_app.lake.catalogue import Catalogue, Draft, Kind, Place
from cloud_app.lake.query import LakeReader, Span
from cloud_app.lake.schema import EventRow, Places, by_place, events_table, stored_batch
from cloud_app.lake.store import LakeStore
from cloud_app.lake.worker import LakeWorker
from cloud_app.storage.open import open_database
from cloud_app.storage.times import to_ms
from telemetry import SystemClock
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import PostgresCluster, running_postgres

HERE = Path(__file__).resolve()
SITES, LOTS_A_SITE, DAYS, BAYS = 50, 20, 30, 40
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
ASKED = ("site-07", "lot-07-11")


def ingest(folder: Path, url: str, events: int, *, with_lake: bool) -> dict[str, float]:
    """One run in this process."""
    database = open_database(DatabaseConfig(url=SecretStr(url)))
    clock = SystemClock()
    worker = IngestWorker(database, (), Nobody(), IngestConfig(), "pk", clock, nothing)
    messages = interleaved(range(EDGES), events // EDGES)
    # Connections, caches and plans of both are those of a service that runs.
    worker.take(messages[:500])
    config = LakeConfig(folder=folder / "lake", roll_rows=20_000)
    lake = LakeWorker(config, database, clock, "pk", 24)
    lake.seal()
    for message in messages[500:]:
        worker.inbox.put(message)
    done = threading.Event()

    def rounds() -> None:
        while not done.wait(1.0):
            lake.tick()

    threads = [threading.Thread(target=worker.run)]
    if with_lake:
        threads.append(threading.Thread(target=rounds))
    name = url.rpartition("/")[2]
    start_s, cpu_s, server_s = time.perf_counter(), time.process_time(), server_cpu_s(name)
    for thread in threads:
        thread.start()
    while worker.counts.messages < len(messages):
        time.sleep(0.01)
    took_s = time.perf_counter() - start_s
    done.set()
    worker.stop()
    for thread in threads:
        thread.join()
    if with_lake:
        # What the lake has not written yet is its work too.
        lake.seal()
    used_s = time.process_time() - cpu_s + server_cpu_s(name) - server_s
    count = len(messages) - 500
    database.close()
    return {"events_per_s": round(count / took_s), "cpu_us": round(1e6 * used_s / count, 1)}


@contextmanager
def postgres() -> Iterator[PostgresCluster]:
    """A private cluster with fsync on."""
    found = shutil.which("initdb", path=os.environ.get("PATH", "") + ":/usr/lib/postgresql/15/bin")
    if found is None:
        msg = "initdb is needed"
        raise SystemExit(msg)
    with running_postgres(Path(found).resolve().parent) as cluster:
        yield cluster


def cost(options: argparse.Namespace) -> None:
    """Runs without and with a lake, in turn, and what the lake costs."""
    seen: dict[str, list[dict[str, float]]] = {"without": [], "with": []}
    with postgres() if options.postgres else nullcontext() as server:
        for n in range(options.pairs):
            for which, runs in seen.items():
                url = () if server is None else ("--url", server.new_database(f"{which}{n}"))
                told = child("--one", which, "--events", str(options.events), *url)
                runs.append(told)
                print(json.dumps({"what": f"ingest {which} lake", **told}), flush=True)
    for name in ("cpu_us", "events_per_s"):
        for which, runs in seen.items():
            values = [each[name] for each in runs]
            line = {"least": min(values), "median": statistics.median(values), "most": max(values)}
            print(json.dumps({"what": f"{name} {which} lake", **line}))
    pairs = zip(seen["without"], seen["with"], strict=True)
    shares = sorted(100 * (1 - a["cpu_us"] / b["cpu_us"]) for a, b in pairs)
    told = {"least": shares[0], "median": statistics.median(shares), "most": shares[-1]}
    rounded = {name: round(value, 1) for name, value in told.items()}
    print(json.dumps({"what": "cost of the lake, % of the rate by processor time", **rounded}))


def made_events(day: int, site: int, count: int) -> Iterator[EventRow]:
    """Changes of one site's bays on one day, as rows of the table `event`."""
    edge = ScriptedEdge(edge=f"box-{site:02d}", site=f"site-{site:02d}")
    told = json.loads(edge.change("b0", False).payload)
    data = told["data"]
    conf, cause, layout = data["conf"], data["cause"], data["layout"]
    told |= {"id": "1-{seq}", "subject": "{bay}", "time": "{time}"}
    told["data"] |= {"occ": "{occ}", "state": "{state}", "since": "{time}"}
    # Written once and filled in, since millions of them are.
    text = json.dumps(told, separators=(",", ":")).replace("%", "%%").replace('"{occ}"', "{occ}")
    for name in ("seq", "bay", "time", "occ", "state"):
        text = text.replace(f"{{{name}}}", f"%({name})s")
    start = FIRST + timedelta(days=day)
    start_ms, date = to_ms(start), f"{start:%Y-%m-%d}"
    for n in range(count):
        lot, ms = n % LOTS_A_SITE, 86_400_000 * n // count
        bay, occ = f"lot-{site:02d}-{lot:02d}-{n // LOTS_A_SITE % BAYS:02d}", bool(n * 7 % 3 % 2)
        seq = day * count + n + 1
        body = text % {
            "seq": seq, "bay": bay, "occ": "true" if occ else "false",
            "time": f"{date}T{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:"
            f"{ms // 1000 % 60:02d}.{ms % 1000:03d}Z",
            "state": "occupied" if occ else "free",
        }  # fmt: skip
        yield EventRow(
            edge.edge, 1, seq, edge.site, "changed", bay, start_ms + ms, int(occ), 0, None,
            start_ms + ms, conf, cause, layout, body,
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
                [(_, _, table)] = by_place(events_table([stored_batch(rows)], places))
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
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--month", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="for the month; kept, and used again")
    parser.add_argument("--one", choices=["without", "with", "parquet", "json"])
    parser.add_argument("--at", type=Path)
    parser.add_argument("--url")
    parser.add_argument("--postgres", action="store_true", help="instead of SQLite")
    options = parser.parse_args()
    if options.one in {"without", "with"}:
        with tempfile.TemporaryDirectory() as name:
            url = options.url or f"sqlite:{Path(name) / 'cloud.db'}"
            figures = ingest(Path(name), url, options.events, with_lake=options.one == "with")
        print(json.dumps(figures))
        return
    if options.one:
        print(json.dumps(ask(options.at, options.one)))
        return
    if options.pairs:
        cost(options)
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
