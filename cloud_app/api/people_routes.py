"""People and their roles, as those see and change them who give roles at a tenant."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Response, status
from fastapi.responses import JSONResponse
from pydantic import Field

from cloud_app.accounts import people, sessions
from cloud_app.accounts.audit import Actor
from cloud_app.accounts.people import Person, RoleChange
from cloud_app.accounts.roles import Membership
from cloud_app.accounts.tickets import TicketKind
from cloud_app.api.account_errors import CHANGE_REFUSALS
from cloud_app.api.account_views import (
    Body,
    Email,
    Invited,
    Name,
    PersonRow,
    PersonView,
    RoleAt,
    StalePerson,
    TenantName,
)
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context
from cloud_app.api.export import OR_CSV, Form, Format, csv_answer
from cloud_app.api.parameters import Bearer, KnownQuery
from cloud_app.api.policy import Access
from cloud_app.errors import AccountError, StaleError, UnknownError
from cloud_app.storage.database import Session

router = APIRouter(
    prefix="/api/v1", tags=["people"], dependencies=[Bearer, KnownQuery], responses=CHANGE_REFUSALS
)
_STALE: dict[int | str, dict[str, Any]] = {
    412: {"model": StalePerson, "description": "changed in the meantime; the current alert"}
}

IfMatch = Annotated[
    str, Header(pattern=r'^"?\d{1,18}"?$', description="the version that the change is based on")
]


class Invitation(Body):
    """A person to invite, or to give roles to if they already have an account."""

    email: Email
    name: Name
    roles: list[RoleAt] = Field(min_length=1, max_length=50)


class PersonChange(Body):
    """Fields to change; absent fields are kept."""

    name: Name | None = None
    disabled: bool | None = None


class RoleList(Body):
    """All roles at the tenants that the caller administers; roles elsewhere are kept."""

    roles: list[RoleAt] = Field(max_length=50)


def _memberships(roles: list[RoleAt], access: Access) -> frozenset[Membership]:
    """The roles of a request, if the caller may give them."""
    found = frozenset(each.membership() for each in roles)
    for each in found:
        if each.tenant not in access.tenants:
            raise HTTPException(
                status.HTTP_403_FORBIDDEN, f"you give no roles at {str(each.tenant)[:80]}"
            )
    return found


def _seen(session: Session, access: Access, account: str) -> Person:
    person = people.by_id(session, account)
    if not person.has(access.tenants):
        msg = f"there is no account {account[:80]!r}"
        raise UnknownError(msg)
    return person


def _governed(session: Session, access: Access, account: str) -> Person:
    person = _seen(session, access, account)
    if not access.governs(person):
        raise HTTPException(
            status.HTTP_403_FORBIDDEN,
            f"{person.email} has roles elsewhere too: you may give and take those at your tenants",
        )
    return person


def version_of(if_match: str) -> int:
    """The version that a request names."""
    return int(if_match.strip('"'))


def _told(person: Person, access: Access, response: Response) -> PersonView:
    response.headers["ETag"] = f'"{person.version}"'
    return PersonView.of(person, access)


def _stale(context: ApiContext, access: Access, account: str, error: StaleError) -> Response:
    """The newer data with the refusal, so that the page can show both."""
    with context.database.read() as session:
        person = people.by_id(session, account)
    body = StalePerson(detail=str(error), person=PersonView.of(person, access))
    return JSONResponse(
        body.model_dump(mode="json"), status.HTTP_412_PRECONDITION_FAILED,
        {"ETag": f'"{person.version}"'},
    )  # fmt: skip


@router.get("/tenants")
def get_tenants(access: Caller) -> list[TenantName]:
    """List the councils and operators that the caller administers."""
    return sorted(map(str, access.tenants))


@router.get("/people", response_model=list[PersonView], responses=OR_CSV)
def get_people(access: Caller, context: Context, form: Form = Format.JSON) -> Any:
    """List the people who have a role at the caller's tenants."""
    with context.database.read() as session:
        found = people.people(session, access.tenants)
    views = [PersonView.of(each, access) for each in found]
    if form is Format.CSV:
        rows = [PersonRow.of(each) for each in views]
        return csv_answer(PersonRow, rows, ("people",), context.clock.utc())
    return views


@router.post("/people", status_code=status.HTTP_201_CREATED)
def post_person(
    invitation: Invitation, access: Caller, actor: ActorNow, context: Context
) -> Invited:
    """Invite a person; a person with an account is given the roles."""
    wanted = _memberships(invitation.roles, access)
    with context.database.write() as session:
        try:
            person = people.by_email(session, people.plain_email(invitation.email))
        except UnknownError:
            person = people.create(session, actor, invitation.email, invitation.name)
        within = frozenset(each.tenant for each in wanted)
        held = frozenset(each for each in person.memberships if each.tenant in within)
        change = RoleChange(wanted | held, within)
        people.set_roles(session, actor, person, change, context.accounts.tenants)
        person = people.by_id(session, person.account)
        # Of somebody who was invited by others too, only those who govern them get the link.
        link = None
        if not person.is_ready and access.governs(person):
            link = _invite(session, context, actor, person)
    return Invited(person=PersonView.of(person, access), link=link)


def _invite(session: Session, context: ApiContext, actor: Actor, person: Person) -> str | None:
    link = context.accounts.send_link(session, actor, person, TicketKind.INVITATION)
    return None if context.accounts.sends_mail else link


@router.get("/people/{account}")
def get_person(account: str, access: Caller, context: Context, response: Response) -> PersonView:
    """Get a person who has a role at one of the caller's tenants."""
    with context.database.read() as session:
        return _told(_seen(session, access, account), access, response)


@router.patch("/people/{account}", response_model=PersonView, responses=_STALE)
def patch_person(
    account: str,
    change: PersonChange,
    if_match: IfMatch,
    access: Caller,
    actor: ActorNow,
    context: Context,
) -> Response:
    """Rename, disable or enable a person who has roles only at the caller's tenants."""
    tenants = context.accounts.tenants
    try:
        with context.database.write() as session:
            person = _governed(session, access, account)
            version: int | None = version_of(if_match)
            if change.name is not None:
                people.rename(session, actor, person, change.name, version)
                person, version = people.by_id(session, account), None
            if change.disabled is not None:
                people.set_disabled(
                    session, actor, person, tenants, disabled=change.disabled, version=version
                )
                if change.disabled:
                    sessions.end_all(session, actor, person)
            person = people.by_id(session, account)
    except StaleError as error:
        return _stale(context, access, account, error)
    return _answer(person, access)


@router.put("/people/{account}/roles", response_model=PersonView, responses=_STALE)
def put_roles(
    account: str,
    given: RoleList,
    if_match: IfMatch,
    access: Caller,
    actor: ActorNow,
    context: Context,
) -> Response:
    """Set a person's roles at the caller's tenants."""
    wanted = _memberships(given.roles, access)
    try:
        with context.database.write() as session:
            person = _seen(session, access, account)
            change = RoleChange(wanted, access.tenants)
            tenants = context.accounts.tenants
            people.set_roles(session, actor, person, change, tenants, version_of(if_match))
            person = people.by_id(session, account)
    except StaleError as error:
        return _stale(context, access, account, error)
    return _answer(person, access)


def _answer(person: Person, access: Access) -> Response:
    return JSONResponse(
        PersonView.of(person, access).model_dump(mode="json"),
        headers={"ETag": f'"{person.version}"'},
    )


@router.post("/people/{account}/invitation")
def post_invitation(account: str, access: Caller, actor: ActorNow, context: Context) -> Invited:
    """Send the invitation again; the earlier one becomes invalid."""
    with context.database.write() as session:
        person = _governed(session, access, account)
        if person.is_ready or person.is_disabled:
            msg = f"{person.email} has been here already, or is disabled"
            raise AccountError(msg)
        link = _invite(session, context, actor, person)
    return Invited(person=PersonView.of(person, access), link=link)


@router.delete("/people/{account}/sessions", status_code=status.HTTP_204_NO_CONTENT)
def delete_sessions(account: str, access: Caller, actor: ActorNow, context: Context) -> None:
    """End all sessions of a person."""
    with context.database.write() as session:
        sessions.end_all(session, actor, _governed(session, access, account))
