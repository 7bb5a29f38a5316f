"""A broken sensor, counter or gateway replaced by a new one, which keeps its place."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, status
from pydantic import BaseModel, ConfigDict, Field

from cloud_app.accounts.registry_log import record_thing
from cloud_app.api.context import ActorNow, Caller, Context
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Problem
from cloud_app.api.registry_access import refuse_strangers
from cloud_app.registry.edits import Edit
from cloud_app.registry.errors import FactsError, StaleWriteError, UnknownThingError
from cloud_app.registry.facts import DeviceFacts
from cloud_app.registry.kinds import DEVICE, Ref
from cloud_app.registry.replacing import replace_device
from telemetry import Identifier

router = APIRouter(
    prefix="/api/v1/registry",
    tags=["registry"],
    dependencies=[Bearer, KnownQuery],
    responses=REFUSALS,
)
_ETAG = re.compile(r'(?:W/)?"(\d{1,15})"')


class Replacement(BaseModel):
    """The device that comes."""

    model_config = ConfigDict(extra="forbid")

    device: Identifier = Field(description="its id; new, or of a device without a place")
    serial: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None, description="of a LoRaWAN device its DevEUI"
    )
    model: Annotated[str, Field(min_length=1, max_length=128)] | None = None


class Replaced(BaseModel):
    """What became of both."""

    old: str
    new: str
    site: str | None
    lot: str | None
    bay: str | None


@router.post(
    "/devices/{device}/replacement",
    status_code=status.HTTP_201_CREATED,
    responses={412: {"model": Problem, "description": "somebody changed the old one meanwhile"}},
)
def post_replacement(
    device: Identifier,
    wanted: Replacement,
    access: Caller,
    actor: ActorNow,
    context: Context,
    if_match: Annotated[
        str, Header(pattern=r'^(W/)?"[0-9]{1,15}"$', description="the ETag of the old device")
    ],
) -> Replaced:
    """Put a new device in the place of this one: it keeps lot, bay, profile and settings."""
    old, new = Ref(DEVICE.name, device), Ref(DEVICE.name, wanted.device)
    found = _ETAG.fullmatch(if_match)
    edit = Edit(old, access.name, actor.at_ms, None if found is None else int(found[1]))
    given = wanted.model_dump(exclude={"device"}, exclude_none=True)
    with context.database.write() as session:
        tenants = context.accounts.tenants
        refuse_strangers(session, access, old, None, tenants)
        try:
            left, come = replace_device(session, edit, wanted.device, given)
        except UnknownThingError as exc:
            raise HTTPException(status.HTTP_404_NOT_FOUND, str(exc)) from exc
        except StaleWriteError as exc:
            raise HTTPException(status.HTTP_412_PRECONDITION_FAILED, str(exc)) from exc
        except FactsError as exc:
            told: Any = [
                {"loc": ["body", each.field or "device"], "msg": each.told, "type": "registry"}
                for each in exc.faults
            ]
            raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, told) from exc
        # Of a known device of somebody else nothing may be taken.
        refuse_strangers(session, access, new, DeviceFacts(site=left.site), tenants)
        record_thing(session, actor, old)
        record_thing(session, actor, new)
    said = come.said
    return Replaced(
        old=device, new=wanted.device, site=come.site, lot=said.get("lot"), bay=said.get("bay")
    )
