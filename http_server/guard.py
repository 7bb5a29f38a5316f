"""What stands before every page and every API: names, foreign pages, strict headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from http_server.hosts import HostNames

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Refusal = Callable[[Scope, Headers], Awaitable[Response | None]]
"""Decides on a request; None lets it through. It may leave facts in `scope["state"]`."""
HeadersFor = Callable[[str], Mapping[str, str]]
"""The headers that an answer to a path carries, unless the application set them."""


class PageGuard:
    """ASGI middleware before an application.

    Args:
        app: what is guarded.
        refusal: the application's own decision, after ours.
        headers: for the answers.
        hosts: allowed host names; None: already checked by the application that mounts it.
        bad_host: status of the answer to another name.
    """

    def __init__(
        self,
        app: ASGIApp,
        refusal: Refusal,
        headers: HeadersFor,
        hosts: HostNames | None,
        bad_host: int = 403,
    ) -> None:
        self._app = app
        self._refusal = refusal
        self._headers = headers
        self._hosts = hosts
        self._bad_host = bad_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                for name, value in self._headers(scope["path"]).items():
                    given.setdefault(name, value)
            await send(message)

        scope.setdefault("state", {})
        refused = await self._refused(scope)
        await (refused or self._app)(scope, receive, send_with_headers)

    async def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if self._hosts is not None and (fault := self._hosts.fault(headers.get("host", ""))):
            return refused(self._bad_host, fault)
        if scope["method"] not in SAFE_METHODS and (fault := _foreign(headers)):
            return refused(403, fault)
        return await self._refusal(scope, headers)


def refused(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer that says why a request is refused."""
    return JSONResponse({"detail": detail}, status, headers)


def _foreign(headers: Headers) -> str | None:
    """Why a change comes from another site's page; None when it does not."""
    origin = headers.get("origin")
    if origin is not None and _netloc(origin) != headers.get("host", ""):
        return f"expected a same-origin request, but got one from {origin[:100]}"
    if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        return "expected a same-origin request, but got a cross-site one"
    return None


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None
