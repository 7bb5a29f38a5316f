"""Who calls: a person by the cookie of their session, a machine by a token or an API key.

What they may do is `cloud_app.api.policy`.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers

from cloud_app.accounts import keys, people, sessions
from cloud_app.accounts.assembly import Accounts
from cloud_app.accounts.audit import ActorKind
from cloud_app.accounts.keys import ApiKey
from cloud_app.accounts.people import Person
from cloud_app.accounts.secret import digest_of
from cloud_app.api.policy import (
    ALL_SITES,
    ROLES,
    SCOPES,
    Access,
    Grant,
    Permission,
    SignedIn,
    SiteSet,
)
from cloud_app.config import HttpConfig, Scope, TokenConfig, is_loopback
from cloud_app.storage.database import Session
from cloud_app.storage.times import to_ms
from telemetry import Clock

__all__ = ["Doorkeeper", "digest_of", "session_cookie"]

CSRF_HEADER = "x-csrf-token"


def session_cookie(*, encrypted: bool) -> str:
    """The name of the cookie: over TLS one that no other host can set (RFC 6265bis)."""
    return "__Host-lotsight" if encrypted else "lotsight_session"


def _grants(scopes: frozenset[Scope], sites: SiteSet) -> Grant:
    return Grant(frozenset().union(*(SCOPES[scope] for scope in scopes)), sites)


class Doorkeeper:
    """Finds out who calls.

    Without tokens and accounts everybody may read, and on loopback write as well. The first account
    ends that, unless anonymous reading is allowed in so many words.

    Args:
        config: tokens, and who is let in without.
        accounts: people and keys.
        clock: wall time.
    """

    def __init__(self, config: HttpConfig, accounts: Accounts, clock: Clock) -> None:
        self._config = config
        self._tokens: Sequence[TokenConfig] = config.tokens
        self._accounts = accounts
        self._clock = clock
        self._cookie = session_cookie(encrypted=accounts.is_encrypted)
        self._has_people = False

    def access(self, headers: Headers, *, counts_as_use: bool = True) -> Access | None:
        """Who sent a request and what they may do; None: they must say who they are.

        Args:
            headers: of the request.
            counts_as_use: whether it keeps a session from ending for lack of use.

        Raises:
            StorageDownError: the database is away.
        """
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        given = bearer.strip() if kind.lower() == "bearer" else headers.get("x-api-key", "").strip()
        found = self._by_token(given)
        if found is None and given.startswith(keys.PREFIX):
            found = self._by_key(given)
        if found is None and not given:
            found = self._by_cookie(headers, counts_as_use=counts_as_use)
        return self._anonymous() if found is None else found

    def _by_token(self, given: str) -> Access | None:
        digest = digest_of(given)
        found: TokenConfig | None = None
        # All are compared, so that the time tells nothing.
        for known in self._tokens:
            if hmac.compare_digest(known.sha256, digest):
                found = known
        if found is None:
            return None
        grant = _grants(found.scopes, SiteSet.of(found.sites))
        return Access(ActorKind.TOKEN, found.name, (grant,))

    def _by_key(self, given: str) -> Access | None:
        now_ms = to_ms(self._clock.utc())
        with self._accounts.database.read() as session:
            key = keys.find(session, given, now_ms)
            if key is None:
                return None
            access = Access(ActorKind.KEY, key.key, (self._grant_of_key(session, key),))
        if keys.is_due(key, now_ms):
            with self._accounts.database.write() as session:
                keys.note_use(session, key, now_ms)
        return access

    def _grant_of_key(self, session: Session, key: ApiKey) -> Grant:
        sites = SiteSet.of(self._accounts.tenants.sites(session, key.plan.tenant))
        return _grants(key.plan.scopes, sites & key.plan.sites)

    def _by_cookie(self, headers: Headers, *, counts_as_use: bool) -> Access | None:
        secret = self.cookie(headers)
        if not secret:
            return None
        now_ms = to_ms(self._clock.utc())
        with self._accounts.database.read() as session:
            found = sessions.find(session, secret, self._accounts.lifetime, now_ms)
            if found is None:
                return None
            login, person = found
            grants = self._grants_of(session, person)
        if counts_as_use and sessions.is_due(login, now_ms):
            with self._accounts.database.write() as session:
                sessions.note_use(session, login, now_ms)
        who = SignedIn(person, login.session, secret, login.method)
        return Access(ActorKind.PERSON, person.email, grants, who)

    def _grants_of(self, session: Session, person: Person) -> tuple[Grant, ...]:
        tenants = self._accounts.tenants
        return tuple(
            Grant(
                ROLES[each.role],
                SiteSet.of(tenants.sites(session, each.tenant)),
                tenants.within(session, each.tenant),
            )
            for each in person.memberships
        )

    def cookie(self, headers: Headers) -> str:
        """The secret of the session that a browser claims to have; empty without."""
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return "" if found is None else found.value

    def _anonymous(self) -> Access | None:
        config = self._config
        if config.tokens or config.require_login:
            return None
        has_people = self._people_exist()
        if has_people and not config.allow_anonymous:
            return None
        may_write = is_loopback(config.host) and not has_people
        scopes = frozenset(Scope) if may_write else frozenset({Scope.READ})
        grants = [_grants(scopes, ALL_SITES)]
        if may_write:  # whoever has this machine has its boxes' pictures too
            grants.append(Grant(frozenset({Permission.PICTURES}), ALL_SITES))
        return Access(ActorKind.ANONYMOUS, "anonymous", tuple(grants))

    def _people_exist(self) -> bool:
        if not self._has_people:
            # Accounts are never deleted, so one yes is enough.
            with self._accounts.database.read() as session:
                self._has_people = people.exist(session)
        return self._has_people
