"""A login for each role, with passwords that are random and printed once."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from city.plan import COUNCIL, Site
from cloud_app.accounts import keys, people, tickets
from cloud_app.accounts.assembly import Accounts
from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.accounts.keys import KeyPlan
from cloud_app.accounts.passwords import check_strength
from cloud_app.accounts.people import RoleChange
from cloud_app.accounts.roles import Membership, Role, Tenant, TenantKind
from cloud_app.config import CloudConfig, Scope
from cloud_app.storage.database import Database
from cloud_app.storage.times import to_ms

_PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who may log in.

    Attributes:
        email: what one logs in with.
        name: to show.
        member: what they are where.
        password: in plain text; only here and on the screen.
    """

    email: str
    name: str
    member: Membership
    password: str = field(repr=False)


def _login(email: str, name: str, role: Role, tenant: str) -> Login:
    kind = TenantKind.COUNCIL if role is Role.COUNCIL else TenantKind.OPERATOR
    member = Membership(Tenant(kind, tenant), role)
    return Login(email, name, member, secrets.token_urlsafe(_PASSWORD_BYTES))


def new_logins() -> tuple[Login, ...]:
    """One of each role, and one of the other operator, to see that each sees its own sites only."""
    return (
        _login("council@wexmouth.example", "Cora Council", Role.COUNCIL, COUNCIL),
        _login("admin@wexpark.example", "Ada Admin", Role.OPERATOR_ADMIN, "wexpark"),
        _login("technician@wexpark.example", "Ted Technician", Role.TECHNICIAN, "wexpark"),
        _login("viewer@wexpark.example", "Vera Viewer", Role.VIEWER, "wexpark"),
        _login("admin@kerbside.example", "Kim Kerbside", Role.OPERATOR_ADMIN, "kerbside"),
    )


def gate_key(database: Database, site: Site, now: datetime) -> str:
    """An API key for the gates of a site, and for those who walk about there and count.

    Raises:
        AccountError: it cannot be made.
    """
    scopes = frozenset({Scope.INTAKE, Scope.READ, Scope.WRITE})
    tenant = Tenant(TenantKind.OPERATOR, site.operator)
    plan = KeyPlan(f"Gates of {site.name}", tenant, scopes, frozenset({site.id}), None)
    actor = Actor(ActorKind.COMMAND_LINE, "scripts/city", None, to_ms(now))
    with database.write() as session:
        _, secret = keys.create(session, actor, plan)
    return secret


def add_accounts(
    config: CloudConfig, database: Database, logins: Sequence[Login], now: datetime
) -> None:
    """Make the accounts; the registry must know their tenants.

    Raises:
        AccountError: an account cannot be made.
    """
    accounts = Accounts.of(config, database)
    actor = Actor(ActorKind.COMMAND_LINE, "scripts/city", None, to_ms(now))
    for login in logins:
        check_strength(login.password, (login.email, login.name))
    # Hashing is slow on purpose; the database is not held meanwhile.
    kept = [accounts.passwords.hash(login.password) for login in logins]
    with database.write() as session:
        for login, password in zip(logins, kept, strict=True):
            person = people.create(session, actor, login.email, login.name)
            change = RoleChange(frozenset({login.member}), frozenset({login.member.tenant}))
            people.set_roles(session, actor, person, change, accounts.tenants)
            made = people.by_id(session, person.account)
            tickets.set_password(session, actor, made, password)
