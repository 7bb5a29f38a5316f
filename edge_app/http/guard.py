"""What the box adds to `http_server.PageGuard`: login, sessions, tokens."""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Scope

from edge_app.http.access import CSRF_HEADER, SESSION_COOKIE, Access, TooManyTriesError
from http_server.guard import SAFE_METHODS, PageGuard, refused
from http_server.hosts import HostNames

_WITHOUT_LOGIN = ("/health/live", "/health/ready", "/login", "/static/", "/shared/")
# The editor requires its own token with every change.
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
_TLS_HEADERS = _HEADERS | {"Strict-Transport-Security": "max-age=31536000"}


class LoginGuard(PageGuard):
    """ASGI middleware before all pages of the box.

    Args:
        app: what is guarded.
        access: password and sessions.
        hosts: by which names the pages may be called. With a password as well: a page that
            rebinds its own name would otherwise share our origin.
    """

    def __init__(self, app: ASGIApp, access: Access, hosts: HostNames) -> None:
        super().__init__(app, self._refusal_of, self._headers_of, hosts)
        self._access = access

    def _headers_of(self, _path: str) -> dict[str, str]:
        return _TLS_HEADERS if self._access.secure else _HEADERS

    async def _refusal_of(self, scope: Scope, headers: Headers) -> Response | None:
        path = scope["path"]
        session = session_of(headers)
        inside = self._access.is_open or self._access.has_session(session)
        scope["state"]["inside"] = inside
        unsafe = scope["method"] not in SAFE_METHODS
        if unsafe and not self._access.is_open and inside and not path.startswith(_OWN_TOKEN):
            given = headers.get(CSRF_HEADER, "")
            own = self._access.csrf_of(session)
            if path != "/login" and not hmac.compare_digest(given.encode(), own.encode()):
                return refused(403, f"expected this session's token in {CSRF_HEADER}")
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
            except TooManyTriesError as exc:
                return refused(429, str(exc), {"Retry-After": f"{exc.wait_s:.0f}"})
        path = scope["path"]
        if scope["method"] != "GET" or path.startswith(_PAGE_PATHS):
            return refused(401, "log in first", {"WWW-Authenticate": "Bearer"})
        return RedirectResponse(f"/login?next={quote(path, safe='/')}", 303)


def session_of(headers: Headers) -> str:
    """The session's id in a request's cookies; empty when there is none."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(SESSION_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""
