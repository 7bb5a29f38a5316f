"""Settings of a box over HTTP: what may be changed, how it is, and changing it."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from cloud_app.accounts.audit import Subject, record
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context, reading
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Problem
from cloud_app.api.policy import Access
from cloud_app.fleet.settings import (
    ATTEMPT,
    SECTION,
    SettingsError,
    SettingsNow,
    check_settings,
    settings_now,
)
from cloud_app.shadow_service import ShadowService
from cloud_app.storage.database import Session
from cloud_app.storage.edge_queries import EdgeFilter, edges_now, site_of
from telemetry import EdgeId
from telemetry.aws import ShadowName, ShadowTopics
from telemetry.shadow import ShadowDocument, ShadowUpdate

router = APIRouter(
    prefix="/api/v1", tags=["settings"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)


class SettingsChange(BaseModel):
    """Settings to change, by section; null gives up what was asked for before."""

    model_config = ConfigDict(extra="forbid")

    settings: dict[str, dict[str, JsonValue]] = Field(min_length=1)
    version: int = Field(ge=0, description="that was read; refused with 409 if not current")


def _service(context: ApiContext) -> ShadowService:
    if context.shadows is None:
        raise HTTPException(
            status.HTTP_404_NOT_FOUND, "shadows are the broker's here: [shadow] enabled = false"
        )
    return context.shadows


def _document(service: ShadowService, edge: str, name: ShadowName) -> ShadowDocument:
    return service.kept(ShadowTopics(edge, name, service.root))


def _now(context: ApiContext, access: Access, edge: str) -> SettingsNow:
    service = _service(context)
    with reading(context, access) as request:
        [found] = edges_now(request.session, request.now(), EdgeFilter(name=request.edge(edge)))
    about = _document(service, edge, ShadowName.CLASSIC)
    config = _document(service, edge, ShadowName.CONFIG)
    return settings_now(edge, about, config, stale=found.stale)


@router.get("/edges/{edge}/settings")
def get_settings(edge: EdgeId, access: Caller, context: Context) -> SettingsNow:
    """Which settings of a box may be changed, how they are, and how the last change stands."""
    return _now(context, access, edge)


@router.patch(
    "/edges/{edge}/settings",
    responses={409: {"model": Problem, "description": "somebody changed them meanwhile"}},
)
def patch_settings(
    edge: EdgeId, change: SettingsChange, access: Caller, actor: ActorNow, context: Context
) -> SettingsNow:
    """Ask for other settings; the box tries them out, and undoes what does it no good."""
    before = _now(context, access, edge)
    try:
        check_settings(before.settings_schema, _without_null(change.settings))
    except SettingsError as exc:
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(exc)) from exc
    service = _service(context)
    desired: dict[str, JsonValue] = {
        SECTION: {name: dict(section) for name, section in change.settings.items()},
        ATTEMPT: secrets.token_hex(4),
    }
    update = ShadowUpdate(desired=desired, sections=frozenset({"desired"}), version=change.version)

    def note(session: Session, _before: ShadowDocument) -> None:
        subject = Subject("edge", edge, context.owner(session, site_of(session, edge)))
        was = {name: before.values.get(name) for name in change.settings}
        record(session, actor, "settings.change", subject, was, change.settings)

    topics = ShadowTopics(edge, ShadowName.CONFIG, service.root)
    _, publications = service.update(topics, update, note)
    for publication in publications:
        context.publish(publication.topic, publication.payload)
    return _now(context, access, edge)


def _without_null(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_null(each) for key, each in value.items() if each is not None}
