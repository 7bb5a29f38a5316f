"""The FastAPI application: read API, shadows, live updates, health, and the page."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response, status
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud_app.api import health, incident_routes, routes, shadow_routes
from cloud_app.api.context import ApiContext
from cloud_app.config import is_loopback
from cloud_app.errors import StorageDownError
from pages import SHARED
from telemetry import LotsightError
from telemetry.shadow import ShadowRejection

_PAGE = Path(__file__).resolve().parent.parent / "dashboard"
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# FastAPI's own page of documentation loads scripts from elsewhere.
_DOCS = ("/api/docs", "/api/openapi.json")


def routers() -> tuple[APIRouter, ...]:
    """All routes of the API."""
    return (routes.router, incident_routes.router, shadow_routes.router, health.router)


def create_app(context: ApiContext) -> FastAPI:
    """The application over a context.

    Args:
        context: what the routes work with.
    """
    app = FastAPI(
        title="lotsight cloud",
        version=version("lotsight"),
        summary="Parking-bay occupancy: sites, lots, bays now, history, shadows.",
        docs_url="/api/docs",
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.context = context
    for router in routers():
        app.include_router(router)
    app.add_exception_handler(ShadowRejection, _refused)
    app.add_exception_handler(LotsightError, _failed)
    app.add_middleware(_SecurityHeaders)
    if is_loopback(context.config.http.host):
        # Else a page of another site could read us through a name that it points at loopback.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]"])
    app.mount("/shared", StaticFiles(directory=SHARED), name="shared")
    app.mount("/", StaticFiles(directory=_PAGE, html=True), name="page")
    return app


def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ShadowRejection):
        raise error
    return JSONResponse({"detail": error.message}, error.code)


def _failed(_request: Request, error: Exception) -> Response:
    is_down = isinstance(error, StorageDownError)
    code = status.HTTP_503_SERVICE_UNAVAILABLE if is_down else status.HTTP_500_INTERNAL_SERVER_ERROR
    # The text names hosts and files; it is in the log, not for whoever asks.
    detail = "the database is away" if is_down else "the service failed; see its log"
    return JSONResponse({"detail": detail}, code)


class _SecurityHeaders:
    """Adds the headers without holding back a stream, as a middleware over responses would."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        is_plain = scope["type"] == "http" and not scope["path"].startswith(_DOCS)
        await self._app(scope, receive, send_with_headers if is_plain else send)
