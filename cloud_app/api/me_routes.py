"""What somebody who has logged in does for themselves: sessions, password, second factor."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel, Field

from cloud_app.accounts import people, sessions, tickets, totp
from cloud_app.accounts.passwords import check_strength
from cloud_app.accounts.people import Person
from cloud_app.api.access import session_cookie
from cloud_app.api.account_errors import LOGIN_REFUSALS
from cloud_app.api.account_views import AccessNow, Body, Code, Password, SessionNow, SessionView
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context
from cloud_app.api.login_routes import device_of, let_in, of_signed_in, session_now
from cloud_app.api.parameters import Bearer, KnownQuery
from cloud_app.api.policy import Access, Permission, SignedIn
from cloud_app.errors import LoginError

router = APIRouter(
    prefix="/api/v1", tags=["me"], dependencies=[Bearer, KnownQuery], responses=LOGIN_REFUSALS
)


class PasswordChange(Body):
    """The current and the new password."""

    old: Password
    new: Password


class PasswordAgain(Body):
    """The password, required again for a sensitive change."""

    password: Password


class CodeNow(Body):
    """A code from the authenticator app."""

    code: Code


class TotpSecret(BaseModel):
    """The secret for the authenticator app, shown only once; active after a first code."""

    secret: str
    uri: str = Field(description="for a QR code")


class RecoveryCodes(BaseModel):
    """Recovery codes, each valid for one login; shown only once."""

    codes: list[str]


def _who(access: Access) -> SignedIn:
    if access.who is None:
        msg = "expected somebody who has logged in"
        raise LoginError(msg)
    return access.who


def _check_password(
    context: ApiContext, request: Request, who: SignedIn, password: str, now_ms: int
) -> None:
    login = context.accounts.password_login
    if not login.is_owner(who.person, password, device_of(request), now_ms):
        msg = "this is not your password"
        raise LoginError(msg)


@router.get("/access")
def get_access(request: Request, context: Context) -> AccessNow:
    """The caller's identity; no error without a login."""
    access = context.doorkeeper.access(request.headers)
    if access is None:
        return AccessNow(kind=None, name="", may=[], session=None)
    session = None if access.who is None else of_signed_in(access.who)
    may = [each for each in Permission if each is not Permission.PUBLIC and access.may(each)]
    return AccessNow(kind=access.kind, name=access.name, may=may, session=session)


@router.get("/session")
def get_session(access: Caller) -> SessionNow:
    """Get the session and its CSRF token."""
    return of_signed_in(_who(access))


@router.delete("/session", status_code=status.HTTP_204_NO_CONTENT)
def delete_session(access: Caller, actor: ActorNow, context: Context, response: Response) -> None:
    """Log out."""
    who = _who(access)
    with context.database.write() as session:
        sessions.end(session, actor, who.person, who.session)
    encrypted = context.accounts.is_encrypted
    response.delete_cookie(
        session_cookie(encrypted=encrypted), secure=encrypted, httponly=True, samesite="lax"
    )


@router.get("/sessions")
def get_sessions(access: Caller, actor: ActorNow, context: Context) -> list[SessionView]:
    """List the caller's sessions."""
    who = _who(access)
    with context.database.read() as session:
        found = sessions.of_person(session, who.person, context.accounts.lifetime, actor.at_ms)
    return [SessionView.of(each, who.session) for each in found]


@router.delete("/sessions", status_code=status.HTTP_204_NO_CONTENT)
def delete_sessions(access: Caller, actor: ActorNow, context: Context) -> None:
    """End all other sessions."""
    who = _who(access)
    with context.database.write() as session:
        sessions.end_all(session, actor, who.person, but=who.session)


@router.delete("/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_one_session(session_id: str, access: Caller, actor: ActorNow, context: Context) -> None:
    """End a session of the caller."""
    with context.database.write() as session:
        sessions.end(session, actor, _who(access).person, session_id)


@router.put("/me/password")
def put_password(
    change: PasswordChange,
    request: Request,
    response: Response,
    access: Caller,
    actor: ActorNow,
    context: Context,
) -> SessionNow:
    """Change the password; every session ends and this browser gets a new one."""
    who = _who(access)
    _check_password(context, request, who, change.old, actor.at_ms)
    check_strength(change.new, (who.person.email, who.person.name))
    kept = context.accounts.passwords.hash(change.new)
    with context.database.write() as session:
        person = people.by_id(session, who.person.account)
        tickets.set_password(session, actor, person, kept)
        secret = sessions.start(session, actor, person, who.method, device_of(request))
    let_in(context, response, secret)
    return session_now(context, secret, actor.at_ms)


@router.post("/me/totp")
def post_totp(
    again: PasswordAgain, request: Request, access: Caller, actor: ActorNow, context: Context
) -> TotpSecret:
    """Start setting up a second factor."""
    who = _who(access)
    _check_password(context, request, who, again.password, actor.at_ms)
    with context.database.write() as session:
        secret, uri = totp.begin(session, actor, people.by_id(session, who.person.account))
    return TotpSecret(secret=secret, uri=uri)


@router.put("/me/totp")
def put_totp(code: CodeNow, access: Caller, actor: ActorNow, context: Context) -> RecoveryCodes:
    """Turn on the second factor with a first code; other sessions end."""
    who = _who(access)
    with context.database.write() as session:
        person = people.by_id(session, who.person.account)
        codes = totp.confirm(session, actor, person, code.code)
        sessions.end_all(session, actor, person, but=who.session)
    return RecoveryCodes(codes=codes)


@router.post("/me/totp/removal", status_code=status.HTTP_204_NO_CONTENT)
def post_totp_removal(
    again: PasswordAgain, request: Request, access: Caller, actor: ActorNow, context: Context
) -> None:
    """Turn off the second factor; other sessions end."""
    who = _who(access)
    _check_password(context, request, who, again.password, actor.at_ms)
    with context.database.write() as session:
        person: Person = people.by_id(session, who.person.account)
        totp.remove(session, actor, person)
        sessions.end_all(session, actor, person, but=who.session)
