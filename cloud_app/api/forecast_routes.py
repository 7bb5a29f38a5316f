"""How full a lot will be."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from cloud_app.analytics.forecasts import LotForecast, forecast_lot
from cloud_app.api.context import Reading
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery
from telemetry import LotId, SiteId

router = APIRouter(prefix="/api/v1", dependencies=[Bearer, KnownQuery], responses=REFUSALS)

_STEP_MIN = 15
_POINTS_MAX = 200


@router.get("/lots/{site}/{lot}/forecast", tags=["forecast"])
def get_forecast(
    site: SiteId,
    lot: LotId,
    reading: Reading,
    hours: Annotated[int, Query(ge=1, le=168, description="how far ahead")] = 24,
) -> LotForecast:
    """How many bays will be free in the next hours, every quarter of an hour; of long spans fewer.

    No figures are made up: where too little is known, `reason` says so and there are no points.
    """
    steps = hours * 60 // _STEP_MIN
    every = -(-steps // _POINTS_MAX)
    ahead = list(range(every, steps + 1, every))
    name = reading.lot(site, lot)
    return forecast_lot(reading.session, reading.now(), site, name, ahead)
