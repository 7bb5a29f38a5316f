"""The read API over a filled database, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from cloud_app.config import HttpConfig
from cloud_app.ingest.link import LinkState
from cloud_app.storage.database import Database
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry.aws import ShadowTopics
from telemetry.shadow import ShadowUpdate
from tests.cloud_app.hub import TOKENS, Hub, feeding, fill, heard_live
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take


@pytest.fixture
def hub(database: Database) -> Hub:
    return Hub(database)


def test_sites_lots_and_bays_now(hub: Hub) -> None:
    edge = ScriptedEdge()
    fill(hub, edge)
    with hub.client() as client:
        [site] = client.get("/api/v1/sites").json()
        [lot] = client.get("/api/v1/lots").json()
        one = client.get("/api/v1/lots/north/p1").json()
        bays = client.get("/api/v1/lots/north/p1/bays").json()
    assert site["counts"] == lot["counts"]
    assert lot["counts"] == {
        "bays": 3, "occupied": 1, "free": 1, "unknown": 1, "stale": 0, "closed": 0, "blocked": 0,
        "capacity": 3, "available": 1,
    }  # fmt: skip
    assert lot["occupancy"] == 0.5
    assert one == lot
    assert [(bay["bay"], bay["state"], bay["stale"]) for bay in bays] == [
        ("a1", "occupied", False),
        ("a2", "free", False),
        ("a3", "unknown", False),
    ]


def test_what_is_not_there_is_404(hub: Hub) -> None:
    with hub.client() as client:
        for path in ("lots/north/p9", "lots/north/p9/bays", "edges/none", "edges/none/gaps",
                     "edges/none/bays/a/history", "edges/none/shadow"):  # fmt: skip
            answer = client.get(f"/api/v1/{path}")
            assert answer.status_code == 404, path
            assert answer.json()["detail"]


def test_the_bays_of_one_edge(hub: Hub) -> None:
    edge = ScriptedEdge()
    fill(hub, edge)
    other = ScriptedEdge(edge="box-2", site="south", bay_ids=("c1",))
    take(hub.database, other.hello())
    with hub.client() as client:
        bays = client.get("/api/v1/edges/box-1/bays").json()
        rows = client.get("/api/v1/edges/box-2/bays", params={"format": "csv"}).text.splitlines()
        unknown = client.get("/api/v1/edges/box-9/bays")
    assert [(bay["bay"], bay["state"]) for bay in bays] == [
        ("a1", "occupied"),
        ("a2", "free"),
        ("a3", "unknown"),
    ]
    assert [row.split(",")[:2] for row in rows[1:]] == [["south", "p1"]]
    assert unknown.status_code == 404


def test_history_has_stays_with_dwell(hub: Hub) -> None:
    edge = ScriptedEdge()
    fill(hub, edge)
    with hub.client() as client:
        stays = client.get("/api/v1/edges/box-1/bays/a1/history").json()
    assert [(stay["state"], stay["dwell_s"]) for stay in stays] == [
        ("occupied", None),
        ("free", 1800.0),
        ("occupied", 1800.0),
        ("free", 3600.0),
    ]
    assert all(stay["certain"] for stay in stays)
    assert stays[0]["model"] == "yolo11n-bays 1.0.0"


def test_closing_a_bay_does_not_end_a_stay(hub: Hub) -> None:
    edge = ScriptedEdge()
    take(hub.database, [*edge.hello(), edge.change("a1", True, 0), edge.close_bay("a1", True)])
    hub.clock.now_s = 60
    with hub.client() as client:
        [stay] = client.get("/api/v1/edges/box-1/bays/a1/history").json()
    assert (stay["state"], stay["dwell_s"]) == ("occupied", None)


def test_a_stay_over_a_gap_is_not_certain(hub: Hub) -> None:
    edge = ScriptedEdge()
    messages = [*edge.hello(), edge.change("a1", True)]
    edge.change("a1", False)
    messages += [edge.gap((2, 2)), edge.change("a1", False)]
    take(hub.database, messages)
    hub.clock.now_s = 60
    with hub.client() as client:
        stays = client.get("/api/v1/edges/box-1/bays/a1/history").json()
        gaps = client.get("/api/v1/edges/box-1/gaps").json()
    assert [(stay["state"], stay["certain"]) for stay in stays] == [
        ("free", True),
        ("occupied", False),
    ]
    assert gaps == [{"edge": "box-1", "epoch": 1, "first": 2, "last": 2, "reason": "rows"}]


def test_the_series_adds_up(hub: Hub) -> None:
    edge = ScriptedEdge()
    fill(hub, edge)
    window = {"start": START.isoformat(), "end": (START + timedelta(hours=2)).isoformat()}
    with hub.client() as client:
        points = client.get(
            "/api/v1/lots/north/p1/series", params={**window, "step_s": 1800}
        ).json()
    assert [point["occupied"] for point in points] == [0.0, 0.0, 1.0, 0.0]
    assert all(
        point["occupied"] + point["free"] + point["unknown"] == pytest.approx(3) for point in points
    )
    assert [point["occupancy"] for point in points] == [0.0, 0.0, 0.5, 0.0]


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"start": "2026-03-01T10:00:00Z", "end": "2026-03-01T09:00:00Z"}, id="order"),
        pytest.param({"start": "2026-03-01T10:00:00"}, id="no time zone"),
        pytest.param({"start": "2020-03-01T10:00:00Z", "step_s": 60}, id="too many points"),
    ],
)
def test_a_wrong_span_is_refused(hub: Hub, params: dict[str, str]) -> None:
    with hub.client() as client:
        assert client.get("/api/v1/lots/north/p1/series", params=params).status_code == 422


def test_an_edge_that_falls_silent_is_stale(hub: Hub) -> None:
    edge = ScriptedEdge()
    fill(hub, edge)
    take(hub.database, [edge.health()])
    with hub.client() as client:
        fresh = client.get("/api/v1/edges/box-1").json()
        hub.clock.advance(600)
        silent = client.get("/api/v1/edges").json()[0]
        lot = client.get("/api/v1/lots").json()[0]
    assert (fresh["online"], fresh["stale"]) == (True, False)
    assert fresh["stream"] == {"epoch": 1, "upto": 5, "top": 5, "lost": 0}
    assert fresh["health"]["outbox"]["rows"] == 0
    assert (silent["online"], silent["stale_reason"]) == (True, "silent")
    assert (lot["counts"]["free"], lot["counts"]["stale"]) == (0, 3)


def test_events_come_newest_first(hub: Hub) -> None:
    edge = ScriptedEdge()
    fill(hub, edge)
    with hub.client() as client:
        events = client.get("/api/v1/events", params={"limit": 2}).json()
    assert [(event["id"], event["state"]) for event in events] == [
        ("1-5", "occupied"),
        ("1-4", "free"),
    ]


def test_a_shadow_is_read_and_written(hub: Hub) -> None:
    edge = ScriptedEdge()
    fill(hub, edge)
    hub.shadows.update(
        ShadowTopics("box-1"),
        ShadowUpdate(reported={"beat": {"interval_s": 60}}, sections=frozenset({"reported"})),
    )
    with hub.client() as client:
        changed = client.patch(
            "/api/v1/edges/box-1/shadow",
            json={"desired": {"beat": {"interval_s": 30}}, "version": 1},
        )
        late = client.patch("/api/v1/edges/box-1/shadow", json={"desired": {"x": 1}, "version": 1})
        large = client.patch("/api/v1/edges/box-1/shadow", json={"desired": {"x": "y" * 9000}})
        hub.clock.advance(600)
        read = client.get("/api/v1/edges/box-1/shadow").json()
        none = client.get("/api/v1/edges/box-1/shadow", params={"name": "model"})
    assert changed.status_code == 200
    assert changed.json()["document"]["state"]["delta"] == {"beat": {"interval_s": 30}}
    assert not changed.json()["stale"]
    assert (late.status_code, large.status_code, none.status_code) == (409, 413, 404)
    assert read["document"]["version"] == 2
    assert read["stale"]
    assert [topic for topic, _ in hub.published] == [
        f"$aws/things/box-1/shadow/update/{what}" for what in ("accepted", "delta", "documents")
    ]


def test_without_a_token_nothing_is_told(database: Database) -> None:
    hub = Hub(database, TOKENS)
    fill(hub, ScriptedEdge())
    with hub.client() as nobody, hub.client("wrong") as stranger:
        for path in ("sites", "lots", "edges", "events", "alerts", "live", "lots/north/p1",
                     "edges/box-1/shadow"):  # fmt: skip
            for client in (nobody, stranger):
                assert client.get(f"/api/v1/{path}").status_code == 401, path
        assert nobody.get("/metrics").status_code == 401
        assert nobody.get("/health/live").status_code == 200
        assert nobody.get("/").status_code == 200


def test_a_token_sees_its_sites_alone(database: Database) -> None:
    hub = Hub(database, TOKENS)
    fill(hub, ScriptedEdge())
    fill(hub, ScriptedEdge(edge="box-2", site="south", lot="p2"))
    with hub.client("all") as ops, hub.client("north-only") as city:
        assert len(ops.get("/api/v1/lots").json()) == 2
        for path in ("sites", "lots", "edges", "events"):
            assert {row["site"] for row in city.get(f"/api/v1/{path}").json()} == {"north"}, path
        for path in ("lots/south/p2", "lots/south/p2/bays", "lots/south/p2/series", "edges/box-2",
                     "edges/box-2/gaps", "edges/box-2/bays/a1/history",
                     "edges/box-2/shadow"):  # fmt: skip
            assert city.get(f"/api/v1/{path}").status_code == 404, path
            assert ops.get(f"/api/v1/{path}").status_code in {200, 404}, path
        assert city.get("/api/v1/events", params={"site": "south"}).json() == []
        refused = city.patch("/api/v1/edges/box-1/shadow", json={"desired": {}})
        assert refused.status_code == 403
        assert ops.patch("/api/v1/edges/box-1/shadow", json={"desired": {}}).status_code == 200


def test_beyond_loopback_strangers_may_not_write(database: Database) -> None:
    hub = Hub(database, HttpConfig(host="0.0.0.0", allow_anonymous=True))
    fill(hub, ScriptedEdge())
    with hub.client() as client:
        assert client.get("/api/v1/lots").status_code == 200
        refused = client.patch("/api/v1/edges/box-1/shadow", json={"desired": {}})
    assert refused.status_code == 403


def test_a_name_that_points_at_loopback_is_refused(hub: Hub) -> None:
    with hub.client() as client:
        assert client.get("/api/v1/lots", headers={"Host": "evil.example"}).status_code == 400


def test_readiness_and_metrics(hub: Hub) -> None:
    fill(hub, ScriptedEdge())
    with hub.client() as client:
        assert client.get("/health/ready").json()["ready"] is True
        hub.link = LinkState(False, 0, "refused")
        down = client.get("/health/ready")
        metrics = client.get("/metrics").text
    assert (down.status_code, down.json()["broker"]) == (503, "down")
    assert "lotsight_cloud_events_total 3.0" in metrics
    assert "lotsight_cloud_broker_connected 0.0" in metrics
    assert "lotsight_cloud_edges 1.0" in metrics


def test_the_pages_may_load_nothing_from_elsewhere(hub: Hub) -> None:
    with hub.client() as client:
        for path in ("/", "/lots/north/p1", "/shared/icon.svg"):
            policy = client.get(path).headers["content-security-policy"]
            assert policy.startswith("default-src 'self';")
            assert "unsafe" not in policy
            assert "://" not in policy


def test_openapi_describes_every_answer(hub: Hub) -> None:
    with hub.client() as client:
        schema = client.get("/api/openapi.json").json()
    for path in ("/api/v1/sites", "/api/v1/lots", "/api/v1/edges/{edge}/bays/{bay}/history",
                 "/api/v1/lots/{site}/{lot}/series", "/api/v1/edges/{edge}/shadow"):  # fmt: skip
        content = schema["paths"][path]["get"]["responses"]["200"]["content"]
        assert content["application/json"]["schema"], path


def test_a_database_that_is_away_is_503(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("gone")
    database = SqliteDatabase(folder / "cloud.db")
    hub = Hub(database)
    with database.write() as session:
        session.run(text("DROP TABLE lot"))
    with hub.client() as client:
        answer = client.get("/api/v1/lots")
    assert answer.status_code == 503
    assert str(folder) not in answer.text
    database.close()


def test_a_change_reaches_every_listener(hub: Hub) -> None:
    edge = ScriptedEdge()

    async def listen_twice() -> list[frozenset[str]]:
        async def first() -> frozenset[str]:
            async for edges in hub.feed.listen():
                if edges:
                    return frozenset(edges.edges)
            return frozenset()

        listeners = [asyncio.create_task(first()) for _ in range(2)]
        await asyncio.sleep(0.7)  # PostgreSQL's listener must be there before the notice
        await asyncio.to_thread(take, hub.database, [edge.birth()])
        return await asyncio.wait_for(asyncio.gather(*listeners), 20)

    with feeding(hub.feed):
        assert asyncio.run(listen_twice()) == [frozenset({"box-1"})] * 2


def test_the_stream_is_sse_and_hides_other_sites_names(database: Database) -> None:
    hub = Hub(database, TOKENS)
    edges = [ScriptedEdge(), ScriptedEdge(edge="box-2", site="south")]
    with feeding(hub.feed):
        text = asyncio.run(asyncio.wait_for(heard_live(hub, "north-only", edges), 60))
    assert 'event: change\ndata: {"edges": ["box-1"]}' in text
    assert "box-2" not in text


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("/nowhere", "text/html,*/*;q=0.8", "text/html"),
        ("/nowhere", "*/*", "application/json"),
        ("/api/v1/nothing", "text/html,*/*;q=0.8", "application/json"),
        ("/assets/old.js", "text/html", "application/json"),
    ],
)
@pytest.mark.usefixtures("built_pages")
def test_a_person_at_no_address_gets_the_page_that_says_so(
    hub: Hub, path: str, accept: str, kind: str
) -> None:
    with hub.client() as client:
        answer = client.get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (404, kind)
