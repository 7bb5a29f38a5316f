"""The map, a lot's plan, search, and the overview."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Query, Response, status

from cloud_app.api.context import Reading
from cloud_app.api.parameters import REFUSALS, Bearer, BoundingBox, KnownQuery, window_of
from cloud_app.occupancy.city import map_lots, overview
from cloud_app.occupancy.finding import hits
from cloud_app.occupancy.plan import lot_plan
from cloud_app.occupancy.views import LotPlan, MapLots, Overview, SearchHit
from telemetry import LotId, SiteId

router = APIRouter(prefix="/api/v1", dependencies=[Bearer, KnownQuery], responses=REFUSALS)

_MAP_MAX = 10_000


@router.get("/map/lots", tags=["map"])
def get_map_lots(
    reading: Reading,
    bbox: BoundingBox,
    limit: Annotated[int, Query(ge=1, le=_MAP_MAX)] = 2_000,
) -> MapLots:
    """The lots that a map window shows and how full each is, as GeoJSON.

    A lot without a position is in `lots` alone.
    """
    return map_lots(reading.session, reading.now(), reading.sites(), window_of(bbox), limit)


@router.get(
    "/lots/{site}/{lot}/plan",
    tags=["map"],
    responses={304: {"description": "not modified"}},
)
def get_plan(
    site: SiteId,
    lot: LotId,
    reading: Reading,
    response: Response,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> LotPlan:
    """Get the positions of a lot's bays, on the ground or in the image."""
    plan = lot_plan(reading.session, reading.site(site), lot)
    if plan is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no lot {lot!r} at {site!r}")
    digest = hashlib.sha256(plan.model_dump_json().encode()).hexdigest()[:32]
    headers = {"ETag": f'"{digest}"', "Cache-Control": "private, no-cache"}
    if if_none_match is not None and digest in if_none_match:
        raise HTTPException(status.HTTP_304_NOT_MODIFIED, headers=headers)
    response.headers.update(headers)
    return plan


@router.get("/search", tags=["map"])
def get_search(
    reading: Reading,
    q: Annotated[
        str,
        Query(min_length=1, max_length=100, description="words or prefixes"),
    ],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[SearchHit]:
    """Lots, sites, edges, zones and bays by name or id: `p1 a-12` is bay A-12 of lot p1."""
    return hits(reading.session, q, reading.sites(), limit)


@router.get("/overview", tags=["now"])
def get_overview(reading: Reading) -> Overview:
    """Get key figures."""
    return overview(reading.session, reading.now(), reading.sites())
