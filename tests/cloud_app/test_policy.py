"""No caller sees another's site: every route of the app, every kind of token, both databases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import insert
from starlette.routing import BaseRoute, Mount

from cloud_app.api.access import digest_of
from cloud_app.api.app import page_files
from cloud_app.api.policy import ALL_SITES, Permission, SiteSet
from cloud_app.api.route_permissions import RouteTable
from cloud_app.config import HttpConfig, RulesConfig, Scope, TokenConfig
from cloud_app.occupancy.passages import note_lot
from cloud_app.registry.edits import Edit, state
from cloud_app.registry.kinds import Ref
from cloud_app.registry.things import find_one
from cloud_app.rules.builtin import judge
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Database
from cloud_app.storage.sensors import take_told
from telemetry.aws import ShadowTopics
from telemetry.shadow import ShadowUpdate
from tests.cloud_app.hub import Hub, feeding, fill, heard_live
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take

# Each name of the south begins with it, so that whatever leaks is found in any text.
MARK = "zulu"
SITES = {"nothing": frozenset[str](), "north": frozenset({"north"}), "all": None}
HTTP = HttpConfig(
    host="0.0.0.0",
    tokens=tuple(
        TokenConfig(name=name, sha256=digest_of(name), sites=sites, scopes=frozenset(Scope))
        for name, sites in SITES.items()
    ),
)


_documented: set[tuple[str, str]] = set()


def operations(app: FastAPI) -> list[tuple[str, str]]:
    """Each path template and method that the app answers, the page aside."""
    # Every app has the same, and its document takes a second of processor time.
    if not _documented:
        paths = app.openapi()["paths"].items()
        _documented.update((path, each.upper()) for path, methods in paths for each in methods)
    return sorted(_documented | set(_other_routes(app.routes)))


def _other_routes(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Routes that the document does not hold, and hidden ones."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if isinstance(route, Mount):
            # The editor's routes have a test of their own: tests/cloud_app/test_calibrations.py.
            assert route.name in {"page", "shared", "calibrate"}, (
                f"{route.path} is mounted: say in this test who may see it"
            )
        elif inner is not None:
            prefix = route.include_context.prefix  # type: ignore[attr-defined]
            for path, method in _other_routes(inner.routes):
                yield prefix + path, method
        else:
            for method in getattr(route, "methods", None) or {"GET"}:
                if method != "HEAD":
                    yield route.path, method  # type: ignore[attr-defined]


@pytest.fixture
def hub(database: Database) -> Hub:
    """Two sites with bays, events, incidents, gaps, alerts, shadows; the south under a mark."""
    hub = Hub(database, HTTP)
    north = ScriptedEdge(edge="box-1", site="north", lot="p1")
    south = ScriptedEdge(
        edge=f"{MARK}-box", site=f"{MARK}-site", lot=f"{MARK}-lot", camera=f"{MARK}-cam",
        bay_ids=(f"{MARK}-1", "a1", "a2"),
    )  # fmt: skip
    for edge, name in ((north, "i-1"), (south, f"{MARK}-i")):
        fill(hub, edge)
        take(database, [edge.incident(name, 1), edge.gap((99, 99)), edge.health()])
        with database.write() as session:
            is_north = edge is north
            note_lot(session, edge.site, edge.lot or "")
            said = {"heard_ms": 1, "known": 1, "lot": edge.lot, "told_ms": 1, "told": "ok"}
            take_told(session, [((edge.site, edge.edge), said)])
            for kind, key, facts in (
                ("council", "city" if is_north else f"{MARK}-council", {}),
                ("operator", "acme" if is_north else f"{MARK}-op", {}),
                ("site", edge.site, {"location": {"lat": 48.1, "lon": 11.5}}),
                ("lot", f"{edge.site}/{edge.lot}", {"location": {"lat": 48.1, "lon": 11.5}}),
            ):
                known = find_one(session, Ref(kind, key))
                state(
                    session,
                    Edit(Ref(kind, key), "ann", 0, None if known is None else known.version),
                    facts,
                )
        hub.shadows.update(
            ShadowTopics(edge.edge),
            ShadowUpdate(reported={"site": edge.site}, sections=frozenset({"reported"})),
        )
    # The south is the newest and has the most of everything: it fills every limit.
    take(database, [south.change(f"{MARK}-1", bool(n % 2)) for n in range(120)])
    hub.clock.now_s += 3600
    with database.write() as session:
        judge(session, hub.context.now(), RulesConfig())
        for number in range(80):
            session.run(
                insert(alert),
                {
                    "rule": "lot_full",
                    "subject": f"{MARK}-{number}",
                    "site": south.site,
                    "text": f"{MARK} is full",
                    "opened_ms": hub.context.now().now_ms,
                },
            )
    return hub


def paths_of(template: str) -> list[str]:
    """A template filled with what each site has."""
    north = {
        "site": "north", "lot": "p1", "edge": "box-1", "bay": "a1", "zone": "z1",
        "device": "box-1", "operator": "acme", "council": "city", "account": "a",
        "session_id": "s", "key": "k", "kind": "reset", "alert": 1, "notification": "n",
        "rule": "r", "command": "c1", "campaign": "c-0123456789ab", "schedule": "s",
        "code_id": "c", "fingerprint": "AAAA", "downlink": "d1", "camera": "cam-1",
    }  # fmt: skip
    south = {
        **north, "site": f"{MARK}-site", "lot": f"{MARK}-lot", "edge": f"{MARK}-box",
        "bay": f"{MARK}-1", "device": f"{MARK}-box", "operator": f"{MARK}-op",
        "council": f"{MARK}-council", "account": f"{MARK}-person", "key": f"{MARK}-key",
        "alert": 2, "command": f"{MARK}-c", "notification": f"{MARK}-notification",
        "schedule": f"{MARK}-schedule", "code_id": f"{MARK}-code", "fingerprint": f"{MARK}-box",
        "rule": f"{MARK}-rule", "downlink": f"{MARK}-d", "camera": f"{MARK}-cam",
    }  # fmt: skip
    mixed = {**north, "lot": f"{MARK}-lot", "bay": f"{MARK}-1"}
    return list(dict.fromkeys(template.format(**each) for each in (north, south, mixed)))


# To write to the registry one names the version that was read; no thing here has that many.
REGISTRY_WRITES = {
    "PUT": ({}, '"1"'),
    "PATCH": ({"name": "x"}, '"1"'),
    "POST": ({"facts": ["name"]}, '"1"'),
    "DELETE": (None, '"99"'),
}


NEEDED_QUERY = {
    "/api/v1/intake/chirpstack": {"event": "up"},
    "/api/v1/registry/map": {"bbox": "-180,-90,180,90", "kind": "site"},
    "/api/v1/map/lots": {"bbox": "-180,-90,180,90"},
    "/api/v1/search": {"q": MARK},
}


CAMPAIGN_BODIES: dict[str, dict[str, Any]] = {
    "campaigns": {
        "name": "n",
        "kind": "model",
        "payload": {"target": "net.onnx", "version": "2"},
        "edges": ["box-1"],
    },
    "stop": {},
}


def ask(  # noqa: C901, PLR0911, PLR0912 - one for each kind of route
    client: httpx.Client, method: str, path: str
) -> httpx.Response:
    if path in NEEDED_QUERY:
        return client.request(method, path, params=NEEDED_QUERY[path])
    if path.endswith("/replacement"):
        return client.request(method, path, json={"device": "x"}, headers={"If-Match": '"1"'})
    if "/registry/" in path and method in REGISTRY_WRITES:
        body, etag = REGISTRY_WRITES[method]
        return client.request(method, path, json=body, headers={"If-Match": etag})
    if path.endswith("/manual") and method == "PUT":
        until = (START + timedelta(days=1)).isoformat()
        return client.request(method, path, json={"state": "free", "until": until})
    if path.endswith("/likely-free"):
        at = (START + timedelta(days=1)).isoformat()
        return client.request(method, path, params={"at": at})
    if path.endswith("/alerts/assignees"):
        return client.request(method, path, params={"site": "north"})
    if path.endswith("/count") and method == "POST":
        return client.request(method, path, json={"count": 1}, headers={"If-Match": '"0"'})
    if "/intake/" in path:
        query = {"event": "up"} if path.endswith("/chirpstack") else None
        return client.request(method, path, params=query, json={})
    if path.endswith("/local-events") and method == "PUT":
        kind = {"Content-Type": "text/csv"}
        return client.request(method, path, content="start,end,name\n", headers=kind)
    if path.endswith("/settings"):
        change = {"settings": {"evidence": {"enter_hold_s": 5}}, "version": 1}
        return client.request(method, path, json=change if method == "PATCH" else None)
    if "/campaigns" in path and method == "POST":
        body = CAMPAIGN_BODIES.get(path.rpartition("/")[2])
        return client.request(method, path, json=body, headers={"If-Match": '"1"'})
    if path.endswith("/commands") and method == "POST":
        return client.request(method, path, json={"name": "restart_service"})
    if path.endswith("/downlinks") and method == "POST":
        return client.request(method, path, json={"action": "restart"})
    if path.endswith("/actions"):
        return client.request(method, path, json={"action": "acknowledge"})
    return client.request(method, path, json={"desired": {"a": 1}} if method == "PATCH" else None)


_OF_TOKENS = {
    Permission.READ, Permission.WRITE, Permission.OPERATE, Permission.REGISTRY,
    Permission.RESPOND, Permission.INTAKE, Permission.PROVISION,
}  # fmt: skip


def expected_of(  # noqa: PLR0911 - one for each kind of route
    token: str | None, permission: Permission, path: str
) -> set[int]:
    """The statuses that a caller with a token may get; what is public is refused without a body."""
    if permission is Permission.PUBLIC:
        return {200, 401, 404, 422} if path.startswith("/api/v1/") else {200}
    if token not in SITES:
        return {401}
    if permission not in _OF_TOKENS:
        return {403}
    if permission is Permission.INTAKE:
        return {422}
    if path.endswith("/settings"):
        return {200, 404, 422}  # no schema of this box came
    if path.endswith("/downlinks"):
        return {200, 404, 422}  # no way down to this sensor
    if path.endswith("/count"):
        return {200, 404, 412}
    if path.endswith("/campaigns"):
        return {200, 201, 422}
    is_checked = "/registry/" in path or "/provisioning" in path
    return {200, 404, 412, 422} if is_checked else {200, 201, 202, 204, 404}


def test_every_route_has_a_policy_and_every_policy_a_route(hub: Hub) -> None:
    table = RouteTable(page_files())
    found = operations(hub.app)
    assert len(found) >= 20
    for path, method in found:
        assert method in table.methods(paths_of(path)[0]), f"{method} {path} has no policy"
    known = {(template, method) for template, method in found}
    for template, methods in _needed().items():
        assert {(template, method) for method in methods} <= known, template


def _needed() -> dict[str, Any]:
    from cloud_app.api import route_permissions

    return dict(route_permissions.NEEDED)


def test_a_route_that_nobody_opened_is_closed(hub: Hub) -> None:
    hub.app.router.routes.insert(
        0, APIRoute("/api/v1/secrets", lambda: {"sites": [f"{MARK}-site"]}, methods=["GET"])
    )
    with hub.client("all") as client:
        answer = client.get("/api/v1/secrets")
    assert answer.status_code == 404
    assert MARK not in answer.text
    assert ("/api/v1/secrets", "GET") in operations(hub.app)


@pytest.mark.parametrize("token", [None, "wrong", *SITES])
def test_no_answer_holds_what_its_caller_may_not_see(hub: Hub, token: str | None) -> None:
    table = RouteTable(page_files())
    told = 0
    with hub.client(token) as client:
        for template, method in operations(hub.app):
            if template.endswith("/live") and template.startswith("/api/"):
                continue  # a stream without an end: below
            permission = table.methods(paths_of(template)[0])[method]
            for path in paths_of(template):
                answer = ask(client, method, path)
                told += MARK in answer.text
                expected = expected_of(token, permission, path)
                assert answer.status_code in expected, f"{method} {path}: {answer.text}"
                if token != "all" and MARK not in path:
                    assert MARK not in answer.text, f"{method} {path} tells {token} of the south"
                elif token != "all" and answer.status_code == 200:
                    assert answer.json() == [], f"{method} {path}"
    assert (told > 0) == (token in SITES), "the walk must find the south where it may be seen"


def test_a_limit_counts_what_the_caller_sees(hub: Hub) -> None:
    with hub.client("north") as client:
        for path in ("alerts", "events", "incidents"):
            rows = client.get(f"/api/v1/{path}", params={"limit": 1}).json()
            assert [row["site"] for row in rows] == ["north"], path


def test_metrics_count_the_edges_that_the_caller_sees(hub: Hub) -> None:
    counted = {}
    for token in SITES:
        with hub.client(token) as client:
            counted[token] = client.get("/metrics").text
    assert "lotsight_cloud_edges 0.0" in counted["nothing"]
    assert "lotsight_cloud_edges 1.0" in counted["north"]
    assert "lotsight_cloud_edges 2.0" in counted["all"]
    assert "lotsight_cloud_events_total" in counted["all"]
    assert "lotsight_cloud_events_total" not in counted["north"] + counted["nothing"]


@pytest.mark.parametrize(
    ("token", "edges"),
    [("nothing", []), ("north", ["box-1"]), ("all", ["box-1", f"{MARK}-box"])],
)
def test_the_live_stream_tells_of_own_edges_alone(hub: Hub, token: str, edges: list[str]) -> None:
    boxes = [ScriptedEdge(), ScriptedEdge(edge=f"{MARK}-box", site=f"{MARK}-site")]
    with feeding(hub.feed):
        text = asyncio.run(asyncio.wait_for(heard_live(hub, token, boxes), 60))
    lines = [line for line in text.splitlines() if line.startswith("data: ")]
    told = {edge for line in lines for edge in json.loads(line[6:])["edges"]}
    assert sorted(told) == edges
    assert bool(lines) == bool(edges)


@pytest.mark.parametrize(
    ("seen", "asked", "wanted"),
    [
        pytest.param(SiteSet(), None, frozenset(), id="none"),
        pytest.param(SiteSet(), "north", frozenset(), id="none-asks"),
        pytest.param(SiteSet(frozenset({"north"})), None, {"north"}, id="one"),
        pytest.param(SiteSet(frozenset({"north"})), "south", frozenset(), id="another"),
        pytest.param(ALL_SITES, None, None, id="all"),
        pytest.param(ALL_SITES, "north", {"north"}, id="one-of-all"),
    ],
)
def test_what_a_query_looks_at(
    seen: SiteSet, asked: str | None, wanted: frozenset[str] | None
) -> None:
    assert seen.only(asked).wanted == wanted
