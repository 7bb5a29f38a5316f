"""Who calls: bearer tokens. What they may do is `cloud_app.api.policy`."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from starlette.datastructures import Headers

from cloud_app.api.policy import ALL_SITES, Access, SiteSet
from cloud_app.config import HttpConfig, Scope, TokenConfig, is_loopback


def digest_of(token: str) -> str:
    """What the configuration holds of a token.

    A plain hash is enough: a token has 256 random bits, so there is nothing to guess slowly.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Doorkeeper:
    """Finds out who calls.

    Args:
        config: without tokens everybody may read, and on loopback write as well.
    """

    def __init__(self, config: HttpConfig) -> None:
        self._tokens: Sequence[TokenConfig] = config.tokens
        scopes = set(Scope) if is_loopback(config.host) else {Scope.READ}
        self._anonymous = Access("anonymous", frozenset(scopes), ALL_SITES)

    def access(self, headers: Headers) -> Access | None:
        """The access of a request; None: its token is missing or unknown."""
        if not self._tokens:
            return self._anonymous
        kind, _, token = headers.get("authorization", "").partition(" ")
        digest = digest_of(token.strip())
        found = None
        # All are compared, so that the time tells nothing.
        for known in self._tokens:
            if hmac.compare_digest(known.sha256, digest) and kind.lower() == "bearer":
                found = known
        if found is None:
            return None
        sites = ALL_SITES if found.sites is None else SiteSet(found.sites)
        return Access(found.name, found.scopes, sites)
