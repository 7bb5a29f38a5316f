"""Alerts over HTTP: who may do what, filters, stale versions, what is no proper request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from cloud_app.accounts import people as accounts
from cloud_app.accounts.roles import Role
from cloud_app.api.access import digest_of
from cloud_app.config import HttpConfig, Scope, TokenConfig
from cloud_app.storage.alert_life import Subject
from cloud_app.storage.database import Database
from cloud_app.storage.sqlite import SqliteDatabase
from tests.cloud_app.accounts.kit import CITY, NORTH, SOUTH, acting, add, signed_in
from tests.cloud_app.alerts.kit import FULL, Desk
from tests.cloud_app.hub import Hub

SOUTHERN = Subject("edge_offline", "south", "box-3")


@pytest.fixture
def desk(hub: Hub) -> Desk:
    for name, tenant, role in (
        ("tech", NORTH, Role.TECHNICIAN), ("view", NORTH, Role.VIEWER),
        ("admin", NORTH, Role.OPERATOR_ADMIN), ("city", CITY, Role.COUNCIL),
        ("south", SOUTH, Role.TECHNICIAN),
    ):  # fmt: skip
        add(hub, f"{name}@x.org", (tenant, role))
    add(hub, "invited@x.org", (NORTH, Role.TECHNICIAN), password=None)
    return Desk(hub)


def act(
    client: httpx.Client, number: int, version: int | None = None, **body: Any
) -> httpx.Response:
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return client.post(f"/api/v1/alerts/{number}/actions", json=body, headers=headers)


def test_an_alert_is_dealt_with_by_its_people_and_read_by_viewers(desk: Desk) -> None:
    number, foreign = desk.open(FULL, SOUTHERN)
    with signed_in(desk.hub, "view@x.org") as client:
        assert [each["id"] for each in client.get("/api/v1/alerts").json()] == [number]
        assert client.get(f"/api/v1/alerts/{number}").json()["log"][0]["action"] == "opened"
        assert act(client, number, action="acknowledge").status_code == 403
        assert client.get("/api/v1/alerts/assignees?site=north").status_code == 403
    with signed_in(desk.hub, "tech@x.org") as client:
        assert client.get(f"/api/v1/alerts/{foreign}").status_code == 404
        assert act(client, foreign, action="close").status_code == 404
        done = act(client, number, action="acknowledge")
        assert done.status_code == 200, done.text
        assert done.headers["ETag"] == '"2"'
        told = done.json()
        assert (told["state"], told["acknowledged_by"]) == ("acknowledged", "tech@x.org")
    with signed_in(desk.hub, "city@x.org") as client:
        assert act(client, number, action="comment", text="Thanks.").status_code == 200
        assert act(client, number, 3, action="close").json()["closed_by"] == "city@x.org"
        again = act(client, number, action="close")
        assert (again.status_code, "closed by city@x.org" in again.text) == (409, True)
    with signed_in(desk.hub, "admin@x.org") as client:
        lines = client.get("/api/v1/audit", params={"action": "alert"}).json()
    assert [(line["actor"], line["action"], line["tenant"]) for line in lines] == [
        ("city@x.org", "alert.close", "operator:north-op"),
        ("city@x.org", "alert.comment", "operator:north-op"),
        ("tech@x.org", "alert.acknowledge", "operator:north-op"),
    ]


def test_a_stale_page_gets_the_newer_alert_and_saves_nothing(desk: Desk) -> None:
    [number] = desk.open(FULL)
    with signed_in(desk.hub, "tech@x.org") as client:
        assert act(client, number, 1, action="acknowledge").status_code == 200
        stale = act(client, number, 1, action="close")
        assert stale.status_code == 412
        assert stale.headers["ETag"] == '"2"'
        assert "expected version 1, but it is at 2" in stale.json()["detail"]
        assert stale.json()["alert"]["acknowledged_by"] == "tech@x.org"
        assert client.get(f"/api/v1/alerts/{number}").json()["closed"] is None


def test_an_alert_is_given_to_who_may_see_to_it(desk: Desk) -> None:
    [number] = desk.open(FULL)
    with signed_in(desk.hub, "tech@x.org") as client:
        people = client.get("/api/v1/alerts/assignees", params={"site": "north"}).json()
        assert [each["account"] for each in people] == ["admin@x.org", "city@x.org", "tech@x.org"]
        assert people[0]["name"] == "Admin"
        assert act(client, number, action="assign", assignee="City@x.org").status_code == 200
        mine = client.get("/api/v1/alerts", params={"assignee": "city@X.org"}).json()
        assert [each["id"] for each in mine] == [number]
        for nobody in ("south@x.org", "view@x.org", "invited@x.org", "ghost@x.org"):
            refused = act(client, number, action="assign", assignee=nobody)
            assert refused.status_code == 422
            assert refused.json()["detail"].startswith("alerts of north cannot be given to")
        with desk.hub.database.write() as session:
            person = accounts.by_email(session, "admin@x.org")
            accounts.set_disabled(
                session, acting(desk.hub), person, desk.hub.accounts.tenants, disabled=True
            )
        assert act(client, number, action="assign", assignee="admin@x.org").status_code == 422
        assert act(client, number, action="assign", assignee=None).json()["assignee"] is None
        assert client.get("/api/v1/alerts/assignees?site=south").status_code == 404


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        pytest.param({}, 422, "action", id="no action"),
        pytest.param({"action": "explode"}, 422, "acknowledge", id="unknown action"),
        pytest.param({"action": "close", "why": "x"}, 422, "Extra inputs", id="extra field"),
        pytest.param({"action": "assign"}, 422, "assignee", id="no assignee"),
        pytest.param({"action": "assign", "assignee": "x" * 300}, 422, "254", id="long assignee"),
        pytest.param({"action": "assign", "assignee": "a\0b@x.org"}, 422, "given to", id="nul"),
        pytest.param({"action": "silence", "until": "2026-03-01"}, 422, "until", id="date alone"),
        pytest.param(
            {"action": "silence", "until": "2026-03-01T09:00:00"}, 422, "timezone", id="no zone"
        ),
        pytest.param(
            {"action": "silence", "until": "2020-01-01T00:00:00Z"}, 422, "within", id="past"
        ),
        pytest.param(
            {"action": "silence", "until": "2099-01-01T00:00:00Z"}, 422, "within", id="for ever"
        ),
        pytest.param({"action": "comment", "text": ""}, 422, "1 character", id="empty"),
        pytest.param({"action": "comment", "text": "x" * 5_000}, 422, "4000", id="long"),
        pytest.param({"action": "comment", "text": "x" * 100_000}, 413, "", id="100 kB"),
        pytest.param({"action": "comment", "text": "a\0"}, 422, "control", id="comment nul"),
        pytest.param({"action": "comment", "text": 7}, 422, "string", id="number"),
    ],
)
def test_what_is_no_proper_act_changes_nothing(
    desk: Desk, body: dict[str, Any], code: int, text: str
) -> None:
    [number] = desk.open(FULL)
    with signed_in(desk.hub, "tech@x.org") as client:
        answer = act(client, number, **body)
    assert answer.status_code == code, answer.text
    assert text in answer.text
    assert desk.seen(number).version == 1


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("alerts/0", 422), ("alerts/x", 422), ("alerts/99999999999999999999", 422),
        ("alerts/77", 404), ("alerts?state=gone", 422), ("alerts?state=open&state=closed", 200),
        ("alerts?rule=a&rule=b", 422), ("alerts?severity=bad", 422), ("alerts?q=%00", 422),
        ("alerts?q=" + "x" * 101, 422), ("alerts?assignee=a%00b", 422), ("alerts?before=0", 422),
        ("alerts?limit=1001", 422), ("alerts?from=2026-03-01", 422), ("alerts?open=1", 422),
        ("alerts?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00%2B01:00", 200),
        ("alerts?q=%25_%5C%27%22", 200), ("alerts?site=nowhere", 200), ("alerts/assignees", 422),
    ],
)  # fmt: skip
def test_what_may_be_asked(read_only: httpx.Client, path: str, code: int) -> None:
    answer = read_only.get(f"/api/v1/{path}")
    assert answer.status_code == code, answer.text


@pytest.fixture(scope="module")
def read_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    database = SqliteDatabase(tmp_path_factory.mktemp("alerts") / "cloud.db")
    with Hub(database).client() as client:
        yield client
    database.close()


def test_pages_hold_together(desk: Desk) -> None:
    subjects = [Subject("incident", "north", f"box-1/i-{n:02d}") for n in range(25)]
    numbers = desk.open(*subjects)
    desk.cease(*numbers[::2])
    seen: list[int] = []
    before = 2**53
    with signed_in(desk.hub, "view@x.org") as client:
        while page := client.get(
            "/api/v1/alerts", params={"before": before, "limit": 10}
        ).json():  # fmt: skip
            seen += [each["id"] for each in page]
            before = seen[-1]
    assert seen == numbers[::-1]


def test_machines_act_with_the_scope_to_write(database: Database) -> None:
    tokens = tuple(
        TokenConfig(name=name, sha256=digest_of(name), scopes=frozenset(scopes))
        for name, scopes in (("reader", {Scope.READ}), ("desk", set(Scope)))
    )
    hub = Hub(database, HttpConfig(tokens=tokens))
    [number] = Desk(hub).open(FULL)
    with hub.client("reader") as client:
        assert act(client, number, action="acknowledge").status_code == 403
    with hub.client("desk") as client:
        done = act(client, number, action="acknowledge").json()
        assert done["acknowledged_by"] == "token desk"
        assert client.get("/api/v1/alerts/assignees?site=north").json() == []
        assert client.get("/api/v1/notifications").status_code == 403


def test_before_the_first_account_whoever_is_on_loopback_may_act(database: Database) -> None:
    hub = Hub(database)
    desk = Desk(hub)
    [number] = desk.open(FULL)
    until = (hub.clock.utc() + timedelta(days=30)).isoformat()
    with hub.client() as client:
        assert act(client, number, action="silence", until=until).json()["state"] == "silenced"
    assert desk.seen(number).log[-1].actor == "anonymous"
