"""What the endpoints share: `app.state.http`, and what they look up in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from prometheus_client import CollectorRegistry

from edge_app.http.access import Access
from edge_app.http.downloads import Downloads
from edge_app.http.feed import Feed
from edge_app.http.pictures import PictureMaker
from edge_app.http.responses import find_bay
from edge_app.live_state import LiveState, LiveView
from edge_app.report import BayDoor, Box, DeviceIntake
from telemetry import Identifier


@dataclass(slots=True)
class HttpState:
    """What the endpoints share; `app.state.http`."""

    live_state: LiveState
    box: Box
    access: Access
    feed: Feed
    pictures: PictureMaker
    registry: CollectorRegistry
    downloads: Downloads | None
    max_viewers: int
    live_hz: float
    has_editor: bool
    devices: DeviceIntake | None = None
    bays: BayDoor | None = None
    viewers: int = field(default=0)


def state_of(request: Request) -> HttpState:
    """What the endpoints share."""
    state: HttpState = request.app.state.http
    return state


State = Annotated[HttpState, Depends(state_of)]


def view_of(camera: Identifier, state: State) -> LiveView:
    """The latest view of a camera.

    Raises:
        HTTPException: 404, there is no such camera.
    """
    view = state.live_state.latest(camera)
    if view is None:
        raise HTTPException(404, f"expected one of {', '.join(state.live_state.cameras())}")
    return view


def bay_of(bay: Identifier, state: State) -> tuple[LiveView, int]:
    """The view that holds a bay, and its place there.

    Raises:
        HTTPException: 404, there is no such bay.
    """
    found = find_bay(state.live_state, bay)
    if found is None:
        raise HTTPException(404, f"no bay {bay!r}")
    return found


def downloads_of(state: State) -> Downloads:
    """What makes files to download.

    Raises:
        HTTPException: 404, there is nothing that makes them.
    """
    if state.downloads is None:
        raise HTTPException(404, "nothing to download here")
    return state.downloads


View = Annotated[LiveView, Depends(view_of)]
FoundBay = Annotated[tuple[LiveView, int], Depends(bay_of)]
DownloadsOf = Annotated[Downloads, Depends(downloads_of)]
