"""What a page asks the cloud, in a city of 100,000 bays and in one of 1,000.

Both cities have the same edges and lots, so the answers of a city-wide page are equally long and
only the bays and events behind them differ: 100 bays of an edge and 300,000 events against 1 bay
and 3,000 events. A lot's own calls (bays, dwell, series) are asked of one of 100 bays with 1,000
events each in both, so that what grows is the rest of the city. Events arrive meanwhile, 50 a
second.

    python benchmarks/cloud_queries.py [--edges 1000] [--lots 400] [--bays 100] [--events 300000]

Prints the median of each call in milliseconds, and the ratio. PostgreSQL is a private cluster with
fsync on.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import text

from benchmarks.ingest import databases
from cloud_app.config import DatabaseConfig, RulesConfig
from cloud_app.ingest.batch import Batch, take_batch
from cloud_app.rules import judge
from cloud_app.storage.alerts import EVERY_ALERT, alerts
from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Database, Session, Values
from cloud_app.storage.dwell import lot_stays
from cloud_app.storage.open import open_database
from cloud_app.storage.queries import Now, bays_now, edges_now, edges_to_reread, lot_now, lots_now
from cloud_app.storage.series import lot_series
from cloud_app.storage.streams import EventFilter, holes, recent_events
from cloud_app.storage.tables import event
from cloud_app.storage.times import to_ms
from tests.cloud_app.scripted_edge import ScriptedEdge

NOW = datetime.now(UTC).replace(microsecond=0)
DAY_MS = 86_400_000
# The lot that is looked at has as many bays in either city.
LOOKED_AT = "looked-at"


@dataclass(frozen=True)
class City:
    """How large."""

    edges: int
    lots: int
    bays: int
    events: int


def fill(database: Database, city: City) -> None:
    """Layouts and snapshots through the intake, the events behind them in bulk."""
    boxes = [
        ScriptedEdge(
            edge=f"box-{n:04d}",
            site=f"site-{n % 40:02d}",
            lot=f"lot-{n % city.lots:03d}",
            bay_ids=tuple(f"b{k:03d}" for k in range(city.bays)),
            now=NOW,
        )
        for n in range(city.edges - 1)
    ]
    names = tuple(f"b{k:03d}" for k in range(100))
    boxes.append(ScriptedEdge("box-looked-at", "site-00", LOOKED_AT, names, now=NOW))
    source = random.Random(7)
    each, deep = city.events // city.edges, 1000 * len(names)
    for box in boxes:
        box.occ = {bay: source.random() < 0.7 for bay in box.bay_ids}
        box.seq = deep if box.lot == LOOKED_AT else each
        with database.write() as session:
            take_batch(session, Batch.of([*box.hello(), box.health()], "pk"))
    for start in range(0, len(boxes), 20):
        rows = [
            row
            for box in boxes[start : start + 20]
            for row in history(box, deep if box.lot == LOOKED_AT else each)
        ]
        with database.write() as session:
            session.load(event, rows)
    with database.write() as session:
        session.run(text("UPDATE stream SET upto = top"))


def history(box: ScriptedEdge, count: int) -> Iterator[Values]:
    """Rows of `event`: the bays in turn, over the last two months."""
    body = box.change(box.bay_ids[0], True).payload.decode()
    step_ms = 60 * DAY_MS // max(1, count)
    for n in range(count):
        at_ms = to_ms(NOW) - (count - n) * step_ms
        bay, occ = box.bay_ids[n % len(box.bay_ids)], (n // len(box.bay_ids)) % 2
        key = (box.edge, 1, n + 1, box.site, "changed", bay, at_ms)
        yield (*key, occ, 0, None, at_ms, 0.97, "detection", box.layout.hash, body)


def calls() -> dict[str, Callable[[Session], object]]:
    """What pages and the rules ask."""
    now = Now(to_ms(NOW), 180_000)
    day, quarter = (Window(to_ms(NOW) - days * DAY_MS, to_ms(NOW)) for days in (1, 90))
    return {
        "all lots": lambda s: lots_now(s, now),
        "map: lots of a site": lambda s: lots_now(s, now, ["site-00"]),
        "one lot": lambda s: lot_now(s, now, "site-00", LOOKED_AT),
        "one lot's bays": lambda s: bays_now(s, now, site="site-00", lot=LOOKED_AT),
        "all edges": lambda s: edges_now(s, now),
        "alerts": lambda s: alerts(s, now.now_ms, EVERY_ALERT, 50),
        "newest events": lambda s: recent_events(s, 50),
        "newest events of a site": lambda s: recent_events(s, 50, EventFilter(["site-01"])),
        "dwell of 24 h": lambda s: lot_stays(s, "site-00", LOOKED_AT, day),
        "series of 90 days": lambda s: lot_series(s, "site-00", LOOKED_AT, quarter, DAY_MS),
        "holes, missed layouts": lambda s: (holes(s), edges_to_reread(s, now)),
        "rules, one round": lambda s: judge(s, now, RulesConfig(), 0),
    }


@contextmanager
def arriving(database: Database, rate_hz: float = 50.0) -> Iterator[None]:
    """Events come in while others read."""
    stop = threading.Event()
    boxes = [
        ScriptedEdge(f"busy-{n}", "site-39", "busy", now=NOW - timedelta(hours=1)) for n in range(5)
    ]

    def run() -> None:
        while not stop.wait(10 / rate_hz):
            messages = [box.change("a1", bool(box.seq % 2)) for box in boxes for _ in range(2)]
            with database.write() as session:
                take_batch(session, Batch.of(messages, "pk"))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def medians_ms(database: Database, repeat: int) -> dict[str, float]:
    found: dict[str, float] = {}
    with arriving(database):
        for name, call in calls().items():
            took_ms = []
            for _ in range(repeat):
                with database.write() if name.startswith("rules") else database.read() as session:
                    start_s = time.perf_counter()
                    call(session)
                    took_ms.append(1000 * (time.perf_counter() - start_s))
            found[name] = statistics.median(took_ms)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", type=int, default=1000)
    parser.add_argument("--lots", type=int, default=400)
    parser.add_argument("--bays", type=int, default=100, help="of an edge")
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--repeat", type=int, default=15)
    options = parser.parse_args()
    large = City(options.edges, options.lots, options.bays, options.events)
    small = City(options.edges, options.lots, 1, options.events // 100)
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as kinds:
        for kind, new_url in kinds.items():
            found = []
            for city in (small, large):
                database = open_database(DatabaseConfig(url=SecretStr(new_url())))
                fill(database, city)
                if kind == "PostgreSQL":
                    with database.write() as session:
                        session.run(text("ANALYZE"))
                found.append(medians_ms(database, options.repeat))
                database.close()
            for name, large_ms in found[1].items():
                figures = {"small_ms": round(found[0][name], 2), "large_ms": round(large_ms, 2)}
                ratio = round(large_ms / found[0][name], 2)
                print(
                    json.dumps({"database": kind, "call": name, **figures, "ratio": ratio}),
                    flush=True,
                )


if __name__ == "__main__":
    main()
