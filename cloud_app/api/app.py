"""The FastAPI application: read API, shadows, live updates, health, and the pages."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, FastAPI, Request, Response, status
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from cloud_app.api import (
    alert_routes,
    audit_routes,
    base_map_routes,
    calibration_routes,
    campaign_routes,
    command_routes,
    count_routes,
    downlink_routes,
    editor_mount,
    enrolment_routes,
    forecast_routes,
    gate_intake_routes,
    health,
    incident_routes,
    intake_routes,
    key_routes,
    live_routes,
    login_routes,
    map_routes,
    me_routes,
    notification_routes,
    people_routes,
    planning_routes,
    provisioning_routes,
    registry_routes,
    replacement_routes,
    report_routes,
    routes,
    rule_routes,
    schedule_routes,
    sensor_routes,
    settings_routes,
    shadow_routes,
    source_routes,
    web,
)
from cloud_app.api.account_errors import add_handlers
from cloud_app.api.context import ApiContext
from cloud_app.api.gate import Gate
from cloud_app.api.intake_routes import INTAKE_PATH
from cloud_app.api.route_permissions import NEEDED, RouteTable
from cloud_app.errors import StorageDownError
from http_server.bodies import BodyGuard
from http_server.guard import PageGuard
from http_server.hosts import HostNames
from pages import SHARED
from telemetry import LotsightError
from telemetry.bounds import MAX_MESSAGE_BYTES
from telemetry.shadow import MAX_PAYLOAD_BYTES, ShadowRejection

_BAD_HOST = status.HTTP_400_BAD_REQUEST


def routers() -> tuple[APIRouter, ...]:
    """All routes of the API."""
    return (
        routes.router,
        source_routes.router,
        live_routes.router,
        map_routes.router,
        base_map_routes.router,
        forecast_routes.router,
        report_routes.router,
        planning_routes.router,
        schedule_routes.router,
        incident_routes.router,
        sensor_routes.router,
        downlink_routes.router,
        intake_routes.router,
        count_routes.router,
        gate_intake_routes.router,
        alert_routes.router,
        notification_routes.router,
        rule_routes.router,
        shadow_routes.router,
        command_routes.router,
        calibration_routes.router,
        campaign_routes.router,
        settings_routes.router,
        registry_routes.router,
        replacement_routes.router,
        login_routes.router,
        login_routes.answer_router,
        me_routes.router,
        people_routes.router,
        key_routes.router,
        audit_routes.router,
        enrolment_routes.router,
        provisioning_routes.router,
        health.router,
    )


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
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.context = context
    app.state.query_names = {}
    for router in routers():
        app.include_router(router)
    app.add_exception_handler(ShadowRejection, _refused)
    app.add_exception_handler(LotsightError, _failed)
    add_handlers(app)
    enrolment_routes.add_refusals(app)
    http = context.config.http
    gate = Gate(context.doorkeeper, route_table(), web.not_found)
    # Bodies of those whom the gate keeps out are not read.
    app.add_middleware(
        BodyGuard,
        max_bytes=MAX_PAYLOAD_BYTES,
        besides=(*gate_intake_routes.PATHS, editor_mount.PREFIX),
        roomy={INTAKE_PATH: MAX_MESSAGE_BYTES, **enrolment_routes.BODIES},
    )
    app.add_middleware(
        PageGuard,
        refusal=gate.refusal,
        headers=gate.headers,
        hosts=HostNames.of(http.host, http.hosts),
        bad_host=_BAD_HOST,
    )
    app.mount("/shared", StaticFiles(directory=SHARED), name="shared")
    app.mount(editor_mount.MOUNT, editor_mount.EditorMount(context), name="calibrate")
    web.mount(app)
    return app


def route_table() -> RouteTable:
    """Which permission each request needs, the pages' and the editor's files included."""
    return RouteTable(
        page_files(),
        {**NEEDED, **editor_mount.OF_EDITOR},
        lambda path: web.is_page(path) or editor_mount.is_file(path),
    )


def page_files() -> frozenset[str]:
    """The paths of the pages' files."""
    return web.files() | {f"/shared{path}" for path in web.files(SHARED)}


def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ShadowRejection):
        raise error
    return JSONResponse({"detail": error.message}, error.code)


def _failed(_request: Request, error: Exception) -> Response:
    is_down = isinstance(error, StorageDownError)
    code = status.HTTP_503_SERVICE_UNAVAILABLE if is_down else status.HTTP_500_INTERNAL_SERVER_ERROR
    # The text names hosts and files; it is in the log, not for the caller.
    detail = "the database is away" if is_down else "the service failed; see its log"
    return JSONResponse({"detail": detail}, code)
