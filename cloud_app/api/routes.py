"""The read API, version 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, status
from pydantic import BaseModel

from cloud_app.api.context import Reading, ReadingRequest
from cloud_app.api.export import OR_CSV, Form, Format, csv_answer
from cloud_app.api.list_export import events_file
from cloud_app.api.parameters import (
    FIRST_MOMENT,
    LAST_MOMENT,
    REFUSALS,
    Bearer,
    Edge,
    KnownQuery,
    Limit,
    Moment,
    Past,
    Site,
    UpToTheNewest,
    span_of,
)
from cloud_app.occupancy.balances import Lot
from cloud_app.occupancy.count_views import is_counted
from cloud_app.registry.queries import time_zones_of
from cloud_app.storage.bay_events import Window
from cloud_app.storage.edge_queries import EdgeFilter, edges_now
from cloud_app.storage.health_history import EVERY_S, health_points
from cloud_app.storage.history import stays
from cloud_app.storage.past import bays_at
from cloud_app.storage.queries import bays_now, edge_bays_now, lot_now, lots_now
from cloud_app.storage.series import lot_series
from cloud_app.storage.streams import EventFilter, gaps, recent_events
from cloud_app.storage.times import to_ms
from cloud_app.views import (
    BayNow,
    Counts,
    EdgeHealth,
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
# A busy city has a million events a day.
_EXPORT_MAX = timedelta(days=31)


class EdgeState(StrEnum):
    """Whether an edge is connected."""

    ONLINE = "online"
    STALE = "stale"


@router.get("/sites", tags=["now"])
def get_sites(reading: Reading) -> list[SiteNow]:
    """List sites with the totals of their lots."""
    by_site: dict[str, list[LotNow]] = {}
    for lot in lots_now(reading.session, reading.now(), reading.sites()):
        by_site.setdefault(lot.site, []).append(lot)
    zones = time_zones_of(reading.session, by_site)
    return [_site(site, lots, zones.get(site)) for site, lots in sorted(by_site.items())]


def _site(site: SiteId, lots: Sequence[LotNow], time_zone: str | None) -> SiteNow:
    counts = sum((lot.counts for lot in lots), Counts())
    return SiteNow(
        site=site,
        lots=tuple(lot.lot for lot in lots),
        counts=counts,
        occupancy=counts.occupancy,
        time_zone=time_zone,
    )


@router.get("/lots", tags=["now"], response_model=list[LotNow], responses=OR_CSV)
def get_lots(reading: Reading, site: Site = None, form: Form = Format.JSON) -> Any:
    """List lots with their occupancy."""
    found = lots_now(reading.session, reading.now(), reading.sites(site))
    return _listed(LotNow, found, form, reading, "lots", site)


@router.get("/lots/{site}/{lot}", tags=["now"])
def get_lot(site: SiteId, lot: LotId, reading: Reading) -> LotNow:
    """One lot."""
    found = lot_now(reading.session, reading.now(), reading.site(site), lot)
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no lot {lot!r} at {site!r}")
    return found


@router.get(
    "/lots/{site}/{lot}/bays",
    tags=["now", "history"],
    response_model=list[BayNow],
    responses=OR_CSV,
)
def get_bays(
    site: SiteId,
    lot: LotId,
    reading: Reading,
    at: Annotated[
        Moment | None, Query(description="with time zone: as it was then; now if absent")
    ] = None,
    form: Form = Format.JSON,
) -> Any:
    """The bays of a lot and their states, now or at another time.

    In the past a bay is `stale` if an alert says that its edge was away; it is unknown, for the
    reason `no_record`, before its first event. Always the bays of today's layouts.
    """
    which = Lot(reading.site(site), lot)
    if at is None:
        found = bays_now(reading.session, reading.now(), site=site, lot=lot)
    else:
        found = bays_at(reading.session, site, lot, to_ms(at))
    # One that is only counted has none.
    if not found and not is_counted(reading.session, which):
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no lot {lot!r} at {site!r}")
    return _listed(BayNow, found, form, reading, "bays", site, lot)


@router.get("/lots/{site}/{lot}/series", tags=["history"])
def get_series(
    site: SiteId,
    lot: LotId,
    reading: Reading,
    window: Past,
    step_s: Annotated[int, Query(ge=60, le=86_400)] = 900,
) -> list[SeriesPoint]:
    """Get a lot's occupancy over time: mean numbers of bays in each step."""
    if (window.end_ms - window.start_ms) / (step_s * 1000) > _POINTS_MAX:
        raise HTTPException(
            status.HTTP_422_UNPROCESSABLE_CONTENT,
            f"expected at most {_POINTS_MAX} points, but got a longer span or a smaller step_s",
        )
    return lot_series(reading.session, site, reading.lot(site, lot), window, step_s * 1000)


@router.get("/edges", tags=["now"], response_model=list[EdgeNow], responses=OR_CSV)
def get_edges(  # noqa: PLR0913 - each is a key of the address
    reading: Reading,
    *,
    site: Site = None,
    state: Annotated[EdgeState | None, Query(description="stale: offline, or silent")] = None,
    q: Annotated[
        str | None, Query(min_length=1, max_length=64, description="part of its name")
    ] = None,
    after: Annotated[EdgeId | None, Query(description="last edge of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    form: Form = Format.JSON,
) -> Any:
    """List edge boxes with connection state, stream completeness and health."""
    is_stale = None if state is None else state is EdgeState.STALE
    sites = reading.sites(site)
    wanted = EdgeFilter(sites, is_stale=is_stale, part=q, after=after, limit=limit)
    found = edges_now(reading.session, reading.now(), wanted)
    return _listed(EdgeNow, found, form, reading, "edges", site)


@router.get("/edges/{edge}", tags=["now"])
def get_edge(edge: EdgeId, reading: Reading) -> EdgeNow:
    """Get one edge box."""
    wanted = EdgeFilter(name=reading.edge(edge))
    return edges_now(reading.session, reading.now(), wanted)[0]


@router.get("/edges/{edge}/bays", tags=["now"], response_model=list[BayNow], responses=OR_CSV)
def get_edge_bays(edge: EdgeId, reading: Reading, form: Form = Format.JSON) -> Any:
    """List the bays of an edge box and their states."""
    found = edge_bays_now(reading.session, reading.now(), reading.edge(edge))
    return _listed(BayNow, found, form, reading, "bays", edge)


@router.get("/edges/{edge}/health", tags=["history"])
def get_health(edge: EdgeId, reading: Reading, window: Past) -> EdgeHealth:
    """An edge's figures over time: one set every ten minutes, as long as `kept_days` says.

    Boxes tell theirs once a minute; of those between nothing is kept but the newest, in `edges`.
    """
    points = health_points(reading.session, reading.edge(edge), window)
    kept_days = reading.context.config.retention.health_days
    return EdgeHealth(edge=edge, every_s=EVERY_S, kept_days=kept_days, points=tuple(points))


@router.get("/edges/{edge}/gaps", tags=["history"])
def get_gaps(edge: EdgeId, reading: Reading) -> list[GapItem]:
    """List the permanently missing events of an edge, and why."""
    return gaps(reading.session, reading.edge(edge))


@router.get("/edges/{edge}/bays/{bay}/history", tags=["history"])
def get_history(
    edge: EdgeId,
    bay: BayId,
    reading: Reading,
    window: UpToTheNewest,
    limit: Limit = 200,
) -> list[Stay]:
    """List a bay's past occupancy, newest first, with dwell times."""
    return stays(reading.session, reading.edge(edge), bay, window, limit)


@router.get("/events", tags=["history"], response_model=list[EventItem], responses=OR_CSV)
def get_events(  # noqa: PLR0913 - each is a key of the address
    reading: Reading,
    *,
    site: Site = None,
    edge: Edge = None,
    start: Annotated[Moment | None, Query(description="with time zone")] = None,
    end: Annotated[Moment | None, Query(description="with time zone")] = None,
    limit: Limit = 50,
    form: Form = Format.JSON,
) -> Any:
    """The newest events of the stream; as CSV all of a span, a day unless told, a month at most."""
    if edge is not None:
        reading.edge(edge)
    wanted = EventFilter(reading.sites(site), edge)
    if form is Format.CSV:
        window = span_of(reading.context, start, end, _EXPORT_MAX)
        return events_file(reading.context, replace(wanted, window=window), (site, edge))
    if start is not None or end is not None:
        window = Window(to_ms(start or FIRST_MOMENT), to_ms(end or LAST_MOMENT))
        wanted = replace(wanted, window=window)
    return recent_events(reading.session, limit, wanted)


def _listed(
    kind: type[BaseModel],
    found: Sequence[BaseModel],
    form: Format,
    reading: ReadingRequest,
    *names: str | None,
) -> Any:
    """A list that was read whole, as it was asked for."""
    if form is Format.CSV:
        return csv_answer(kind, found, names, reading.context.clock.utc())
    return found
