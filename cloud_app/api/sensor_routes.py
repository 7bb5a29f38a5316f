"""Bay sensors and counters: how each is, and what it sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, status
from fastapi.responses import StreamingResponse

from cloud_app.api.context import ApiContext, Reading
from cloud_app.api.export import OR_CSV, Form, Format, csv_answer, pages
from cloud_app.api.parameters import (
    REFUSALS,
    Bearer,
    KnownQuery,
    Limit,
    Lot,
    Site,
    UpToTheNewest,
    is_descending,
    order_by,
)
from cloud_app.sensor_views import FrameItem, SensorCondition, SensorDetail, SensorItem
from cloud_app.storage.sensor_queries import (
    SensorFilter,
    SensorOrder,
    find_sensor,
    frames,
    sensors,
)
from telemetry import Identifier

router = APIRouter(
    prefix="/api/v1", tags=["sensors"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)

_PAGE = 1_000
_ID = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"


class SensorQuery:
    """What a reader of the list asks for."""

    def __init__(
        self,
        *,
        site: Site = None,
        lot: Lot = None,
        condition: SensorCondition | None = None,
        q: Annotated[
            str | None, Query(min_length=1, max_length=64, description="part of an id")
        ] = None,
        sort: Annotated[str, order_by(SensorOrder)] = SensorOrder.CONDITION,
        after: Annotated[
            str | None,
            Query(
                pattern=f"^({_ID})?/{_ID}$",
                description="site/device of the last one of the page before",
            ),
        ] = None,
    ) -> None:
        place = None if after is None else after.split("/")
        self.wanted = SensorFilter(
            site=site,
            lot=lot,
            condition=condition,
            part=q,
            order=SensorOrder(sort.removeprefix("-")),
            is_down=is_descending(sort),
            after=None if place is None else (place[0], place[1]),
        )


@router.get("/sensors", response_model=list[SensorItem], responses=OR_CSV)
def get_sensors(
    reading: Reading,
    query: Annotated[SensorQuery, Depends()],
    limit: Limit = 200,
    form: Form = Format.JSON,
) -> Any:
    """Bay sensors and counters, those first that want looking at.

    Who sees all sites also sees unregistered devices.
    """
    wanted = replace(query.wanted, sites=reading.sites())
    if wanted.site is not None:
        reading.site(wanted.site)
    if form is Format.CSV:
        return _file(reading.context, wanted)
    return sensors(reading.session, wanted, reading.now().now_ms, limit)


def _file(context: ApiContext, wanted: SensorFilter) -> StreamingResponse:
    now_ms = context.now().now_ms

    def page(asked: SensorFilter) -> Sequence[SensorItem]:
        with context.database.read() as session:
            return sensors(session, asked, now_ms, _PAGE)

    def after(asked: SensorFilter, last: SensorItem) -> SensorFilter:
        return replace(asked, after=(last.site or "", last.device))

    found = pages(replace(wanted, after=None), page, after, _PAGE)
    names = ("sensors", wanted.site, wanted.lot)
    return csv_answer(SensorItem, found, names, context.clock.utc())


@router.get("/sensors/{device}")
def get_sensor(device: Identifier, reading: Reading) -> SensorDetail:
    """Get one sensor with its reception statistics."""
    return _known(reading, device)


@router.get("/sensors/{device}/frames", response_model=list[FrameItem], responses=OR_CSV)
def get_frames(
    device: Identifier,
    reading: Reading,
    window: UpToTheNewest,
    limit: Limit = 200,
    form: Form = Format.JSON,
) -> Any:
    """List a sensor's frames, newest first: raw and decoded."""
    found = frames(reading.session, _known(reading, device).site or "", device, window, limit)
    if form is Format.CSV:
        return csv_answer(FrameItem, found, ("frames", device), reading.context.clock.utc())
    return found


def _known(reading: Reading, device: str) -> SensorDetail:
    found = find_sensor(reading.session, device, reading.sites(), reading.now().now_ms)
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no sensor {device!r}")
    return found
