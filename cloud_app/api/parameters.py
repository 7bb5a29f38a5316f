"""What a request may ask for: every parameter has a type and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Security, status
from fastapi.security import HTTPBearer
from pydantic import AfterValidator, AwareDatetime, BaseModel

from cloud_app.api.context import Context
from cloud_app.storage.bay_events import Window
from cloud_app.storage.times import to_ms
from telemetry import BayId, EdgeId, LotId, SiteId

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_LAST = datetime(2100, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_SPAN_MAX = timedelta(days=366)


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


class _Fault(BaseModel):
    loc: list[str | int]
    msg: str
    type: str


class Malformed(BaseModel):
    """What of a request has another form than expected: a sentence, or place by place."""

    detail: str | list[_Fault]


def _refusals(*codes: tuple[int, str]) -> dict[int | str, dict[str, Any]]:
    return {code: {"model": Problem, "description": text} for code, text in codes}


REFUSALS = _refusals(
    (400, "the Host header is not one of ours, or the body is no proper JSON"),
    (401, "the token is missing or unknown"),
    (403, "the token may not do this"),
    (404, "not known, or not visible to this token"),
    (408, "the request was not sent in time"),
    (413, "the body is too large"),
    (503, "the database is away, or too many are connected"),
) | {422: {"model": Malformed, "description": "a parameter or field has another form"}}
"""What any route may answer instead of what was asked for."""
TOO_MANY = _refusals((503, "too many listen already, or the database is away"))


def _known_time(value: datetime) -> datetime:
    # Beyond these a time cannot be counted with: adding a day overflows.
    if not _FIRST <= value < _LAST:
        msg = f"expected a time from {_FIRST.year} to {_LAST.year - 1}"
        raise ValueError(msg)
    return value


Moment = Annotated[AwareDatetime, AfterValidator(_known_time)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Site = Annotated[SiteId | None, Query(description="of this site only")]
Lot = Annotated[LotId | None, Query(description="of this lot only")]
Edge = Annotated[EdgeId | None, Query(description="of this edge only")]
Bay = Annotated[BayId | None, Query(description="of this bay only")]
Start = Annotated[
    Moment | None, Query(description="with time zone; a day before the end if absent")
]
End = Annotated[Moment | None, Query(description="with time zone; now if absent")]


def _past(context: Context, start: Start = None, end: End = None) -> Window:
    now = context.clock.utc()
    return _window(start or (end or now) - _DAY, end or now)


def _up_to_the_newest(context: Context, start: Start = None, end: End = None) -> Window:
    # A box whose clock is ahead of ours has its newest events in our future.
    now = context.clock.utc()
    return _window(start or (end or now) - _DAY, end or now + _DAY)


def _window(start: datetime, end: datetime) -> Window:
    if start >= end:
        raise HTTPException(
            status.HTTP_422_UNPROCESSABLE_CONTENT,
            f"start must lie before end, but got {start.isoformat()} and {end.isoformat()}",
        )
    if end - start > _SPAN_MAX:
        raise HTTPException(
            status.HTTP_422_UNPROCESSABLE_CONTENT,
            f"expected at most {_SPAN_MAX.days} days, but got {(end - start).days}",
        )
    return Window(to_ms(start), to_ms(end))


Past = Annotated[Window, Depends(_past)]
UpToTheNewest = Annotated[Window, Depends(_up_to_the_newest)]


def _known_query(request: Request) -> None:
    """Refuse a parameter that the published document does not have: a misspelt filter is none.

    Raises:
        HTTPException: 422, unknown, or given twice where that means nothing.
    """
    app: FastAPI = request.app
    known = _documented(app)[request.scope["route"].path, request.method]
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known:
            expected = f"expected {', '.join(sorted(known))}" if known else "expected none"
            raise HTTPException(
                status.HTTP_422_UNPROCESSABLE_CONTENT,
                f"unknown query parameter {name[:40]!r}: {expected}",
            )
        if given.count(name) > 1 and not known[name]:
            raise HTTPException(
                status.HTTP_422_UNPROCESSABLE_CONTENT, f"query parameter {name!r} came twice"
            )


def _documented(app: FastAPI) -> Mapping[tuple[str, str], Mapping[str, bool]]:
    """The query parameters of each path template and method, and whether they are lists."""
    found: dict[tuple[str, str], dict[str, bool]] | None
    found = getattr(app.state, "documented_query", None)
    if found is None:
        found = {
            (path, method.upper()): {
                each["name"]: each["schema"].get("type") == "array"
                for each in facts.get("parameters", ())
                if each["in"] == "query"
            }
            for path, methods in app.openapi()["paths"].items()
            for method, facts in methods.items()
        }
        app.state.documented_query = found
    return found


KnownQuery = Depends(_known_query)
Bearer = Security(HTTPBearer(auto_error=False, description="not asked for on loopback"))
"""For the document alone: the gate has looked at the token before."""
