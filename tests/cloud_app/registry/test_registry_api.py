"""The registry over HTTP: ETags, what a token may see, provenance, history, the map."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import select

from cloud_app.accounts.tables import audit
from cloud_app.api.access import digest_of
from cloud_app.config import HttpConfig, Scope, TokenConfig
from cloud_app.storage.database import Database
from tests.cloud_app.hub import Hub, examples_on, serving
from tests.cloud_app.registry.places import MUNICH, put, small_city, square, swapped
from tests.cloud_app.registry.test_layouts import Box
from tests.cloud_app.test_intake import take
from tests.http_server.fuzzing import fuzz

LON, LAT = MUNICH
ROOT = "/api/v1/registry"
BOTH = frozenset(Scope)
HTTP = HttpConfig(
    tokens=(
        TokenConfig(name="all", sha256=digest_of("all"), scopes=BOTH),
        TokenConfig(
            name="south", sha256=digest_of("south"), scopes=BOTH, sites=frozenset({"south"})
        ),
        TokenConfig(name="reader", sha256=digest_of("reader")),
    )
)  # fmt: skip


@pytest.fixture
def url(database: Database) -> Iterator[str]:
    small_city(database)
    with serving(Hub(database, HTTP).app) as url:
        yield url


def caller(url: str, token: str = "all") -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=url + ROOT, headers=headers, timeout=120)


def test_reading_one_and_a_page(url: str) -> None:
    with caller(url) as client:
        lot = client.get("/lots/north/p1")
        assert lot.headers["ETag"] == '"1"'
        body = lot.json()
        assert body["facts"]["height_limit_m"] == 2.1
        assert body["time_zone"] == "Europe/Berlin"
        assert body["said_by"]["name"] == "person"
        first = client.get("/bays", params={"site": "north", "lot": "p1", "limit": 2}).json()
        assert [each["ids"]["bay"] for each in first["items"]] == ["a0", "a1"]
        rest = client.get(
            "/bays", params={"site": "north", "lot": "p1", "after": first["after"]}
        ).json()
        assert ([each["ids"]["bay"] for each in rest["items"]], rest["after"]) == (["a2"], None)
        assert client.get("/bays", params={"lot": "p1"}).status_code == 422
        assert len(client.get("/bays", params={"site": "north"}).json()["items"]) == 3
        assert client.get("/bays", params={"site": "south"}).json()["items"] == []
        assert (
            client.get("/sites", params={"operator": "acme"}).json()["items"][0]["key"] == "north"
        )


def test_a_stale_tab_is_refused_with_the_newer_data(url: str) -> None:
    with caller(url) as tab, caller(url) as other:
        read = tab.get("/lots/north/p1")
        etag = read.headers["ETag"]
        newer = other.patch("/lots/north/p1", json={"name": "New"}, headers={"If-Match": etag})
        assert (newer.status_code, newer.headers["ETag"]) == (200, '"2"')
        facts = {**read.json()["facts"], "name": "Old"}
        for answer in (
            tab.put("/lots/north/p1", json=facts, headers={"If-Match": etag}),
            tab.patch("/lots/north/p1", json={"name": "Old"}, headers={"If-Match": etag}),
            tab.delete("/lots/north/p1", headers={"If-Match": etag}),
            tab.post("/lots/north/p1/revert", json={"facts": ["name"]}, headers={"If-Match": etag}),
        ):
            assert answer.status_code == 412
            assert answer.headers["ETag"] == '"2"'
            assert answer.json() == newer.json()
        assert tab.get("/lots/north/p1").json()["facts"]["name"] == "New"
        # Behind a proxy that compresses, an ETag is weak.
        weak = tab.patch("/lots/north/p1", json={"name": "Ok"}, headers={"If-Match": 'W/"2"'})
        assert weak.status_code == 200


def test_a_write_says_what_it_was_made_from(url: str) -> None:
    with caller(url) as client:
        for answer in (
            client.put("/lots/north/p1", json={"name": "x"}),
            client.patch("/lots/north/p1", json={"name": "x"}),
            client.delete("/lots/north/p1"),
        ):
            assert answer.status_code == 428
            assert "If-Match" in answer.json()["detail"]
        made = client.put("/lots/north/p2", json={"name": "New", "outline": square(LON, LAT, 30)})
        assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
        gone = client.delete("/lots/north/p2", headers={"If-Match": '"1"'})
        assert gone.status_code == 204
        assert client.get("/lots/north/p2").status_code == 404
        story = client.get("/lots/north/p2/history").json()
        assert [(each["actor"], each["action"]) for each in story] == [
            ("all", "deleted"), ("all", "created"),
        ]  # fmt: skip
        used = client.delete("/lots/north/p1", headers={"If-Match": '"1"'})
        assert used.status_code == 409
        assert "zone north/p1/z1" in used.json()["detail"]


def test_each_write_is_in_the_audit_log(url: str, database: Database) -> None:
    with caller(url) as client:
        etag = {"If-Match": '"1"'}
        client.patch("/lots/north/p1", json={"name": "New"}, headers=etag).raise_for_status()
        client.delete("/zones/north/p1/z2", headers=etag).raise_for_status()
        client.patch("/lots/north/p1", json={"name": "Old"}, headers=etag)
    with database.read() as session:
        rows = session.rows(select(audit).order_by(audit.c.audit))
    assert [(row.actor, row.action, row.subject) for row in rows] == [
        ("all", "registry.changed", "north/p1"),
        ("all", "registry.deleted", "north/p1/z2"),
    ]


def test_all_faults_of_a_body_come_at_once_with_their_fields(url: str) -> None:
    with caller(url) as client:
        answer = client.put(
            "/sites/south", json={"time_zone": "Mars/Base", "email": "no", "colour": "red"}
        )
        assert answer.status_code == 422
        assert {each["loc"][-1] for each in answer.json()["detail"]} == {
            "time_zone", "email", "colour",
        }  # fmt: skip
        answer = client.put(
            "/lots/north/p2", json={"outline": swapped(square(LON, LAT, 30)), "name": "x"}
        )
        [fault] = answer.json()["detail"]
        assert fault["loc"] == ["body", "outline"]
        assert "longitude and latitude look swapped" in fault["msg"]


def test_a_person_before_the_layout_and_back(url: str, database: Database) -> None:
    take(database, Box(edge="box-9", lot="p1", bay_ids=("x1",)).hello())
    with caller(url) as client:
        bay = client.get("/bays/north/p1/x1")
        etag = {"If-Match": bay.headers["ETag"]}
        assert bay.json()["said_by"]["kind"] == "layout"
        edited = client.patch("/bays/north/p1/x1", json={"kind": "ev"}, headers=etag)
        assert (edited.json()["said_by"]["kind"], edited.json()["layout"]["kind"]) == (
            "person", "standard",
        )  # fmt: skip
        stated = client.put(
            "/bays/north/p1/x1",
            json=edited.json()["facts"],
            headers={"If-Match": edited.headers["ETag"]},
        )
        assert stated.json()["said_by"]["zone"] == "layout", "what agrees stays the layout's"
        back = client.post(
            "/bays/north/p1/x1/revert",
            json={"facts": ["kind"]},
            headers={"If-Match": stated.headers["ETag"]},
        ).json()
        assert (back["facts"]["kind"], back["said_by"]["kind"]) == ("standard", "layout")
        wrong = client.post(
            "/bays/north/p1/x1/revert",
            json={"facts": ["colour"]},
            headers={"If-Match": f'"{back["version"]}"'},
        )
        assert wrong.status_code == 422


def test_a_token_sees_and_writes_its_own_sites(url: str, database: Database) -> None:
    with database.write() as session:
        put(session, "site", "south")
    with caller(url, "south") as client:
        for path in (
            "/sites/north", "/lots/north/p1", "/bays/north/p1/a0", "/zones/north/p1/z1",
            "/devices/sign-1", "/operators/acme", "/councils/city",
            "/lots/north/p1/history", "/devices/sign-1/history",
        ):  # fmt: skip
            assert client.get(path).status_code == 404, path
        for plural in ("lots", "bays", "zones", "devices", "operators", "councils"):
            assert client.get(f"/{plural}").json()["items"] == []
        assert [each["key"] for each in client.get("/sites").json()["items"]] == ["south"]
        box = f"{LON - 1},{LAT - 1},{LON + 1},{LAT + 1}"
        assert client.get("/map", params={"bbox": box}).json()["features"] == []
        etag = {"If-Match": '"1"'}
        for answer in (
            client.put("/lots/north/p2", json={}),
            client.patch("/lots/north/p1", json={"name": "x"}, headers=etag),
            client.delete("/devices/sign-1", headers=etag),
            client.put("/devices/new", json={"site": "north"}),
            client.put("/devices/new", json={}),
            client.put("/councils/town", json={}),
        ):
            assert answer.status_code == 404, answer.text
        assert client.put("/lots/south/p1", json={}).status_code == 201
        made = client.put("/devices/new", json={"site": "south", "kind": "sign"})
        assert made.status_code == 201
        # Nor may it give a thing away.
        assert client.patch("/devices/new", json={"site": "north"}, headers=etag).status_code == 404
        assert (
            client.patch("/sites/south", json={"operator": "acme"}, headers=etag).status_code == 403
        )
    with caller(url, "reader") as client:
        assert client.get("/lots/north/p1").status_code == 200
        assert client.put("/lots/north/p2", json={}).status_code == 403


def test_a_map_window(url: str) -> None:
    with caller(url) as client:
        box = f"{LON},{LAT},{LON + 0.00003:.6f},{LAT + 0.001}"
        found = client.get("/map", params={"bbox": box, "kind": "bay"}).json()
        [bay] = found["features"]
        assert (bay["properties"]["bay"], bay["geometry"]["type"]) == ("a0", "Polygon")
        assert found["truncated"] is False
        wide = client.get("/map", params={"bbox": "-180,-90,180,90", "kind": "bay", "limit": 1})
        assert wide.json()["truncated"] is True
        for wrong in ("1,2,3", "5,5,1,1", "0,0,999,1", "a,b,c,d"):
            assert client.get("/map", params={"bbox": wrong}).status_code == 422


def test_an_edge_that_is_entered_by_hand_is_registered(url: str, database: Database) -> None:
    from cloud_app.storage.placing import sites_of

    with caller(url) as client:
        client.put("/sites/south", json={}).raise_for_status()
        client.put("/devices/box-5", json={"site": "south", "kind": "edge"}).raise_for_status()
        refused = client.patch(
            "/devices/box-5", json={"site": "north"}, headers={"If-Match": '"1"'}
        )
        assert refused.status_code == 422
        assert "edge move" in refused.json()["detail"][0]["msg"]
    with database.read() as session:
        assert sites_of(session, ["box-5"]) == {"box-5": "south"}


def test_no_request_is_answered_500(database: Database) -> None:
    small_city(database)
    hub = Hub(database, HTTP)
    document = hub.app.openapi()
    document["paths"] = {path: facts for path, facts in document["paths"].items() if ROOT in path}
    with serving(hub.app) as url:
        counts = fuzz(
            document,
            url,
            {
                "site": "north", "lot": "p1", "bay": "a1", "zone": "z1", "device": "sign-1",
                "operator": "acme", "council": "city",
            },
            examples=examples_on(database, 8),
            headers={"Authorization": "Bearer all"},
        )  # fmt: skip
    assert counts[200] > 10
    assert counts[201] > 0
    assert counts[422] > 10
    assert not [code for code in counts if code >= 500 and code != 503]
