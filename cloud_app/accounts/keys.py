"""API keys: for machines, of one tenant, with scopes, sites and an end."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select, update

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.accounts.people import plain_name
from cloud_app.accounts.roles import Tenant
from cloud_app.accounts.secret import digest_of
from cloud_app.accounts.tables import api_key
from cloud_app.config import Scope
from cloud_app.errors import AccountError, UnknownError
from cloud_app.storage.database import Row, Session
from cloud_app.storage.upsert import among

# So that a scanner of source code knows one when it sees one.
PREFIX = "lsk_"
_NOTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """What a key is to allow.

    Attributes:
        name: what it is for.
        tenant: whose it is.
        scopes: read, write.
        sites: of the tenant's; None: all the tenant has at the time of use.
        expires_ms: it ends then; None: when it is revoked.
    """

    name: str
    tenant: Tenant
    scopes: frozenset[Scope]
    sites: frozenset[str] | None
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is shown: the secret is not kept.

    Attributes:
        key: identifier, and the beginning of the key after `lsk_`.
        plan: what it allows.
        created_by: name of who made it.
        created_ms: when.
        used_ms: of the last use, to the minute.
        revoked_ms: it no longer works since then.
    """

    key: str
    plan: KeyPlan
    created_by: str
    created_ms: int
    used_ms: int | None
    revoked_ms: int | None

    def works(self, now_ms: int) -> bool:
        """Whether it is neither revoked nor over."""
        over_ms = self.plan.expires_ms
        return self.revoked_ms is None and (over_ms is None or now_ms < over_ms)


def create(session: Session, actor: Actor, plan: KeyPlan) -> tuple[ApiKey, str]:
    """Make a key; the whole of it is known only now.

    Raises:
        AccountError: no scope, a name that is none, or an end that is past.
    """
    if not plan.scopes:
        msg = "expected at least one scope, but got none"
        raise AccountError(msg)
    if plan.expires_ms is not None and plan.expires_ms <= actor.at_ms:
        msg = "expected an end to come, but got one that is past"
        raise AccountError(msg)
    which = secrets.token_hex(6)
    secret = f"{PREFIX}{which}_{secrets.token_urlsafe(32)}"
    facts = {
        "name": plain_name(plan.name),
        "scopes": sorted(scope.value for scope in plan.scopes),
        "sites": None if plan.sites is None else sorted(plan.sites),
        "expires_ms": plan.expires_ms,
    }
    session.run(
        insert(api_key),
        {
            "key": which,
            "digest": digest_of(secret),
            "name": facts["name"],
            "tenant": str(plan.tenant),
            "scopes": json.dumps(facts["scopes"]),
            "sites": None if plan.sites is None else json.dumps(facts["sites"]),
            "created_by": actor.name,
            "created_ms": actor.at_ms,
            "expires_ms": plan.expires_ms,
        },
    )
    record(session, actor, "key.create", Subject("key", which, str(plan.tenant)), None, facts)
    return by_id(session, which), secret


def by_id(session: Session, which: str) -> ApiKey:
    """A key.

    Raises:
        UnknownError: there is none.
    """
    for row in session.rows(select(api_key).where(api_key.c.key == which)):
        return _key(row)
    msg = f"there is no key {which[:40]!r}"
    raise UnknownError(msg)


def of_tenants(session: Session, tenants: Collection[Tenant]) -> list[ApiKey]:
    """The keys of some tenants, the newest first."""
    query = select(api_key).where(api_key.c.tenant.in_(sorted(map(str, tenants))))
    return [_key(row) for row in session.rows(query.order_by(api_key.c.created_ms.desc()))]


def names_of(session: Session, which: Iterable[str]) -> dict[str, str]:
    """What keys are called, revoked ones too, by their identifiers; others are left out."""
    given = {"keys": sorted(set(which))}
    return {row.key: row.name for row in session.rows(_NAMES, given)} if given["keys"] else {}


def revoke(session: Session, actor: Actor, key: ApiKey) -> None:
    """Revoke a key."""
    done = session.run(
        update(api_key)
        .where(api_key.c.key == key.key, api_key.c.revoked_ms.is_(None))
        .values(revoked_ms=actor.at_ms)
    )
    if done:
        subject = Subject("key", key.key, str(key.plan.tenant))
        record(session, actor, "key.revoke", subject, {"name": key.plan.name}, None)


_NAMES = select(api_key.c.key, api_key.c.name).where(among(api_key.c.key, "keys"))
_FIND = select(api_key).where(api_key.c.digest == bindparam("of"))
_USED = (
    update(api_key).where(api_key.c.key == bindparam("which")).values(used_ms=bindparam("now_ms"))
)


def find(session: Session, secret: str, now_ms: int) -> ApiKey | None:
    """The key that somebody sent; None: there is none, or it works no longer."""
    if not secret.startswith(PREFIX):
        return None
    for row in session.rows(_FIND, {"of": digest_of(secret)}):
        found = _key(row)
        if found.works(now_ms):
            return found
    return None


def is_due(key: ApiKey, now_ms: int) -> bool:
    """Whether its use should be noted."""
    return key.used_ms is None or now_ms - key.used_ms >= _NOTE_MS


def note_use(session: Session, key: ApiKey, now_ms: int) -> None:
    """Remember when a key was last of use."""
    session.run(_USED, {"which": key.key, "now_ms": now_ms})


def _key(row: Row) -> ApiKey:
    plan = KeyPlan(
        name=row.name,
        tenant=Tenant.parse(row.tenant),
        scopes=frozenset(map(Scope, json.loads(row.scopes))),
        sites=None if row.sites is None else frozenset(json.loads(row.sites)),
        expires_ms=row.expires_ms,
    )
    return ApiKey(row.key, plan, row.created_by, row.created_ms, row.used_ms, row.revoked_ms)
