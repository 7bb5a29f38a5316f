"""What network servers and gateways post: webhooks of ChirpStack and The Things Stack, plain JSON.

The caller shows a key with the scope `intake`, and speaks for the devices of its own sites only.
The answer comes after the messages are committed, so that a sender may forget what it was told is
taken, and send the rest again: the same message twice is kept once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, status
from pydantic import BaseModel, ConfigDict, Field

from cloud_app.api.context import ApiContext, Caller, Context
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery
from cloud_app.api.policy import Access
from cloud_app.ingest.sensors.arrivals import Arrival, Bringer, Outcome, OutcomeKind, Read
from sensors.envelopes import chirpstack, plain, things_stack
from sensors.envelopes.chirpstack import EVENTS
from sensors.errors import SensorError

INTAKE_PATH = "/api/v1/intake/"
router = APIRouter(
    prefix="/api/v1/intake",
    tags=["intake"],
    dependencies=[Bearer, KnownQuery],
    responses=REFUSALS,
)

_TOLD = 5
_ANY_JSON: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {}}},
    }
}


class IntakeItem(BaseModel):
    """Result for one message."""

    model_config = ConfigDict(frozen=True)

    outcome: OutcomeKind
    device: str | None = Field(description="registry id, or else the device's own name")
    detail: str | None = Field(description="the reason, if any")


class IntakeResult(BaseModel):
    """Results for the messages of a request, in order."""

    model_config = ConfigDict(frozen=True)

    counts: dict[OutcomeKind, int]
    results: tuple[IntakeItem, ...]


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


@router.post("/chirpstack", openapi_extra=_ANY_JSON)
def post_chirpstack(
    body: Body,
    access: Caller,
    context: Context,
    event: Annotated[
        str, Query(pattern=f"^({'|'.join(sorted(EVENTS))})$", description="as ChirpStack adds it")
    ],
) -> IntakeResult:
    """An event of ChirpStack v4, as its HTTP integration posts it."""
    try:
        uplink = chirpstack(body, event)
    except SensorError as exc:
        raise _malformed(exc) from exc
    return _taken(context, access, [uplink])


@router.post("/things-stack", openapi_extra=_ANY_JSON)
def post_things_stack(body: Body, access: Caller, context: Context) -> IntakeResult:
    """A message of The Things Stack v3, as its webhook posts it."""
    try:
        uplink = things_stack(body)
    except SensorError as exc:
        raise _malformed(exc) from exc
    return _taken(context, access, [uplink])


@router.post("/sensors", openapi_extra=_ANY_JSON)
def post_sensors(body: Body, access: Caller, context: Context) -> IntakeResult:
    """Readings as plain JSON: an object, an array of them, or `{"readings": [...]}`."""
    try:
        found = list(plain(body))
    except SensorError as exc:
        raise _malformed(exc) from exc
    if found and all(isinstance(each, SensorError) for each in found):
        raise _malformed(*(each for each in found[:_TOLD] if isinstance(each, SensorError)))
    return _taken(context, access, found)


def _malformed(*faults: SensorError) -> HTTPException:
    return HTTPException(
        status.HTTP_422_UNPROCESSABLE_CONTENT, "; ".join(str(each) for each in faults)
    )


def _taken(context: ApiContext, access: Access, found: Sequence[Read]) -> IntakeResult:
    bringer = Bringer(f"{access.kind.value} {access.name}", access.sites.wanted)
    now = context.clock.utc()
    arrivals = [Arrival(each, bringer, now) for each in found if not isinstance(each, SensorError)]
    with context.database.write() as session:
        outcomes = iter(context.sensors.take(session, arrivals))
    results = [
        Outcome(OutcomeKind.REFUSED, None, str(each))
        if isinstance(each, SensorError)
        else next(outcomes)
        for each in found
    ]
    return IntakeResult(
        counts=Counter(each.kind for each in results),
        results=tuple(
            IntakeItem(outcome=each.kind, device=each.device, detail=each.detail)
            for each in results
        ),
    )
