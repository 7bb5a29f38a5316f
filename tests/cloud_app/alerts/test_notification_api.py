"""Notification rules over HTTP: kept, changed, tried out, without a secret in any answer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from cloud_app.accounts.roles import Role
from cloud_app.alerts import notifications
from cloud_app.alerts.notifications import Plan
from cloud_app.config import NotificationsConfig
from cloud_app.storage.database import Database
from tests.cloud_app.accounts.kit import CITY, NORTH, PEOPLE, SOUTH, acting, add, signed_in
from tests.cloud_app.alerts.kit import Desk, Hook, Mailbox, mail_to
from tests.cloud_app.hub import Hub

MAIL = {"kind": "mail", "address": "Night@Example.org"}
SECRET = "a secret that nobody is told"
PATH = "/api/v1/notifications"


@pytest.fixture
def desk(hub: Hub) -> Desk:
    for name, tenant, role in (
        ("tech", NORTH, Role.TECHNICIAN), ("admin", NORTH, Role.OPERATOR_ADMIN),
        ("city", CITY, Role.COUNCIL), ("south", SOUTH, Role.OPERATOR_ADMIN),
    ):  # fmt: skip
        add(hub, f"{name}@x.org", (tenant, role))
    return Desk(hub)


def rule(**facts: Any) -> dict[str, Any]:
    return {"tenant": str(NORTH), "name": "Night shift", "to": MAIL} | facts


def without_tenant(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != "tenant"}


def made(client: httpx.Client, **facts: Any) -> dict[str, Any]:
    answer = client.post(PATH, json=rule(**facts))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_rules_are_seen_and_changed_by_the_admins_of_their_tenant(desk: Desk) -> None:
    with signed_in(desk.hub, "admin@x.org") as client:
        one = made(client, severities=["critical"], sites=["north"], after_s=900)
        assert one["to"] == {"kind": "mail", "address": "night@example.org"}
        assert (one["version"], one["enabled"], one["also_closed"], one["fault"]) == (
            1, True, False, None,
        )  # fmt: skip
        path = f"{PATH}/{one['id']}"
        body = without_tenant(rule(name="Day shift", rules=["lot_full"]))
        changed = client.put(path, json=body, headers={"If-Match": '"1"'})
        assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
        assert (changed.json()["name"], changed.json()["severities"]) == ("Day shift", [])
        stale = client.put(path, json=body, headers={"If-Match": '"1"'})
        assert stale.status_code == 412
        assert stale.json()["notification"]["name"] == "Day shift"
        assert client.put(path, json=body).status_code == 422, "a version is needed"
    with signed_in(desk.hub, "city@x.org") as client:
        made(client, tenant=str(CITY))
        assert len(client.get(PATH).json()) == 2
    with signed_in(desk.hub, "south@x.org") as client:
        assert client.get(PATH).json() == []
        for method in ("GET", "DELETE"):
            assert client.request(method, path).status_code == 404
        assert client.put(path, json=body, headers={"If-Match": '"2"'}).status_code == 404
        assert client.post(f"{path}/test").status_code == 404
        assert client.post(PATH, json=rule()).status_code == 403
    with signed_in(desk.hub, "tech@x.org") as client:
        assert client.get(PATH).status_code == 403
    with signed_in(desk.hub, "admin@x.org") as client:
        assert client.delete(path).status_code == 204
        assert client.get(path).status_code == 404
        lines = client.get("/api/v1/audit", params={"action": "notification"}).json()
    assert [line["action"] for line in lines] == [
        "notification.delete", "notification.change", "notification.create",
    ]  # fmt: skip
    assert lines[1]["before"]["name"] == "Night shift"
    assert lines[1]["after"]["to"] == "mail night@example.org"


def test_a_secret_is_kept_and_never_told(desk: Desk, hook: Hook) -> None:
    to = {"kind": "webhook", "url": hook.url, "secret": SECRET}
    with signed_in(desk.hub, "admin@x.org") as client:
        one = made(client, to=to)
        assert one["to"] == {"kind": "webhook", "url": hook.url, "signed": True}
        path, version = f"{PATH}/{one['id']}", 1

        def put(**facts: Any) -> None:
            nonlocal version
            body = without_tenant(rule(to={"kind": "webhook", "url": hook.url, **facts}))
            answer = client.put(path, json=body, headers={"If-Match": f'"{version}"'})
            assert answer.status_code == 200, answer.text
            version += 1

        def signed() -> bool:
            desk.hub.clock.advance(10)
            assert client.post(f"{path}/test").json()["delivered"]
            return "webhook-signature" in hook.headers[-1]

        assert signed()
        put()
        assert signed(), "absent: the one before stays"
        put(secret=None)
        assert not signed()
        told = [client.get(p).text for p in (PATH, path, "/api/v1/audit?limit=100")]
    assert all(SECRET not in text for text in told)
    assert "secret-path" not in told[2]


def test_a_rule_can_be_tried_out(desk: Desk, hook: Hook, mailbox: Mailbox) -> None:
    with signed_in(desk.hub, "admin@x.org") as client:
        by_mail = made(client)["id"]
        by_hook = made(client, to={"kind": "webhook", "url": hook.url}, enabled=False)["id"]
        result = client.post(f"{PATH}/{by_mail}/test").json()
        assert (result["delivered"], result["detail"]) == (
            True, "mail to night@example.org: delivered",
        )  # fmt: skip
        assert mailbox.subjects == ["Test of a lotsight notification rule"]
        soon = client.post(f"{PATH}/{by_mail}/test")
        assert (soon.status_code, soon.headers["Retry-After"]) == (429, "10")
        desk.hub.clock.advance(10)
        mailbox.refusal = "550 no such mailbox"
        result = client.post(f"{PATH}/{by_mail}/test").json()
        assert not result["delivered"]
        assert "did not take it: 550 no such mailbox" in result["detail"]
        assert client.post(f"{PATH}/{by_hook}/test").json()["delivered"]
        desk.hub.clock.advance(10)
        hook.status = 500
        failed = client.post(f"{PATH}/{by_hook}/test").json()
        assert failed["detail"] == "webhook 127.0.0.1: expected 2xx, but got: HTTP 500"
        assert "secret-path" not in json.dumps(failed)
    assert hook.types == ["alert.test test"]


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        pytest.param({"name": ""}, "1 character", id="no name"),
        pytest.param({"name": "a\nb"}, "printable", id="line break in name"),
        pytest.param({"name": "a\0"}, "printable", id="nul in name"),
        pytest.param({"to": {"kind": "fax", "address": "1"}}, "webhook", id="fax"),
        pytest.param({"to": {"kind": "mail", "address": "nobody"}}, "e-mail", id="no address"),
        pytest.param(
            {"to": {"kind": "mail", "address": "a@b.c\r\nBcc: d@e.f"}}, "e-mail", id="two headers"
        ),
        pytest.param({"to": {"kind": "webhook", "url": "x"}}, "url must be", id="no url"),
        pytest.param(
            {"to": {"kind": "webhook", "url": "https://a.org", "secret": "x"}}, "16", id="secret"
        ),
        pytest.param({"severities": ["bad"]}, "critical", id="severity"),
        pytest.param({"rules": ["lot_fool"]}, "lot_full", id="rule"),
        pytest.param({"sites": ["south"]}, "sites must be those of", id="another's site"),
        pytest.param({"sites": ["a b"]}, "pattern", id="no site"),
        pytest.param({"after_s": -1}, "greater", id="before"),
        pytest.param({"after_s": 10**9}, "less", id="years later"),
        pytest.param({"colour": "red"}, "Extra", id="extra"),
        pytest.param({"tenant": "north"}, "pattern", id="no tenant"),
    ],
)
def test_what_is_no_proper_rule_is_refused(desk: Desk, facts: dict[str, Any], text: str) -> None:
    with signed_in(desk.hub, "admin@x.org") as client:
        answer = client.post(PATH, json=rule(**facts))
        assert answer.status_code == 422, answer.text
        assert text in answer.text
        assert client.get(PATH).json() == []


def test_a_tenant_has_a_hundred_rules_at_most(desk: Desk) -> None:
    with signed_in(desk.hub, "admin@x.org") as client:
        to = mail_to()
        with desk.hub.database.write() as session:
            for _ in range(100):
                notifications.create(session, acting(desk.hub), NORTH, Plan("r", True, to))
        refused = client.post(PATH, json=rule())
    assert (refused.status_code, "100 notification rules" in refused.text) == (422, True)


def test_by_default_webhooks_are_public_and_mail_needs_a_server(database: Database) -> None:
    hub = Hub(database, people=PEOPLE, notifications=NotificationsConfig())
    add(hub, "admin@x.org", (NORTH, Role.OPERATOR_ADMIN))
    with signed_in(hub, "admin@x.org") as client:
        for url, text in (
            ("https://127.0.0.1/x", "must be at a public address"),
            ("https://169.254.169.254/latest/meta-data", "must be at a public address"),
            ("http://hooks.example.org/x", "must be https"),
        ):
            refused = client.post(PATH, json=rule(to={"kind": "webhook", "url": url}))
            assert (refused.status_code, text in refused.text) == (422, True)
        assert "no mail server here" in client.post(PATH, json=rule()).text
        # A name that turns out to be private is refused when it is used.
        one = made(client, to={"kind": "webhook", "url": "https://localhost.invalid/x"})
        result = client.post(f"{PATH}/{one['id']}/test").json()
    assert result["detail"] == (
        "webhook localhost.invalid: its name localhost.invalid cannot be resolved"
    )
