"""Incidents and stays: the part of the read API that tells how vehicles stood, and how long."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, status
from pydantic import AwareDatetime

from cloud_app.api.context import Reading
from cloud_app.api.routes import NOT_FOUND, Limit, Past, UpToTheNewest
from cloud_app.storage.bay_events import Window
from cloud_app.storage.dwell import lot_stays, summary
from cloud_app.storage.incidents import IncidentFilter, incidents
from cloud_app.storage.queries import lot_size
from cloud_app.storage.times import to_ms
from cloud_app.views import DwellSummary, IncidentItem, ParkedStay
from telemetry import IncidentKind

router = APIRouter(prefix="/api/v1")

_EVER = Window(0, 2**53)


class IncidentQuery:
    """What a reader of incidents asks for."""

    def __init__(  # noqa: PLR0913 - each is a key of the address
        self,
        *,
        site: str | None = None,
        lot: str | None = None,
        edge: str | None = None,
        bay: str | None = None,
        kind: IncidentKind | None = None,
        is_open: Annotated[bool | None, Query(alias="open")] = None,
        start: Annotated[AwareDatetime | None, Query(description="with time zone")] = None,
        end: Annotated[AwareDatetime | None, Query(description="with time zone")] = None,
    ) -> None:
        window = None
        if start is not None or end is not None:
            window = Window(
                _EVER.start_ms if start is None else to_ms(start),
                _EVER.end_ms if end is None else to_ms(end),
            )
        self.wanted = IncidentFilter(site, lot, edge, bay, kind, is_open, window)


@router.get("/incidents", tags=["now", "history"])
def get_incidents(
    reading: Reading, query: Annotated[IncidentQuery, Depends()], limit: Limit = 200
) -> list[IncidentItem]:
    """Vehicles that stand, or stood, as they should not: those that last first."""
    sites = reading.access.sites
    wanted = query.wanted
    if wanted.site is not None:
        reading.site(wanted.site)
    names = [wanted.site] if wanted.site is not None or sites is None else sorted(sites)
    found = [
        item
        for name in names
        for item in incidents(reading.session, reading.now(), replace(wanted, site=name), limit)
    ]
    found.sort(key=lambda item: item.began, reverse=True)
    return sorted(found, key=lambda item: item.ended is not None)[:limit]


@router.get("/lots/{site}/{lot}/stays", tags=["history"], responses=NOT_FOUND)
def get_stays(
    site: str,
    lot: str,
    reading: Reading,
    window: UpToTheNewest,
    bay: str | None = None,
    limit: Limit = 200,
) -> list[ParkedStay]:
    """Stays of vehicles in a lot's bays, newest first, with dwell times."""
    _bay_count(reading, site, lot)
    found = lot_stays(reading.session, site, lot, window, bay)
    return sorted(found, key=lambda stay: (stay.start, stay.bay), reverse=True)[:limit]


@router.get("/lots/{site}/{lot}/dwell", tags=["history"], responses=NOT_FOUND)
def get_dwell(
    site: str, lot: str, reading: Reading, window: Past, bay: str | None = None
) -> DwellSummary:
    """How long vehicles stay in a lot: mean, median, turnover, by zone and kind of bay."""
    bays = _bay_count(reading, site, lot)
    found = lot_stays(reading.session, site, lot, window, bay)
    return summary(found, bays if bay is None else 1, window)


def _bay_count(reading: Reading, site: str, lot: str) -> int:
    count = lot_size(reading.session, reading.site(site), lot)
    if not count:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no lot {lot!r} at {site!r}")
    return count
