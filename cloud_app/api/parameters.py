"""What a request may ask for: every parameter has a type and bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Security, status
from fastapi._compat import field_annotation_is_sequence
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import AfterValidator, AwareDatetime, BaseModel

from cloud_app.api.context import ApiContext, Context
from cloud_app.registry.geometry import Box
from cloud_app.storage.bay_events import Window
from cloud_app.storage.times import to_ms
from telemetry import BayId, EdgeId, LotId, SiteId

FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(2100, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_SPAN_MAX = timedelta(days=366)


class Problem(BaseModel):
    """Error details."""

    detail: str


class _Fault(BaseModel):
    loc: list[str | int]
    msg: str
    type: str


class Malformed(BaseModel):
    """Validation errors: a message, or a list by field."""

    detail: str | list[_Fault]


def _refusals(
    *codes: tuple[int, str], kind: type[BaseModel] = Problem
) -> dict[int | str, dict[str, Any]]:
    # By name: with the model FastAPI builds a validator for each answer of each route, which is a
    # second of every start, and is never used.
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}}
    return {code: {"description": text, "content": content} for code, text in codes}


_MALFORMED = "a parameter or field is invalid"
REFUSALS = _refusals(
    (400, "unknown Host header, or the body is not valid JSON"),
    (401, "the token is missing or invalid"),
    (403, "the token lacks the permission"),
    (404, "does not exist, or is not visible to this token"),
    (408, "the request timed out"),
    (413, "the body is too large"),
    (503, "the database is unavailable, or there are too many connections"),
) | _refusals((422, _MALFORMED), kind=Malformed)
"""What any route may answer instead of what was asked for."""
TOO_MANY: dict[int | str, dict[str, Any]] = {
    503: {"model": Problem, "description": "too many listeners, or the database is unavailable"},
    # Names both models, so that the document has them.
    422: {"model": Malformed, "description": _MALFORMED},
}


def _known_time(value: datetime) -> datetime:
    # Beyond these a time cannot be counted with: adding a day overflows.
    if not FIRST_MOMENT <= value < LAST_MOMENT:
        msg = f"expected a time from {FIRST_MOMENT.year} to {LAST_MOMENT.year - 1}"
        raise ValueError(msg)
    return value


Moment = Annotated[AwareDatetime, AfterValidator(_known_time)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Site = Annotated[SiteId | None, Query(description="filter by site")]
Lot = Annotated[LotId | None, Query(description="filter by lot")]
Edge = Annotated[EdgeId | None, Query(description="filter by edge")]
Bay = Annotated[BayId | None, Query(description="filter by bay")]
Words = Annotated[
    str | None,
    Query(
        max_length=100, pattern=r"^[^\x00-\x1f]*$", description="search text; all words must match"
    ),
]


def order_by(keys: type[StrEnum]) -> Any:
    """The query parameter `sort` of a list, with what it can be sorted by."""
    return Query(
        pattern=f"^-?({'|'.join(keys)})$",
        description="with - in front: descending",
        json_schema_extra={"enum": [sign + key for key in keys for sign in ("", "-")]},
    )


def is_descending(sort: str) -> bool:
    """Whether a value of `sort` asks for the opposite order."""
    return sort.startswith("-")


Start = Annotated[
    Moment | None, Query(description="with time zone; default: one day before the end")
]
End = Annotated[Moment | None, Query(description="with time zone; default: now")]


_DEGREES = r"-?\d{1,3}(\.\d{1,15})?"
BoundingBox = Annotated[
    str,
    Query(
        pattern=f"^{_DEGREES},{_DEGREES},{_DEGREES},{_DEGREES}$",
        description="west,south,east,north in degrees",
    ),
]


def window_of(bbox: str) -> Box:
    """A map window.

    Raises:
        HTTPException: 422, invalid.
    """
    west, south, east, north = map(float, bbox.split(","))
    whole = Box(-180, -90, 180, 90)
    inside = whole.west <= west < east <= whole.east and whole.south <= south < north <= whole.north
    if not inside:
        told = "expected west < east within 180 and south < north within 90 degrees"
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, f"{told}, but got {bbox}")
    return Box(west, south, east, north)


def span_of(
    context: ApiContext, start: datetime | None, end: datetime | None, longest: timedelta
) -> Window:
    """A span up to now, of a day, unless told.

    Raises:
        HTTPException: 422, it ends before it starts, or is longer than `longest`.
    """
    now = context.clock.utc()
    return _window(start or (end or now) - _DAY, end or now, longest)


def _past(context: Context, start: Start = None, end: End = None) -> Window:
    return span_of(context, start, end, _SPAN_MAX)


def _up_to_the_newest(context: Context, start: Start = None, end: End = None) -> Window:
    # A box whose clock is ahead of ours has its newest events in our future.
    now = context.clock.utc()
    return _window(start or (end or now) - _DAY, end or now + _DAY)


def _window(start: datetime, end: datetime, longest: timedelta = _SPAN_MAX) -> Window:
    if start >= end:
        raise HTTPException(
            status.HTTP_422_UNPROCESSABLE_CONTENT,
            f"start must lie before end, but got {start.isoformat()} and {end.isoformat()}",
        )
    if end - start > longest:
        raise HTTPException(
            status.HTTP_422_UNPROCESSABLE_CONTENT,
            f"expected at most {longest.days} days, but got {(end - start).days}",
        )
    return Window(to_ms(start), to_ms(end))


Past = Annotated[Window, Depends(_past)]
UpToTheNewest = Annotated[Window, Depends(_up_to_the_newest)]


def _known_query(request: Request) -> None:
    """Refuse a parameter that the route does not have: a misspelt filter is none.

    Raises:
        HTTPException: 422, unknown, or given twice where that means nothing.
    """
    app: FastAPI = request.app
    route: APIRoute = request.scope["route"]
    known = app.state.query_names.get(id(route))
    if known is None:
        known = app.state.query_names[id(route)] = query_names(route.dependant)
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


def query_names(dependant: Dependant) -> dict[str, bool]:
    """The query parameters of a route, and whether each may be repeated.

    As the published document has them; making that takes a second, which no request should wait.
    """
    found = {each.alias: each.field_info.annotation for each in dependant.query_params}
    names = {name: field_annotation_is_sequence(kind) for name, kind in found.items()}
    for each in dependant.dependencies:
        names |= query_names(each)
    return names


KnownQuery = Depends(_known_query)
Bearer = Security(HTTPBearer(auto_error=False, description="not required on loopback"))
"""For the document alone: the gate has looked at the token before."""
