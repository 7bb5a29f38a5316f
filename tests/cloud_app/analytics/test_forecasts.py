"""Forecasts of the service: learned at night, kept, asked for over the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pytest

from cloud_app.analytics.fits import ForecastWorker
from cloud_app.analytics.widths import PUT_WIDTHS, Came, Widths, forget_widths, moved
from cloud_app.storage.database import Database
from cloud_app.storage.tables import quarter
from cloud_app.storage.times import to_ms
from tests.cloud_app.hub import Hub
from tests.cloud_app.occupancy.city import a_city

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER_MS = 900_000
BAYS = 2


def remember(database: Database, hub: Hub, days: int, until_days: int = 0) -> None:
    """Quarters of the north's lot: full from nine to five on working days, else empty."""
    random = np.random.default_rng(1)
    now = hub.clock.utc()
    first = to_ms(now - timedelta(days=days)) // QUARTER_MS * QUARTER_MS
    rows = []
    last = to_ms(now - timedelta(days=until_days)) // QUARTER_MS * QUARTER_MS
    for start_ms in range(first, last, QUARTER_MS):
        local = datetime.fromtimestamp(start_ms / 1000, BERLIN)
        is_busy = local.weekday() < 5 and 9 <= local.hour < 17
        share = float(np.clip(random.normal(0.9 if is_busy else 0.1, 0.03), 0, 1))
        occupied_ms = int(share * BAYS * QUARTER_MS)
        rows.append(
            ("north", "p1", start_ms, "box-1", occupied_ms, BAYS * QUARTER_MS - occupied_ms, 0)
        )
    with database.write() as session:
        session.load(quarter, rows)


def test_a_lot_is_forecast_once_enough_is_known(database: Database) -> None:
    hub, _, _ = a_city(database)
    path = "/api/v1/lots/north/p1/forecast"
    worker = ForecastWorker(database, hub.clock)
    with hub.client("north-only") as http:
        nothing = http.get(path).json()
        assert nothing["points"] == []
        assert "three weeks" in nothing["reason"]
        remember(database, hub, 30)
        worker.tick()
        told = http.get(path, params={"hours": 168}).json()
        assert (told["reason"], told["bays"]) == (None, BAYS)
        assert datetime.fromisoformat(told["learned"]) == hub.clock.utc().replace(microsecond=0)
        at = [datetime.fromisoformat(each["at"]) for each in told["points"]]
        assert hub.clock.utc() < at[0] <= hub.clock.utc() + timedelta(hours=1)
        assert len(at) <= 200
        assert at == sorted(at)
        for point, when in zip(told["points"], at, strict=True):
            assert 0 <= point["free_low"] <= point["free"] <= point["free_high"] <= BAYS
            local = when.astimezone(BERLIN)
            # Not at the edges, and not while today differs from the usual.
            if when - at[0] > timedelta(days=2) and local.hour in {2, 12, 21}:
                is_busy = local.weekday() < 5 and local.hour == 12
                assert (point["free"] < BAYS / 2) == is_busy, local
        assert len(http.get(path, params={"hours": 2}).json()["points"]) == 8
        assert http.get("/api/v1/lots/south/s1/forecast").status_code == 404


def test_a_search_learns_how_likely_a_place_will_be_free(database: Database) -> None:
    hub, _, _ = a_city(database)
    remember(database, hub, 30)
    ForecastWorker(database, hub.clock).tick()
    noon = hub.clock.utc().astimezone(BERLIN).replace(hour=12, minute=0) + timedelta(days=1)
    while noon.weekday() >= 5:
        noon += timedelta(days=1)

    def asked(http: httpx.Client, at: datetime, **more: str) -> dict[str, dict[str, Any]]:
        answer = http.get("/api/v1/likely-free", params={"at": at.isoformat()} | more)
        assert answer.status_code == 200, answer.text
        return {each["lot"]: each for each in answer.json()}

    with hub.client("all") as http:
        busy, night = (asked(http, noon + timedelta(hours=hours)) for hours in (0, 9))
        assert set(busy) == {"p1", "s1"}
        assert busy["p1"]["likelihood"] == "unlikely"
        assert (night["p1"]["likelihood"], night["p1"]["bays"]) == ("likely", BAYS)
        assert busy["p1"]["probability"] < 0.4
        assert 0.8 <= night["p1"]["probability"] <= 1
        assert busy["s1"]["probability"] is busy["s1"]["likelihood"] is None, "nothing is made up"
        assert "three weeks" in busy["s1"]["reason"]
        assert asked(http, noon, places=str(BAYS + 1))["p1"]["probability"] == 0
        ev = asked(http, noon, kind="ev", site="north", lot="p1")["p1"]
        assert (ev["probability"], ev["reason"]) == (None, "the lot has no bays of this kind")
        for wrong in (
            {"at": (noon + timedelta(days=9)).isoformat()},
            {"at": (hub.clock.utc() - timedelta(hours=1)).isoformat()},
            {"at": noon.isoformat(), "kind": "reserved"},
            {"at": noon.isoformat(), "lot": "p1"},
            {"at": "18:00"},
        ):
            assert http.get("/api/v1/likely-free", params=wrong).status_code == 422, wrong
    with hub.client("north-only") as http:
        assert set(asked(http, noon)) == {"p1"}, "the other site is somebody else's"
        hub.clock.now_s += 3 * 3600
        stopped = asked(http, noon)["p1"]
        assert stopped["probability"] is None
        assert stopped["reason"] == "the state of no bay is known now"


def test_intervals_follow_what_past_ones_held(database: Database) -> None:
    hub, _, _ = a_city(database)
    remember(database, hub, 30)
    ForecastWorker(database, hub.clock).tick()
    path = "/api/v1/lots/north/p1/forecast"

    def width(place: int) -> float:
        with hub.client("north-only") as http:
            point = http.get(path, params={"hours": 48}).json()["points"][place]
            return float(point["free_high"] - point["free_low"])

    before = (width(2), width(-1))
    now_ms = to_ms(hub.clock.utc())
    for number in range(10):
        missed = [Came(now_ms + number, "north", "p1", "", 30, (number % 2 == 0, number % 2 == 1))]
        with database.write() as session:
            session.upsert(PUT_WIDTHS, moved(session, missed))
    assert width(2) > before[0]
    assert width(-1) > before[1], "of the nearest horizon that something is told of"
    with database.read() as session:
        widths = Widths.of(session, "north")
        # Each side was missed five times: 5 x 0.9 - 5 x 0.1, of the lot and of its site.
        assert widths.factors("p1")[2] == pytest.approx([np.exp(0.3 * 4.0)] * 2)
        assert widths.factors("other")[2] == pytest.approx([np.exp(0.2 * 4.0)] * 2)
        assert Widths.of(session, "south").factors("s1") == {}
    with database.write() as session:
        forget_widths(session, now_ms + 40 * 86_400_000)
        assert Widths.of(session, "north").logs == {}


def test_learning_is_of_the_night_and_of_one_site_at_a_time(database: Database) -> None:
    hub, _, _ = a_city(database)
    remember(database, hub, 30)
    worker = ForecastWorker(database, hub.clock)

    def learned() -> str | None:
        worker.tick()
        with hub.client("all") as http:
            at: str | None = http.get("/api/v1/lots/north/p1/forecast").json()["learned"]
            return at

    first = learned()
    assert first is not None
    hub.clock.now_s += 21 * 3600
    local = hub.clock.utc().astimezone(BERLIN)
    assert not 2 <= local.hour < 6
    assert learned() == first, "the next night will do"
    while not 2 <= hub.clock.utc().astimezone(BERLIN).hour < 6:
        hub.clock.now_s += 3600
    assert learned() != first


def test_a_site_with_too_little_data_is_tried_again_soon(database: Database) -> None:
    hub, _, _ = a_city(database)
    remember(database, hub, 10)
    worker = ForecastWorker(database, hub.clock)
    worker.tick()
    with hub.client("all") as http:
        answer = http.get("/api/v1/lots/north/p1/forecast").json()
    assert answer["learned"] is None
    assert answer["reason"].startswith("nothing was learned of this lot yet")
    remember(database, hub, 30, until_days=10)
    worker.tick()
    with hub.client("all") as http:
        assert http.get("/api/v1/lots/north/p1/forecast").json()["learned"] is None
        hub.clock.now_s += 601
        worker.tick()
        assert http.get("/api/v1/lots/north/p1/forecast").json()["learned"] is not None
