"""Incidents and stays: the part of the read API that tells how vehicles stood, and how long."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from cloud_app.api.context import Reading
from cloud_app.api.export import OR_CSV, Form, Format
from cloud_app.api.list_export import incidents_file
from cloud_app.api.parameters import (
    REFUSALS,
    Bay,
    Bearer,
    Edge,
    KnownQuery,
    Limit,
    Lot,
    Moment,
    Past,
    Site,
    UpToTheNewest,
    Words,
    is_descending,
    order_by,
)
from cloud_app.storage.bay_events import Window
from cloud_app.storage.dwell import lot_stays, summary
from cloud_app.storage.incidents import IncidentFilter, IncidentOrder, incidents
from cloud_app.storage.queries import lot_size
from cloud_app.storage.times import to_ms
from cloud_app.views import DwellSummary, IncidentItem, ParkedStay
from telemetry import IncidentKind, LotId, SiteId

router = APIRouter(prefix="/api/v1", dependencies=[Bearer, KnownQuery], responses=REFUSALS)

_EVER = Window(0, 2**53)


class IncidentQuery:
    """What a reader of incidents asks for."""

    def __init__(  # noqa: PLR0913 - each is a key of the address
        self,
        *,
        site: Site = None,
        lot: Lot = None,
        edge: Edge = None,
        bay: Bay = None,
        kind: IncidentKind | None = None,
        is_open: Annotated[bool | None, Query(alias="open")] = None,
        start: Annotated[Moment | None, Query(description="with time zone")] = None,
        end: Annotated[Moment | None, Query(description="with time zone")] = None,
        q: Words = None,
        sort: Annotated[str, order_by(IncidentOrder)] = IncidentOrder.STATE,
    ) -> None:
        window = None
        if start is not None or end is not None:
            window = Window(
                _EVER.start_ms if start is None else to_ms(start),
                _EVER.end_ms if end is None else to_ms(end),
            )
        self.wanted = IncidentFilter(
            site,
            lot,
            edge,
            bay,
            kind,
            is_open,
            window,
            q=q,
            order=IncidentOrder(sort.removeprefix("-")),
            is_down=is_descending(sort),
        )


@router.get(
    "/incidents",
    tags=["now", "history"],
    response_model=list[IncidentItem],
    responses=OR_CSV,
)
def get_incidents(
    reading: Reading,
    query: Annotated[IncidentQuery, Depends()],
    limit: Limit = 200,
    after: Annotated[
        str | None,
        Query(
            max_length=200,
            pattern=r"^[^/\x00]+/[^/\x00]+$",
            description="edge/incident of the last one of the page before",
        ),
    ] = None,
    form: Form = Format.JSON,
) -> Any:
    """List vehicles parked in violation of a rule; by default open incidents first."""
    wanted = replace(query.wanted, sites=reading.sites())
    if wanted.site is not None:
        reading.site(wanted.site)
    if after is not None:
        edge, name = after.split("/")
        wanted = replace(wanted, after=(edge, name))
    if form is Format.CSV:
        return incidents_file(reading.context, wanted, (wanted.site, wanted.lot, wanted.edge))
    return incidents(reading.session, reading.now(), wanted, limit)


@router.get("/lots/{site}/{lot}/stays", tags=["history"])
def get_stays(
    site: SiteId,
    lot: LotId,
    reading: Reading,
    window: UpToTheNewest,
    bay: Bay = None,
    limit: Limit = 200,
) -> list[ParkedStay]:
    """List stays of vehicles in a lot's bays, newest first, with dwell times."""
    found = lot_stays(reading.session, site, reading.lot(site, lot), window, bay)
    return sorted(found, key=lambda stay: (stay.start, stay.bay), reverse=True)[:limit]


@router.get("/lots/{site}/{lot}/dwell", tags=["history"])
def get_dwell(
    site: SiteId, lot: LotId, reading: Reading, window: Past, bay: Bay = None
) -> DwellSummary:
    """Get dwell times of a lot: mean, median, turnover, by zone and kind of bay."""
    found = lot_stays(reading.session, site, reading.lot(site, lot), window, bay)
    bays = lot_size(reading.session, site, lot) if bay is None else 1
    return summary(found, bays, window)
