"""What an OpenID provider is asked, and which of its answers are believed.

Authlib speaks the protocol; what it leaves to its user stands here: discovery and keys. Only a
service with a provider loads this module: its libraries take a tenth of a service's start.
"""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Mapping
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

from cloud_app.accounts.oidc import Answer
from cloud_app.config import OidcConfig
from cloud_app.errors import LoginError, ProviderError

# Asymmetric ones alone: with HS256 the client's secret would be a signing key.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
_SCOPES = "openid email profile"
_DISCOVERY_MS = 3_600_000
# Keys are fetched again for an unknown one, but a stranger's token must not make us do it all day.
_KEYS_EVERY_MS = 10_000
_LEEWAY_S = 60
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


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
