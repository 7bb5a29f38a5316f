"""Lists of the registry, sorted and searched by the database, page by page."""

from __future__ import annotations

import csv
import io

import pytest

from cloud_app.config import HttpConfig
from cloud_app.registry.edits import Edit, state
from cloud_app.registry.kinds import BAY, LOT
from cloud_app.registry.queries import Filter, ThingOrder, things
from cloud_app.storage.database import Database
from tests.cloud_app.hub import Hub
from tests.cloud_app.registry.places import NOW_MS, put

LOTS = {
    "p1": ("Garage 10", "off_street"), "p2": ("garage 2", None), "p3": (None, "on_street"),
    "p4": ("Écluse", "off_street"), "p5": (None, None),
}  # fmt: skip


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as session:
        put(session, "site", "s1")
        for lot, (name, placement) in LOTS.items():
            put(session, "lot", f"s1/{lot}", name=name, placement=placement)
        for bay in ("a-1", "a-12", "b-1"):
            put(session, "bay", f"s1/p1/{bay}", kind="ev" if bay == "b-1" else "standard")
            put(session, "bay", f"s1/p2/{bay}")
    return database


ORDERS = {
    "name": "p4 p2 p1 p3 p5",
    "-name": "p1 p2 p4 p5 p3",
    "type": "p1 p4 p3 p2 p5",
    "-type": "p3 p4 p1 p5 p2",
    "key": "p1 p2 p3 p4 p5",
    "-key": "p5 p4 p3 p2 p1",
}


@pytest.mark.parametrize("sort", ORDERS)
def test_a_list_is_sorted_page_by_page_and_in_its_file(filled: Database, sort: str) -> None:
    hub = Hub(filled)
    found: list[str] = []
    after = None
    with hub.client() as client:
        while after is not None or not found:
            params = {"sort": sort, "limit": "2", **({"after": after} if after else {})}
            page = client.get("/api/v1/registry/lots", params=params).json()
            found += [each["ids"]["lot"] for each in page["items"]]
            after = page["after"]
        file = client.get("/api/v1/registry/lots", params={"sort": sort, "format": "csv"}).text
    assert found == ORDERS[sort].split()
    assert [row["lot"] for row in csv.DictReader(io.StringIO(file))] == found


def test_the_latest_changes_come_first(filled: Database) -> None:
    with filled.write() as session:
        state(session, Edit(LOT.ref({"site": "s1", "lot": "p6"}), "ann", NOW_MS + 1), {})
    newest = Filter(LOT, order=ThingOrder.CHANGED, is_down=True)
    with filled.read() as session:
        found = [each.ref.key for each in things(session, newest, 10)]
    assert found == ["s1/p6", "s1/p5", "s1/p4", "s1/p3", "s1/p2", "s1/p1"]


@pytest.mark.parametrize(
    ("q", "keys"),
    [
        ("a-1", {"p1/a-1", "p1/a-12", "p2/a-1", "p2/a-12"}),
        ("P1 A-12", {"p1/a-12"}),
        ("p1", set()),
        ("b p2", {"p2/b-1"}),
        ("-", set()),
        ("  ", {"p1/a-1", "p1/a-12", "p1/b-1", "p2/a-1", "p2/a-12", "p2/b-1"}),
    ],
)
@pytest.mark.parametrize("sites", [None, ["s1"]])
def test_words_find_bays_by_their_own_and_the_ids_above(
    filled: Database, q: str, keys: set[str], sites: list[str] | None
) -> None:
    with filled.read() as session:
        found = things(session, Filter(BAY, q=q, sites=sites, order=ThingOrder.TYPE), 50)
        assert {each.ref.key.removeprefix("s1/") for each in found} == keys
        assert things(session, Filter(BAY, q=q, sites=["other"]), 50) == []


def test_a_page_after_a_thing_that_is_gone_is_refused(filled: Database) -> None:
    hub = Hub(filled, HttpConfig())
    with hub.client() as client:
        path = "/api/v1/registry/lots"
        gone = client.get(path, params={"sort": "name", "after": "s1/gone"})
        unknown = client.get(path, params={"sort": "colour"})
        params = {"sort": "name", "after": "s1/gone", "format": "csv"}
        assert len(client.get(path, params=params).text.splitlines()) == 1 + len(LOTS)
    assert gone.status_code == unknown.status_code == 422
    assert "lot s1/gone" in gone.json()["detail"]
