"""People of the tests: made in the tables, logged in over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from cloud_app.accounts import people, sessions, tickets
from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.accounts.people import Person, RoleChange
from cloud_app.accounts.roles import Membership, Role, Tenant
from cloud_app.accounts.sessions import Device
from cloud_app.config import AccountsConfig, OperatorConfig
from cloud_app.storage.times import to_ms
from tests.cloud_app.hub import Hub

PASSWORD = "seven purple kerbs at noon"
NORTH, SOUTH, CITY, SEA = (
    Tenant.parse(text)
    for text in ("operator:north-op", "operator:south-op", "council:city", "council:sea")
)
PEOPLE = AccountsConfig(
    operators=(
        OperatorConfig(name="north-op", council="city", sites=frozenset({"north"})),
        OperatorConfig(name="south-op", council="sea", sites=frozenset({"south"})),
    )
)
DEVICE = Device("127.0.0.1", "tests")


def acting(hub: Hub, name: str = "test") -> Actor:
    return Actor(ActorKind.SYSTEM, name, None, to_ms(hub.clock.utc()))


def add(
    hub: Hub, email: str, *roles: tuple[Tenant, Role], password: str | None = PASSWORD
) -> Person:
    """Somebody with an account."""
    with hub.database.write() as session:
        person = people.create(session, acting(hub), email, email.partition("@")[0].title())
        wanted = frozenset(Membership(*each) for each in roles)
        change = RoleChange(wanted, frozenset(each.tenant for each in wanted))
        people.set_roles(session, acting(hub), person, change, hub.accounts.tenants)
        person = people.by_id(session, person.account)
        if password is not None:
            kept = hub.accounts.passwords.hash(password)
            tickets.set_password(session, acting(hub), person, kept)
        return people.by_id(session, person.account)


def log_in(
    client: httpx.Client, email: str, password: str = PASSWORD, code: str | None = None
) -> httpx.Response:
    """Log in; from then on the client sends the session's token."""
    typed: dict[str, Any] = {"email": email, "password": password}
    if code is not None:
        typed["code"] = code
    answer = client.post("/api/v1/login", json=typed)
    if answer.status_code == 200:
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
    return answer


@contextmanager
def signed_in(hub: Hub, email: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
    """A browser of somebody who has logged in."""
    with hub.client() as client:
        answer = log_in(client, email, password)
        assert answer.status_code == 200, answer.text
        yield client


def session_headers(hub: Hub, person: Person) -> dict[str, str]:
    """What a browser with a new session of somebody sends."""
    with hub.database.write() as session:
        secret = sessions.start(session, acting(hub), person, "password", DEVICE)
    return {"Cookie": f"lotsight_session={secret}", "X-CSRF-Token": sessions.csrf_token(secret)}


def audit_actions(hub: Hub, subject: str | None = None) -> list[str]:
    """The actions in the log, the oldest first."""
    from cloud_app.accounts.audit import AuditFilter, lines

    with hub.database.read() as session:
        found = lines(session, AuditFilter(subject=subject), 1000)
    return [row.action for row in found][::-1]
