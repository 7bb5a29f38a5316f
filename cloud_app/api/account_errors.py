"""What the API answers to each error of accounts, alerts and lists."""

from __future__ import annotations

import logging
import math
from typing import Any

from fastapi import FastAPI, Request, Response, status
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from cloud_app.analytics.demand import ForecastError
from cloud_app.analytics.reports.period import ReportError
from cloud_app.api.parameters import REFUSALS, Problem
from cloud_app.errors import (
    AccountError,
    AlertClosedError,
    AlertError,
    BusyError,
    CodeNeededError,
    LastAdminError,
    LoginError,
    PageLostError,
    ProviderError,
    StaleAlertError,
    StaleError,
    TooManyTriesError,
    UnknownError,
)
from cloud_app.rules.errors import RuleError
from telemetry import LotsightError

_log = logging.getLogger(__name__)

# The first that fits.
_STATUS: tuple[tuple[type[LotsightError], int], ...] = (
    (TooManyTriesError, status.HTTP_429_TOO_MANY_REQUESTS),
    (LoginError, status.HTTP_401_UNAUTHORIZED),
    (LastAdminError, status.HTTP_409_CONFLICT),
    (StaleError, status.HTTP_412_PRECONDITION_FAILED),
    (UnknownError, status.HTTP_404_NOT_FOUND),
    (AccountError, status.HTTP_422_UNPROCESSABLE_CONTENT),
    (AlertClosedError, status.HTTP_409_CONFLICT),
    (StaleAlertError, status.HTTP_412_PRECONDITION_FAILED),
    (AlertError, status.HTTP_422_UNPROCESSABLE_CONTENT),
    (RuleError, status.HTTP_422_UNPROCESSABLE_CONTENT),
    (PageLostError, status.HTTP_422_UNPROCESSABLE_CONTENT),
    (ForecastError, status.HTTP_422_UNPROCESSABLE_CONTENT),
    (ReportError, status.HTTP_422_UNPROCESSABLE_CONTENT),
    (BusyError, status.HTTP_503_SERVICE_UNAVAILABLE),
    (ProviderError, status.HTTP_502_BAD_GATEWAY),
)


class LoginProblem(BaseModel):
    """Why a login was refused."""

    detail: str
    code_needed: bool = False
    """The password is right, and the code of the app is asked for."""


def _problems(**codes: str) -> dict[int | str, dict[str, Any]]:
    return {int(code[1:]): {"model": Problem, "description": text} for code, text in codes.items()}


LOGIN_REFUSALS: dict[int | str, dict[str, Any]] = (
    REFUSALS
    | _problems(_429="too many attempts; retry after Retry-After seconds")
    | {401: {"model": LoginProblem, "description": "wrong credentials"}}
)
CHANGE_REFUSALS = REFUSALS | _problems(_409="no one would be left to undo the change")


def add_handlers(app: FastAPI) -> None:
    """Let an application answer errors of accounts, alerts, lists and reports."""
    for kind, _ in _STATUS:
        app.add_exception_handler(kind, _answer)


def _answer(_request: Request, error: Exception) -> Response:
    code = next(code for kind, code in _STATUS if isinstance(error, kind))
    body: dict[str, Any] = {"detail": str(error)}
    headers: dict[str, str] = {}
    if isinstance(error, TooManyTriesError):
        headers["Retry-After"] = str(math.ceil(error.wait_s))
    elif isinstance(error, LoginError):
        body["code_needed"] = isinstance(error, CodeNeededError)
    elif isinstance(error, BusyError):
        headers["Retry-After"] = "5"
    elif isinstance(error, ProviderError):
        # The text names addresses; it is for the log.
        _log.warning("%s", error)
        body["detail"] = "the sign-in provider is away, or its answer was not valid; see the log"
    return JSONResponse(body, code, headers)
