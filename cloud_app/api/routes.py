"""The read API, version 1."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, status
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from cloud_app.api.context import Context, Reading
from cloud_app.api.parameters import (
    REFUSALS,
    TOO_MANY,
    Bearer,
    KnownQuery,
    Limit,
    Past,
    Site,
    UpToTheNewest,
)
from cloud_app.api.policy import Permission
from cloud_app.errors import StorageDownError
from cloud_app.storage.history import lot_series, stays
from cloud_app.storage.queries import bays_now, edges_now, edges_of, lot_now, lots_now
from cloud_app.storage.streams import gaps, recent_events
from cloud_app.views import (
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
from telemetry import BayId, EdgeId, LotId, SiteId

router = APIRouter(prefix="/api/v1", dependencies=[Bearer, KnownQuery], responses=REFUSALS)

# A chart of a year by the hour; more points than this nobody looks at in one answer.
_POINTS_MAX = 10_000


@router.get("/sites", tags=["now"])
def get_sites(reading: Reading) -> list[SiteNow]:
    """Every site and the sum of its lots."""
    by_site: dict[str, list[LotNow]] = {}
    for lot in lots_now(reading.session, reading.now(), reading.sites()):
        by_site.setdefault(lot.site, []).append(lot)
    return [_site(site, lots) for site, lots in sorted(by_site.items())]


def _site(site: SiteId, lots: Sequence[LotNow]) -> SiteNow:
    counts = sum((lot.counts for lot in lots), Counts())
    return SiteNow(
        site=site,
        lots=tuple(lot.lot for lot in lots),
        counts=counts,
        occupancy=counts.occupancy,
    )


@router.get("/lots", tags=["now"])
def get_lots(reading: Reading, site: Site = None) -> list[LotNow]:
    """Every lot and how full it is."""
    return lots_now(reading.session, reading.now(), reading.sites(site))


@router.get("/lots/{site}/{lot}", tags=["now"])
def get_lot(site: SiteId, lot: LotId, reading: Reading) -> LotNow:
    """One lot."""
    found = lot_now(reading.session, reading.now(), reading.site(site), lot)
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no lot {lot!r} at {site!r}")
    return found


@router.get("/lots/{site}/{lot}/bays", tags=["now"])
def get_bays(site: SiteId, lot: LotId, reading: Reading) -> list[BayNow]:
    """The bays of a lot and their states now."""
    found = bays_now(reading.session, reading.now(), site=reading.site(site), lot=lot)
    if not found:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no lot {lot!r} at {site!r}")
    return found


@router.get("/lots/{site}/{lot}/series", tags=["history"])
def get_series(
    site: SiteId,
    lot: LotId,
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
    return lot_series(reading.session, site, reading.lot(site, lot), window, step_s * 1000)


@router.get("/edges", tags=["now"])
def get_edges(reading: Reading) -> list[EdgeNow]:
    """Every edge box: online or stale since when, how complete its stream is, its health."""
    return edges_now(reading.session, reading.now(), sites=reading.sites())


@router.get("/edges/{edge}", tags=["now"])
def get_edge(edge: EdgeId, reading: Reading) -> EdgeNow:
    """One edge box."""
    return edges_now(reading.session, reading.now(), reading.edge(edge))[0]


@router.get("/edges/{edge}/gaps", tags=["history"])
def get_gaps(edge: EdgeId, reading: Reading) -> list[GapItem]:
    """Events of an edge that will never come, and why."""
    return gaps(reading.session, reading.edge(edge))


@router.get("/edges/{edge}/bays/{bay}/history", tags=["history"])
def get_history(
    edge: EdgeId,
    bay: BayId,
    reading: Reading,
    window: UpToTheNewest,
    limit: Limit = 200,
) -> list[Stay]:
    """How a bay was occupied, newest first, with dwell times."""
    return stays(reading.session, reading.edge(edge), bay, window, limit)


@router.get("/events", tags=["history"])
def get_events(reading: Reading, site: Site = None, limit: Limit = 50) -> list[EventItem]:
    """The newest events of the stream."""
    return recent_events(reading.session, limit, reading.sites(site))


@router.get(
    "/live",
    tags=["now"],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **TOO_MANY},
)
async def get_live(request: Request, context: Context) -> StreamingResponse:
    """Server-sent events: `change` with the names of edges of which something changed."""
    if context.feed.is_full:
        raise HTTPException(
            status.HTTP_503_SERVICE_UNAVAILABLE, "too many listen already", {"Retry-After": "10"}
        )
    return StreamingResponse(
        _stream(context, request.headers),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(context: Context, headers: Headers) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    async for changed in context.feed.listen():
        names = await run_in_threadpool(_seen, context, headers, changed)
        if names is None:
            return  # logged out, or the key was revoked
        if names:
            yield f"event: change\ndata: {json.dumps({'edges': sorted(names)})}\n\n"
        elif not changed:
            yield ": still here\n\n"


def _seen(context: Context, headers: Headers, changed: frozenset[str]) -> frozenset[str] | None:
    """Of the edges that changed those that the caller still sees; None: they see nothing now."""
    try:
        access = context.doorkeeper.access(headers, counts_as_use=False)
        if access is None or not access.may(Permission.READ):
            return None
        if access.sites.is_all or not changed:
            return changed
        with context.database.read() as session:
            return changed & edges_of(session, access.sites.wanted)
    except StorageDownError:
        return frozenset()  # what cannot be looked up is not told
