"""Logging in and out: by password, through the provider, and with a link from a mail."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request, Response, status
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from cloud_app.accounts import people, sessions, tickets
from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.accounts.login import Credentials
from cloud_app.accounts.oidc import Answer
from cloud_app.accounts.passwords import check_strength
from cloud_app.accounts.sessions import Device
from cloud_app.accounts.tickets import TicketKind
from cloud_app.api.access import session_cookie
from cloud_app.api.account_errors import LOGIN_REFUSALS
from cloud_app.api.account_views import Body, Code, Email, Name, Password, Secret, SessionNow
from cloud_app.api.context import ApiContext, Context, address_of
from cloud_app.api.parameters import KnownQuery, Problem
from cloud_app.api.policy import ROLES, Permission, SignedIn
from cloud_app.errors import (
    AccountError,
    LoginError,
    NotInvitedError,
    ProviderError,
    UnknownError,
)
from cloud_app.storage.times import to_ms

_log = logging.getLogger(__name__)

router = APIRouter(
    prefix="/api/v1", tags=["login"], dependencies=[KnownQuery], responses=LOGIN_REFUSALS
)

_SIGN_IN_S = 600
# So long after one reset link no other is sent: mail to a stranger's box is a nuisance.
_RESET_EVERY_MS = 300_000


class Provider(BaseModel):
    """The single sign-on provider."""

    label: str


class LoginWays(BaseModel):
    """The available ways to log in."""

    provider: Provider | None
    mail: bool = Field(description="passwords can be reset by e-mail")


class Login(Body):
    """Credentials."""

    email: Email
    password: Password
    code: Code | None = Field(
        default=None, description="from the authenticator app, or a recovery code"
    )


class ResetRequest(Body):
    """A password reset request."""

    email: Email


class Redemption(Body):
    """The secret of an e-mailed link and the new password."""

    secret: Secret
    password: Password
    name: Name | None = None


class Redeemed(BaseModel):
    """The person whose password was set."""

    email: str


def device_of(request: Request) -> Device:
    """Where a request comes from."""
    return Device(address_of(request), request.headers.get("user-agent", ""))


def let_in(context: ApiContext, response: Response, secret: str) -> None:
    """Give a browser the cookie of a session."""
    encrypted = context.accounts.is_encrypted
    response.set_cookie(
        session_cookie(encrypted=encrypted), secret, httponly=True, samesite="lax",
        secure=encrypted,
    )  # fmt: skip


def session_now(context: ApiContext, secret: str, now_ms: int) -> SessionNow:
    """Who has the session of a cookie.

    Raises:
        LoginError: not logged in, or the session ended.
    """
    accounts = context.accounts
    with accounts.database.read() as session:
        found = sessions.find(session, secret, accounts.lifetime, now_ms)
    if found is None:
        msg = "this session is over"
        raise LoginError(msg)
    login, person = found
    return of_signed_in(SignedIn(person, login.session, secret, login.method))


def of_signed_in(who: SignedIn) -> SessionNow:
    """Who has logged in, and what their roles allow somewhere."""
    may = {need for each in who.person.memberships for need in ROLES[each.role]}
    return SessionNow.of(who, may | {Permission.SELF})


def _now_ms(context: Context) -> int:
    return to_ms(context.clock.utc())


NowMs = Annotated[int, Depends(_now_ms)]


@router.get("/login")
def get_login(context: Context) -> LoginWays:
    """List the available ways to log in."""
    accounts, oidc = context.accounts, context.config.accounts.oidc
    provider = None if oidc is None else Provider(label=oidc.label)
    return LoginWays(provider=provider, mail=accounts.sends_mail)


@router.post("/login")
def post_login(
    typed: Login, request: Request, response: Response, context: Context, now_ms: NowMs
) -> SessionNow:
    """Log in with a password; the answer sets the cookie of a new session and ends the one before.

    Where there is a second factor, the answer without a code is 401 with `code_needed`.
    """
    given = Credentials(typed.email, typed.password, typed.code)
    secret = context.accounts.password_login.log_in(given, device_of(request), now_ms)
    _end_the_one_before(context, request, now_ms)
    let_in(context, response, secret)
    return session_now(context, secret, now_ms)


def _end_the_one_before(context: ApiContext, request: Request, now_ms: int) -> None:
    accounts = context.accounts
    before = context.doorkeeper.cookie(request.headers)
    with accounts.database.write() as session:
        found = sessions.find(session, before, accounts.lifetime, now_ms) if before else None
        if found is not None:
            login, person = found
            actor = Actor(ActorKind.PERSON, person.email, address_of(request), now_ms)
            sessions.end(session, actor, person, login.session)


@router.get(
    "/login/provider",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
    responses={502: {"model": Problem, "description": "the provider is unavailable"}},
)
def get_provider(
    request: Request,
    context: Context,
    now_ms: NowMs,
    target: Annotated[str, Query(max_length=500, description="page to open afterwards")] = "/",
) -> RedirectResponse:
    """Go to the provider to sign in; a browser goes to the login page if the provider is away."""
    login = context.accounts.provider_login
    if login is None:
        msg = "there is no sign-in provider here: [accounts.oidc] is not configured"
        raise UnknownError(msg)
    try:
        started = login.begin(local_path(target), now_ms)
    except ProviderError as exc:
        return _to_login(request, exc)
    answer = RedirectResponse(started.url, status.HTTP_303_SEE_OTHER)
    encrypted = context.accounts.is_encrypted
    answer.set_cookie(
        _sign_in_cookie(encrypted=encrypted), started.secret, max_age=_SIGN_IN_S, httponly=True,
        samesite="lax", secure=encrypted,
    )  # fmt: skip
    return answer


def _to_login(request: Request, error: LoginError | ProviderError) -> RedirectResponse:
    """The login page, for a person in front of a browser: it tells them more than JSON does.

    Raises:
        LoginError, ProviderError: no page is being opened, so the error itself is the answer.
    """
    if request.headers.get("sec-fetch-mode") != "navigate":
        raise error
    _log.warning("single sign-on: %s", error)
    if isinstance(error, ProviderError):
        why = "provider"
    else:
        why = "uninvited" if isinstance(error, NotInvitedError) else "sign_in"
    return RedirectResponse(f"/login?refused={why}", status.HTTP_303_SEE_OTHER)


def _sign_in_cookie(*, encrypted: bool) -> str:
    return f"{session_cookie(encrypted=encrypted)}_sign_in"


_Parameter = Annotated[str | None, Query(max_length=4000)]


def _provider_said(
    state: _Parameter = None,
    code: _Parameter = None,
    iss: _Parameter = None,
    error: _Parameter = None,
) -> Answer:
    return Answer(state or "", code, iss, error)


# The provider may add parameters of its own, so unknown ones are let pass here.
answer_router = APIRouter(prefix="/api/v1", tags=["login"], responses=LOGIN_REFUSALS)


@answer_router.get(
    "/login/provider/answer",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
    responses={502: {"model": Problem, "description": "the provider is unavailable"}},
)
def get_provider_answer(
    answer: Annotated[Answer, Depends(_provider_said)],
    request: Request,
    context: Context,
    now_ms: NowMs,
) -> RedirectResponse:
    """Come back from the provider; sets the cookie of a new session.

    A browser that was refused is sent to the login page.
    """
    login = context.accounts.provider_login
    if login is None:
        msg = "there is no sign-in provider here"
        raise UnknownError(msg)
    name = _sign_in_cookie(encrypted=context.accounts.is_encrypted)
    cookie = request.cookies.get(name, "")
    try:
        secret, target = login.finish(answer, cookie, device_of(request), now_ms)
    except (LoginError, ProviderError) as exc:
        return _to_login(request, exc)
    _end_the_one_before(context, request, now_ms)
    response = RedirectResponse(target, status.HTTP_303_SEE_OTHER)
    response.delete_cookie(name)
    let_in(context, response, secret)
    return response


@router.post("/password-resets", status_code=status.HTTP_202_ACCEPTED, response_class=Response)
def post_password_reset(
    asked: ResetRequest, request: Request, context: Context, now_ms: NowMs, later: BackgroundTasks
) -> Response:
    """E-mail a password reset link if the address has an account; the response never tells."""
    if not context.accounts.sends_mail:
        msg = "there is no mail server here: an administrator can reset your password"
        raise AccountError(msg)
    # Afterwards, so that the time does not tell whether there is an account.
    later.add_task(_send_reset, context, asked.email, address_of(request), now_ms)
    return Response(status_code=status.HTTP_202_ACCEPTED, background=later)


def _send_reset(context: ApiContext, email: str, address: str, now_ms: int) -> None:
    accounts = context.accounts
    kind = TicketKind.RESET
    with accounts.database.write() as session:
        try:
            person = people.by_email(session, email)
        except UnknownError:
            return
        fresh_ms = now_ms + int(accounts.lasts_s[kind] * 1000) - _RESET_EVERY_MS
        if person.is_disabled or tickets.is_fresh(session, person, kind, fresh_ms):
            return
        # Who asks is not known; that it is not the person is likely enough.
        actor = Actor(ActorKind.ANONYMOUS, "anonymous", address, now_ms)
        accounts.send_link(session, actor, person, kind)


@router.post("/links/{kind}")
def post_link(
    kind: TicketKind, given: Redemption, request: Request, context: Context, now_ms: NowMs
) -> Redeemed:
    """Set a password with an e-mailed link; the link is used up and all sessions end."""
    accounts = context.accounts
    with accounts.database.read() as session:
        person = tickets.holder(session, kind, given.secret, now_ms)
    check_strength(given.password, (person.email, person.name, given.name or ""))
    kept = accounts.passwords.hash(given.password)
    actor = Actor(ActorKind.PERSON, person.email, address_of(request), now_ms)
    with accounts.database.write() as session:
        person = tickets.redeem(session, actor, kind, given.secret, kept)
        if given.name is not None:
            people.rename(session, actor, people.by_id(session, person.account), given.name)
    return Redeemed(email=person.email)


def local_path(target: str) -> str:
    """A path of these pages; "/" for anything that leads elsewhere."""
    if not target.startswith("/") or target.startswith("//") or "\\" in target:
        return "/"
    return target if target.isprintable() and target.isascii() else "/"
