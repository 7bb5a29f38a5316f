"""Stands before every page: host names, login, requests of foreign pages, strict headers."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_app.http.access import CSRF_HEADER, SESSION_COOKIE, Access, TooManyTries

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_WITHOUT_LOGIN = ("/health/live", "/health/ready", "/login", "/static/", "/shared/")
# The editor asks for a token of its own with every change.
_OWN_TOKEN = "/calibrate/"  # noqa: S105 - a path
_PAGE_PATHS = ("/api/", "/metrics", "/cameras/", "/static/", "/shared/")

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": then browsers send "Origin: null" with the login form.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class PageGuard:
    """ASGI middleware before all pages.

    Args:
        app: what is guarded.
        access: password and sessions.
        hosts: further host names by which the pages may be called while nobody is asked for a
            password; loopback's are always among them. Stops a name rebound to 127.0.0.1.
    """

    def __init__(self, app: ASGIApp, access: Access, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._access = access
        self._hosts = _LOOPBACK_NAMES | frozenset(hosts)

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
                if self._access.secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        refusal = await self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)

    async def _refusal(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        if self._access.is_open and _host_name(headers.get("host", "")) not in self._hosts:
            return _refused(403, "this name is not one of this box")
        session = session_of(headers)
        inside = self._access.is_open or self._access.has_session(session)
        scope.setdefault("state", {})["inside"] = inside
        unsafe = scope["method"] not in _SAFE_METHODS
        if unsafe and (fault := _foreign(headers)):
            return _refused(403, fault)
        if unsafe and not self._access.is_open and inside and not path.startswith(_OWN_TOKEN):
            given = headers.get(CSRF_HEADER, "")
            own = self._access.csrf_of(session)
            if path != "/login" and not hmac.compare_digest(given.encode(), own.encode()):
                return _refused(403, f"expected this session's token in {CSRF_HEADER}")
        if inside or any(
            path == p or (p[-1] == "/" and path.startswith(p)) for p in _WITHOUT_LOGIN
        ):
            return None
        return await self._by_token(scope, headers)

    async def _by_token(self, scope: Scope, headers: Headers) -> Response | None:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and token:
            address = scope["client"][0] if scope.get("client") else "unknown"
            try:
                if await run_in_threadpool(self._access.has_token, token.strip(), address):
                    scope["state"]["inside"] = True
                    return None
            except TooManyTries as exc:
                return _refused(429, str(exc), {"Retry-After": f"{exc.wait_s:.0f}"})
        path = scope["path"]
        if scope["method"] != "GET" or path.startswith(_PAGE_PATHS):
            return _refused(401, "log in first", {"WWW-Authenticate": "Bearer"})
        return RedirectResponse(f"/login?next={quote(path, safe='/')}", 303)


def session_of(headers: Headers) -> str:
    """The session's id in a request's cookies; empty when there is none."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(SESSION_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def _foreign(headers: Headers) -> str | None:
    """Why a change comes from another site's page; None when it does not."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
        return f"expected a request of this page, but got one of {origin}"
    if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        return "expected a request of this page, but got one of another site"
    return None


def _host_name(host: str) -> str:
    """A Host header without its port."""
    return (urlsplit(f"//{host}").hostname or "") if host else ""


def _refused(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": detail}, status, headers)
