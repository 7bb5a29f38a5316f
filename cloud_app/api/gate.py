"""The policy before the application: no request reaches a route that it may not use."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from cloud_app.api.access import Doorkeeper
from cloud_app.api.policy import Permission, RouteTable
from http_server.guard import refused

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# FastAPI's own page of documentation loads scripts from elsewhere.
_DOCS = "/api/docs"


class Gate:
    """Decides on each request; see `http_server.PageGuard`.

    Args:
        doorkeeper: who calls.
        table: what each route needs.
    """

    def __init__(self, doorkeeper: Doorkeeper, table: RouteTable) -> None:
        self._doorkeeper = doorkeeper
        self._table = table

    async def refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Why a request goes no further; None lets it in, with its `access` in the state."""
        methods = self._table.methods(scope["path"])
        if not methods:
            return refused(404, "there is nothing here")
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        permission = methods.get(method)
        if permission is None:
            return refused(
                405, f"expected {' or '.join(methods)}", {"Allow": ", ".join(sorted(methods))}
            )
        if permission is Permission.PUBLIC:
            return None
        access = self._doorkeeper.access(headers)
        if access is None:
            detail = "expected a known token in 'Authorization: Bearer ...'"
            return refused(401, detail, {"WWW-Authenticate": "Bearer"})
        if not access.may(permission):
            return refused(403, f"token {access.name} lacks the scope {permission.value}")
        scope["state"]["access"] = access
        return None

    def headers(self, path: str) -> Mapping[str, str]:
        """Strict headers for all but the documentation."""
        return {} if path == _DOCS else _HEADERS
