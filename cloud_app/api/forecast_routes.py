"""How full a lot will be."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Query, status
from pydantic import BaseModel, Field

from cloud_app.accounts.audit import Subject, record
from cloud_app.accounts.secret import new_id
from cloud_app.analytics.accuracy import HorizonAccuracy, accuracy, begin_of
from cloud_app.analytics.calendars import DayNote, events_of, parse_events, replace_events
from cloud_app.analytics.demand import ForecastError
from cloud_app.analytics.forecasts import LotForecast, forecast_lot
from cloud_app.analytics.free_places import LikelyFree, likely_free
from cloud_app.api.context import ActorNow, Caller, Context, Reading
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Moment
from cloud_app.api.report_routes import AskedWhere
from cloud_app.storage.queries import lots_now
from telemetry import LotId, SiteId
from telemetry.vocabulary import BayKind, ZoneId

router = APIRouter(prefix="/api/v1", dependencies=[Bearer, KnownQuery], responses=REFUSALS)

Zone = Annotated[ZoneId | None, Query(description="of the lot; absent: the whole lot")]
_LOTS_MAX = 500
"""Of one search: each takes two milliseconds."""
_STEP_MIN = 15
_POINTS_MAX = 200


@router.get("/lots/{site}/{lot}/forecast", tags=["forecast"])
def get_forecast(
    site: SiteId,
    lot: LotId,
    reading: Reading,
    hours: Annotated[int, Query(ge=1, le=168, description="how far ahead")] = 24,
    zone: Zone = None,
) -> LotForecast:
    """How many bays will be free in the next hours, every quarter of an hour; of long spans fewer.

    No figures are made up: where too little is known, `reason` says so and there are no points.
    """
    steps = hours * 60 // _STEP_MIN
    every = -(-steps // _POINTS_MAX)
    ahead = list(range(every, steps + 1, every))
    of = (reading.lot(site, lot), zone)
    return forecast_lot(reading.session, reading.now(), site, of, ahead)


@router.get("/lots/{site}/{lot}/forecast/accuracy", tags=["forecast"])
def get_accuracy(
    site: SiteId,
    lot: LotId,
    reading: Reading,
    days: Annotated[int, Query(ge=1, le=400, description="of the past")] = 28,
    zone: Zone = None,
) -> list[HorizonAccuracy]:
    """How good past forecasts were: what was forecast, against what came."""
    of = (reading.lot(site, lot), zone)
    since_ms = begin_of(reading.context.clock.utc(), days)
    return accuracy(reading.session, site, of, since_ms)


@router.get("/likely-free", tags=["forecast"])
def get_likely_free(
    reading: Reading,
    where: AskedWhere,
    at: Annotated[Moment, Query(description="with time zone; within the next seven days")],
    kind: Annotated[BayKind, Query(description="of the bays")] = BayKind.STANDARD,
    places: Annotated[int, Query(ge=1, le=1000, description="how many are wanted")] = 1,
) -> list[LikelyFree]:
    """How likely bays of a kind will be free at a time, lot by lot.

    Nothing is made up: where it cannot be said, as for a lot whose data stopped, `probability` is
    null and `reason` says why.
    """
    now = reading.now()
    seen = lots_now(reading.session, now, where.sites)
    lots = [(each.site, each.lot) for each in seen if where.lot in (None, each.lot)]
    if len(lots) > _LOTS_MAX:
        msg = f"expected at most {_LOTS_MAX} lots, but there are {len(lots)}: ask for one site"
        raise ForecastError(msg)
    return likely_free(reading.session, now, lots, at, kind, places)


class EventsTaken(BaseModel):
    """What a file of local events said."""

    events: int = Field(description="all that the site has now")


CsvBody = Annotated[bytes, Body(media_type="text/csv")]
_AHEAD_MS = 400 * 86_400_000


@router.get("/sites/{site}/local-events", tags=["forecast"])
def get_local_events(site: SiteId, reading: Reading, lot: LotId | None = None) -> list[DayNote]:
    """Events of a site, or of one of its lots, that are not over."""
    now_ms = reading.now().now_ms
    return events_of(reading.session, reading.site(site), lot or "", now_ms, now_ms + _AHEAD_MS)


@router.put("/sites/{site}/local-events", tags=["forecast"])
def put_local_events(
    site: SiteId, content: CsvBody, access: Caller, actor: ActorNow, context: Context
) -> EventsTaken:
    """Replace the events of a site by those of a CSV file: lot, start, end, name, effect.

    They are shown beside forecasts. `lot` is empty for the whole site; times have an offset;
    `effect` may be empty, or the share of the bays that is expected beside.
    """
    if not access.sites.sees(site):
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no site {site!r}")
    rows = parse_events(content, new_id(), site)
    with context.database.write() as session:
        replace_events(session, site, rows)
        told = {"events": len(rows)}
        record(session, actor, "local_events.replace", Subject("site", site), None, told)
    return EventsTaken(events=len(rows))
