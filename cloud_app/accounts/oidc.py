"""Sign-in through an OpenID provider: authorization code with PKCE, state and nonce.

Authlib speaks the protocol; what it leaves to its user stands here: discovery, where pending
sign-ins are kept, which keys are believed, and who of those that the provider knows may come in.
"""

from __future__ import annotations

import secrets
import threading
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.auth import ClientAuth
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import bindparam, delete, insert, select

from cloud_app.accounts import people, sessions
from cloud_app.accounts.audit import Actor, ActorKind, Subject, record
from cloud_app.accounts.people import Person
from cloud_app.accounts.secret import digest_of, new_secret
from cloud_app.accounts.sessions import Device
from cloud_app.accounts.tables import oidc_identity, oidc_login
from cloud_app.accounts.warnings import Proof, warn_owner
from cloud_app.config import OidcConfig
from cloud_app.errors import LoginError, NotInvitedError, ProviderError, UnknownError
from cloud_app.storage.database import Database, Session

# Asymmetric ones alone: with HS256 the client's secret would be a signing key.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
_SCOPES = "openid email profile"
_PENDING_MS = 600_000
_DISCOVERY_MS = 3_600_000
# Keys are fetched again for an unknown one, but a stranger's token must not make us do it all day.
_KEYS_EVERY_MS = 10_000
_LEEWAY_S = 60
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


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


class Provider:
    """One OpenID provider, whose facts and keys are kept for a while.

    Args:
        config: of the client.
        redirect_uri: where the provider sends the browser back to.
    """

    def __init__(self, config: OidcConfig, redirect_uri: str) -> None:
        self.issuer = config.issuer
        self._config = config
        self._redirect_uri = redirect_uri
        self._lock = threading.Lock()
        self._facts: tuple[int, Mapping[str, Any]] | None = None
        self._keys: tuple[int, KeySet] | None = None

    def url(self, state: str, nonce: str, verifier: str, now_ms: int) -> str:
        """Where the browser goes to sign in."""
        facts = self._discovered(now_ms)
        with self._client() as client:
            url, _ = client.create_authorization_url(
                facts["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return str(url)

    def claims(self, answer: Answer, nonce: str, verifier: str, now_ms: int) -> Mapping[str, Any]:
        """Redeem a code; what the provider says of the person, once all of it is checked.

        Raises:
            LoginError: the provider said no.
            ProviderError: it is away, or its answer is not to be believed.
        """
        if answer.issuer is not None and answer.issuer != self.issuer:
            msg = f"expected an answer of {self.issuer}, but got another issuer's"
            raise ProviderError(msg)
        facts = self._discovered(now_ms)
        if answer.error is not None or answer.code is None:
            msg = f"the provider refused: {(answer.error or 'no code')[:100]}"
            raise LoginError(msg)
        try:
            with self._client() as client:
                token = client.fetch_token(
                    facts["token_endpoint"], code=answer.code, code_verifier=verifier,
                    timeout=self._config.timeout_s,
                )  # fmt: skip
        except (requests.RequestException, AuthlibBaseError, ValueError) as exc:
            msg = f"{self.issuer}: expected tokens, but got: {exc}"
            raise ProviderError(msg) from exc
        claims = self._checked(str(token.get("id_token", "")), nonce, now_ms)
        return self._with_address(claims, facts, str(token.get("access_token", "")))

    def _with_address(
        self, claims: Mapping[str, Any], facts: Mapping[str, Any], access_token: str
    ) -> Mapping[str, Any]:
        """Claims with those of the userinfo endpoint, where many providers keep the address."""
        url = facts.get("userinfo_endpoint")
        if "email" in claims or not isinstance(url, str):
            return claims
        more = self._fetched(url, {"Authorization": f"Bearer {access_token}"})
        if more.get("sub") != claims["sub"]:
            msg = f"{self.issuer}: its userinfo is about somebody else"
            raise ProviderError(msg)
        return {**more, **claims}

    def _checked(self, id_token: str, nonce: str, now_ms: int) -> Mapping[str, Any]:
        try:
            found = self._decoded(id_token, now_ms)
            claims = CodeIDToken(
                found.claims,
                found.header,
                {
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._config.client_id},
                },
                {"nonce": nonce, "client_id": self._config.client_id},
            )
            claims.validate(now=now_ms // 1000, leeway=_LEEWAY_S)
        except (JoseError, AuthlibBaseError, ValueError, TypeError) as exc:
            msg = f"{self.issuer}: its ID token is not valid: {exc}"
            raise ProviderError(msg) from exc
        if claims.get("nonce") != nonce:
            msg = f"{self.issuer}: its ID token is for another sign-in"
            raise ProviderError(msg)
        return dict(claims)

    def _decoded(self, id_token: str, now_ms: int) -> jwt.Token:
        keys, is_new = self._key_set(now_ms, may_be_ms=_DISCOVERY_MS)
        try:
            return jwt.decode(id_token, keys, algorithms=_ALGORITHMS)
        except (JoseError, ValueError):
            # The provider may have changed its keys since.
            if is_new:
                raise
            keys, is_new = self._key_set(now_ms, may_be_ms=_KEYS_EVERY_MS)
            if not is_new:
                raise
            return jwt.decode(id_token, keys, algorithms=_ALGORITHMS)

    def _key_set(self, now_ms: int, may_be_ms: int) -> tuple[KeySet, bool]:
        with self._lock:
            if self._keys is not None and now_ms - self._keys[0] < may_be_ms:
                return self._keys[1], False
        keys = KeySet.import_key_set(self._fetched(self._discovered(now_ms)["jwks_uri"]))  # type: ignore[arg-type]
        with self._lock:
            self._keys = (now_ms, keys)
        return keys, True

    def _discovered(self, now_ms: int) -> Mapping[str, Any]:
        with self._lock:
            if self._facts is not None and now_ms - self._facts[0] < _DISCOVERY_MS:
                return self._facts[1]
        facts = self._fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if facts.get("issuer") != self.issuer:
            msg = f"expected a provider that calls itself {self.issuer}"
            msg_0 = f"{msg}, but got {str(facts.get('issuer'))[:100]!r}"
            raise ProviderError(msg_0)
        for name in _NEEDED:
            if not isinstance(facts.get(name), str):
                msg_0 = f"{self.issuer}: expected {name} in its configuration"
                raise ProviderError(msg_0)
        with self._lock:
            self._facts = (now_ms, facts)
        return facts

    def _fetched(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        try:
            answer = requests.get(
                url, headers=headers, timeout=self._config.timeout_s, allow_redirects=False
            )
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError) as exc:
            msg = f"{self.issuer}: expected JSON at {url}, but got: {exc}"
            raise ProviderError(msg) from exc
        if not isinstance(found, dict):
            msg = f"{self.issuer}: expected an object at {url}"
            raise ProviderError(msg)
        return found

    def _client(self) -> OAuth2Session:
        secret = self._config.client_secret
        return OAuth2Session(
            self._config.client_id,
            None if secret is None else secret.get_secret_value(),
            "none" if secret is None else _basic,
            scope=_SCOPES,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )


def _basic(
    client: ClientAuth, _method: str, uri: str, headers: dict[str, str], body: str
) -> tuple[str, dict[str, str], str]:
    """The client's name and secret as RFC 6749 (2.3.1) has them; Authlib leaves the quoting out."""
    text = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {b64encode(text.encode()).decode()}"
    return uri, headers, body


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
