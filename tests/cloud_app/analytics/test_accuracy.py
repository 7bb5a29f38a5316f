"""How good forecasts were, holidays, and local events."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from cloud_app.analytics.accuracy import AccuracyKeeper
from cloud_app.analytics.calendars import Calendar, parse_events
from cloud_app.analytics.demand import DemandGrid, ForecastError, Slots
from cloud_app.analytics.fits import ForecastWorker, holidays_help
from cloud_app.storage.database import Database
from tests.cloud_app.analytics.test_forecasts import remember
from tests.cloud_app.occupancy.city import a_city
from tests.cloud_app.registry.places import say

ACCURACY = "/api/v1/lots/north/p1/forecast/accuracy"


def test_forecasts_are_compared_with_what_came(database: Database) -> None:
    hub, _, _ = a_city(database)
    remember(database, hub, 30, until_days=0)
    ForecastWorker(database, hub.clock).tick()
    keeper = AccuracyKeeper(database, hub.clock, 10**6)
    keeper.tick()
    keeper.tick()
    with hub.client("all") as http:
        assert http.get(ACCURACY).json() == [], "nothing has come due"
        start = hub.clock.utc()
        hub.clock.now_s += 3 * 3600
        since = (hub.clock.utc() - start) / timedelta(days=1)
        remember(database, hub, 0.0 + since, until_days=0)  # type: ignore[arg-type]
        keeper.tick()
        keeper.tick()
        found = {each["ahead_min"]: each for each in http.get(ACCURACY).json()}
        assert set(found) == {30, 60, 120}
        for each in found.values():
            assert each["forecasts"] == 1, "each is counted once"
            assert 0 <= each["error"] <= 1
            assert each["held"] in {0.0, 1.0}


def test_holidays_are_used_where_they_help() -> None:
    calendar = Calendar("DE", "BY")
    assert calendar.name_of(date(2026, 6, 4)) is not None, "Corpus Christi is one of Bavaria's"
    assert Calendar("DE", "BE").name_of(date(2026, 6, 4)) is None
    assert Calendar("DE", "XX").name_of(date(2026, 10, 3)) is not None, "the country's at least"
    assert Calendar(None, None).name_of(date(2026, 1, 1)) is None
    first, random = date(2026, 4, 1), np.random.default_rng(2)

    def past(*, empty_on_holidays: bool) -> list[DemandGrid]:
        shares = np.empty((84, 24))
        for day in range(84):
            at = first + timedelta(days=day)
            is_off = calendar.day_kind(at) if empty_on_holidays else int(at.weekday() >= 5)
            level = 0.15 if is_off else 0.75
            hours = level * (0.6 + 0.4 * np.sin(np.arange(24) / 24 * 6.28 - 1.5))
            shares[day] = np.clip(hours + random.normal(0, 0.02, 24), 0, 1)
        return [DemandGrid("p1", first, Slots(60, 0, 24), shares)]

    assert holidays_help(past(empty_on_holidays=True), calendar)
    assert not holidays_help(past(empty_on_holidays=True), Calendar(None, None))


def test_local_events_are_told_beside_the_forecast(database: Database) -> None:
    hub, _, _ = a_city(database)
    with database.write() as session:
        say(session, "site", "north", country="DE")
    tomorrow = hub.clock.utc() + timedelta(hours=20)
    end = tomorrow + timedelta(hours=3)
    file = (
        "lot,start,end,name,effect\n"
        f"p1,{tomorrow.isoformat()},{end.isoformat()},Match,0.2\n"
        f"other,{tomorrow.isoformat()},{end.isoformat()},Elsewhere,\n"
    )
    path = "/api/v1/sites/north/local-events"
    kind = {"Content-Type": "text/csv"}
    with hub.client("all") as http, hub.client("north-only") as reader:
        assert http.put(path, content=file, headers=kind).json() == {"events": 2}
        notes = http.get("/api/v1/lots/north/p1/forecast", params={"hours": 48}).json()["notes"]
        assert [(each["name"], each["used"], each["effect"]) for each in notes] == [
            ("Match", False, 0.2)
        ]
        assert reader.put(path, content=file, headers=kind).status_code == 403
        wrong = http.put(path, content=file.replace("0.2", "a lot"), headers=kind)
        assert (wrong.status_code, "line 2" in wrong.text) == (422, True)
        assert len(http.get(path, params={"lot": "p1"}).json()) == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("p1,2026-08-15T18:00,2026-08-15T23:00+02:00,Fair,", "start as"),
        ("p1,2026-08-15T18:00+02:00,2026-08-15T17:00+02:00,Fair,", "end after start"),
        ("p1,2026-08-15T18:00+02:00,2026-08-15T23:00+02:00,,", "a name"),
        ("p1,2026-08-15T18:00+02:00,2026-08-15T23:00+02:00,Fair,2", "effect"),
        ("p1,2026-08-15T18:00+02:00,2026-08-15T23:00+02:00,Fair,nan", "effect"),
    ],
)
def test_a_file_of_events_is_refused_with_its_line(row: str, told: str) -> None:
    good = "p1,2026-08-15T18:00+02:00,2026-08-15T23:00+02:00,Fair,0.1"
    with pytest.raises(ForecastError, match=f"line 3: expected {told}"):
        parse_events(f"lot,start,end,name,effect\n{good}\n{row}\n".encode(), "x", "north")


def test_a_file_of_something_else_is_refused() -> None:
    with pytest.raises(ForecastError, match="start is missing"):
        parse_events(b"lot,end,name\n", "x", "north")
    with pytest.raises(ForecastError, match="UTF-8"):
        parse_events("start,end,name\nä".encode("latin-1"), "x", "north")
    assert parse_events(b"start,end,name\n", "x", "north") == []
    assert datetime.fromisoformat("2026-08-15T18:00+02:00").tzinfo is not None
