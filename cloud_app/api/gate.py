"""The policy before the application: no request reaches a route that it may not use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from cloud_app.accounts.sessions import is_csrf_token
from cloud_app.api.access import CSRF_HEADER, Doorkeeper
from cloud_app.api.editor_mount import PREFIX
from cloud_app.api.policy import Access, Permission
from cloud_app.api.route_permissions import RouteTable
from cloud_app.errors import StorageDownError
from http_server.guard import SAFE_METHODS, refused

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_NO_STORE = {"Cache-Control": "no-store"}
# FastAPI's own page of documentation loads scripts from elsewhere.
_DOCS = "/api/docs"


class Gate:
    """Decides on each request; see `http_server.PageGuard`.

    Args:
        doorkeeper: who calls.
        table: what each route needs.
        lost_page: what a browser gets at an address that does not exist; None: as for the API.
    """

    def __init__(
        self,
        doorkeeper: Doorkeeper,
        table: RouteTable,
        lost_page: Callable[[], Response | None] = lambda: None,
    ) -> None:
        self._doorkeeper = doorkeeper
        self._table = table
        self._lost_page = lost_page

    async def refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Why a request goes no further; None lets it in, with its `access` in the state."""
        methods = self._table.methods(scope["path"])
        if not methods:
            page = self._lost_page() if _is_browser(scope, headers) else None
            return page or refused(404, "there is nothing here")
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        permission = methods.get(method)
        if permission is None:
            return refused(
                405, f"expected {' or '.join(methods)}", {"Allow": ", ".join(sorted(methods))}
            )
        if permission is Permission.PUBLIC:
            return None
        try:
            access = await run_in_threadpool(self._doorkeeper.access, headers)
        except StorageDownError:
            return refused(503, "the database is away")
        if fault := _fault(access, permission, method, headers):
            return fault
        assert access is not None  # noqa: S101 - for the types; `_fault` saw to it
        scope["state"]["access"] = access.to(permission)
        return None

    def headers(self, path: str) -> Mapping[str, str]:
        """Strict headers for all but the documentation; what the API tells stays in no cache."""
        if path == _DOCS:
            return {}
        is_data = path.startswith("/api/") or ("/api/" in path and path.startswith(PREFIX))
        return {**_HEADERS, **_NO_STORE} if is_data else _HEADERS


def _is_browser(scope: Scope, headers: Headers) -> bool:
    """Whether a person opened an address: data and files are asked for without `text/html`."""
    is_data = scope["path"].startswith(("/api/", "/assets/", "/shared/", PREFIX))
    return scope["method"] == "GET" and not is_data and "text/html" in headers.get("accept", "")


def _fault(
    access: Access | None, permission: Permission, method: str, headers: Headers
) -> Response | None:
    if access is None:
        detail = "expected a session, or a known token or key in 'Authorization: Bearer ...'"
        return refused(401, detail, {"WWW-Authenticate": "Bearer"})
    if not access.may(permission):
        return refused(403, f"{access.kind.value} {access.name} may not: {permission.value}")
    if method not in SAFE_METHODS and _may_be_forged(access, headers):
        detail = f"expected the session's token in {CSRF_HEADER!r}: reload the page"
        return refused(403, detail)
    return None


def _may_be_forged(access: Access, headers: Headers) -> bool:
    """Whether a stranger's page may have sent a change, with the cookie of a browser."""
    who = access.who
    return who is not None and not is_csrf_token(who.secret, headers.get(CSRF_HEADER, ""))
