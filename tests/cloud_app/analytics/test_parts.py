"""Zones and kinds of bay: forecast beside their lot, compared with what came, searched for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cloud_app.analytics.accuracy import AccuracyKeeper
from cloud_app.analytics.fits import ForecastWorker
from cloud_app.analytics.past import PARTS_MAX, LotPart, parts_among
from cloud_app.analytics.tables import forecast_due
from cloud_app.storage.database import Database
from cloud_app.storage.report_tables import quarter_part
from cloud_app.storage.steps import QUARTER_MS
from cloud_app.storage.tables import quarter
from cloud_app.storage.times import to_ms
from telemetry.layout import Layout
from telemetry.messages import LayoutBay
from telemetry.vocabulary import BayKind
from tests.cloud_app.hub import TOKENS, Hub
from tests.cloud_app.registry.places import say
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take

BERLIN = ZoneInfo("Europe/Berlin")
PARTS = {("east", "standard"): 4, ("west", "standard"): 4, ("west", "ev"): 2}
FORECAST = "/api/v1/lots/north/p1/forecast"
LIKELY = "/api/v1/likely-free"


@dataclass
class ZonedEdge(ScriptedEdge):
    """A box whose lot has two zones and two kinds of bay; a bay is named after both."""

    bay_ids: tuple[str, ...] = tuple(
        f"{zone}-{kind}-{number}"
        for (zone, kind), bays in PARTS.items()
        for number in range(bays)
    )  # fmt: skip

    @property
    def layout(self) -> Layout:
        split = (bay.split("-") for bay in self.bay_ids)
        return Layout.of(
            [
                LayoutBay(bay=bay, camera="cam-1", lot="p1", zone=zone, kind=BayKind(kind))
                for bay, (zone, kind, _) in zip(self.bay_ids, split, strict=True)
            ]
        )


def share_of(zone: str, kind: str, at: datetime) -> float:
    """East is full by day, west by night; charging points always are nearly full."""
    is_day = 8 <= at.astimezone(BERLIN).hour < 20
    return 0.95 if kind == "ev" else 0.9 if is_day == (zone == "east") else 0.1


def remember(database: Database, first: datetime, last: datetime) -> None:
    """Quarters of the lot and of its parts."""
    random = np.random.default_rng(1)
    wholes, parts = [], []
    for start_ms in range(to_ms(first) // QUARTER_MS * QUARTER_MS, to_ms(last), QUARTER_MS):
        at = datetime.fromtimestamp(start_ms / 1000, BERLIN)
        occupied = 0
        for (zone, kind), bays in PARTS.items():
            share = float(np.clip(random.normal(share_of(zone, kind, at), 0.03), 0, 1))
            some = int(share * bays * QUARTER_MS)
            occupied += some
            rest = bays * QUARTER_MS - some
            parts.append(("north", "p1", start_ms, "box-1", zone, kind, some, rest, 0))
        rest = sum(PARTS.values()) * QUARTER_MS - occupied
        wholes.append(("north", "p1", start_ms, "box-1", occupied, rest, 0))
    with database.write() as session:
        session.load(quarter, wholes)
        session.load(quarter_part, parts)


def test_zones_and_kinds_are_forecast(database: Database) -> None:
    hub, edge = Hub(database, TOKENS), ZonedEdge()
    take(database, edge.hello())
    # As always at nine in the morning.
    take(database, [edge.change(bay, not bay.startswith("west-s"), 0) for bay in edge.bay_ids])
    with database.write() as session:
        say(session, "site", "north", time_zone="Europe/Berlin")
    remember(database, START - timedelta(days=30), START)
    ForecastWorker(database, hub.clock).tick()
    hub.clock.now_s += 60
    keeper = AccuracyKeeper(database, hub.clock, 10**6)

    with hub.client("north-only") as http:
        whole = http.get(FORECAST, params={"hours": 48}).json()
        assert (whole["zone"], whole["zones"], whole["bays"]) == (None, ["east", "west"], 10)
        for zone, bays in (("east", 4), ("west", 6)):
            told = http.get(FORECAST, params={"hours": 48, "zone": zone}).json()
            assert (told["reason"], told["zone"], told["bays"]) == (None, zone, bays)
            for point in told["points"][-96:]:
                local = datetime.fromisoformat(point["at"]).astimezone(BERLIN)
                if local.hour in {2, 12}:
                    is_full = (local.hour == 12) == (zone == "east")
                    assert (point["free"] < bays / 2) == is_full, (zone, local)
        wrong = http.get(FORECAST, params={"zone": "south"})
        assert (wrong.status_code, "east, west" in wrong.text) == (422, True)

        noon = START.astimezone(BERLIN).replace(hour=12, minute=0) + timedelta(days=1)
        for kind, word in (("standard", "likely"), ("ev", "unlikely")):
            given = {"at": noon.isoformat(), "kind": kind, "site": "north", "lot": "p1"}
            [found] = http.get(LIKELY, params=given).json()
            assert (found["likelihood"], found["reason"]) == (word, None)
            assert found["bays"] == sum(bays for (_, each), bays in PARTS.items() if each == kind)

    keeper.tick()
    with database.read() as session:
        due = {row.zone for row in session.rows(forecast_due.select())}
    assert due == {"", "east", "west"}
    start = hub.clock.utc()
    hub.clock.now_s += 3 * 3600
    remember(database, start, hub.clock.utc())
    keeper.tick()
    with hub.client("north-only") as http:
        for params in ({}, {"zone": "east"}, {"zone": "west"}):
            rows = http.get(f"{FORECAST}/accuracy", params=params).json()
            assert [row["ahead_min"] for row in rows] == [30, 60, 120]


def test_what_a_lot_is_told_apart_by() -> None:
    assert parts_among([("a", "standard")]) == {}, "the only zone is the lot"
    bays = [("", "standard"), ("a", "standard"), ("a", "ev")]
    assert parts_among(bays) == {
        LotPart(zone="a"): [("a", "standard"), ("a", "ev")],
        LotPart(kind="standard"): [("", "standard"), ("a", "standard")],
        LotPart(kind="ev"): [("a", "ev")],
    }
    names = {part.name("p1") for part in parts_among(bays)}
    assert names == {"p1/a", "p1:standard", "p1:ev"}
    assert len(names) <= PARTS_MAX
