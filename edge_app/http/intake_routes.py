"""What devices of the lot tell the box over HTTP: sensors, gates, alarm inputs; counts by hand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from edge_app.http.error_responses import ERROR_RESPONSES
from edge_app.http.state import State
from edge_app.report import DeviceIntake
from telemetry import Identifier, LotId, LotsightError

intake = APIRouter(prefix="/api/v1", responses=ERROR_RESPONSES)


class TakenView(BaseModel):
    """What became of a message."""

    taken: int = Field(description="readings or vehicles in it; fewer if some cannot be read")


class ContactBody(BaseModel):
    """State of an alarm input's contact."""

    model_config = ConfigDict(extra="forbid")
    contact: bool = Field(description="closed; an inverted input takes false for an alarm")


class CountBody(BaseModel):
    """A count that somebody made."""

    model_config = ConfigDict(extra="forbid")
    count: Annotated[int, Field(ge=0, le=100_000)]
    level: Annotated[str, Field(min_length=1, max_length=32)] | None = None


def door_of(state: State) -> DeviceIntake:
    """What takes it.

    Raises:
        HTTPException: 404, this box reads no devices.
    """
    if state.devices is None:
        raise HTTPException(404, "this box reads no devices")
    return state.devices


Devices = Annotated[DeviceIntake, Depends(door_of)]


@intake.post("/intake/{kind}")
async def take(
    kind: str,
    request: Request,
    devices: Devices,
    event: Annotated[str, Query(max_length=32)] = "up",
) -> TakenView:
    """Take a message of `chirpstack`, `things-stack`, `plain`, or `gates`, once it is stored.

    Args:
        kind: whose message it is.
        request: its body is the message.
        devices: takes it.
        event: ChirpStack's word for the event.
    """
    body = await request.body()
    try:
        taken = await run_in_threadpool(devices.intake, kind, event, body)
    except LotsightError as exc:
        raise HTTPException(400, str(exc)) from exc
    return TakenView(taken=taken)


@intake.post("/inputs/{input_id}", status_code=204)
def tell_input(input_id: Identifier, body: ContactBody, devices: Devices) -> None:
    """Tell an alarm input's contact."""
    try:
        devices.told(input_id, body.contact)
    except LotsightError as exc:
        raise HTTPException(404, str(exc)) from exc


@intake.post("/counts/{lot}", status_code=204)
def set_count(lot: LotId, body: CountBody, devices: Devices) -> None:
    """Set the count of a lot: somebody looked."""
    try:
        devices.set_count(lot, body.level, body.count)
    except LotsightError as exc:
        raise HTTPException(400, str(exc)) from exc
