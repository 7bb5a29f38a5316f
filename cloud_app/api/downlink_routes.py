"""Downlinks to sensors over HTTP: sent, listed, followed, taken back."""

from __future__ import annotations

from typing import Annotated, Any, Self

from fastapi import APIRouter, HTTPException, Query, status
from pydantic import BaseModel, ConfigDict, Field, model_validator

from cloud_app.accounts.audit import Subject, record
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context, Reading
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Problem
from cloud_app.api.policy import Access
from cloud_app.errors import DownlinkError
from cloud_app.ingest.sensors.downlink_ways import Wanted, actions_for, way_to
from cloud_app.ingest.sensors.downlinks import (
    DownlinkNow,
    DownlinkState,
    ask,
    cancel,
    find,
    listed,
)
from cloud_app.sensor_views import SensorDetail
from cloud_app.storage.database import Session
from cloud_app.storage.sensor_queries import find_sensor
from sensors.downlinks import Downlink, DownlinkAction
from telemetry import Identifier

router = APIRouter(
    prefix="/api/v1", tags=["sensors"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)


class NewDownlink(BaseModel):
    """What a sensor is to be asked for."""

    model_config = ConfigDict(extra="forbid")

    action: DownlinkAction
    interval_s: int | None = Field(
        default=None, ge=1, le=2_678_400, description="of the action interval"
    )
    f_port: int | None = Field(default=None, ge=1, le=223, description="of the action bytes")
    payload: str | None = Field(
        default=None,
        pattern=r"^([0-9A-Fa-f]{2}){1,242}$",
        description="of the action bytes; hexadecimal, as the maker's document gives them",
    )
    confirmed: bool = Field(default=True, description="the device is to acknowledge it")
    life_s: float | None = Field(
        default=None,
        ge=60,
        le=2_678_400,
        allow_inf_nan=False,
        description="how long it may wait for the device's next uplink; null: downlink_life_s",
    )
    id: Identifier | None = Field(
        default=None, description="the same id is the same downlink, however often it is sent"
    )

    @model_validator(mode="after")
    def _bytes_are_whole(self) -> Self:
        if (self.f_port is None) != (self.payload is None):
            msg = "expected f_port and payload together"
            raise ValueError(msg)
        return self

    def wanted(self, site: str, device: str) -> Wanted:
        """As it is kept."""
        given = None
        if self.f_port is not None and self.payload is not None:
            given = Downlink(self.f_port, bytes.fromhex(self.payload))
        return Wanted(
            site, device, self.action, self.interval_s, given, self.confirmed, self.life_s, self.id
        )


class DownlinkList(BaseModel):
    """Downlinks to a sensor, and what it can be asked for."""

    actions: list[DownlinkAction] = Field(
        description="that its profile has bytes for; bytes always"
    )
    unreachable: str | None = Field(description="why no downlink can be sent to it now")
    downlinks: list[DownlinkNow] = Field(description="the newest first")


@router.get("/sensors/{device}/downlinks")
def get_downlinks(
    device: Identifier, reading: Reading, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> DownlinkList:
    """What was asked of a sensor, and how that stands."""
    sensor = _known(reading.session, reading.access, reading.context, device)
    config, site = reading.context.config.sensors, sensor.site or ""
    unreachable = None
    try:
        way_to(reading.session, config, site, device)
    except DownlinkError as exc:
        unreachable = str(exc)
    return DownlinkList(
        actions=actions_for(config, sensor.profile),
        unreachable=unreachable,
        downlinks=listed(reading.session, site, device, limit),
    )


@router.post("/sensors/{device}/downlinks", status_code=status.HTTP_202_ACCEPTED)
def post_downlink(
    device: Identifier, asked: NewDownlink, access: Caller, actor: ActorNow, context: Context
) -> DownlinkNow:
    """Ask a sensor for something; one of class A hears of it with its next uplink."""
    with context.database.write() as session:
        sensor = _known(session, access, context, device)
        if sensor.site is None:
            detail = f"{device} is not registered: register it first"
            raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, detail)
        try:
            wanted = asked.wanted(sensor.site, device)
            made = ask(session, context.config.sensors, wanted, actor.name, actor.at_ms)
        except DownlinkError as exc:
            raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(exc)) from exc
        facts: dict[str, Any] = made.model_dump(
            mode="json", include={"id", "action", "interval_s", "f_port", "payload"}
        )
        subject = Subject("sensor", device, context.owner(session, sensor.site))
        record(session, actor, "downlink.send", subject, None, facts)
    return made


@router.get("/sensors/{device}/downlinks/{downlink}")
def get_downlink(device: Identifier, downlink: Identifier, reading: Reading) -> DownlinkNow:
    """One downlink and how it stands."""
    sensor = _known(reading.session, reading.access, reading.context, device)
    return _one(reading.session, sensor, downlink)


@router.delete(
    "/sensors/{device}/downlinks/{downlink}",
    responses={409: {"model": Problem, "description": "the network server has it already"}},
)
def delete_downlink(
    device: Identifier, downlink: Identifier, access: Caller, actor: ActorNow, context: Context
) -> DownlinkNow:
    """Take a downlink back that was not handed over yet."""
    with context.database.write() as session:
        sensor = _known(session, access, context, device)
        found = _one(session, sensor, downlink)
        if not cancel(session, downlink, actor.at_ms):
            detail = f"only a waiting downlink can be taken back: this one is {found.state.value}"
            raise HTTPException(status.HTTP_409_CONFLICT, detail)
        subject = Subject("sensor", device, context.owner(session, sensor.site))
        record(session, actor, "downlink.cancel", subject, {"id": downlink}, None)
    return found.model_copy(update={"state": DownlinkState.CANCELLED})


def _known(session: Session, access: Access, context: ApiContext, device: str) -> SensorDetail:
    found = find_sensor(session, device, access.sites.wanted, context.now().now_ms)
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no sensor {device!r}")
    return found


def _one(session: Session, sensor: SensorDetail, downlink: str) -> DownlinkNow:
    found = find(session, downlink)
    if found is None or (found.site, found.device) != (sensor.site or "", sensor.device):
        detail = f"no downlink {downlink!r} to {sensor.device!r}"
        raise HTTPException(status.HTTP_404_NOT_FOUND, detail)
    return found
