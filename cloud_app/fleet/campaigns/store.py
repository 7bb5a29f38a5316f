"""Campaigns in the tables: made, started, paused, stopped, read."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import func, insert, not_, select

from cloud_app.errors import CloudError
from cloud_app.fleet.campaigns.desired import check_for
from cloud_app.fleet.campaigns.planning import BoxState, CampaignState, Plan
from cloud_app.fleet.campaigns.tables import campaign, campaign_box
from cloud_app.fleet.commands import CommandError
from cloud_app.json_values import read_json
from cloud_app.storage.database import Row, Session
from cloud_app.storage.placing import sites_of_boxes
from cloud_app.storage.queries import Sites, of_sites
from cloud_app.storage.times import from_ms
from telemetry.aws import JobDocument, JobKind

_KINDS = frozenset({JobKind.MODEL, JobKind.CALIBRATION, JobKind.SOFTWARE, JobKind.CONFIG})
"""What changes a box; a harvest fetches from it."""


class StaleCampaignError(CloudError):
    """A campaign changed since it was looked at."""


class CampaignNow(BaseModel):
    """How a campaign stands."""

    id: str
    name: str
    kind: JobKind
    target: str = Field(description="file in the signed repository")
    companions: tuple[str, ...]
    to_version: str = Field(description="what is rolled out")
    camera: str | None
    settings: dict[str, Any] | None = Field(description="that are tried out; null: other kinds")
    former_version: str | None = Field(
        description="what boxes are sent back to if it is stopped; null: they keep what they have"
    )
    canaries: int
    batch: int
    stop_after_failures: int
    attempts: int
    soak_s: float
    audit_drop: float | None
    state: CampaignState
    reason: str = Field(description="why it stopped or paused; empty otherwise")
    actor: str
    version: int = Field(description="counts changes; If-Match names it")
    created: datetime
    started: datetime | None
    ended: datetime | None
    boxes: dict[BoxState, int] = Field(description="how many boxes stand where")


class CampaignBox(BaseModel):
    """How a box stands in a campaign."""

    edge: str
    site: str
    batch: int = Field(description="0: the canaries")
    state: BoxState
    attempts: int
    job: str | None
    detail: str = Field(description="what the box said last")
    accuracy_drop: float | None = Field(
        description="sure fall of the worst camera's audited accuracy, as a share"
    )
    given: datetime | None
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """What is to be rolled out, where to and how.

    Attributes:
        name: for people.
        document: the job of each box.
        edges: the boxes, in this order: the first are the canaries.
        plan: how to go about it.
        former: the job that sends a box back where the campaign is stopped; None: none does.
    """

    name: str
    document: JobDocument
    edges: Sequence[str]
    plan: Plan = field(default_factory=Plan)
    former: JobDocument | None = None

    def __post_init__(self) -> None:
        if not self.edges:
            msg = "expected at least one box, but got none"
            raise CommandError(msg)
        if twice := sorted({each for each in self.edges if self.edges.count(each) > 1}):
            msg = f"expected each box once, but got {', '.join(twice[:5])} more than once"
            raise CommandError(msg)
        if self.document.kind not in _KINDS:
            kinds = ", ".join(sorted(each.value for each in _KINDS))
            msg = f"expected a job of kind {kinds}, but got {self.document.kind.value}"
            raise CommandError(msg)
        if self.former is not None and self.former.kind is not self.document.kind:
            msg = f"expected a way back of kind {self.document.kind}, but got {self.former.kind}"
            raise CommandError(msg)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as its round works with it.

    Attributes:
        id: of the campaign.
        document: the job of each box.
        former: the job that sends a box back; None: none does.
        plan: how it goes about it.
        state: where it stands.
        actor: who made it.
        version: counts its changes.
        goes_back: whether boxes that have what was rolled out are sent back.
    """

    id: str
    document: JobDocument
    former: JobDocument | None
    plan: Plan
    state: CampaignState
    actor: str
    version: int
    goes_back: bool


def create(session: Session, wanted: NewCampaign, actor: str, now_ms: int) -> str:
    """Make a draft; returns its id.

    Raises:
        CommandError: a box is not known, or does not take these settings.
    """
    places = sites_of_boxes(session, list(wanted.edges))
    if unknown := [each for each in wanted.edges if each not in places]:
        msg = f"expected known boxes, but got {', '.join(sorted(unknown)[:5])}"
        raise CommandError(msg)
    for document in (wanted.document, wanted.former):
        if document is not None:
            check_for(session, document, wanted.edges)
    name = f"c-{secrets.token_hex(6)}"
    row = {
        "campaign": name,
        "name": wanted.name,
        "document": _text(wanted.document),
        "former": None if wanted.former is None else _text(wanted.former),
        "plan": json.dumps(asdict(wanted.plan)),
        "state": CampaignState.DRAFT.value,
        "reason": "",
        "actor": actor,
        "version": 1,
        "goes_back": 0,
        "created_ms": now_ms,
    }
    session.run(insert(campaign), row)
    boxes = [
        {
            "campaign": name,
            "edge": edge,
            "site": places[edge],
            "batch": wanted.plan.batch_of(place),
            "state": BoxState.PENDING.value,
            "attempts": 0,
            "detail": "",
        }
        for place, edge in enumerate(wanted.edges)
    ]
    session.run_many(insert(campaign_box), boxes)
    return name


def find(session: Session, name: str) -> CampaignNow | None:
    """How a campaign stands; None if there is none of this id."""
    rows = session.rows(select(campaign).where(campaign.c.campaign == name))
    if not rows:
        return None
    return _shown(rows[0], _counts(session, [name]).get(name, {}))


def listed(
    session: Session, sites: Sites, before: datetime | None = None, limit: int = 100
) -> list[CampaignNow]:
    """Campaigns all of whose boxes are at some sites, the newest first."""
    elsewhere = select(campaign_box.c.campaign).where(not_(of_sites(campaign_box.c.site, sites)))
    query = select(campaign).where(campaign.c.campaign.not_in(elsewhere))
    if before is not None:
        query = query.where(campaign.c.created_ms < int(before.timestamp() * 1000))
    rows = session.rows(
        query.order_by(campaign.c.created_ms.desc(), campaign.c.campaign).limit(limit)
    )
    counts = _counts(session, [row.campaign for row in rows])
    return [_shown(row, counts.get(row.campaign, {})) for row in rows]


def boxes_of(session: Session, name: str) -> list[CampaignBox]:
    """The boxes of a campaign, the canaries first."""
    query = select(campaign_box).where(campaign_box.c.campaign == name)
    rows = session.rows(query.order_by(campaign_box.c.batch, campaign_box.c.edge))
    return [
        CampaignBox(
            edge=row.edge,
            site=row.site,
            batch=row.batch,
            state=BoxState(row.state),
            attempts=row.attempts,
            job=row.job,
            detail=row.detail,
            accuracy_drop=row.accuracy_drop,
            given=from_ms(row.given_ms),
            started=from_ms(row.started_ms),
            ended=from_ms(row.ended_ms),
        )
        for row in rows
    ]


def sites_of_campaign(session: Session, name: str) -> frozenset[str]:
    """Where its boxes are."""
    query = select(campaign_box.c.site).where(campaign_box.c.campaign == name).distinct()
    return frozenset(row.site for row in session.rows(query))


def active(session: Session) -> list[Campaign]:
    """Campaigns that have something to do: they run, or boxes of them are on their way."""
    open_boxes = select(campaign_box.c.campaign).where(
        campaign_box.c.state.in_(
            [BoxState.QUEUED.value, BoxState.RUNNING.value, BoxState.RETURNING.value]
        )
    )
    is_active = campaign.c.state == CampaignState.RUNNING.value
    is_open = campaign.c.campaign.in_(open_boxes)
    rows = session.rows(select(campaign).where(is_active | is_open).order_by(campaign.c.campaign))
    return [_campaign(row) for row in rows]


def load(session: Session, name: str) -> Campaign | None:
    """A campaign to work with; None if there is none of this id."""
    rows = session.rows(select(campaign).where(campaign.c.campaign == name))
    return _campaign(rows[0]) if rows else None


def _campaign(row: Row) -> Campaign:
    return Campaign(
        row.campaign,
        JobDocument.model_validate(read_json(row.document)),
        None if row.former is None else JobDocument.model_validate(read_json(row.former)),
        Plan(**read_json(row.plan)),
        CampaignState(row.state),
        row.actor,
        row.version,
        bool(row.goes_back),
    )


def _counts(session: Session, names: Sequence[str]) -> dict[str, dict[BoxState, int]]:
    counts: dict[str, dict[BoxState, int]] = {}
    rows = session.rows(
        select(campaign_box.c.campaign, campaign_box.c.state, func.count().label("n"))
        .where(campaign_box.c.campaign.in_(names))
        .group_by(campaign_box.c.campaign, campaign_box.c.state)
    )
    for row in rows:
        counts.setdefault(row.campaign, {})[BoxState(row.state)] = int(row.n)
    return counts


def _shown(row: Row, counts: Mapping[BoxState, int]) -> CampaignNow:
    document = JobDocument.model_validate(read_json(row.document))
    former = None if row.former is None else JobDocument.model_validate(read_json(row.former))
    return CampaignNow(
        id=row.campaign,
        name=row.name,
        kind=document.kind,
        target=document.target,
        companions=document.companions,
        to_version=document.version,
        camera=document.camera,
        settings=document.settings,
        former_version=None if former is None else former.version,
        **read_json(row.plan),
        state=CampaignState(row.state),
        reason=row.reason,
        actor=row.actor,
        version=row.version,
        created=from_ms(row.created_ms),
        started=from_ms(row.started_ms),
        ended=from_ms(row.ended_ms),
        boxes=dict(counts),
    )


def _text(document: JobDocument) -> str:
    return document.model_dump_json(by_alias=True, exclude_none=True)
