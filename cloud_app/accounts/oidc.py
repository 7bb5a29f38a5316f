"""Sign-in through an OpenID provider: authorization code with PKCE, state and nonce.

Here stands where pending sign-ins are kept, and who of those that the provider knows may come in.
What the provider is asked stands in `cloud_app.accounts.oidc_client`, with the libraries for it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select

from cloud_app.accounts import people, sessions
from cloud_app.accounts.audit import Actor, ActorKind, Subject, record
from cloud_app.accounts.people import Person
from cloud_app.accounts.secret import digest_of, new_secret
from cloud_app.accounts.sessions import Device
from cloud_app.accounts.tables import oidc_identity, oidc_login
from cloud_app.accounts.warnings import Proof, warn_owner
from cloud_app.errors import LoginError, NotInvitedError, UnknownError
from cloud_app.storage.database import Database, Session

if TYPE_CHECKING:
    from cloud_app.accounts.oidc_client import Provider

_PENDING_MS = 600_000


@dataclass(frozen=True, slots=True)
class Started:
    """A sign-in that begins.

    Attributes:
        url: of the provider, for the browser.
        secret: for a cookie, so that only this browser can come back with the answer.
    """

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider sent the browser back with.

    Attributes:
        state: as we sent it.
        code: to redeem; None with an error.
        issuer: who says so (RFC 9207), if the provider says.
        error: why not.
    """

    state: str
    code: str | None
    issuer: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Pending:
    nonce: str
    verifier: str
    target: str


@dataclass(frozen=True, slots=True)
class ProviderLogin:
    """Lets people in whom the provider knows and who were invited here.

    Attributes:
        database: with the accounts.
        provider: who vouches.
    """

    database: Database
    provider: Provider

    def begin(self, target: str, now_ms: int) -> Started:
        """Begin a sign-in.

        Raises:
            ProviderError: the provider is away.
        """
        state, nonce, verifier = new_secret(), new_secret(), secrets.token_urlsafe(48)
        url = self.provider.url(state, nonce, verifier, now_ms)
        with self.database.write() as session:
            session.run(delete(oidc_login).where(oidc_login.c.expires_ms < now_ms))
            session.run(
                insert(oidc_login),
                {
                    "digest": digest_of(state),
                    "nonce": nonce,
                    "verifier": verifier,
                    "target": target,
                    "expires_ms": now_ms + _PENDING_MS,
                },
            )
        return Started(url, state)

    def finish(self, answer: Answer, cookie: str, device: Device, now_ms: int) -> tuple[str, str]:
        """End a sign-in.

        Args:
            answer: of the provider, from the browser.
            cookie: that `begin` gave this browser.
            device: where it comes from.
            now_ms: wall time.

        Returns:
            (secret of the session, where the person wanted to go)

        Raises:
            LoginError: this browser began no such sign-in, the provider said no, or nobody invited
                the person.
            ProviderError: the provider is away, or not to be believed.
        """
        pending = self._pending(answer.state, cookie, now_ms)
        claims = self.provider.claims(answer, pending.nonce, pending.verifier, now_ms)
        with self.database.write() as session:
            person = self._person(session, claims, device, now_ms)
            if person is not None:
                actor = Actor(ActorKind.PERSON, person.email, device.address, now_ms)
                return sessions.start(session, actor, person, "oidc", device), pending.target
            named = str(claims.get("email") or claims["sub"])[:200]
            actor = Actor(ActorKind.PERSON, named, device.address, now_ms)
            record(
                session, actor, "login.fail", Subject("person", named), None,
                {"why": "not invited", "issuer": self.provider.issuer},
            )  # fmt: skip
        msg = "the provider knows you, but nobody has invited you here: ask your administrator"
        raise NotInvitedError(msg)

    def _pending(self, state: str, cookie: str, now_ms: int) -> _Pending:
        which = {"of": digest_of(state)}
        with self.database.write() as session:
            rows = session.rows(_FIND, which) if secrets.compare_digest(
                digest_of(state), digest_of(cookie)
            ) else []  # fmt: skip
            if rows and session.run(_DROP, which) and now_ms < rows[0].expires_ms:
                return _Pending(rows[0].nonce, rows[0].verifier, rows[0].target)
        msg = "this sign-in was not begun in this browser, or too long ago: try again"
        raise LoginError(msg)

    def _person(
        self, session: Session, claims: Mapping[str, Any], device: Device, now_ms: int
    ) -> Person | None:
        """Whose account it is: by the provider's subject, at the first time by verified address."""
        identity = {"issuer": self.provider.issuer, "subject": str(claims["sub"])}
        for row in session.rows(_WHOSE, {"by": identity["issuer"], "of": identity["subject"]}):
            person = people.by_id(session, row.account)
            return None if person.is_disabled else person
        if claims.get("email_verified") is not True:
            return None
        try:
            person = people.by_email(session, str(claims.get("email", "")))
        except UnknownError:
            return None
        known = session.rows(
            select(oidc_identity).where(
                oidc_identity.c.account == person.account,
                oidc_identity.c.issuer == identity["issuer"],
            )
        )
        # An address that the provider gave to somebody else since is not the person it was.
        if person.is_disabled or known:
            return None
        session.run(insert(oidc_identity), identity | {"account": person.account})
        actor = Actor(ActorKind.PERSON, person.email, device.address, now_ms)
        record(session, actor, "oidc.link", Subject("person", person.email), None, identity)
        warn_owner(session, actor, person, Proof.PROVIDER)
        return person


_FIND = select(oidc_login).where(oidc_login.c.digest == bindparam("of"))
_DROP = delete(oidc_login).where(oidc_login.c.digest == bindparam("of"))
_WHOSE = select(oidc_identity).where(
    oidc_identity.c.issuer == bindparam("by"), oidc_identity.c.subject == bindparam("of")
)
