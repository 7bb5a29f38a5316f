"""Every route with every role: what is open to whom, and that nobody sees another tenant's."""

from __future__ import annotations

import json

import httpx
import pytest

from cloud_app.accounts import keys
from cloud_app.accounts.audit import Subject, record
from cloud_app.accounts.keys import KeyPlan
from cloud_app.accounts.people import Person
from cloud_app.accounts.roles import Role, Tenant, TenantKind
from cloud_app.api.app import page_files
from cloud_app.api.policy import ROLES, Permission
from cloud_app.api.route_permissions import RouteTable
from cloud_app.config import AccountsConfig, OperatorConfig, Scope
from cloud_app.storage.database import Database
from tests.cloud_app.accounts.kit import acting, add, session_headers
from tests.cloud_app.hub import Hub, fill
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_policy import MARK, operations, paths_of

NORTH, SOUTH = (Tenant(TenantKind.OPERATOR, name) for name in ("north-op", f"{MARK}-op"))
CITY, SEA = (Tenant(TenantKind.COUNCIL, name) for name in ("city", f"{MARK}-council"))
PEOPLE = AccountsConfig(
    operators=(
        OperatorConfig(name=NORTH.name, council=CITY.name, sites=frozenset({"north"})),
        OperatorConfig(name=SOUTH.name, council=SEA.name, sites=frozenset({f"{MARK}-site"})),
    )
)
BODIES = {
    ("/api/v1/alerts/{alert}/actions", "POST"): {"action": "comment", "text": "a"},
    ("/api/v1/edges/{edge}/shadow", "PATCH"): {"desired": {"a": 1}},
    ("/api/v1/people", "POST"): {"email": "x@example.org", "name": "X", "roles": []},
}


def _tenant(role: Role, operator: Tenant, council: Tenant) -> Tenant:
    return operator if role.tenant_kind is TenantKind.OPERATOR else council


@pytest.fixture
def hub(database: Database) -> Hub:
    """The north, and a south of which each name has the mark; both with people, keys, a log."""
    hub = Hub(database, people=PEOPLE)
    north = ScriptedEdge(edge="box-1", site="north", lot="p1")
    south = ScriptedEdge(
        edge=f"{MARK}-box", site=f"{MARK}-site", lot=f"{MARK}-lot", camera=f"{MARK}-cam",
        bay_ids=(f"{MARK}-1", "a1", "a2"),
    )  # fmt: skip
    fill(hub, north)
    fill(hub, south)
    for role in Role:
        add(hub, f"north-{role.name.lower()}@example.org", (_tenant(role, NORTH, CITY), role))
        add(hub, f"{MARK}-{role.name.lower()}@example.org", (_tenant(role, SOUTH, SEA), role))
    add(hub, "nothing@example.org")
    with database.write() as session:
        for tenant in (NORTH, SOUTH):
            plan = KeyPlan(f"{tenant.name} key", tenant, frozenset({Scope.READ}), None, None)
            keys.create(session, acting(hub, tenant.name), plan)
            subject = Subject("lot", f"{tenant.name} lot", str(tenant))
            record(session, acting(hub, tenant.name), "lot.edit", subject, None, {"a": tenant.name})
    return hub


def _person(hub: Hub, email: str) -> Person:
    from cloud_app.accounts.people import by_email

    with hub.database.read() as session:
        return by_email(session, email)


@pytest.mark.parametrize("role", [None, *Role])
def test_each_route_is_open_to_those_whose_role_allows_it_and_to_nobody_else(
    hub: Hub, role: Role | None
) -> None:
    name = "nothing" if role is None else f"north-{role.name.lower()}"
    allowed = {Permission.PUBLIC, Permission.SELF} | (ROLES[role] if role is not None else set())
    person = _person(hub, f"{name}@example.org")
    table = RouteTable(page_files())
    seen = {True: 0, False: 0}
    with hub.client() as client:
        for template, method in operations(hub.app):
            permission = table.methods(paths_of(template)[0])[method]
            if permission is Permission.PUBLIC or template.endswith("/live"):
                continue
            for path in paths_of(template):
                answer = client.request(
                    method, path, headers=session_headers(hub, person),
                    json=BODIES.get((template, method)),
                )  # fmt: skip
                # The gate's own words: a route may refuse by itself as well.
                is_closed = answer.status_code == 403 and "may not: " in answer.text
                assert is_closed == (permission not in allowed), f"{method} {path}: {answer.text}"
                assert answer.status_code < 500, f"{method} {path}: {answer.text}"
                seen[is_closed] += 1
                if MARK not in path:
                    assert MARK not in answer.text, f"{method} {path} tells {role} of the south"
                elif not is_closed and answer.status_code == 200:
                    assert answer.json() == [], f"{method} {path}"
    assert seen[True] + (role in {Role.OPERATOR_ADMIN}) > 0
    assert seen[False] > 0


def test_the_south_sees_its_own(hub: Hub) -> None:
    """The walk above finds nothing because nothing is shown, not because nothing is there."""
    person = _person(hub, f"{MARK}-operator_admin@example.org")
    with hub.client() as client:
        for path in ("lots", "edges", "people", "keys", "audit", "tenants", "audit/export"):
            answer = client.get(f"/api/v1/{path}", headers=session_headers(hub, person))
            assert MARK in answer.text, path
            assert "north" not in answer.text, path


@pytest.mark.parametrize("path", ["lots", "people", "keys", "audit", "session"])
@pytest.mark.parametrize("cookie", [None, "lotsight_session=", "lotsight_session=x; a=;;=b"])
def test_nobody_comes_in_without_a_session(hub: Hub, path: str, cookie: str | None) -> None:
    headers = {} if cookie is None else {"Cookie": cookie}
    with hub.client() as client:
        assert client.get(f"/api/v1/{path}", headers=headers).status_code == 401


def test_who_manages_people_by_the_policy_does_so_for_the_last_administrator_rule() -> None:
    for role in Role:
        assert role.manages_people == (Permission.PEOPLE in ROLES[role]), role


def test_two_roles_add_up_each_at_its_own_tenant(hub: Hub) -> None:
    """A viewer of the north who is technician of the south changes shadows of the south alone."""
    both = add(hub, "both@example.org", (NORTH, Role.VIEWER), (SOUTH, Role.TECHNICIAN))
    with hub.client() as client:
        headers = session_headers(hub, both)
        lots = client.get("/api/v1/lots", headers=headers).json()
        assert {lot["site"] for lot in lots} == {"north", f"{MARK}-site"}
        answers = {
            edge: client.patch(
                f"/api/v1/edges/{edge}/shadow", headers=headers, json={"desired": {"a": 1}}
            ).status_code
            for edge in ("box-1", f"{MARK}-box")
        }
    assert answers == {"box-1": 404, f"{MARK}-box": 200}


def test_a_role_taken_away_counts_from_the_next_request(hub: Hub) -> None:
    from cloud_app.accounts import people
    from cloud_app.accounts.people import RoleChange

    viewer = _person(hub, "north-viewer@example.org")
    headers = session_headers(hub, viewer)
    with hub.client() as client:
        assert client.get("/api/v1/lots", headers=headers).json()
        with hub.database.write() as session:
            change = RoleChange(frozenset(), frozenset({NORTH}))
            people.set_roles(session, acting(hub), viewer, change, hub.accounts.tenants)
        assert client.get("/api/v1/lots", headers=headers).status_code == 403


def test_an_ended_session_ends_its_live_stream(hub: Hub) -> None:
    from cloud_app.accounts import sessions

    viewer = _person(hub, "north-viewer@example.org")
    with hub.client() as client:
        url = client.base_url
        headers = session_headers(hub, viewer)
        with httpx.stream("GET", f"{url}/api/v1/live", headers=headers, timeout=60) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry")
            with hub.database.write() as session:
                sessions.end_all(session, acting(hub), viewer)
            # Something happens: whoever is no longer in is not told, and the stream ends.
            hub.feed._tell({"box-1"})
            rest = [line for line in lines if line.startswith("data")]
    assert [json.loads(line[6:]) for line in rest] == []
