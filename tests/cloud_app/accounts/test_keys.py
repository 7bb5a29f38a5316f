"""API keys: shown once, bounded by their tenant, scopes, sites and end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cloud_app.accounts import keys, people
from cloud_app.accounts.roles import Role
from cloud_app.accounts.secret import digest_of
from tests.cloud_app.accounts.kit import (
    CITY,
    NORTH,
    SOUTH,
    add,
    audit_actions,
    signed_in,
)
from tests.cloud_app.hub import Hub, fill
from tests.cloud_app.scripted_edge import ScriptedEdge

ADMIN = "admin@example.org"


@pytest.fixture
def admin(hub: Hub) -> people.Person:
    fill(hub, ScriptedEdge())
    return add(hub, ADMIN, (NORTH, Role.OPERATOR_ADMIN))


def asked(**changes: Any) -> dict[str, Any]:
    return {"name": "display board", "tenant": str(NORTH), "scopes": ["read"], **changes}


def test_a_key_reads_what_its_tenant_has_until_it_is_revoked(
    hub: Hub, admin: people.Person
) -> None:
    with signed_in(hub, ADMIN) as client:
        answer = client.post("/api/v1/keys", json=asked())
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert made["secret"].startswith(made["key"]["prefix"])
        assert made["secret"] not in client.get("/api/v1/keys").text
        with hub.client(made["secret"]) as machine:
            assert [lot["site"] for lot in machine.get("/api/v1/lots").json()] == ["north"]
            assert machine.patch(
                "/api/v1/edges/box-1/shadow", json={"desired": {}}
            ).status_code == 403  # fmt: skip
            for path in ("people", "keys", "audit", "session"):
                assert machine.get(f"/api/v1/{path}").status_code == 403
            [listed] = client.get("/api/v1/keys").json()
            assert listed["used"] == listed["created"]
            path = f"/api/v1/keys/{listed['key']}"
            assert client.delete(path).status_code == 204
            assert machine.get("/api/v1/lots").status_code == 401
        assert client.delete(path).status_code == 204
        assert client.get("/api/v1/keys").json()[0]["revoked"] is not None
    with hub.database.read() as session:
        [row] = session.rows(keys._FIND, {"of": digest_of(made["secret"])})
    assert made["secret"] not in str(row)
    assert audit_actions(hub, listed["key"]) == ["key.create", "key.revoke"]


def test_a_key_ends(hub: Hub, admin: people.Person) -> None:
    end = (hub.clock.utc() + timedelta(hours=1)).isoformat()
    with signed_in(hub, ADMIN) as client:
        secret = client.post("/api/v1/keys", json=asked(expires=end)).json()["secret"]
    with hub.client(secret) as machine:
        hub.clock.now_s += 3599
        assert machine.get("/api/v1/lots").status_code == 200
        hub.clock.now_s += 1
        assert machine.get("/api/v1/lots").status_code == 401


@pytest.mark.parametrize("secret", ["lsk_", "lsk_a_b", "lsk_é", "Lsk_x", "x" * 4000])
def test_what_is_no_key(hub: Hub, admin: people.Person, secret: str) -> None:
    with hub.client() as client:
        headers = {b"Authorization": f"Bearer {secret}".encode()}
        assert client.get("/api/v1/lots", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        pytest.param({"scopes": []}, 422, "scopes", id="no-scope"),
        pytest.param({"scopes": ["admin"]}, 422, "scopes", id="unknown-scope"),
        pytest.param({"tenant": str(SOUTH)}, 403, "may not make keys", id="another-tenant"),
        pytest.param({"tenant": str(CITY)}, 403, "may not make keys", id="its-council"),
        pytest.param({"tenant": "north-op"}, 422, "tenant", id="no-tenant"),
        pytest.param({"sites": ["south"]}, 422, "but got south", id="foreign-site"),
        pytest.param({"expires": "2001-01-01T00:00:00Z"}, 422, "an end to come", id="past"),
        pytest.param({"name": " "}, 422, "expected a name", id="no-name"),
        pytest.param({"colour": "red"}, 422, "extra", id="unknown-field"),
    ],
)
def test_a_key_that_is_refused(
    hub: Hub, admin: people.Person, changes: dict[str, Any], code: int, text: str
) -> None:
    with signed_in(hub, ADMIN) as client:
        answer = client.post("/api/v1/keys", json=asked(**changes))
        assert answer.status_code == code
        assert text in answer.text
        assert client.get("/api/v1/keys").json() == []


def test_nobody_hands_out_more_than_they_have(hub: Hub, admin: people.Person) -> None:
    """A council reads; it makes no key that writes, not even of its operator."""
    add(hub, "mayor@example.org", (CITY, Role.COUNCIL))
    with signed_in(hub, "mayor@example.org") as client:
        for tenant in (CITY, NORTH):
            for scopes, code in ((["read"], 201), (["read", "write"], 403)):
                body = asked(tenant=str(tenant), scopes=scopes)
                assert client.post("/api/v1/keys", json=body).status_code == code


def test_a_key_of_some_sites_sees_those_and_only_while_they_are_its_tenants(
    hub: Hub, admin: people.Person
) -> None:
    with signed_in(hub, ADMIN) as client:
        body = asked(sites=[], scopes=["read", "write"])
        nothing = client.post("/api/v1/keys", json=body).json()["secret"]
        north = client.post("/api/v1/keys", json=asked(sites=["north"])).json()["secret"]
    with hub.client(nothing) as machine:
        assert machine.get("/api/v1/lots").json() == []
    with hub.client(north) as machine:
        assert len(machine.get("/api/v1/lots").json()) == 1
