"""What a person says of a bay: whether a vehicle is in it, what blocks it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from edge_app.http.error_responses import ERROR_RESPONSES
from edge_app.http.state import State
from edge_app.report import BayDoor
from telemetry import BlockKind, Identifier, LotsightError

said = APIRouter(prefix="/api/v1/bays", responses=ERROR_RESPONSES)


class ConfirmBody(BaseModel):
    """What a person sees."""

    model_config = ConfigDict(extra="forbid")
    occupied: bool


class BlockBody(BaseModel):
    """What blocks the bay."""

    model_config = ConfigDict(extra="forbid")
    kind: BlockKind | None = Field(description="null: nothing does")


def bay_door(state: State) -> BayDoor:
    """What takes it.

    Raises:
        HTTPException: 404, nothing takes it here.
    """
    if state.bays is None:
        raise HTTPException(404, "nothing takes answers here")
    return state.bays


Bays = Annotated[BayDoor, Depends(bay_door)]


@said.post("/{bay}/confirm", status_code=204)
def confirm(bay: Identifier, body: ConfirmBody, bays: Bays) -> None:
    """Say whether a vehicle is in a bay; used for this bay from the next image on."""
    try:
        bays.confirm(bay, body.occupied)
    except LotsightError as exc:
        raise HTTPException(404, str(exc)) from exc


@said.post("/{bay}/blocked", status_code=204)
def block(bay: Identifier, body: BlockBody, bays: Bays) -> None:
    """Say what keeps vehicles from using a bay, or that nothing does."""
    try:
        bays.block(bay, body.kind)
    except LotsightError as exc:
        raise HTTPException(404, str(exc)) from exc
