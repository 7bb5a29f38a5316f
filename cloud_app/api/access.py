"""Who may read and write: bearer tokens, by scope and site."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import HTTPException, Request, status

from cloud_app.config import HttpConfig, Scope, TokenConfig, is_loopback


@dataclass(frozen=True, slots=True)
class Access:
    """What a request may do.

    Attributes:
        name: of the token, or `anonymous`.
        scopes: read, write.
        sites: it may see; None for all.
    """

    name: str
    scopes: frozenset[Scope]
    sites: frozenset[str] | None = None

    def sees(self, site: str) -> bool:
        """Whether a site's facts may be shown."""
        return self.sites is None or site in self.sites


def digest_of(token: str) -> str:
    """What the configuration holds of a token.

    A plain hash is enough: a token has 256 random bits, so there is nothing to guess slowly.
    """
    return hashlib.sha256(token.encode()).hexdigest()


class Doorkeeper:
    """Finds a request's access.

    Args:
        config: without tokens everybody may read, and on loopback write as well.
    """

    def __init__(self, config: HttpConfig) -> None:
        self._tokens: Sequence[TokenConfig] = config.tokens
        scopes = set(Scope) if is_loopback(config.host) else {Scope.READ}
        self._anonymous = Access("anonymous", frozenset(scopes))

    def access(self, request: Request) -> Access:
        """The access of a request.

        Raises:
            HTTPException: 401, the token is missing or unknown.
        """
        if not self._tokens:
            return self._anonymous
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        digest = digest_of(token.strip())
        found = None
        # All are compared, so that the time tells nothing.
        for known in self._tokens:
            if hmac.compare_digest(known.sha256, digest) and kind.lower() == "bearer":
                found = known
        if found is None:
            raise HTTPException(
                status.HTTP_401_UNAUTHORIZED,
                "expected a known token in 'Authorization: Bearer ...'",
                {"WWW-Authenticate": "Bearer"},
            )
        return Access(found.name, found.scopes, found.sites)

    def reader(self, request: Request) -> Access:
        """Access that may read, or 403."""
        return self._with(Scope.READ, request)

    def writer(self, request: Request) -> Access:
        """Access that may write, or 403."""
        return self._with(Scope.WRITE, request)

    def _with(self, scope: Scope, request: Request) -> Access:
        access = self.access(request)
        if scope not in access.scopes:
            raise HTTPException(
                status.HTTP_403_FORBIDDEN, f"token {access.name} lacks the scope {scope.value}"
            )
        return access
