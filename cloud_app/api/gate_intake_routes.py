"""What gates and plate readers post: our own JSON, Plate Recognizer, Hikvision, Axis.

The caller shows a key with the scope `intake`, and speaks for the gates of its own sites only. A
plate in what is posted ends here: it is in no answer, no log and no table.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, status
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from cloud_app.api.context import ApiContext, Caller, Context
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery
from cloud_app.api.policy import Access
from cloud_app.config import NetworkKind
from cloud_app.ingest.gates.intake import GateMessage, GateOutcome, note_unusable
from cloud_app.storage.times import to_ms
from sensors.errors import SensorError
from sensors.gates import MAX_BYTES
from telemetry import Identifier

ROOT = "/api/v1/intake"
PATHS = tuple(f"{ROOT}/{name}" for name in ("gates", "plate-recognizer", "hikvision", "axis"))
"""Their bodies have pictures in them, and are read here."""

router = APIRouter(
    prefix=ROOT, tags=["intake"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)


class GateResult(BaseModel):
    """Results for the messages of a request."""

    model_config = ConfigDict(frozen=True)

    counts: dict[GateOutcome, int]
    unknown: tuple[str, ...] = Field(
        description="what gates call themselves that no device of the registry has as its id or "
        "serial number"
    )


def _body(*kinds: str) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {kind: {"schema": {}} for kind in kinds}}}


_JSON = _body("application/json")
_FORM = _body("application/json", "multipart/form-data")
_XML = _body("application/xml", "multipart/form-data")
GateName = Annotated[
    Identifier | None,
    Query(description="the gate, where the message cannot say it: id or serial number"),
]


async def _read(request: Request) -> bytes:
    """The body of a request, bounded.

    Raises:
        HTTPException: 413, it is too large.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BYTES:
            told = f"expected at most {MAX_BYTES} bytes, but got more"
            raise HTTPException(status.HTTP_413_CONTENT_TOO_LARGE, told)
    return bytes(body)


class Posted:
    """A request that brings messages of gates."""

    def __init__(
        self, request: Request, access: Caller, context: Context, gate: GateName = None
    ) -> None:
        self._request = request
        self._access = access
        self._context = context
        self._gate = gate

    async def take(self, kind: NetworkKind) -> GateResult:
        """Take its messages in; they are committed when this returns.

        Raises:
            HTTPException: 413, or 422 if the message is invalid.
        """
        message = GateMessage(
            kind,
            await _read(self._request),
            self._context.clock.utc(),
            self._request.headers.get("content-type", ""),
            self._gate,
        )
        return await run_in_threadpool(_take, self._context, self._access, message)


PostedNow = Annotated[Posted, Depends()]


def _take(context: ApiContext, access: Access, message: GateMessage) -> GateResult:
    received_ms = to_ms(message.received_at)
    fault: SensorError | None = None
    try:
        reports = context.gates.read(message)
    except SensorError as exc:
        fault = exc
    if fault is not None:
        who = f"{message.kind.value} from {access.kind.value} {access.name}"
        with context.database.write() as session:
            note_unusable(session, who, str(fault), received_ms)
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(fault))
    with context.database.write() as session:
        outcomes = context.gates.take(session, reports, access.sites.wanted, received_ms)
    unknown = {
        report.gate
        for report, outcome in zip(reports, outcomes, strict=True)
        if outcome is GateOutcome.UNKNOWN_GATE
    }
    return GateResult(counts=dict(Counter(outcomes)), unknown=tuple(sorted(unknown)))


@router.post("/gates", openapi_extra=_JSON)
async def post_gates(posted: PostedNow) -> GateResult:
    """Pulses, running totals and interval counts (docs/gates.md): one or a list."""
    return await posted.take(NetworkKind.GATES)


@router.post("/plate-recognizer", openapi_extra=_FORM)
async def post_plate_recognizer(posted: PostedNow) -> GateResult:
    """A webhook of Plate Recognizer Stream."""
    return await posted.take(NetworkKind.PLATE_RECOGNIZER)


@router.post("/hikvision", openapi_extra=_XML)
async def post_hikvision(posted: PostedNow) -> GateResult:
    """An event of a Hikvision camera, alone or among its pictures."""
    return await posted.take(NetworkKind.HIKVISION)


@router.post("/axis", openapi_extra=_JSON)
async def post_axis(posted: PostedNow) -> GateResult:
    """An event of Axis License Plate Verifier."""
    return await posted.take(NetworkKind.AXIS)
