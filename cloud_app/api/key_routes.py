"""API keys of tenants."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, status
from pydantic import Field

from cloud_app.accounts import keys
from cloud_app.accounts.keys import KeyPlan
from cloud_app.accounts.roles import Tenant
from cloud_app.api.account_errors import CHANGE_REFUSALS
from cloud_app.api.account_views import Body, KeyView, Name, NewKey, TenantName
from cloud_app.api.context import ActorNow, Caller, Context
from cloud_app.api.export import OR_CSV, Form, Format, csv_answer
from cloud_app.api.parameters import Bearer, KnownQuery, Moment
from cloud_app.api.policy import SiteSet
from cloud_app.config import Scope
from cloud_app.errors import UnknownError
from cloud_app.storage.times import to_ms
from telemetry import SiteId

router = APIRouter(
    prefix="/api/v1", tags=["keys"], dependencies=[Bearer, KnownQuery], responses=CHANGE_REFUSALS
)


class KeyRequest(Body):
    """A key to create."""

    name: Name
    tenant: TenantName
    scopes: frozenset[Scope] = Field(min_length=1)
    sites: frozenset[SiteId] | None = Field(
        default=None,
        max_length=1000,
        description="limit to these sites of the tenant; default: all",
    )
    expires: Moment | None = Field(default=None, description="default: valid until revoked")


@router.get("/keys", response_model=list[KeyView], responses=OR_CSV)
def get_keys(access: Caller, context: Context, form: Form = Format.JSON) -> Any:
    """List the API keys of the caller's tenants, newest first."""
    with context.database.read() as session:
        views = [KeyView.of(each) for each in keys.of_tenants(session, access.tenants)]
    if form is Format.CSV:
        return csv_answer(KeyView, views, ("keys",), context.clock.utc())
    return views


@router.post("/keys", status_code=status.HTTP_201_CREATED)
def post_key(asked: KeyRequest, access: Caller, actor: ActorNow, context: Context) -> NewKey:
    """Create a key; it cannot exceed the caller's own permissions."""
    tenant = Tenant.parse(asked.tenant)
    if not access.may_key(tenant, asked.scopes):
        raise HTTPException(
            status.HTTP_403_FORBIDDEN,
            f"you may not make keys of {tenant} with {', '.join(sorted(asked.scopes))}",
        )
    plan = KeyPlan(
        name=asked.name,
        tenant=tenant,
        scopes=asked.scopes,
        sites=asked.sites,
        expires_ms=None if asked.expires is None else to_ms(asked.expires),
    )
    with context.database.write() as session:
        theirs = SiteSet.of(context.accounts.tenants.sites(session, tenant))
        foreign = sorted(site for site in asked.sites or () if not theirs.sees(site))
        if foreign:
            raise HTTPException(
                status.HTTP_422_UNPROCESSABLE_CONTENT,
                f"expected sites of {tenant}, but got {', '.join(foreign)[:200]}",
            )
        key, secret = keys.create(session, actor, plan)
    return NewKey(secret=secret, key=KeyView.of(key))


@router.delete("/keys/{key}", status_code=status.HTTP_204_NO_CONTENT)
def delete_key(key: str, access: Caller, actor: ActorNow, context: Context) -> None:
    """Revoke a key."""
    with context.database.write() as session:
        found = keys.by_id(session, key)
        if found.plan.tenant not in access.tenants:
            msg = f"there is no key {key[:40]!r}"
            raise UnknownError(msg)
        keys.revoke(session, actor, found)
