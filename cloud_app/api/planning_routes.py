"""Planning: what if bays were added, closed, or priced otherwise; where demand is unmet."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from cloud_app.analytics.planning.gis import geojson_of, geoparquet_of
from cloud_app.analytics.planning.plan import LotPlanView, UnmetLot, plan_lot, unmet_lots
from cloud_app.analytics.planning.replay import Change
from cloud_app.analytics.reports.period import ReportError
from cloud_app.api.context import Reading
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery
from cloud_app.api.report_routes import AskedPeriod, AskedWhere

router = APIRouter(
    prefix="/api/v1", tags=["planning"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)


class UnmetForm(StrEnum):
    """How unmet demand is answered."""

    JSON = "json"
    GEOJSON = "geojson"
    GEOPARQUET = "geoparquet"


class UnmetDemand(BaseModel):
    """Where demand is unmet."""

    first: date
    last: date
    lots: list[UnmetLot]


def _change(
    bays: Annotated[int, Query(description="added, or closed where negative")] = 0,
    price: Annotated[float, Query(description="new price for one now")] = 1.0,
    elasticity: Annotated[
        float, Query(description="assumed: per cent of demand for one per cent of price")
    ] = -0.3,
) -> Change:
    return Change(bays, price, elasticity)


_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": UnmetDemand,
        "content": {"application/geo+json": {}, "application/vnd.apache.parquet": {}},
    }
}


@router.get("/planning/unmet", responses=_FILES)
def get_unmet(
    reading: Reading,
    where: AskedWhere,
    period: AskedPeriod,
    form: Annotated[UnmetForm, Query(alias="format")] = UnmetForm.JSON,
) -> Response:
    """Lots by the demand that finds no bay, the most first; null where too little was observed."""
    lots = unmet_lots(reading.session, where.sites, period, reading.now().now_ms)
    if where.lot is not None:
        lots = [each for each in lots if each.lot == where.lot]
    if form is UnmetForm.JSON:
        found = UnmetDemand(first=period.first, last=period.last, lots=lots)
        return Response(found.model_dump_json(), media_type="application/json")
    is_json = form is UnmetForm.GEOJSON
    content = geojson_of(lots) if is_json else geoparquet_of(lots)
    kind, ending = (
        ("application/geo+json", "geojson") if is_json
        else ("application/vnd.apache.parquet", "parquet")
    )  # fmt: skip
    name = f"lotsight_unmet_{period.first}_{period.last}.{ending}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=kind, headers=headers)


@router.get("/planning/plan")
def get_plan(
    reading: Reading,
    where: AskedWhere,
    period: AskedPeriod,
    change: Annotated[Change, Depends(_change)],
) -> LotPlanView:
    """What would be if a lot had other bays, or another price: a replay of the observed demand."""
    if where.site is None or where.lot is None:
        msg = "expected `site` and `lot`: whose demand is to be replayed"
        raise ReportError(msg)
    of = (where.site, where.lot)
    return plan_lot(reading.session, of, period, change, reading.now().now_ms)
