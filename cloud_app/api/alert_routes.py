"""Alerts: which there are, what happened to each, and what people do to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, HTTPException, Path, Query, Response, status
from fastapi.responses import JSONResponse

from cloud_app.accounts import people
from cloud_app.accounts.people import Person
from cloud_app.accounts.roles import Tenants
from cloud_app.alert_words import AlertState, Severity
from cloud_app.alerts import acts
from cloud_app.alerts.acts import Act
from cloud_app.api.account_views import Email
from cloud_app.api.alert_views import (
    Acknowledge,
    AlertAct,
    Assign,
    Assignee,
    Close,
    Comment,
    Silence,
    StaleAlert,
    Unsilence,
)
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context, Reading
from cloud_app.api.export import OR_CSV, Form, Format, csv_answer
from cloud_app.api.parameters import (
    REFUSALS,
    Bearer,
    KnownQuery,
    Limit,
    Moment,
    Problem,
    Site,
    Words,
)
from cloud_app.api.policy import ROLES, Access, Permission
from cloud_app.errors import AlertError, StaleAlertError
from cloud_app.storage.alerts import AlertFilter, alert_detail, alerts, every_alert
from cloud_app.storage.database import Session
from cloud_app.storage.times import to_ms
from cloud_app.views import AlertDetail, AlertItem
from telemetry import Identifier, SiteId

router = APIRouter(
    prefix="/api/v1", tags=["alerts"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)

_NUMBER_MAX = 2**53
Number = Annotated[int, Path(ge=1, le=_NUMBER_MAX)]
IfMatch = Annotated[
    str | None,
    Header(
        pattern=r'^"?\d{1,15}"?$',
        description="the version that the action is based on; default: any",
    ),
]
_ACT_REFUSALS: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "the alert is closed already"},
    412: {"model": StaleAlert, "description": "changed in the meantime; the current alert"},
}


class AlertQuery:
    """What a reader of alerts asks for."""

    def __init__(  # noqa: PLR0913 - each is a key of the address
        self,
        *,
        site: Site = None,
        states: Annotated[
            list[AlertState], Query(alias="state", max_length=4, description="may be repeated")
        ] = [],  # noqa: B006 - FastAPI copies it
        rule: Annotated[Identifier | None, Query(description="filter by rule")] = None,
        severity: Severity | None = None,
        assignee: Annotated[Email | None, Query(pattern=r"^[^\x00-\x1f]*$")] = None,
        q: Words = None,
        start: Annotated[
            Moment | None,
            Query(alias="from", description="opened at or after this time, with time zone"),
        ] = None,
        end: Annotated[
            Moment | None, Query(alias="to", description="opened before this time, with time zone")
        ] = None,
        before: Annotated[
            int | None,
            Query(ge=1, le=_NUMBER_MAX, description="id of the last alert of the page before"),
        ] = None,
    ) -> None:
        self.site = site
        self.wanted = AlertFilter(
            states=frozenset(states),
            rule=rule,
            severity=severity,
            assignee=None if assignee is None else assignee.lower(),
            q=q,
            start_ms=None if start is None else to_ms(start),
            end_ms=None if end is None else to_ms(end),
            before=before,
        )


@router.get("/alerts", response_model=list[AlertItem], responses=OR_CSV)
def get_alerts(
    reading: Reading,
    query: Annotated[AlertQuery, Depends()],
    limit: Limit = 50,
    form: Form = Format.JSON,
) -> Any:
    """List alerts, newest first; without `state` and `before`, open ones come first."""
    wanted = replace(query.wanted, sites=reading.sites(query.site))
    if form is Format.CSV:
        context, now_ms = reading.context, reading.now().now_ms
        found = every_alert(context.database, now_ms, wanted)
        return csv_answer(AlertItem, found, ("alerts", query.site), context.clock.utc())
    return alerts(reading.session, reading.now().now_ms, wanted, limit)


@router.get("/alerts/assignees")
def get_assignees(
    reading: Reading, site: Annotated[SiteId, Query(description="of the alert")]
) -> list[Assignee]:
    """List the people to whom an alert of a site can be assigned."""
    found = _responders(reading.session, reading.context.accounts.tenants, reading.site(site))
    people = [Assignee(account=each.email, name=each.name) for each in found]
    return sorted(people, key=lambda each: (each.name.casefold(), each.account))


@router.get("/alerts/{alert}")
def get_alert(alert: Number, reading: Reading, response: Response) -> AlertDetail:
    """An alert and its log."""
    found = _seen(reading.session, reading.context, reading.access, alert)
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.post("/alerts/{alert}/actions", response_model=AlertDetail, responses=_ACT_REFUSALS)
def post_action(
    alert: Number,
    given: Annotated[AlertAct, Body()],
    access: Caller,
    actor: ActorNow,
    context: Context,
    if_match: IfMatch = None,
) -> Response:
    """Act on an alert; repeating an action is not an error."""
    version = None if if_match is None else int(if_match.strip('"'))
    try:
        with context.database.write() as session:
            site = _seen(session, context, access, alert).site
            act = Act(actor, alert, version, context.owner(session, site))
            if isinstance(given, Assign) and given.assignee is not None:
                _check_assignee(session, context.accounts.tenants, site, given.assignee)
            _do(session, act, given)
            done = _seen(session, context, access, alert)
    except StaleAlertError as error:
        with context.database.read() as session:
            newer = _seen(session, context, access, alert)
        stale = StaleAlert(detail=str(error), alert=newer)
        return _answer(stale, newer.version, status.HTTP_412_PRECONDITION_FAILED)
    return _answer(done, done.version)


def _do(session: Session, act: Act, given: AlertAct) -> None:
    match given:
        case Acknowledge():
            acts.acknowledge(session, act)
        case Assign():
            acts.assign(session, act, None if given.assignee is None else given.assignee.lower())
        case Silence():
            acts.silence(session, act, to_ms(given.until))
        case Unsilence():
            acts.unsilence(session, act)
        case Comment():
            acts.comment(session, act, given.text)
        case Close():
            acts.close(session, act)


def _seen(session: Session, context: ApiContext, access: Access, number: int) -> AlertDetail:
    """An alert, if the caller may see its site.

    Raises:
        HTTPException: 404, as for one that does not exist.
    """
    found = alert_detail(session, context.now().now_ms, number)
    if found is None or not access.sites.sees(found.site):
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no alert {number}")
    return found


def _answer(
    body: AlertDetail | StaleAlert, version: int, code: int = status.HTTP_200_OK
) -> Response:
    return JSONResponse(body.model_dump(mode="json"), code, {"ETag": f'"{version}"'})


def _responders(session: Session, tenants: Tenants, site: str) -> list[Person]:
    """Who may see to alerts of a site: people who can log in, and have such a role there."""
    there = {
        tenant
        for tenant in people.tenants_with_people(session)
        if (sites := tenants.sites(session, tenant)) is None or site in sites
    }
    return [
        person
        for person in people.people(session, there)
        if person.is_ready and not person.is_disabled
        if any(
            each.tenant in there and Permission.RESPOND in ROLES[each.role]
            for each in person.memberships
        )
    ]


def _check_assignee(session: Session, tenants: Tenants, site: str, assignee: str) -> None:
    if all(person.email != assignee.lower() for person in _responders(session, tenants, site)):
        # The same of a stranger and of somebody who only has no business there.
        msg = (
            f"alerts of {site} cannot be given to {assignee[:80]!r}: expected somebody of "
            f"alerts/assignees?site={site}"
        )
        raise AlertError(msg)
