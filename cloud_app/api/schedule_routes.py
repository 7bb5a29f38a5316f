"""Scheduled reports: which tenant gets which report by mail, how often."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, HTTPException, Path, Response, status
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from cloud_app.accounts import mail
from cloud_app.accounts.roles import Tenant
from cloud_app.analytics.reports.files import FileKind
from cloud_app.analytics.reports.period import ReportError
from cloud_app.analytics.reports.words import Language
from cloud_app.api.account_views import Body, Email, Name, TenantName
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Problem
from cloud_app.api.people_routes import IfMatch, version_of
from cloud_app.api.policy import Access
from cloud_app.errors import StaleError, UnknownError
from cloud_app.schedules import schedules
from cloud_app.schedules.schedules import RECIPIENTS_MAX, Every, Schedule, SchedulePlan
from cloud_app.schedules.sending import Sender
from cloud_app.storage.database import Session
from cloud_app.storage.times import from_ms
from telemetry import SiteId

router = APIRouter(
    prefix="/api/v1", tags=["reports"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)

_AGAIN_AFTER_S = 60
_EXPIRES_MS = 86_400_000
Which = Annotated[str, Path(min_length=1, max_length=40)]
_TOO_SOON: dict[int | str, dict[str, Any]] = {
    429: {"model": Problem, "description": "sent just now: again after Retry-After seconds"}
}


class ScheduleBody(Body):
    """What a scheduled report says."""

    name: Name = Field(description="also the reports' title")
    enabled: bool = True
    every: Every = Every.MONTH
    recipients: list[Email] = Field(min_length=1, max_length=RECIPIENTS_MAX)
    sites: list[SiteId] = Field(
        default=[], max_length=500, description="all of the tenant's if empty"
    )
    formats: list[FileKind] = Field(default=[FileKind.PDF], min_length=1, max_length=3)
    language: Language = Language.EN


class NewSchedule(ScheduleBody):
    """A scheduled report to make."""

    tenant: TenantName


class ScheduleView(BaseModel):
    """A scheduled report."""

    id: str
    version: int = Field(description="name it in If-Match to change it")
    tenant: TenantName
    name: str
    enabled: bool
    every: Every
    recipients: list[str]
    sites: list[SiteId]
    formats: list[FileKind]
    language: Language
    next_first: date = Field(description="first day of the period that is sent next")
    next_last: date = Field(description="its last day; it is sent the morning after")
    sent: datetime | None = Field(description="when the last one was made")
    fault: str | None = Field(description="why the last one could not be made")

    @classmethod
    def of(cls, schedule: Schedule) -> Self:
        """As it is shown."""
        plan = schedule.plan
        return cls(
            id=schedule.id,
            version=schedule.version,
            tenant=str(schedule.tenant),
            name=plan.name,
            enabled=plan.enabled,
            every=plan.every,
            recipients=list(plan.recipients),
            sites=sorted(plan.sites),
            formats=sorted(plan.formats),
            language=plan.language,
            next_first=schedule.next.first,
            next_last=schedule.next.last,
            sent=from_ms(schedule.sent_ms),
            fault=schedule.fault,
        )


class StaleSchedule(BaseModel):
    """A change that came too late, and what is so now."""

    detail: str
    schedule: ScheduleView


class Sent(BaseModel):
    """What was put into the outbox."""

    first: date
    last: date
    recipients: list[str]


_STALE: dict[int | str, dict[str, Any]] = {
    412: {"model": StaleSchedule, "description": "changed meanwhile; what is so now"}
}


@router.get("/report-schedules")
def get_schedules(access: Caller, context: Context) -> list[ScheduleView]:
    """The scheduled reports of the caller's tenants."""
    with context.database.read() as session:
        found = schedules.of_tenants(session, access.tenants)
    return [ScheduleView.of(each) for each in found]


@router.post("/report-schedules", status_code=status.HTTP_201_CREATED)
def post_schedule(
    given: NewSchedule, access: Caller, actor: ActorNow, context: Context, response: Response
) -> ScheduleView:
    """Make a scheduled report; the first one is on the week or month that is running."""
    tenant = Tenant.parse(given.tenant)
    if tenant not in access.tenants:
        raise HTTPException(
            status.HTTP_403_FORBIDDEN, f"you schedule no reports at {given.tenant[:80]}"
        )
    with context.database.write() as session:
        plan = _plan(session, context, tenant, given)
        made = schedules.create(session, actor, tenant, plan, context.clock.utc().date())
    response.headers["ETag"] = f'"{made.version}"'
    return ScheduleView.of(made)


@router.put(
    "/report-schedules/{schedule}", response_model=ScheduleView, responses=_STALE
)  # fmt: skip
def put_schedule(
    schedule: Which,
    given: ScheduleBody,
    if_match: IfMatch,
    access: Caller,
    actor: ActorNow,
    context: Context,
) -> Response:
    """Let a scheduled report say something else."""
    today = context.clock.utc().date()
    try:
        with context.database.write() as session:
            known = _seen(session, access, schedule)
            plan = _plan(session, context, known.tenant, given)
            done = schedules.change(session, actor, known, plan, version_of(if_match), today)
    except StaleError as error:
        with context.database.read() as session:
            newer = _seen(session, access, schedule)
        view = StaleSchedule(detail=str(error), schedule=ScheduleView.of(newer))
        return _answer(view, newer.version, status.HTTP_412_PRECONDITION_FAILED)
    return _answer(ScheduleView.of(done), done.version)


@router.delete("/report-schedules/{schedule}", status_code=status.HTTP_204_NO_CONTENT)
def delete_schedule(schedule: Which, access: Caller, actor: ActorNow, context: Context) -> None:
    """Delete a scheduled report."""
    with context.database.write() as session:
        schedules.remove(session, actor, _seen(session, access, schedule))


@router.post("/report-schedules/{schedule}/send", responses=_TOO_SOON)
def post_send(schedule: Which, access: Caller, actor: ActorNow, context: Context) -> Sent:
    """Send the report on the last week or month that is over, now."""
    with context.database.read() as session:
        known = _seen(session, access, schedule)
    _check_mail(context)
    accounts = context.accounts
    sender = Sender(context.database, accounts.tenants, accounts.url, context.clock)
    period, letters = sender.send_now(known, context.clock.utc())
    with context.database.write() as session:
        earliest_ms = actor.at_ms - _AGAIN_AFTER_S * 1000
        if not schedules.note_asked(session, actor, known, earliest_ms):
            raise HTTPException(
                status.HTTP_429_TOO_MANY_REQUESTS,
                f"this report was sent less than {_AGAIN_AFTER_S} s ago",
                {"Retry-After": str(_AGAIN_AFTER_S)},
            )
        for letter in letters:
            mail.post(session, letter, actor.at_ms + _EXPIRES_MS)
    return Sent(first=period.first, last=period.last, recipients=list(known.plan.recipients))


def _seen(session: Session, access: Access, which: str) -> Schedule:
    """A schedule, if the caller sees to those of its tenant.

    Raises:
        UnknownError: as for one that does not exist.
    """
    found = schedules.by_id(session, which)
    if found.tenant not in access.tenants:
        msg = f"there is no scheduled report {which[:40]!r}"
        raise UnknownError(msg)
    return found


def _plan(
    session: Session, context: ApiContext, tenant: Tenant, given: ScheduleBody
) -> SchedulePlan:
    """What a request says, if the tenant may have it.

    Raises:
        ReportError: a site is not the tenant's, or there is no mail server.
    """
    _check_mail(context)
    schedules.check_sites(session, context.accounts.tenants, tenant, given.sites)
    return SchedulePlan(
        name=given.name,
        enabled=given.enabled,
        every=given.every,
        recipients=tuple(given.recipients),
        sites=frozenset(given.sites),
        formats=frozenset(given.formats),
        language=given.language,
    )


def _check_mail(context: ApiContext) -> None:
    if not context.accounts.sends_mail:
        msg = "there is no mail server here: [mail] of the configuration names one"
        raise ReportError(msg)


def _answer(
    body: ScheduleView | StaleSchedule, version: int, code: int = status.HTTP_200_OK
) -> Response:
    return JSONResponse(body.model_dump(mode="json"), code, {"ETag": f'"{version}"'})
