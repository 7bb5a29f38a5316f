"""Who keeps the registry: a council its kerb and its operators, an operator its sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cloud_app.accounts.people import by_email
from cloud_app.accounts.roles import Role, Tenant
from cloud_app.config import AccountsConfig, OperatorConfig
from cloud_app.storage.database import Database
from tests.cloud_app.accounts.kit import add, audit_actions, session_headers
from tests.cloud_app.hub import Hub, serving
from tests.cloud_app.registry.places import put

ROOT = "/api/v1/registry"
CITY, SEA, NORTH, SOUTH = (
    Tenant.parse(each)
    for each in ("council:city", "council:sea", "operator:north-op", "operator:south-op")
)
# "told" is an operator's of the sea by the configuration alone, before the registry knows it.
PEOPLE = AccountsConfig(
    operators=(OperatorConfig(name="south-op", council="sea", sites=frozenset({"told"})),)
)


@pytest.fixture
def hub(database: Database) -> Hub:
    hub = Hub(database, people=PEOPLE)
    with database.write() as session:
        for council, operator, site in (
            ("city", "north-op", "north"), ("sea", "south-op", "south"),
        ):  # fmt: skip
            put(session, "council", council, name=council)
            put(session, "operator", operator, council=council)
            put(session, "site", site, operator=operator)
            put(session, "lot", f"{site}/p1", name="Lot")
        put(session, "operator", "east-op", council="city")
    add(hub, "city@example.org", (CITY, Role.COUNCIL))
    add(hub, "north@example.org", (NORTH, Role.OPERATOR_ADMIN))
    add(hub, "tech@example.org", (NORTH, Role.TECHNICIAN))
    add(hub, "view@example.org", (NORTH, Role.VIEWER))
    return hub


@pytest.fixture
def url(hub: Hub) -> Iterator[str]:
    with serving(hub.app) as url:
        yield url + ROOT


def caller(hub: Hub, url: str, email: str) -> httpx.Client:
    with hub.database.read() as session:
        person = by_email(session, email)
    return httpx.Client(base_url=url, headers=session_headers(hub, person), timeout=60)


def keys_of(client: httpx.Client, plural: str) -> list[str]:
    return ["/".join(each["ids"].values()) for each in client.get(f"/{plural}").json()["items"]]


def patched(client: httpx.Client, path: str, facts: dict[str, Any]) -> int:
    answer = client.get(path)
    etag = answer.headers.get("ETag", '"1"')
    return client.patch(path, json=facts, headers={"If-Match": etag}).status_code


def test_each_sees_its_own_councils_and_operators(hub: Hub, url: str) -> None:
    with caller(hub, url, "city@example.org") as city, caller(hub, url, "view@example.org") as view:
        assert keys_of(city, "councils") == ["city"]
        assert keys_of(city, "operators") == ["east-op", "north-op"]
        assert keys_of(city, "sites") == ["north"]
        assert keys_of(view, "councils") == []
        assert keys_of(view, "operators") == ["north-op"]
        assert city.get("/operators/south-op").status_code == 404
        assert city.get("/councils/sea/history").status_code == 404


def test_a_council_keeps_the_registry_of_its_operators(hub: Hub, url: str) -> None:
    with caller(hub, url, "city@example.org") as city:
        assert patched(city, "/lots/north/p1", {"name": "Market hall"}) == 200
        assert patched(city, "/councils/city", {"name": "City of Wexmouth"}) == 200
        assert patched(city, "/operators/north-op", {"name": "North"}) == 200
        assert city.put("/operators/new-op", json={"council": "city"}).status_code == 201
        assert city.put("/sites/quay", json={"operator": "new-op"}).status_code == 201
        assert patched(city, "/sites/quay", {"operator": "east-op"}) == 200
        assert keys_of(city, "sites") == ["north", "quay"]
        assert city.put("/lots/quay/p1", json={"name": "Quay"}).status_code == 201
    assert "registry.created" in audit_actions(hub, "quay")


@pytest.mark.parametrize(
    ("email", "path", "facts", "status"),
    [
        ("city@example.org", "/lots/south/p1", {"name": "x"}, 404),
        ("city@example.org", "/councils/sea", {"name": "x"}, 404),
        ("city@example.org", "/operators/south-op", {"name": "x"}, 404),
        ("city@example.org", "/operators/north-op", {"council": "sea"}, 403),
        ("city@example.org", "/operators/north-op", {"council": None}, 403),
        ("city@example.org", "/sites/north", {"operator": "south-op"}, 403),
        ("city@example.org", "/sites/north", {"operator": None}, 403),
        ("north@example.org", "/sites/north", {"operator": "east-op"}, 403),
        ("north@example.org", "/operators/north-op", {"name": "North"}, 200),
        ("north@example.org", "/operators/north-op", {"council": "sea"}, 403),
        ("tech@example.org", "/operators/north-op", {"name": "x"}, 404),
        ("tech@example.org", "/lots/north/p1", {"name": "x"}, 200),
        ("view@example.org", "/lots/north/p1", {"name": "x"}, 403),
    ],
)
def test_who_changes_what(
    hub: Hub, url: str, email: str, path: str, facts: dict[str, Any], status: int
) -> None:
    with caller(hub, url, email) as client:
        assert patched(client, path, facts) == status


@pytest.mark.parametrize(
    ("path", "facts", "status"),
    [
        ("/councils/new", {"name": "x"}, 404),
        ("/operators/mine", {"council": "sea"}, 403),
        ("/operators/mine", {"name": "x"}, 403),
        ("/sites/mine", {"operator": "south-op"}, 403),
        ("/sites/mine", {"name": "x"}, 403),
        ("/sites/told", {"operator": "north-op"}, 404),
        ("/lots/south/p9", {"name": "x"}, 404),
        ("/devices/d9", {"name": "x"}, 404),
    ],
)
def test_nobody_makes_what_is_not_theirs(
    hub: Hub, url: str, path: str, facts: dict[str, Any], status: int
) -> None:
    with caller(hub, url, "city@example.org") as city:
        assert city.put(path, json=facts).status_code == status
