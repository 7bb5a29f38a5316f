"""Forecasts of the service: learned at night, kept, asked for over the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cloud_app.analytics.demand import ForecastError
from cloud_app.analytics.fits import ForecastWorker
from cloud_app.analytics.forecasts import SiteForecasts
from cloud_app.analytics.free_places import likely_free
from cloud_app.analytics.tables import forecast_score
from cloud_app.storage.database import Database
from cloud_app.storage.queries import Now
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
    now = Now(to_ms(hub.clock.utc()), 10**9)
    local = hub.clock.utc().astimezone(BERLIN)
    noon = local.replace(hour=12, minute=0) + timedelta(days=1)
    while noon.weekday() >= 5:
        noon += timedelta(days=1)
    lots = [("north", "p1"), ("south", "s1"), ("north", "nowhere")]
    with database.read() as session:
        busy, night = (
            likely_free(session, now, lots, noon + timedelta(hours=hours)) for hours in (0, 9)
        )
        assert busy["south", "s1"] is busy["north", "nowhere"] is None, "nothing is made up"
        assert 0 <= (busy["north", "p1"] or 0) < 0.5 < (night["north", "p1"] or 0) <= 1
        three = likely_free(session, now, lots, noon, places=BAYS + 1)
        assert three["north", "p1"] == 0.0
        with pytest.raises(ForecastError, match="seven days"):
            likely_free(session, now, lots, noon + timedelta(days=9))


def test_intervals_widen_on_a_day_on_which_they_miss(database: Database) -> None:
    hub, _, _ = a_city(database)
    remember(database, hub, 30)
    ForecastWorker(database, hub.clock).tick()
    path = "/api/v1/lots/north/p1/forecast"

    def width(place: int) -> float:
        with hub.client("north-only") as http:
            point = http.get(path, params={"hours": 48}).json()["points"][place]
            return float(point["free_high"] - point["free_low"])

    before = (width(1), width(-1))
    day_ms = to_ms(hub.clock.utc()) // 86_400_000 * 86_400_000
    with database.write() as session:
        session.load(forecast_score, [("north", "p1", "", 30, day_ms, 4, 2.0, 0)])
    assert width(1) >= before[0]
    assert width(-1) == before[1], "a later day is another one"
    with database.read() as session:
        forecasts = SiteForecasts.of(session, Now(to_ms(hub.clock.utc()), 10**9), "north")
    assert forecasts.model.widths == {2: 2.0}


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
