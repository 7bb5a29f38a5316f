"""Live updates as server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, status
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from cloud_app.api.context import ApiContext, Caller, Context
from cloud_app.api.feed import Heard, Wanted
from cloud_app.api.parameters import REFUSALS, TOO_MANY, Bearer, KnownQuery
from cloud_app.api.policy import Access, Permission
from cloud_app.errors import StorageDownError
from cloud_app.storage.queries import lot_size
from cloud_app.views import BayNow, LotNow

router = APIRouter(prefix="/api/v1", dependencies=[Bearer, KnownQuery], responses=REFUSALS)

# A listener to whom there is nothing to tell is looked at again so often.
_CHECK_S = 15.0
_LOTS = TypeAdapter(list[LotNow])
_BAYS = TypeAdapter(list[BayNow])
_ID = "[A-Za-z0-9_.-]{1,64}"


@router.get(
    "/live",
    tags=["now"],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **TOO_MANY},
)
def get_live(
    request: Request,
    context: Context,
    access: Caller,
    *,
    lots: Annotated[
        bool,
        Query(description="also send `lots` that changed, and `alerts`, the number of open ones"),
    ] = False,
    lot: Annotated[
        str | None,
        Query(pattern=f"^{_ID}/{_ID}$", description="site/lot: also send its `bays` that changed"),
    ] = None,
) -> StreamingResponse:
    """Server-sent events: `change` with the names of edges of which something changed.

    What changed before the connection is not told: ask for it after `retry` has come.
    """
    if context.feed.is_full:
        raise HTTPException(
            status.HTTP_503_SERVICE_UNAVAILABLE, "too many listen already", {"Retry-After": "10"}
        )
    wanted = Wanted(lots, None if lot is None else _known(context, access, lot))
    return StreamingResponse(
        _stream(context, request.headers, access, wanted),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _known(context: ApiContext, access: Access, key: str) -> tuple[str, str]:
    site, lot = key.split("/")
    with context.database.read() as session:
        if not access.sites.sees(site) or not lot_size(session, site, lot):
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"no lot {lot!r} at {site!r}")
    return site, lot


async def _stream(
    context: ApiContext, headers: Headers, access: Access, wanted: Wanted
) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    checked_s = time.monotonic()
    async for heard in context.feed.listen(wanted):
        told = heard.seen_by(access.sites)
        # Who they are costs a read; to whom there is nothing to tell it need not be looked up.
        if told or time.monotonic() - checked_s >= _CHECK_S:
            try:
                found = await run_in_threadpool(_access, context, headers)
            except StorageDownError:
                continue  # what cannot be looked up is not told
            if found is None:
                return  # logged out, or the key was revoked
            access, checked_s = found, time.monotonic()
            told = heard.seen_by(access.sites)
        for event in _events(told):
            yield event
        if not heard:
            yield ": still here\n\n"


def _access(context: ApiContext, headers: Headers) -> Access | None:
    """What the caller may do now; None: nothing."""
    access = context.doorkeeper.access(headers, counts_as_use=False)
    return access if access is not None and access.may(Permission.READ) else None


def _events(told: Heard) -> Iterator[str]:
    if told.edges:
        yield _event("change", json.dumps({"edges": sorted(told.edges)}))
    if told.lots:
        yield _event("lots", _LOTS.dump_json(list(told.lots.values())).decode())
    if told.bays:
        yield _event("bays", _BAYS.dump_json(list(told.bays.values())).decode())
    if told.alerts is not None:
        yield _event("alerts", json.dumps({"open": sum(told.alerts.open.values())}))


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"
