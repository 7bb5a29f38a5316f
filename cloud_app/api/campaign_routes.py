"""Campaigns over HTTP: made, started, paused, stopped, followed box by box."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Path, Query, status
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cloud_app.accounts.audit import Subject, record
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context, Reading
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Moment, Problem
from cloud_app.api.policy import Access
from cloud_app.fleet.campaigns import acts
from cloud_app.fleet.campaigns.acts import StaleCampaignError, known
from cloud_app.fleet.campaigns.planning import CampaignState, Plan
from cloud_app.fleet.campaigns.store import (
    Campaign,
    CampaignBox,
    CampaignNow,
    NewCampaign,
    boxes_of,
    create,
    find,
    listed,
    sites_of_campaign,
)
from cloud_app.fleet.commands import CommandError
from cloud_app.storage.database import Session
from cloud_app.storage.placing import sites_of_boxes
from telemetry import EdgeId, Identifier
from telemetry.aws import JobDocument, JobKind
from telemetry.payload_checks import describe

router = APIRouter(
    prefix="/api/v1", tags=["campaigns"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)
CampaignId = Annotated[str, Path(pattern=r"^c-[0-9a-f]{12}$")]
IfMatch = Annotated[
    str,
    Header(pattern=r'^(W/)?"[0-9]{1,15}"$', description="version of the campaign looked at"),
]
FileName = Annotated[str, Field(min_length=1, max_length=255)]
_CHANGED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "no such campaign"},
    409: {"model": Problem, "description": "it cannot come there from where it stands"},
    412: {"model": Problem, "description": "it changed since it was looked at"},
}


class Payload(BaseModel):
    """What is rolled out: files of the signed repository, or settings."""

    model_config = ConfigDict(extra="forbid")

    target: FileName | None = Field(default=None, description="the file; null for settings")
    companions: Annotated[list[FileName], Field(max_length=8)] = Field(
        default_factory=list, description="further files, such as a model's manifest"
    )
    version: Annotated[str, Field(min_length=1, max_length=64)]
    settings: dict[str, Any] | None = Field(
        default=None, description="of the kind config: sections and their settings"
    )

    def document(self, kind: JobKind, camera: str | None) -> JobDocument:
        """The job of a box.

        Raises:
            ValidationError: invalid.
        """
        return JobDocument(
            kind=kind,
            # Of settings, each box's job names its attempt here.
            target=self.target or ("settings" if kind is JobKind.CONFIG else ""),
            companions=tuple(self.companions),
            version=self.version,
            camera=camera,
            settings=self.settings,
        )


class CampaignDraft(BaseModel):
    """What is to be rolled out, where to and how."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=120)]
    kind: JobKind
    camera: Identifier | None = Field(default=None, description="of a calibration")
    payload: Payload
    former: Payload | None = Field(
        default=None,
        description="what boxes are sent back to when it stops itself, or a person wants that; "
        "null: they keep what they have",
    )
    edges: Annotated[list[EdgeId], Field(min_length=1, max_length=10_000)] = Field(
        description="the boxes, the canaries first"
    )
    canaries: Annotated[int, Field(ge=1, le=10_000)] = 1
    batch: Annotated[int, Field(ge=1, le=10_000)] = 10
    stop_after_failures: Annotated[int, Field(ge=1, le=100_000)] = 2
    attempts: Annotated[int, Field(ge=1, le=10)] = 2
    soak_s: Annotated[float, Field(ge=0, le=2_592_000, allow_inf_nan=False)] = 600.0
    audit_drop: Annotated[float, Field(gt=0, le=1)] | None = 0.02

    def campaign(self) -> NewCampaign:
        """What it stands for.

        Raises:
            CommandError: something of it cannot be.
        """
        plan = Plan(
            self.canaries,
            self.batch,
            self.stop_after_failures,
            self.attempts,
            self.soak_s,
            self.audit_drop,
        )
        try:
            document = self.payload.document(self.kind, self.camera)
            former = None if self.former is None else self.former.document(self.kind, self.camera)
        except ValidationError as exc:
            raise CommandError(describe(exc, "job of the campaign")) from exc
        return NewCampaign(self.name, document, self.edges, plan, former)


class StopOrder(BaseModel):
    """How a campaign is stopped."""

    model_config = ConfigDict(extra="forbid")

    roll_back: bool = Field(
        default=False, description="send boxes that have what is rolled out back"
    )
    reason: Annotated[str, Field(max_length=500)] = ""


@router.get("/campaigns")
def get_campaigns(
    reading: Reading,
    before: Annotated[
        Moment | None, Query(description="created of the last one of the page before")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[CampaignNow]:
    """Campaigns, the newest first."""
    return listed(reading.session, reading.sites(), before, limit)


@router.post("/campaigns", status_code=status.HTTP_201_CREATED)
def post_campaign(
    draft: CampaignDraft, access: Caller, actor: ActorNow, context: Context
) -> CampaignNow:
    """Make a campaign; it does nothing until it is started."""
    with context.database.write() as session:
        sites = sites_of_boxes(session, draft.edges)
        unknown = [
            each for each in draft.edges if each not in sites or not access.sites.sees(sites[each])
        ]
        if unknown:
            detail = f"expected boxes that you may operate, but got {', '.join(unknown[:5])}"
            raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, detail)
        try:
            name = create(session, draft.campaign(), actor.name, actor.at_ms)
        except CommandError as exc:
            raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(exc)) from exc
        facts = draft.model_dump(mode="json", exclude={"edges"}) | {"boxes": len(draft.edges)}
        subject = _subject(context, session, name)
        record(session, actor, "campaign.create", subject, None, facts)
        return _shown(session, access, name)


@router.get("/campaigns/{campaign}", responses={404: _CHANGED[404]})
def get_campaign(campaign: CampaignId, access: Caller, reading: Reading) -> CampaignNow:
    """One campaign and how it stands."""
    return _shown(reading.session, access, campaign)


@router.get("/campaigns/{campaign}/boxes", responses={404: _CHANGED[404]})
def get_campaign_boxes(campaign: CampaignId, access: Caller, reading: Reading) -> list[CampaignBox]:
    """The boxes of a campaign: where each stands since when, and what it said."""
    _shown(reading.session, access, campaign)
    return boxes_of(reading.session, campaign)


@router.post("/campaigns/{campaign}/start", responses=_CHANGED)
def start_campaign(
    campaign: CampaignId, if_match: IfMatch, access: Caller, actor: ActorNow, context: Context
) -> CampaignNow:
    """Start a draft, or let a paused campaign go on."""
    change = _Change(context, access, actor, campaign, if_match)
    return change.turn("campaign.start", CampaignState.RUNNING)


@router.post("/campaigns/{campaign}/pause", responses=_CHANGED)
def pause_campaign(
    campaign: CampaignId, if_match: IfMatch, access: Caller, actor: ActorNow, context: Context
) -> CampaignNow:
    """Begin no further box; those that have begun end as they would."""
    change = _Change(context, access, actor, campaign, if_match)
    return change.turn("campaign.pause", CampaignState.PAUSED)


@router.post("/campaigns/{campaign}/stop", responses=_CHANGED)
def stop_campaign(
    campaign: CampaignId,
    order: StopOrder,
    if_match: IfMatch,
    access: Caller,
    actor: ActorNow,
    context: Context,
) -> CampaignNow:
    """End a campaign for good; boxes that have what is rolled out may be sent back."""
    change = _Change(context, access, actor, campaign, if_match)
    return change.stop(order)


@router.post("/campaigns/{campaign}/retry", responses=_CHANGED)
def retry_campaign(
    campaign: CampaignId, if_match: IfMatch, access: Caller, actor: ActorNow, context: Context
) -> CampaignNow:
    """Give the boxes that failed the job once more."""
    change = _Change(context, access, actor, campaign, if_match)
    return change.retry()


class _Change:
    """A change of a campaign by somebody who may operate all of its boxes."""

    def __init__(
        self, context: ApiContext, access: Access, actor: ActorNow, name: str, if_match: str
    ) -> None:
        self._context, self._access, self._actor, self._name = context, access, actor, name
        self._version = int(if_match.removeprefix("W/").strip('"'))

    def turn(self, action: str, to: CampaignState) -> CampaignNow:
        return self._do(
            action, {}, lambda session, now: acts.turn(session, now, to, self._actor.at_ms)
        )

    def stop(self, order: StopOrder) -> CampaignNow:
        reason = order.reason or f"stopped by {self._actor.name}"
        return self._do(
            "campaign.stop",
            order.model_dump(),
            lambda session, now: acts.stop(
                session, now, self._actor.at_ms, reason, roll_back=order.roll_back
            ),
        )

    def retry(self) -> CampaignNow:
        return self._do(
            "campaign.retry",
            {},
            lambda session, now: acts.retry(session, now, self._actor.at_ms),
        )

    def _do(
        self,
        action: str,
        facts: dict[str, Any],
        change: Callable[[Session, Campaign], object],
    ) -> CampaignNow:
        with self._context.database.write() as session:
            before = _shown(session, self._access, self._name)
            try:
                change(session, known(session, self._name, self._version))
            except StaleCampaignError as exc:
                raise HTTPException(status.HTTP_412_PRECONDITION_FAILED, str(exc)) from exc
            except CommandError as exc:
                raise HTTPException(status.HTTP_409_CONFLICT, str(exc)) from exc
            after = _shown(session, self._access, self._name)
            subject = _subject(self._context, session, self._name)
            record(
                session, self._actor, action, subject, {"state": before.state.value},
                {"state": after.state.value, **facts},
            )  # fmt: skip
        return after


def _shown(session: Session, access: Access, name: str) -> CampaignNow:
    """A campaign all of whose boxes the caller may see, or with a change: operate."""
    found = find(session, name)
    if found is None or not all(map(access.sites.sees, sites_of_campaign(session, name))):
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no campaign {name!r}")
    return found


def _subject(context: ApiContext, session: Session, name: str) -> Subject:
    """Whose boxes they are; of several operators nobody's in particular."""
    owners = {context.owner(session, site) for site in sites_of_campaign(session, name)}
    return Subject("campaign", name, owners.pop() if len(owners) == 1 else None)
