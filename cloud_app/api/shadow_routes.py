"""Shadows over HTTP: what a box reports, and what it is to be."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, status
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from cloud_app.accounts.audit import Subject, record
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context, reading
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Problem
from cloud_app.api.policy import Access
from cloud_app.fleet.settings import SCHEMA, SECTION, SettingsError, check_settings
from cloud_app.shadow_service import ShadowService
from cloud_app.storage.database import Session
from cloud_app.storage.edge_queries import EdgeFilter, edges_now, site_of
from telemetry import EdgeId
from telemetry.aws import ShadowName, ShadowTopics
from telemetry.shadow import ShadowDocument, ShadowUpdate

router = APIRouter(
    prefix="/api/v1", tags=["shadow"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)

Name = Annotated[ShadowName, Query(description="empty for the classic shadow")]


class DesiredChange(BaseModel):
    """Desired fields to change: null deletes one; arrays are replaced whole."""

    model_config = ConfigDict(extra="forbid")

    desired: dict[str, JsonValue]
    version: int | None = Field(
        default=None, ge=0, strict=True, description="refused with 409 if not current"
    )


class ShadowNow(BaseModel):
    """A shadow as stored, and whether its edge is connected."""

    thing: str
    name: str
    document: dict[str, Any]
    stale: bool = Field(description="the edge is unreachable: `reported` is its last report")


def _service(context: ApiContext) -> ShadowService:
    if context.shadows is None:
        raise HTTPException(
            status.HTTP_404_NOT_FOUND, "shadows are the broker's here: [shadow] enabled = false"
        )
    return context.shadows


def _shadow_now(context: ApiContext, topics: ShadowTopics, document: ShadowDocument) -> ShadowNow:
    with context.database.read() as session:
        [edge] = edges_now(session, context.now(), EdgeFilter(name=topics.thing))
    return ShadowNow(
        thing=topics.thing, name=topics.name, document=document.to_json(), stale=edge.stale
    )


def _topics(
    context: ApiContext, access: Access, edge: str, name: ShadowName
) -> tuple[ShadowService, ShadowTopics]:
    service = _service(context)
    with reading(context, access) as request:
        return service, ShadowTopics(request.edge(edge), name, service.root)


def _check(service: ShadowService, topics: ShadowTopics, change: DesiredChange) -> None:
    """Settings of a box are checked by what the box says that it takes."""
    wanted = change.desired.get(SECTION)
    if topics.name is not ShadowName.CONFIG or wanted is None:
        return
    about = service.kept(replace(topics, name=ShadowName.CLASSIC))
    schema = about.reported.get(SCHEMA)
    if not isinstance(schema, dict):
        return  # an older box, or one of somebody else's: it checks for itself
    try:
        check_settings(schema, wanted if isinstance(wanted, dict) else {"settings": wanted})
    except SettingsError as exc:
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(exc)) from exc


def _owner(context: ApiContext, session: Session, edge: str) -> str | None:
    """The tenant whose audit log tells of an edge; None if unknown."""
    return context.owner(session, site_of(session, edge))


@router.get("/edges/{edge}/shadow")
def get_shadow(
    edge: EdgeId, access: Caller, context: Context, name: Name = ShadowName.CLASSIC
) -> ShadowNow:
    """Get a shadow of an edge; marked stale while the edge is unreachable."""
    service, topics = _topics(context, access, edge, name)
    return _shadow_now(context, topics, service.document(topics))


@router.patch(
    "/edges/{edge}/shadow",
    responses={409: {"model": Problem, "description": "the shadow has another version"}},
)
def patch_shadow(
    edge: EdgeId,
    change: DesiredChange,
    access: Caller,
    actor: ActorNow,
    context: Context,
    name: Name = ShadowName.CLASSIC,
) -> ShadowNow:
    """Change desired fields; the edge receives the delta."""
    service, topics = _topics(context, access, edge, name)
    _check(service, topics, change)
    update = ShadowUpdate(
        desired=change.desired, sections=frozenset({"desired"}), version=change.version
    )

    def note(session: Session, before: ShadowDocument) -> None:
        owner = _owner(context, session, edge)
        named = {"shadow": topics.name} if topics.name else {}
        was = {key: before.desired.get(key) for key in change.desired}
        subject = Subject("edge", edge, owner)
        record(session, actor, "shadow.change", subject, named | was, named | change.desired)

    document, publications = service.update(topics, update, note)
    for publication in publications:
        context.publish(publication.topic, publication.payload)
    return _shadow_now(context, topics, document)
