"""What a page asks the cloud, in a city of 100,000 bays and in one of 1,000.

Both cities have the same edges and lots, so the answers of a city-wide page are equally long and
only the bays and events behind them differ: 100 bays of an edge and 300,000 events against 1 bay
and 3,000 events. A lot's own calls (bays, dwell, series) are asked of one of 100 bays with 1,000
events each in both, so that what grows is the rest of the city. Events arrive meanwhile, 50 a
second.

    python benchmarks/cloud_queries.py [--edges 1000] [--lots 400] [--bays 100] [--events 300000]
        [--database PostgreSQL]

Prints the median of each call in milliseconds, and the ratio. PostgreSQL is a private cluster with
fsync on. The past of the lot that is looked at is kept by quarters of an hour before anything is
asked, as the leader does in the background; `kept` says how long that took.
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
from functools import cached_property
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import text

from benchmarks.ingest import databases
from cloud_app.config import DatabaseConfig, RulesConfig
from cloud_app.ingest.batch import Batch, take_batch
from cloud_app.occupancy.city import map_lots, overview
from cloud_app.occupancy.finding import hits
from cloud_app.occupancy.plan import lot_plan
from cloud_app.registry.geometry import Box as Box4
from cloud_app.rules.builtin import judge
from cloud_app.storage.alerts import EVERY_ALERT, alerts
from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Database, Session, Values
from cloud_app.storage.dwell import lot_stays
from cloud_app.storage.edge_queries import edges_now, edges_to_reread
from cloud_app.storage.incidents import IncidentFilter, incidents
from cloud_app.storage.open import open_database
from cloud_app.storage.past import bays_at
from cloud_app.storage.quarters import keep_quarters
from cloud_app.storage.queries import Now, bays_now, lot_now, lots_now, lots_of_edges
from cloud_app.storage.series import lot_series
from cloud_app.storage.streams import EventFilter, holes, recent_events
from cloud_app.storage.tables import event, quarter_mark
from cloud_app.storage.times import to_ms
from telemetry.layout import Layout
from telemetry.messages import LayoutBay, Location, LotInfo
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


@dataclass
class Box(ScriptedEdge):
    """A box that also tells where its lot and its bays lie."""

    lat: float = 48.1
    lon: float = 11.5

    @cached_property
    def _placed(self) -> Layout:
        corners = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.3), (0.1, 0.3))
        place = Location(lat=self.lat, lon=self.lon)
        return Layout.of(
            [
                LayoutBay(bay=bay, camera=self.camera, lot=self.lot, zone="z1", picture=corners)
                for bay in self.bay_ids
            ],
            [LotInfo(lot=str(self.lot), name=f"Hall {self.lot}", location=place)],
        )

    @property
    def layout(self) -> Layout:
        return self._placed


def fill(database: Database, city: City) -> None:
    """Layouts and snapshots through the intake, the events behind them in bulk."""
    boxes = [
        Box(
            edge=f"box-{n:04d}",
            site=f"site-{n % 40:02d}",
            lot=f"lot-{n % city.lots:03d}",
            bay_ids=tuple(f"b{k:03d}" for k in range(city.bays)),
            now=NOW,
            lat=48.0 + (n % city.lots) // 20 / 100,
            lon=11.4 + (n % city.lots) % 20 / 100,
        )
        for n in range(city.edges - 1)
    ]
    names = tuple(f"b{k:03d}" for k in range(100))
    boxes.append(Box("box-looked-at", "site-00", LOOKED_AT, names, now=NOW))
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
        # Of the others no past is asked for.
        marks = [(box.edge, to_ms(NOW)) for box in boxes if box.lot != LOOKED_AT]
        session.load(quarter_mark, marks)


def keep(database: Database) -> float:
    """Keep the past of the lot that is looked at; return how long it took in seconds."""
    start_s, edges = time.perf_counter(), 1
    while edges:
        with database.write() as session:
            edges = keep_quarters(session, to_ms(NOW), 0, 25)
    return time.perf_counter() - start_s


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
    month = Window(quarter.start_ms + 1, quarter.start_ms + 30 * DAY_MS)
    open_now, looked_at = IncidentFilter(is_open=True), ("site-00", LOOKED_AT)
    return {
        "all lots": lambda s: lots_now(s, now),
        "lots of a site": lambda s: lots_now(s, now, ["site-00"]),
        "one lot": lambda s: lot_now(s, now, *looked_at),
        "one lot's bays": lambda s: bays_now(s, now, site="site-00", lot=LOOKED_AT),
        "one lot's bays a week ago": lambda s: bays_at(s, *looked_at, to_ms(NOW) - 7 * DAY_MS),
        "one lot's plan": lambda s: lot_plan(s, *looked_at),
        "map: the whole city": lambda s: map_lots(s, now, None, Box4(11, 47, 12, 49), 2000),
        "map: a quarter": lambda s: map_lots(s, now, None, Box4(11.4, 48, 11.5, 48.1), 2000),
        "overview": lambda s: overview(s, now, None),
        "search: a lot": lambda s: hits(s, "lot-12", None, 20),
        "search: a bay": lambda s: hits(s, "b00", None, 20),
        "search: a bay of a lot": lambda s: hits(s, "looked b000", None, 20),
        "live: fifty edges": lambda s: lots_of_edges(s, now, [f"box-{n:04d}" for n in range(50)]),
        "all edges": lambda s: edges_now(s, now),
        "alerts": lambda s: alerts(s, now.now_ms, EVERY_ALERT, 50),
        "open incidents": lambda s: incidents(s, now, open_now, 50),
        "newest events": lambda s: recent_events(s, 50),
        "newest events of a site": lambda s: recent_events(s, 50, EventFilter(["site-01"])),
        "dwell of 24 h": lambda s: lot_stays(s, *looked_at, day),
        "series of a day": lambda s: lot_series(s, *looked_at, day, 900_000),
        "series of 90 days": lambda s: lot_series(s, *looked_at, quarter, DAY_MS),
        "series of a month, from events": lambda s: lot_series(s, *looked_at, month, 3_599_999),
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
    parser.add_argument("--database", choices=["SQLite", "PostgreSQL"], help="both if absent")
    options = parser.parse_args()
    large = City(options.edges, options.lots, options.bays, options.events)
    small = City(options.edges, options.lots, 1, options.events // 100)
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as kinds:
        for kind, new_url in kinds.items():
            if options.database not in {None, kind}:
                continue
            found = []
            for city in (small, large):
                database = open_database(DatabaseConfig(url=SecretStr(new_url())))
                start_s = time.perf_counter()
                fill(database, city)
                filled_s, kept_s = time.perf_counter() - start_s, keep(database)
                took = {"filled_s": round(filled_s, 1), "kept_s": round(kept_s, 1)}
                bays = city.edges * city.bays
                print(json.dumps({"database": kind, "bays": bays, **took}), flush=True)
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
