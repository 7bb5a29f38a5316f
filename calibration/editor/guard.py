"""Who may change a calibration: this page alone, whatever other pages the browser has open.

A page of another site can send requests to a loopback port, with the login's cookies, but it can
neither read the answers nor know the token in them. Host names other than the expected ones are
refused where they are known, which stops a name that was rebound to 127.0.0.1.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from http_server.guard import SAFE_METHODS, PageGuard, refused
from http_server.hosts import HostNames

TOKEN_HEADER = "X-Lotsight-Token"  # noqa: S105 - the name of the header, not a secret

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard(PageGuard):
    """ASGI middleware: token and origin for changes, expected hosts, strict headers for all."""

    def __init__(self, app: ASGIApp, token: str, hosts: Collection[str] = ()) -> None:
        """Stand before `app`.

        Args:
            app: what is guarded.
            token: that changes must carry.
            hosts: names that are served, with or without a port; empty: any (the edge service
                checks).
        """
        names = HostNames(frozenset(urlsplit(f"//{host}").hostname or host for host in hosts))
        super().__init__(app, self._refusal_of, _headers_of, names if hosts else None)
        self._token = token.encode()

    async def _refusal_of(self, scope: Scope, headers: Headers) -> Response | None:
        if scope["method"] in SAFE_METHODS:
            return None
        if not secrets.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self._token):
            return refused(403, "expected the page's token, but got another one: reload the page")
        return None


def _headers_of(_path: str) -> dict[str, str]:
    return _HEADERS
