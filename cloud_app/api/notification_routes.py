"""Notification rules: who of a tenant is notified of which alerts, by mail or webhook."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Response, status
from fastapi.responses import JSONResponse

from cloud_app.accounts.roles import Tenant
from cloud_app.alerts import notifications
from cloud_app.alerts.notifications import Destination, Notification, Plan, TargetKind
from cloud_app.alerts.targets import Targets
from cloud_app.api.alert_views import (
    NewNotification,
    NotificationBody,
    NotificationView,
    StaleNotification,
    TestResult,
    ToMail,
)
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Problem
from cloud_app.api.people_routes import IfMatch, version_of
from cloud_app.api.policy import Access
from cloud_app.errors import AlertError, NotSentError, StaleError, UnknownError
from cloud_app.storage.database import Session
from cloud_app.storage.times import to_ms

router = APIRouter(
    prefix="/api/v1", tags=["alerts"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)

# A test goes to whatever address somebody typed in.
_TEST_EVERY_S = 10
Which = Annotated[str, Path(min_length=1, max_length=40)]
_STALE: dict[int | str, dict[str, Any]] = {
    412: {"model": StaleNotification, "description": "changed in the meantime; the current alert"}
}
_TOO_SOON: dict[int | str, dict[str, Any]] = {
    429: {"model": Problem, "description": "tested just now; retry after Retry-After seconds"}
}


@router.get("/notifications")
def get_notifications(access: Caller, context: Context) -> list[NotificationView]:
    """List the notification rules of the caller's tenants."""
    with context.database.read() as session:
        found = notifications.of_tenants(session, access.tenants)
    return [NotificationView.of(each) for each in found]


@router.post("/notifications", status_code=status.HTTP_201_CREATED)
def post_notification(
    given: NewNotification, access: Caller, actor: ActorNow, context: Context, response: Response
) -> NotificationView:
    """Create a rule for alerts opened from now on."""
    tenant = Tenant.parse(given.tenant)
    if tenant not in access.tenants:
        raise HTTPException(
            status.HTTP_403_FORBIDDEN, f"you make no notification rules at {given.tenant[:80]}"
        )
    with context.database.write() as session:
        plan = _plan(session, context, tenant, given, None)
        made = notifications.create(session, actor, tenant, plan)
    response.headers["ETag"] = f'"{made.version}"'
    return NotificationView.of(made)


@router.get("/notifications/{notification}")
def get_notification(
    notification: Which, access: Caller, context: Context, response: Response
) -> NotificationView:
    """Get a rule with its delivery status."""
    with context.database.read() as session:
        found = _seen(session, access, notification)
    response.headers["ETag"] = f'"{found.version}"'
    return NotificationView.of(found)


@router.put("/notifications/{notification}", response_model=NotificationView, responses=_STALE)
def put_notification(
    notification: Which,
    given: NotificationBody,
    if_match: IfMatch,
    access: Caller,
    actor: ActorNow,
    context: Context,
) -> Response:
    """Change a rule."""
    try:
        with context.database.write() as session:
            known = _seen(session, access, notification)
            plan = _plan(session, context, known.tenant, given, known)
            done = notifications.change(session, actor, known, plan, version_of(if_match))
    except StaleError as error:
        with context.database.read() as session:
            newer = _seen(session, access, notification)
        view = StaleNotification(detail=str(error), notification=NotificationView.of(newer))
        return _answer(view, newer.version, status.HTTP_412_PRECONDITION_FAILED)
    return _answer(NotificationView.of(done), done.version)


@router.delete("/notifications/{notification}", status_code=status.HTTP_204_NO_CONTENT)
def delete_notification(
    notification: Which, access: Caller, actor: ActorNow, context: Context
) -> None:
    """Delete a rule and its pending notifications."""
    with context.database.write() as session:
        notifications.remove(session, actor, _seen(session, access, notification))


@router.post("/notifications/{notification}/test", responses=_TOO_SOON)
def post_test(notification: Which, access: Caller, actor: ActorNow, context: Context) -> TestResult:
    """Send a test notification, ignoring the rule's filters, and return the result."""
    with context.database.write() as session:
        rule = _seen(session, access, notification)
        earliest_ms = actor.at_ms - _TEST_EVERY_S * 1000
        if not notifications.note_test(session, actor, rule, earliest_ms):
            raise HTTPException(
                status.HTTP_429_TOO_MANY_REQUESTS,
                f"this rule was tried out less than {_TEST_EVERY_S} s ago",
                {"Retry-After": str(_TEST_EVERY_S)},
            )
    targets = Targets.of(context.config, context.accounts.url)
    target = targets.target(rule)
    start_s = time.monotonic()
    try:
        target.send([targets.test_notice(rule, to_ms(context.clock.utc()))])
    except NotSentError as exc:
        delivered, detail = False, f"{target.name}: {exc}"
    else:
        delivered, detail = True, f"{target.name}: delivered"
    took_ms = round((time.monotonic() - start_s) * 1000)
    return TestResult(delivered=delivered, detail=detail, took_ms=took_ms)


def _seen(session: Session, access: Access, which: str) -> Notification:
    """A rule, if the caller sees to those of its tenant.

    Raises:
        UnknownError: as for one that does not exist.
    """
    found = notifications.by_id(session, which)
    if found.tenant not in access.tenants:
        msg = f"there is no notification rule {which[:40]!r}"
        raise UnknownError(msg)
    return found


def _plan(
    session: Session,
    context: ApiContext,
    tenant: Tenant,
    given: NotificationBody,
    known: Notification | None,
) -> Plan:
    """What a request says, if the tenant may have it.

    Raises:
        AlertError: a site is not the tenant's, or there is no way to tell.
    """
    notifications.check_sites(session, context.accounts.tenants, tenant, given.sites)
    return Plan(
        name=given.name,
        enabled=given.enabled,
        to=_destination(context, given, known),
        severities=frozenset(given.severities),
        rules=frozenset(given.rules),
        sites=frozenset(given.sites),
        after_s=given.after_s,
        also_closed=given.also_closed,
    )


def _destination(
    context: ApiContext, given: NotificationBody, known: Notification | None
) -> Destination:
    to = given.to
    if isinstance(to, ToMail):
        if not context.accounts.sends_mail:
            msg = "there is no mail server here: [mail] of the configuration names one"
            raise AlertError(msg)
        return Destination.mail(to.address)
    secret = to.secret
    before = None if known is None else known.plan.to
    is_kept = "secret" not in to.model_fields_set
    if is_kept and before is not None and before.kind is TargetKind.WEBHOOK:
        secret = before.secret
    allow_private = context.config.notifications.allow_private_urls
    return Destination.webhook(to.url, secret, allow_private=allow_private)


def _answer(
    body: NotificationView | StaleNotification, version: int, code: int = status.HTTP_200_OK
) -> Response:
    return JSONResponse(body.model_dump(mode="json"), code, {"ETag": f'"{version}"'})
