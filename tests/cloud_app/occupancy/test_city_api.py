"""What the operations centre reads: map, plan, search, overview, past, edges, and lists as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from cloud_app.config import DatabaseConfig
from cloud_app.registry.files import read_csv
from cloud_app.storage.health_history import keep_health
from cloud_app.storage.open import open_database
from cloud_app.storage.times import to_ms
from tests.cloud_app.hub import Hub
from tests.cloud_app.occupancy.city import LAT, LON, PICTURE, PlacedEdge, a_city
from tests.cloud_app.scripted_edge import START
from tests.cloud_app.test_intake import take

CITY = f"{LON - 0.1},{LAT - 0.1},{LON + 0.1},{LAT + 0.1}"


@dataclass
class Served:
    hub: Hub
    north: PlacedEdge
    south: PlacedEdge
    all: httpx.Client
    of_north: httpx.Client


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    if request.param == "sqlite":
        url = f"sqlite:{tmp_path_factory.mktemp('city') / 'cloud.db'}"
    else:
        url = request.getfixturevalue("postgres").migrated_database()
    database = open_database(DatabaseConfig(url=SecretStr(url)))
    hub, north, south = a_city(database)
    with hub.client("all") as client:
        headers = {"Authorization": "Bearer north-only"}
        with httpx.Client(base_url=client.base_url, headers=headers, timeout=60) as other:
            yield Served(hub, north, south, client, other)
    database.close()


def table(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


# -- Map ----------------------------------------------------------------------------------------


def test_the_map_has_outlines_points_and_counts(served: Served) -> None:
    answer = served.all.get("/api/v1/map/lots", params={"bbox": CITY}).json()
    found = {each["id"]: each for each in answer["features"]}
    assert set(found) == {"north/p1", "north/later", "south/s1"}, (
        "a lot without a place is not there"
    )
    assert (answer["type"], answer["truncated"]) == ("FeatureCollection", False)
    p1 = found["north/p1"]
    assert p1["geometry"]["type"] == "Polygon"
    assert p1["properties"] == {
        "site": "north", "lot": "p1", "name": "Käthe-Kollwitz-Platz", "point": [LON, LAT],
        "bays": 3, "occupied": 1, "free": 1, "unknown": 1, "stale": 0, "closed": 0,
        "capacity": 3, "available": 1,
        "occupancy": 0.5, "on_street": False, "state": "live",
    }  # fmt: skip
    assert found["south/s1"]["geometry"] == {"type": "Point", "coordinates": [LON, LAT]}
    later = found["north/later"]["properties"]
    assert (later["bays"], later["occupancy"], later["state"]) == (0, None, "stale")
    assert later["on_street"] is None


def test_the_map_shows_its_window_and_says_if_there_is_more(served: Served) -> None:
    east = f"{LON + 0.005},{LAT - 0.1},{LON + 0.1},{LAT + 0.1}"
    answer = served.all.get("/api/v1/map/lots", params={"bbox": east}).json()
    assert [each["id"] for each in answer["features"]] == ["north/later"]
    answer = served.all.get("/api/v1/map/lots", params={"bbox": CITY, "limit": 1}).json()
    assert (len(answer["features"]), answer["truncated"]) == (1, True)


@pytest.mark.parametrize("bbox", ["11,48,10,49", "11,49,12,48", "a", "11,48,12", "-181,0,0,1"])
def test_a_window_that_is_none_is_refused(served: Served, bbox: str) -> None:
    assert served.all.get("/api/v1/map/lots", params={"bbox": bbox}).status_code == 422


def test_map_search_and_overview_show_own_sites_alone(served: Served) -> None:
    client = served.of_north
    features = client.get("/api/v1/map/lots", params={"bbox": CITY}).json()["features"]
    assert {each["properties"]["site"] for each in features} == {"north"}
    assert client.get("/api/v1/search", params={"q": "s1"}).json() == []
    assert client.get("/api/v1/search", params={"q": "box"}).json()[0]["key"] == "box-1"
    assert client.get("/api/v1/overview").json()["bays"] == 3
    assert client.get("/api/v1/lots/south/s1/plan").status_code == 404
    assert client.get("/api/v1/edges/box-2/health").status_code == 404


# -- Plan ---------------------------------------------------------------------------------------


def test_a_plan_has_ground_and_picture_and_what_people_say(served: Served) -> None:
    plan = served.all.get("/api/v1/lots/north/p1/plan").json()
    assert (plan["name"], plan["time_zone"]) == ("Käthe-Kollwitz-Platz", "Europe/Berlin")
    assert plan["levels"] == ["-1", "0"]
    assert plan["outline"]["type"] == "Polygon"
    first, second, _ = plan["bays"]
    assert (first["bay"], first["label"], first["kind"]) == ("a1", "=1 by the door", "disabled")
    assert len(first["ground"]) == 5
    assert first["picture"] == [list(point) for point in PICTURE]
    assert (second["label"], second["ground"], second["picture"]) == ("a2", None, None)
    assert {(bay["edge"], bay["camera"], bay["level"], bay["zone"]) for bay in plan["bays"]} == {
        ("box-1", "cam-1", "0", "z1")
    }


def test_a_plan_is_sent_again_only_if_it_changed(served: Served) -> None:
    path = "/api/v1/lots/south/s1/plan"
    first = served.all.get(path)
    etag = first.headers["ETag"]
    take(served.hub.database, [served.south.change("a1", True, 1)])
    again = served.all.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert served.all.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    served.south.bay_ids = ("a1", "a2", "a3", "a4")
    take(served.hub.database, [served.south.layout_message()])
    changed = served.all.get(path, headers={"If-None-Match": etag})
    assert (changed.status_code, len(changed.json()["bays"])) == (200, 4)
    assert changed.headers["ETag"] != etag


def test_a_lot_of_the_registry_alone_has_an_empty_plan(served: Served) -> None:
    plan = served.all.get("/api/v1/lots/north/later/plan").json()
    assert (plan["bays"], plan["point"]) == ([], [round(LON + 0.01, 7), LAT])
    assert served.all.get("/api/v1/lots/north/none/plan").status_code == 404


# -- Search -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        pytest.param("käthe", ("lot", "north/p1"), id="name"),
        pytest.param("KATHE koll", ("lot", "north/p1"), id="no-case-no-accents-two-words"),
        pytest.param("platz", ("lot", "north/p1"), id="a-later-word"),
        pytest.param("p1 a2", ("bay", "north/p1/a2"), id="bay-of-a-lot"),
        pytest.param("south a1", ("bay", "south/s1/a1"), id="bay-of-a-site"),
        pytest.param("box-2", ("edge", "box-2"), id="edge"),
        pytest.param("nor", ("site", "north"), id="site"),
        pytest.param("z1 north", ("zone", "north/p1/z1"), id="zone"),
        pytest.param("door", ("bay", "north/p1/a1"), id="name-of-a-bay"),
    ],
)
def test_search(served: Served, typed: str, first: tuple[str, str]) -> None:
    [hit, *_] = served.all.get("/api/v1/search", params={"q": typed}).json()
    assert (hit["kind"], hit["key"]) == first


def test_a_hit_says_where_it_is(served: Served) -> None:
    [lot, *_] = served.all.get("/api/v1/search", params={"q": "kollwitz"}).json()
    assert lot == {
        "kind": "lot", "key": "north/p1", "name": "Käthe-Kollwitz-Platz", "site": "north",
        "lot": "p1", "point": [LON, LAT],
    }  # fmt: skip


@pytest.mark.parametrize(
    "typed", ["%", "_", "zzz", "'; --", " ", "p1 zzz", "\U0010ffff", "a" * 100]
)
def test_what_fits_nothing_finds_nothing(served: Served, typed: str) -> None:
    answer = served.all.get("/api/v1/search", params={"q": typed})
    assert (answer.status_code, answer.json()) == (200, [])


# -- Now and then -------------------------------------------------------------------------------


def test_the_overview_adds_up(served: Served) -> None:
    found = served.all.get("/api/v1/overview").json()
    lots = served.all.get("/api/v1/lots").json()
    assert found["lots"] == len(lots) == 2
    assert found["bays"] == found["counts"]["bays"] == sum(each["counts"]["bays"] for each in lots)
    assert found["edges"] == {"online": 2, "stale": 0}
    assert found["incidents_open"] == 3
    assert found["alerts"]["open"] == sum(found["alerts"]["by_severity"].values())


def test_bays_as_they_were(served: Served) -> None:
    def at(hours: float) -> dict[str, tuple[str, str | None]]:
        moment = (START + timedelta(hours=hours)).isoformat()
        answer = served.all.get("/api/v1/lots/north/p1/bays", params={"at": moment})
        return {bay["bay"]: (bay["state"], bay["reason"]) for bay in answer.json()}

    nothing = ("unknown", "no_record")
    assert at(-1) == {"a1": nothing, "a2": nothing, "a3": nothing}
    assert at(0) == {"a1": ("free", None), "a2": ("free", None), "a3": nothing}
    assert at(1) == {"a1": ("occupied", None), "a2": ("free", None), "a3": nothing}
    assert at(1.6) == {"a1": ("free", None), "a2": ("free", None), "a3": nothing}
    assert at(2) == {"a1": ("occupied", None), "a2": ("free", None), "a3": nothing}


def test_bays_were_stale_while_an_alert_says_that_the_edge_was_away(served: Served) -> None:
    found = {}
    for minutes in (5, 15, 25):
        at = (START + timedelta(minutes=minutes)).isoformat()
        bays = served.all.get("/api/v1/lots/north/p1/bays", params={"at": at}).json()
        found[minutes] = {bay["stale"] for bay in bays}
    assert found == {5: {False}, 15: {True}, 25: {False}}


def test_edges_by_site_state_and_name_page_by_page(served: Served) -> None:
    def names(**params: str | int) -> list[str]:
        return [edge["edge"] for edge in served.all.get("/api/v1/edges", params=params).json()]

    assert names() == ["box-1", "box-2"]
    assert names(site="south") == ["box-2"]
    assert names(state="online") == ["box-1", "box-2"]
    assert names(state="stale") == []
    assert names(q="X-1") == ["box-1"]
    assert names(q="%") == names(q="_") == []
    assert names(limit=1) == ["box-1"]
    assert names(limit=1, after="box-1") == ["box-2"]
    assert names(after="box-2") == names(after="nobody") == []


def test_health_over_time(served: Served) -> None:
    with served.hub.database.write() as session:
        assert keep_health(session, 0) == 2
        assert keep_health(session, to_ms(served.north.now) + 1) == 0
    answer = served.all.get("/api/v1/edges/box-1/health").json()
    assert (answer["edge"], answer["every_s"], answer["kept_days"]) == ("box-1", 600, 31)
    [point] = answer["points"]
    assert (point["outbox_rows"], point["uptime_s"], point["fps"]) == (7, 60.0, None)


# -- Lists --------------------------------------------------------------------------------------


def test_events_of_an_edge_and_of_a_span(served: Served) -> None:
    def events(**params: str | int) -> list[dict[str, str]]:
        answer = served.all.get("/api/v1/events", params={"limit": 1000, **params})
        return list(answer.json())

    assert {event["edge"] for event in events(edge="box-1")} == {"box-1"}
    end = (START + timedelta(hours=1)).isoformat()
    assert {event["bay"] for event in events(end=end)} == {"a1", "a2"}
    assert (
        events(start=START.isoformat(), end=end, edge="box-1")[0]["time"] == "2026-03-01T08:00:00Z"
    )
    assert served.of_north.get("/api/v1/events", params={"edge": "box-2"}).status_code == 404


def test_incidents_page_by_page(served: Served) -> None:
    whole = served.all.get("/api/v1/incidents").json()
    assert [each["ended"] is None for each in whole] == [True] * 3 + [False] * 3
    found: list[dict[str, str]] = []
    while True:
        params = {"limit": 2} | (
            {"after": f"{found[-1]['edge']}/{found[-1]['incident']}"} if found else {}
        )
        page = served.all.get("/api/v1/incidents", params=params).json()
        if not page:
            break
        found += page
    assert [each["incident"] for each in found] == [each["incident"] for each in whole]


LISTS = [
    "alerts",
    "lots",
    "lots/north/p1/bays",
    "edges",
    "incidents",
    "events?start=2026-03-01T00:00:00Z",
]


@pytest.mark.parametrize("path", LISTS)
def test_a_csv_has_the_rows_of_the_json(served: Served, path: str) -> None:
    link = "&" if "?" in path else "?"
    rows = table(served.all.get(f"/api/v1/{path}{link}format=csv"))
    limit = f"{link}limit=1000" if path[:2] in {"in", "ev"} else ""
    items = served.all.get(f"/api/v1/{path}{limit}").json()
    assert len(rows) == len(items) >= 1
    key = {"a": "id", "l": "lot", "e": "edge", "i": "incident"}[path[0]]
    assert sorted(row[key] for row in rows) == sorted(str(item[key]) for item in items)
    for name in ("site", "state", "time", "began", "occupancy"):
        if name in items[0]:
            assert rows[0][name] == ("" if items[0][name] is None else str(items[0][name])), name


def test_a_csv_spreads_what_is_nested_and_names_its_file(served: Served) -> None:
    answer = served.all.get("/api/v1/lots", params={"format": "csv", "site": "north"})
    [row] = table(answer)
    assert (row["counts_bays"], row["counts_occupied"], row["levels"]) == ("3", "1", "")
    assert float(row["location_lat"]) == LAT
    disposition = answer.headers["content-disposition"]
    assert disposition == f'attachment; filename="lots_north_{served.hub.clock.utc():%Y-%m-%d}.csv"'
    of_north = served.of_north.get("/api/v1/edges", params={"format": "csv"})
    assert [row["edge"] for row in table(of_north)] == ["box-1"]


@pytest.mark.parametrize("path", ["events", "incidents"])
def test_a_csv_is_read_page_by_page(
    served: Served, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = {"format": "csv"} | ({"start": START.isoformat()} if path == "events" else {})
    whole = table(served.all.get(f"/api/v1/{path}", params=params))
    monkeypatch.setattr("cloud_app.api.list_export._PAGE", 2)
    assert table(served.all.get(f"/api/v1/{path}", params=params)) == whole
    of_north = table(served.of_north.get(f"/api/v1/{path}", params=params))
    assert of_north == [row for row in whole if row["site"] == "north"]


def test_a_span_of_events_that_is_too_long_for_a_file_is_refused(served: Served) -> None:
    params = {"format": "csv", "start": "2026-01-01T00:00:00Z"}
    answer = served.all.get("/api/v1/events", params=params)
    assert answer.status_code == 422
    assert "at most 31 days" in answer.text


def test_a_list_of_the_registry_can_be_read_back(served: Served) -> None:
    answer = served.all.get("/api/v1/registry/bays", params={"format": "csv"})
    rows = table(answer)
    assert rows[0]["name"] == "'=1 by the door", "no spreadsheet takes it for a formula"
    read = read_csv(answer.text, "bays.csv")
    assert read.faults == []
    assert read.rows[0].given["name"] == "=1 by the door"
    params = {"format": "csv", "site": "north"}
    lots = table(served.of_north.get("/api/v1/registry/lots", params=params))
    assert {row["lot"]: row["name"] for row in lots}["kerb"] == "'+Kerb"
