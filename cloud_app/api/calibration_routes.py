"""Calibrations of boxes' cameras over HTTP: fetched from the box, listed, rolled back.

They are edited by the calibration editor, which is mounted at `/calibrate/{edge}/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel, ConfigDict, Field

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Problem
from cloud_app.api.policy import Access
from cloud_app.fleet.calibrations import records
from cloud_app.fleet.calibrations.records import RevisionNow
from cloud_app.fleet.commands import CommandNow, Order, send
from cloud_app.storage.database import Session
from cloud_app.storage.edge_queries import EdgeFilter, edges_now
from telemetry import CalibrationError, CameraId, EdgeId
from telemetry.aws import ShadowName, ShadowTopics
from telemetry.bounds import MAX_NUMBER
from telemetry.commands import CommandName

router = APIRouter(
    prefix="/api/v1", tags=["calibrations"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)
_PATH = "/edges/{edge}/cameras/{camera}/calibration"
_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "the camera has another revision by now"}
}
_FETCHING = (CommandName.CAMERA_CALIBRATION, CommandName.CAMERA_REFERENCE)


class CalibrationNow(BaseModel):
    """The calibration of a camera, as far as it is known here."""

    edge: str
    site: str
    camera: str
    reported: int | None = Field(
        description="the revision that the box says to use; 0: none yet; null: it says nothing"
    )
    newest: int | None = Field(description="the revision that the box has or will have")
    revisions: list[RevisionNow] = Field(description="the newest first")
    calibration: CommandNow | None = Field(description="how the box was asked for it last")
    image: CommandNow | None = Field(description="how the box was asked for its image last")


class RollBack(BaseModel):
    """A former revision that is to be used again."""

    model_config = ConfigDict(extra="forbid")

    revision: int = Field(ge=1, le=MAX_NUMBER)
    base_revision: int = Field(ge=0, le=MAX_NUMBER, description="the newest one that was seen")


@dataclass(frozen=True, slots=True)
class BoxPlace:
    """A box that the caller may see.

    Attributes:
        edge: its name.
        site: where it stands.
        cameras: its cameras.
        reported: what its shadow `config` says.
    """

    edge: str
    site: str
    cameras: tuple[str, ...]
    reported: dict[str, Any]


def box_place(context: ApiContext, access: Access, edge: str) -> BoxPlace:
    """A box and its cameras.

    Raises:
        HTTPException: 404, there is none, or not for the caller.
    """
    with context.database.read() as session:
        found = edges_now(session, context.now(), EdgeFilter(name=edge))
    if not found or not access.sites.sees(found[0].site):
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no edge {edge!r}")
    service, reported = context.shadows, {}
    if service is not None:
        reported = service.kept(ShadowTopics(edge, ShadowName.CONFIG, service.root)).reported
    said = reported.get("cameras")
    names = {**dict.fromkeys(found[0].cameras), **(said if isinstance(said, dict) else {})}
    return BoxPlace(edge, found[0].site, tuple(names), reported)


def _camera(context: ApiContext, access: Access, edge: str, camera: str) -> BoxPlace:
    place = box_place(context, access, edge)
    if camera not in place.cameras:
        known = ", ".join(place.cameras) or "none"
        raise HTTPException(
            status.HTTP_404_NOT_FOUND, f"expected a camera of {edge} ({known}), but got {camera!r}"
        )
    return place


def _now(session: Session, place: BoxPlace, camera: str) -> CalibrationNow:
    found = records.kept(session, place.edge, camera)
    newest = records.newest(found)
    calibration, image = (records.fetched(session, place.edge, camera, name) for name in _FETCHING)
    return CalibrationNow(
        edge=place.edge,
        site=place.site,
        camera=camera,
        reported=records.reported_revision(place.reported, camera),
        newest=None if newest is None else newest.now.revision,
        revisions=[each.now for each in found],
        calibration=calibration,
        image=image,
    )


@router.get(_PATH)
def get_calibration(
    edge: EdgeId, camera: CameraId, access: Caller, context: Context
) -> CalibrationNow:
    """The revisions of a camera's calibration, and what became of each."""
    place = _camera(context, access, edge, camera)
    with context.database.read() as session:
        return _now(session, place, camera)


@router.post(f"{_PATH}/fetch", status_code=status.HTTP_202_ACCEPTED)
def post_fetch(
    edge: EdgeId, camera: CameraId, access: Caller, actor: ActorNow, context: Context
) -> CalibrationNow:
    """Have the box send the calibration that it uses, and the image that belongs to it.

    The image is kept for minutes ([fleet] picture_kept_s).
    """
    place = _camera(context, access, edge, camera)
    life_s = context.config.fleet.command_life_s
    with context.database.write() as session:
        orders = [Order(edge, name, {"camera": camera}, life_s) for name in _FETCHING]
        made = send(session, orders, actor.name, actor.at_ms)
        facts: dict[str, Any] = {"camera": camera, "commands": [each.id for each in made]}
        subject = Subject("edge", edge, context.owner(session, place.site))
        record(session, actor, "calibration.fetch", subject, None, facts)
        return _now(session, place, camera)


@router.post(f"{_PATH}/rollback", status_code=status.HTTP_202_ACCEPTED, responses=_CONFLICT)
def post_rollback(
    edge: EdgeId,
    camera: CameraId,
    wanted: RollBack,
    access: Caller,
    actor: ActorNow,
    context: Context,
) -> CalibrationNow:
    """Have the box use a former revision again, as a new one; one that is away does it later."""
    place = _camera(context, access, edge, camera)
    _roll_back(context, place, camera, wanted, actor)
    with context.database.read() as session:
        return _now(session, place, camera)


def _roll_back(
    context: ApiContext, place: BoxPlace, camera: str, wanted: RollBack, actor: Actor
) -> None:
    # What reads images comes with it, and most services never need it.
    from cloud_app.api.calibration_editor import RevisionConflictError, store_of

    try:
        store = store_of(context, place, camera, actor)
        store.roll_back(wanted.revision, actor.name, wanted.base_revision)
    except RevisionConflictError as exc:
        raise HTTPException(status.HTTP_409_CONFLICT, str(exc)) from exc
    except CalibrationError as exc:
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(exc)) from exc
