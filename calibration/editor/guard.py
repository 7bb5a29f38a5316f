"""Who may change a calibration: this page alone, whatever other pages the browser has open.

A page of another site can send requests to a loopback port, with the login's cookies, but it can
neither read the answers nor know the token in them. Host names other than the expected ones are
refused where they are known, which stops a name that was rebound to 127.0.0.1.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "X-Lotsight-Token"  # noqa: S105 - the name of the header, not a secret
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

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


class Guard:
    """ASGI middleware: token and origin for changes, expected hosts, strict headers for all."""

    def __init__(self, app: ASGIApp, token: str, hosts: Collection[str] = ()) -> None:
        """Stand before `app`.

        Args:
            app: what is guarded.
            token: that changes must carry.
            hosts: values of the Host header that are served; empty: any (the edge service checks).
        """
        self._app = app
        self._token = token
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        fault = self._fault(scope["method"], Headers(scope=scope))
        if fault is None:
            await self._app(scope, receive, send_with_headers)
        else:
            response = JSONResponse({"detail": fault}, status_code=403)
            await response(scope, receive, send_with_headers)

    def _fault(self, method: str, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if self._hosts and host not in self._hosts:
            return f"expected host {' or '.join(sorted(self._hosts))}, but got '{host}'"
        if method in _SAFE_METHODS:
            return None
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return f"expected a request of this page, but got one of {origin}"
        given = headers.get(TOKEN_HEADER, "")
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return "expected the page's token, but got another one: load the page again"
        return None
