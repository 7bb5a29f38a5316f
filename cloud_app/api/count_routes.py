"""Lots that are counted at their gates: count, gates, passages, and setting the count by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, HTTPException, Query, Response, status
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud_app.accounts.audit import Subject, record
from cloud_app.accounts.keys import names_of
from cloud_app.api.context import ActorNow, Caller, Context, Reading
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Past, Problem
from cloud_app.occupancy.balances import Lot, Truth, set_count
from cloud_app.occupancy.count_views import (
    Gate,
    LotCount,
    PassageStep,
    TrueCount,
    count_now,
    gates_now,
    is_counted,
    passage_steps,
    true_counts,
    version_of,
)
from cloud_app.occupancy.counting import count_lot, facts_of
from cloud_app.occupancy.levels import LevelCount, counted_levels, levels_now
from cloud_app.storage.database import Session
from cloud_app.storage.times import from_ms
from sensors.counting import ZeroCause
from telemetry import LotId, SiteId

router = APIRouter(
    prefix="/api/v1/lots/{site}/{lot}",
    tags=["counted lots"],
    dependencies=[Bearer, KnownQuery],
    responses=REFUSALS,
)
_ETAG = re.compile(r'(?:W/)?"(\d{1,15})"')
_REFUSED: dict[int | str, dict[str, Any]] = {
    412: {"model": LotCount, "description": "set in the meantime; the current count"},
    428: {"model": Problem, "description": "If-Match is missing: the ETag of the count"},
}
_STEPS_MAX = 100_000
IfMatch = Annotated[
    str | None,
    Header(pattern=r'^(W/)?"[0-9]{1,15}"$', description="the ETag of the count that was read"),
]


class CountSet(BaseModel):
    """A verified count of the vehicles in a lot."""

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(ge=0, le=100_000, description="vehicles in the lot or level")]
    level: Annotated[
        str | None, Field(min_length=1, max_length=32, description="absent: of the whole lot")
    ] = None
    note: Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = None


def _no_lot(site: str, lot: str) -> HTTPException:
    told = f"no lot {lot!r} at {site!r} that is counted at gates"
    return HTTPException(status.HTTP_404_NOT_FOUND, told)


def _counted(reading: Reading, site: str, lot: str) -> Lot:
    which = Lot(reading.site(site), lot)
    if not is_counted(reading.session, which):
        raise _no_lot(site, lot)
    return which


@router.get("/count")
def get_count(site: SiteId, lot: LotId, reading: Reading, response: Response) -> LotCount:
    """Get the count of a lot, its basis, its source and its last verification."""
    which = _counted(reading, site, lot)
    gates = reading.context.config.gates
    found = count_now(reading.session, which, from_ms(reading.now().now_ms), gates)
    if found is None:
        raise _no_lot(site, lot)
    response.headers["ETag"] = f'"{version_of(reading.session, which)}"'
    return _named(reading.session, found)


@router.post("/count", response_model=LotCount, responses=_REFUSED)
def post_count(  # noqa: PLR0913 - what a change needs
    site: SiteId,
    lot: LotId,
    *,
    given: Annotated[CountSet, Body()],
    access: Caller,
    actor: ActorNow,
    context: Context,
    if_match: IfMatch = None,
) -> Response:
    """Correct the count of a lot, or of a level; the drift is recorded.

    A lot without vehicles has none on any level.
    """
    named = None if if_match is None else _ETAG.fullmatch(if_match)
    if named is None:
        told = "expected If-Match with the ETag of the count that was read"
        raise HTTPException(status.HTTP_428_PRECONDITION_REQUIRED, told)
    which, now = Lot(site, lot), context.now()
    with context.database.write() as session:
        if not access.sites.sees(site) or not is_counted(session, which):
            raise _no_lot(site, lot)
        version = version_of(session, which)
        if version != int(named[1]):
            return _answer(session, context, which, status.HTTP_412_PRECONDITION_FAILED)
        truth = Truth(from_ms(now.now_ms), given.count, ZeroCause.MANUAL, access.name, given.note)
        done = set_count(session, _on_level(session, which, given.level), truth)
        count_lot(session, which, now, context.config.gates)
        if done is not None:
            subject = Subject("lot", f"{site}/{lot}", context.owner(session, site))
            before = None if done.drift is None else {"count": given.count + done.drift}
            record(session, actor, "count.set", subject, before, given.model_dump())
        return _answer(session, context, which, status.HTTP_200_OK)


def _named(session: Session, count: LotCount) -> LotCount:
    if count.last_true is None:
        return count
    [last] = _with_names(session, [count.last_true])
    return count.model_copy(update={"last_true": last})


def _with_names(session: Session, found: Sequence[TrueCount]) -> list[TrueCount]:
    """With the names of keys instead of their identifiers."""
    names = names_of(session, [each.by for each in found if each.by is not None])
    return [each.model_copy(update={"by": names.get(each.by or "", each.by)}) for each in found]


def _on_level(session: Session, lot: Lot, level: str | None) -> Lot:
    if level is None:
        return lot
    known = counted_levels(session, lot)
    if level not in known:
        named = ", ".join(known) or "none: no gate leads to one"
        told = f"level: expected one that is counted ({named}), but got {level!r}"
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, told)
    return replace(lot, level=level)


def _answer(session: Session, context: Context, which: Lot, code: int) -> Response:
    now = from_ms(context.now().now_ms)
    found = count_now(session, which, now, context.config.gates)
    if found is None:
        raise _no_lot(which.site, which.lot)
    etag = f'"{version_of(session, which)}"'
    return JSONResponse(_named(session, found).model_dump(mode="json"), code, {"ETag": etag})


@router.get("/levels")
def get_levels(site: SiteId, lot: LotId, reading: Reading) -> list[LevelCount]:
    """How full each level of a lot is, lowest first: by gates that lead to levels, else by bays.

    Empty where neither gates nor bays have a level.
    """
    which = Lot(reading.site(site), reading.lot(site, lot))
    return levels_now(reading.session, reading.now(), which, facts_of(reading.session, which))


@router.get("/true-counts")
def get_true_counts(
    site: SiteId, lot: LotId, reading: Reading, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> list[TrueCount]:
    """List corrections of a lot's count: when, by whom, and by how much."""
    found = true_counts(reading.session, _counted(reading, site, lot), limit)
    return _with_names(reading.session, found)


@router.get("/gates")
def get_gates(site: SiteId, lot: LotId, reading: Reading) -> list[Gate]:
    """List the gates of a lot: last contact and today's passages."""
    which = _counted(reading, site, lot)
    now = from_ms(reading.now().now_ms)
    return gates_now(reading.session, which, now, reading.context.config.gates)


@router.get("/passages")
def get_passages(
    site: SiteId,
    lot: LotId,
    reading: Reading,
    window: Past,
    limit: Annotated[int, Query(ge=1, le=_STEPS_MAX)] = 10_000,
) -> list[PassageStep]:
    """List passages at each gate of a lot, by quarters of an hour."""
    return passage_steps(reading.session, _counted(reading, site, lot), window, limit)
