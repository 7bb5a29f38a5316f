"""The read API, version 1."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, status
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from cloud_app.api.context import Context, Reader, Reading
from cloud_app.storage.alerts import alerts
from cloud_app.storage.bay_events import Window
from cloud_app.storage.history import lot_series, stays
from cloud_app.storage.queries import bays_now, edges_now, lot_now, lots_now
from cloud_app.storage.streams import gaps, recent_events
from cloud_app.storage.times import to_ms
from cloud_app.views import (
    AlertItem,
    BayNow,
    Counts,
    EdgeNow,
    EventItem,
    GapItem,
    LotNow,
    SeriesPoint,
    SiteNow,
    Stay,
)

router = APIRouter(prefix="/api/v1")

_DAY = timedelta(days=1)
# A chart of a year by the hour; more points than this nobody looks at in one answer.
_POINTS_MAX = 10_000
NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"description": "not known, or not visible to this token"}
}

Limit = Annotated[int, Query(ge=1, le=1000)]


Start = Annotated[
    AwareDatetime | None, Query(description="with time zone; a day before now if absent")
]
End = Annotated[AwareDatetime | None, Query(description="with time zone; now if absent")]


def _past(context: Context, start: Start = None, end: End = None) -> Window:
    now = context.clock.utc()
    return _window(start or (end or now) - _DAY, end or now)


def _up_to_the_newest(context: Context, start: Start = None, end: End = None) -> Window:
    # A box whose clock is ahead of ours has its newest events in our future.
    now = context.clock.utc()
    return _window(start or (end or now) - _DAY, end or now + _DAY)


def _window(start: datetime, end: datetime) -> Window:
    if start >= end:
        raise HTTPException(
            status.HTTP_422_UNPROCESSABLE_CONTENT,
            f"start must lie before end, but got {start.isoformat()} and {end.isoformat()}",
        )
    return Window(to_ms(start), to_ms(end))


Past = Annotated[Window, Depends(_past)]
UpToTheNewest = Annotated[Window, Depends(_up_to_the_newest)]


@router.get("/sites", tags=["now"])
def get_sites(reading: Reading) -> list[SiteNow]:
    """Every site and the sum of its lots."""
    by_site: dict[str, list[LotNow]] = {}
    for lot in lots_now(reading.session, reading.now()):
        if reading.access.sees(lot.site):
            by_site.setdefault(lot.site, []).append(lot)
    return [_site(site, lots) for site, lots in sorted(by_site.items())]


def _site(site: str, lots: Sequence[LotNow]) -> SiteNow:
    counts = sum((lot.counts for lot in lots), Counts())
    return SiteNow(
        site=site,
        lots=tuple(lot.lot for lot in lots),
        counts=counts,
        occupancy=counts.occupancy,
    )


@router.get("/lots", tags=["now"])
def get_lots(reading: Reading, site: str | None = None) -> list[LotNow]:
    """Every lot and how full it is."""
    return [
        lot
        for lot in lots_now(reading.session, reading.now(), None if site is None else [site])
        if reading.access.sees(lot.site)
    ]


@router.get("/lots/{site}/{lot}", tags=["now"], responses=NOT_FOUND)
def get_lot(site: str, lot: str, reading: Reading) -> LotNow:
    """One lot."""
    found = lot_now(reading.session, reading.now(), reading.site(site), lot)
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no lot {lot!r} at {site!r}")
    return found


@router.get("/lots/{site}/{lot}/bays", tags=["now"], responses=NOT_FOUND)
def get_bays(site: str, lot: str, reading: Reading) -> list[BayNow]:
    """The bays of a lot and their states now."""
    found = bays_now(reading.session, reading.now(), site=reading.site(site), lot=lot)
    if not found:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no lot {lot!r} at {site!r}")
    return found


@router.get("/lots/{site}/{lot}/series", tags=["history"], responses=NOT_FOUND)
def get_series(
    site: str,
    lot: str,
    reading: Reading,
    window: Past,
    step_s: Annotated[int, Query(ge=60, le=86_400)] = 900,
) -> list[SeriesPoint]:
    """A lot's occupancy over time: mean numbers of bays in each step."""
    if (window.end_ms - window.start_ms) / (step_s * 1000) > _POINTS_MAX:
        raise HTTPException(
            status.HTTP_422_UNPROCESSABLE_CONTENT,
            f"expected at most {_POINTS_MAX} points, but got a longer span or a smaller step_s",
        )
    return lot_series(reading.session, reading.site(site), lot, window, step_s * 1000)


@router.get("/edges", tags=["now"])
def get_edges(reading: Reading) -> list[EdgeNow]:
    """Every edge box: online or stale since when, how complete its stream is, its health."""
    return [
        edge for edge in edges_now(reading.session, reading.now()) if reading.access.sees(edge.site)
    ]


@router.get("/edges/{edge}", tags=["now"], responses=NOT_FOUND)
def get_edge(edge: str, reading: Reading) -> EdgeNow:
    """One edge box."""
    return edges_now(reading.session, reading.now(), reading.edge(edge))[0]


@router.get("/edges/{edge}/gaps", tags=["history"], responses=NOT_FOUND)
def get_gaps(edge: str, reading: Reading) -> list[GapItem]:
    """Events of an edge that will never come, and why."""
    return gaps(reading.session, reading.edge(edge))


@router.get("/edges/{edge}/bays/{bay}/history", tags=["history"], responses=NOT_FOUND)
def get_history(
    edge: str,
    bay: str,
    reading: Reading,
    window: UpToTheNewest,
    limit: Limit = 200,
) -> list[Stay]:
    """How a bay was occupied, newest first, with dwell times."""
    return stays(reading.session, reading.edge(edge), bay, window, limit)


@router.get("/events", tags=["history"])
def get_events(reading: Reading, site: str | None = None, limit: Limit = 50) -> list[EventItem]:
    """The newest events of the stream."""
    sites = reading.access.sites if site is None else {site}
    if site is not None and not reading.access.sees(site):
        return []
    return recent_events(reading.session, limit, sites)


@router.get("/alerts", tags=["now"])
def get_alerts(reading: Reading, limit: Limit = 50) -> list[AlertItem]:
    """Alerts, the open ones first."""
    return alerts(reading.session, limit, reading.access.sites)


@router.get(
    "/live",
    tags=["now"],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def get_live(access: Reader, context: Context) -> StreamingResponse:
    """Server-sent events: `change` with the names of edges of which something changed."""
    return StreamingResponse(
        _stream(context, everything=access.sites is None),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(context: Context, *, everything: bool) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    async for edges in context.feed.listen():
        if edges:
            # To a token of some sites only that something changed: names of others are not its.
            names = sorted(edges) if everything else []
            yield f"event: change\ndata: {json.dumps({'edges': names})}\n\n"
        else:
            yield ": still here\n\n"
