"""Endpoints: health, metrics, bays, cameras, events, images."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool

from edge_app.http import responses
from edge_app.http.error_responses import ERROR_RESPONSES, sends
from edge_app.http.guard import session_of
from edge_app.http.health import reasons
from edge_app.http.state import FoundBay, HttpState, State, View
from edge_app.http.views import (
    BayEvidence,
    BayList,
    BayView,
    CameraList,
    CameraView,
    ChangeList,
    IncidentList,
    LiveHealth,
    Occupancy,
    ReadyHealth,
    StatusView,
)
from telemetry import CameraError, Identifier

api = APIRouter(prefix="/api/v1", responses=ERROR_RESPONSES)
plain = APIRouter(responses=ERROR_RESPONSES)

_JPEG = sends("image/jpeg")

STUCK_AFTER_S = 120.0
"""As long as systemd waits (WatchdogSec): longer than any pause that ends by itself."""
_BOUNDARY = "lotsight-frame"
_LOOK_S = 0.04
_REPEAT_S = 10.0
"""A still view is sent again so often, so that viewers who vanished are noticed."""


Name = Annotated[Identifier | None, Query()]


@plain.get(
    "/health/live",
    responses={503: {"model": LiveHealth, "description": "the judging thread is stuck"}},
)
def live(response: Response, state: State) -> LiveHealth:
    """The process answers, and the thread that judges is not stuck: no reason to restart it."""
    stuck = state.box.judge_silent_s() > STUCK_AFTER_S
    response.status_code = 503 if stuck else 200
    return LiveHealth(status="stuck" if stuck else "live")


@plain.get(
    "/health/ready",
    responses={503: {"model": ReadyHealth, "description": "not ready"}},
    response_model_exclude_none=True,
)
def ready(request: Request, response: Response, state: State) -> ReadyHealth:
    """Whether the box does its work, and if not, why (the reasons only for those logged in)."""
    why_not = reasons(state.live_state, state.box.report())
    response.status_code = 503 if why_not else 200
    return ReadyHealth(ready=not why_not, reasons=tuple(why_not) if request.state.inside else None)


@plain.get("/metrics", response_class=Response, responses=sends(CONTENT_TYPE_LATEST))
def metrics(state: State) -> Response:
    """Prometheus metrics."""
    text: bytes = generate_latest(state.registry)  # type: ignore[no-untyped-call]
    return Response(text, media_type=CONTENT_TYPE_LATEST)


@api.get("/status")
def status(request: Request, state: State) -> StatusView:
    """The box, its cameras, its outbox, its link."""
    session = session_of(request.headers)
    login = not state.access.is_open
    return StatusView(
        **dict(responses.box_view(state.box.report(), state.live_state)),
        editor=state.has_editor,
        login=login,
        csrf=state.access.csrf_of(session) if login and session else None,
    )


@api.get("/bays")
def bays(
    state: State,
    camera: Name = None,
    zone: Name = None,
    only: Annotated[Occupancy | None, Query(alias="state")] = None,
) -> BayList:
    """All bays, or those of a camera, zone or state."""
    found = tuple(
        bay
        for bay in responses.all_bays(state.live_state, state.box.report())
        if camera in {None, bay.camera} and zone in {None, bay.zone} and only in {None, bay.state}
    )
    return BayList(counts=responses.counts(state.live_state), bays=found)


@api.get("/bays/{bay}")
def one_bay(found: FoundBay, state: State) -> BayView:
    """One bay."""
    return responses.bay_view(*found, state.box.report())


@api.get("/bays/{bay}/why")
def why(found: FoundBay, state: State) -> BayEvidence:
    """Why a bay has its state."""
    return responses.bay_evidence(*found, state.box.report(), state.live_state)


@api.get("/bays/{bay}/picture.jpg", response_class=Response, responses=_JPEG)
def bay_picture(found: FoundBay, state: State) -> Response:
    """The bay and its surroundings in the latest image."""
    view, index = found
    try:
        data = state.pictures.crop(view.camera, view.states[index].bay)
    except KeyError as exc:  # the calibration changed in between
        raise HTTPException(404, f"no bay {exc}") from exc
    return Response(data, media_type="image/jpeg")


@api.get("/cameras")
def cameras(state: State) -> CameraList:
    """All cameras."""
    return CameraList(cameras=tuple(map(responses.camera_view, responses.views(state.live_state))))


@api.get("/cameras/{camera}")
def one_camera(view: View) -> CameraView:
    """One camera."""
    return responses.camera_view(view)


@api.get("/incidents")
def incidents(state: State, camera: Name = None) -> IncidentList:
    """Vehicles that stand as they should not, now; oldest first."""
    return IncidentList(incidents=responses.incident_views(state.live_state, camera))


@api.get("/events")
def events(state: State, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> ChangeList:
    """The last changes, newest first."""
    return ChangeList(events=tuple(map(responses.change_view, state.live_state.events(limit))))


@api.get("/events/stream", response_class=StreamingResponse, responses=sends("text/event-stream"))
async def stream(state: State) -> StreamingResponse:
    """Changes as they come, as server-sent events."""
    if state.feed.is_full:
        raise HTTPException(503, "too many open event streams", {"Retry-After": "10"})
    return StreamingResponse(state.feed.listen(), media_type="text/event-stream")


@plain.get("/cameras/{camera}/still.jpg", response_class=Response, responses=_JPEG)
def still(view: View, state: State, overlay: bool = True) -> Response:
    """The latest image, with or without the bays."""
    data, version = state.pictures.jpeg(view.camera, overlay=overlay)
    return Response(data, media_type="image/jpeg", headers={"X-View-Version": str(version)})


@plain.get(
    "/cameras/{camera}/live.mjpg",
    response_class=StreamingResponse,
    responses=sends("multipart/x-mixed-replace"),
)
async def moving(view: View, state: State, overlay: bool = True) -> StreamingResponse:
    """The moving image: a part for each new view."""
    if state.viewers >= state.max_viewers:
        raise HTTPException(503, "too many open live streams", {"Retry-After": "10"})
    parts = _parts(state, view.camera, overlay=overlay)
    return StreamingResponse(parts, media_type=f"multipart/x-mixed-replace; boundary={_BOUNDARY}")


async def _parts(state: HttpState, camera: str, *, overlay: bool) -> AsyncIterator[bytes]:
    state.viewers += 1
    shown, waited_s = -1, 0.0
    try:
        yield f"--{_BOUNDARY}\r\n".encode()
        while state.live_state.latest(camera) is not None:
            if state.live_state.version(camera) == shown and waited_s < _REPEAT_S:
                await asyncio.sleep(_LOOK_S)
                waited_s += _LOOK_S
                continue
            waited_s = 0.0
            try:
                data, shown = await run_in_threadpool(state.pictures.jpeg, camera, overlay=overlay)
            except CameraError:
                await asyncio.sleep(1.0)
                continue
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            # The boundary follows at once: browsers show a part when they see its end.
            yield head.encode() + data + f"\r\n--{_BOUNDARY}\r\n".encode()
            await asyncio.sleep(1 / state.live_hz)
    finally:
        state.viewers -= 1
