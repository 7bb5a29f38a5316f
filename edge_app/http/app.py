"""The box's web application: API, live view, metrics, pages, login."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from edge_app.http.access import Access
from edge_app.http.api import api, plain
from edge_app.http.bay_routes import said
from edge_app.http.download_routes import files
from edge_app.http.downloads import Downloads
from edge_app.http.feed import Feed
from edge_app.http.guard import LoginGuard
from edge_app.http.intake_routes import intake
from edge_app.http.login import login_routes
from edge_app.http.metrics import registry_of
from edge_app.http.pictures import PictureMaker, PictureSettings
from edge_app.http.state import HttpState
from edge_app.live_state import LiveState
from edge_app.report import BayDoor, Box, DeviceIntake
from http_server.bodies import BodyGuard
from http_server.hosts import HostNames
from pages import SHARED
from telemetry import CameraError

STATIC = Path(__file__).parent / "static"
# The login form is the largest that pages take; the editor has its own bound, and so have devices.
_BODY_BYTES = 16 * 1024
_INTAKE_BYTES = 512 * 1024
_INTAKE = "/api/v1/intake/"


@dataclass(frozen=True, slots=True)
class PageSettings:
    """Bounds of the pages, and what else they may do.

    Attributes:
        hosts: names by which the box is called.
        pictures: how pictures are made.
        max_viewers: moving pictures watched at once; more are refused.
        max_listeners: pages that listen to events at once.
        live_hz: most pictures per second of a moving picture.
        devices: takes what devices of the lot tell; None: nothing does.
        bays: takes what people say of bays; None: nothing does.
    """

    hosts: HostNames = field(default_factory=HostNames)
    pictures: PictureSettings = field(default_factory=PictureSettings)
    max_viewers: int = 8
    max_listeners: int = 32
    live_hz: float = 10.0
    devices: DeviceIntake | None = None
    bays: BayDoor | None = None


def routers() -> tuple[APIRouter, ...]:
    """All that the OpenAPI document shows."""
    return api, plain, files, intake, said


def create_app(
    live_state: LiveState,
    box: Box,
    access: Access | None = None,
    editor: ASGIApp | None = None,
    settings: PageSettings | None = None,
    downloads: Callable[[CollectorRegistry], Downloads] | None = None,
) -> FastAPI:
    """All pages of a box.

    Args:
        live_state: cameras, bays and recent events.
        box: everything else that is shown of the box.
        access: who may see them; None: everybody who reaches the socket, which is loopback's.
        editor: the calibration editor, mounted at /calibrate.
        settings: bounds.
        downloads: from the metrics' registry, what makes files to download; None: there are none.
    """
    settings = settings or PageSettings()
    access = access or Access()
    app = FastAPI(title="lotsight", docs_url=None, redoc_url=None, openapi_url=None)
    registry = registry_of(live_state, box)
    app.state.http = HttpState(
        live_state=live_state,
        box=box,
        access=access,
        feed=Feed(live_state, box, settings.max_listeners),
        pictures=PictureMaker(live_state, settings.pictures),
        registry=registry,
        downloads=None if downloads is None else downloads(registry),
        max_viewers=settings.max_viewers,
        live_hz=settings.live_hz,
        has_editor=editor is not None,
        devices=settings.devices,
        bays=settings.bays,
    )
    for router in routers():
        app.include_router(router)
    app.include_router(login_routes(access, STATIC / "login.html"))
    for path, name in (("/", "live.html"), ("/status", "status.html")):
        page = _file(STATIC / name, "text/html; charset=utf-8")
        app.add_api_route(path, page, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.mount("/shared", StaticFiles(directory=SHARED), name="shared")
    if editor is not None:
        app.add_api_route("/calibrate", _to_editor, include_in_schema=False)
        app.mount("/calibrate", editor, name="editor")
    app.add_exception_handler(CameraError, _no_picture)
    app.add_middleware(BodyGuard, max_bytes=_INTAKE_BYTES, besides=("/calibrate/",))
    app.add_middleware(BodyGuard, max_bytes=_BODY_BYTES, besides=("/calibrate/", _INTAKE))
    app.add_middleware(LoginGuard, access=access, hosts=settings.hosts)
    return app


def _file(path: Path, media_type: str) -> Callable[[], FileResponse]:
    def file() -> FileResponse:
        return FileResponse(path, media_type=media_type)

    return file


def _to_editor() -> RedirectResponse:
    return RedirectResponse("/calibrate/", 307)


def _no_picture(_request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, 503)
