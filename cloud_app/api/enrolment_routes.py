"""What boxes ask before they are known: certificates for a code, for approval, for the old one.

All are public: what lets a box in is the code, a person, or its key. Guessing codes is braked by
address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response, status
from fastapi.responses import JSONResponse, PlainTextResponse

from cloud_app.accounts.brake import Brake, Try, begin, succeeded, take_back
from cloud_app.api.context import ApiContext, Context, address_of
from cloud_app.api.login_routes import NowMs
from cloud_app.api.parameters import REFUSALS, KnownQuery
from cloud_app.errors import AuthorityError, RequestRefusedError
from cloud_app.fleet.authority.admission import Admissions
from cloud_app.fleet.authority.own_issuer import OwnIssuer
from telemetry.provisioning import (
    ANNOUNCE_PATH,
    AUTHORITY_PATH,
    CLAIM_PATH,
    CRL_PATH,
    RENEW_PATH,
    Admission,
    Announcement,
    Claim,
    Refusal,
    Refused,
    Renewal,
    Waiting,
)

BODIES = {CLAIM_PATH: 65_536, ANNOUNCE_PATH: 65_536, RENEW_PATH: 131_072}
"""How large these may be: requests and chains of RSA keys are longer than other bodies."""
# The account's own count is not for this: a guesser must not lock out every new box.
_BRAKE = Brake(free_tries=10, account_tries=1_000_000_000)
_STATUS = {
    Refusal.BAD_REQUEST: status.HTTP_422_UNPROCESSABLE_CONTENT,
    Refusal.CODE_USED: status.HTTP_409_CONFLICT,
    Refusal.NAME_TAKEN: status.HTTP_409_CONFLICT,
    Refusal.OTHER_NAME: status.HTTP_409_CONFLICT,
    Refusal.FULL: status.HTTP_429_TOO_MANY_REQUESTS,
    Refusal.CANNOT_ISSUE: status.HTTP_503_SERVICE_UNAVAILABLE,
}
_REFUSED: dict[int | str, dict[str, Any]] = {
    code: {"model": Refused, "description": text}
    for code, text in (
        (403, "the box is not let in; `why` says it in one word"),
        (409, "the code or the name is another box's"),
        (429, "too many tries, or too many boxes wait"),
        (503, "the authority cannot issue now, or the database is away"),
    )
}
router = APIRouter(
    tags=["provisioning"], dependencies=[KnownQuery], responses={**REFUSALS, **_REFUSED}
)


@router.post(CLAIM_PATH)
def post_claim(asked: Claim, request: Request, context: Context, now_ms: NowMs) -> Admission:
    """A box with a one-time code gets its certificate; again by the same key, the same one."""
    tried = Try("claim codes", address_of(request), now_ms)
    with context.database.write() as session:
        begin(session, _BRAKE, tried)
    try:
        with context.database.write() as session:
            made = Admissions.of(context.config, context.accounts).claim(
                session, asked, tried.address, now_ms
            )
    except RequestRefusedError as exc:
        if exc.why is not Refusal.CODE_UNKNOWN:
            _forgive(context, lambda session: take_back(session, tried))
        raise
    _forgive(context, lambda session: succeeded(session, tried))
    return made


@router.post(
    ANNOUNCE_PATH,
    response_model=Admission,
    responses={202: {"model": Waiting, "description": "a person has to approve"}},
)
def post_announcement(
    asked: Announcement, request: Request, response: Response, context: Context, now_ms: NowMs
) -> Admission | Response:
    """A box without a code waits for approval, and gets its certificate once it is approved."""
    with context.database.write() as session:
        made = Admissions.of(context.config, context.accounts).announce(
            session, asked, address_of(request), now_ms
        )
    if isinstance(made, Waiting):
        return JSONResponse(made.model_dump(mode="json"), status.HTTP_202_ACCEPTED)
    return made


@router.post(RENEW_PATH)
def post_renewal(asked: Renewal, request: Request, context: Context, now_ms: NowMs) -> Admission:
    """A box gets its next certificate; the present one holds until its end."""
    with context.database.write() as session:
        return Admissions.of(context.config, context.accounts).renew(
            session, asked, address_of(request), now_ms
        )


@router.get(AUTHORITY_PATH, response_class=PlainTextResponse)
def get_authority(context: Context) -> str:
    """The root certificate; a box compares its fingerprint with the one that it was told."""
    with context.database.read() as session:
        return _unless_not_set_up(lambda: OwnIssuer().roots(session))


@router.get(CRL_PATH, response_class=PlainTextResponse)
def get_crl(context: Context, now_ms: NowMs) -> str:
    """Revocation lists, for brokers that fetch them; made by the leader, not by the caller."""
    with context.database.read() as session:
        return _unless_not_set_up(lambda: OwnIssuer().kept_crls(session, now_ms))


def _unless_not_set_up(read: Callable[[], str]) -> str:
    try:
        return read()
    except AuthorityError as exc:
        raise HTTPException(status.HTTP_404_NOT_FOUND, str(exc)) from exc


def _forgive(context: ApiContext, what: Callable[..., None]) -> None:
    with context.database.write() as session:
        what(session)


def add_refusals(app: FastAPI) -> None:
    """Let an application answer boxes that are not let in."""
    app.add_exception_handler(RequestRefusedError, _refused)
    app.add_exception_handler(AuthorityError, _cannot)


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefusedError)  # noqa: S101 - registered for it alone
    code = _STATUS.get(error.why, status.HTTP_403_FORBIDDEN)
    body = Refused(why=error.why, detail=str(error)[:1024])
    return JSONResponse(body.model_dump(mode="json"), code)


def _cannot(_request: Request, error: Exception) -> Response:
    body = Refused(why=Refusal.CANNOT_ISSUE, detail=str(error)[:1024])
    return JSONResponse(body.model_dump(mode="json"), status.HTTP_503_SERVICE_UNAVAILABLE)
