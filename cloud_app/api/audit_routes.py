"""The audit log: read by page, exported whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from cloud_app.accounts.audit import ActorKind, AuditFilter, Subject, every_line, lines, record
from cloud_app.api.account_views import AuditLine, TenantName
from cloud_app.api.context import ActorNow, Caller, Context
from cloud_app.api.export import written
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Limit, Moment
from cloud_app.storage.database import Row
from cloud_app.storage.times import from_ms, to_ms

router = APIRouter(
    prefix="/api/v1", tags=["audit"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)

_COLUMNS = (
    "id", "at", "actor_kind", "actor", "address", "action", "subject_kind", "subject", "tenant",
    "before", "after",
)  # fmt: skip


class ExportFormat(StrEnum):
    """Export formats of the audit log."""

    CSV = "csv"
    NDJSON = "ndjson"


_Text = Annotated[str | None, Query(max_length=200)]


@dataclass(frozen=True)
class AuditQuery:
    """Which lines a request wants."""

    tenant: Annotated[TenantName | None, Query()] = None
    actor: _Text = None
    action: Annotated[
        str | None, Query(max_length=60, description="role finds role.grant and role.revoke")
    ] = None
    subject: _Text = None
    start: Annotated[Moment | None, Query()] = None
    end: Annotated[Moment | None, Query()] = None

    def of(self, access: Caller) -> AuditFilter:
        """Of the lines that the caller may see."""
        seen = frozenset(map(str, access.tenants))
        return AuditFilter(
            tenants=seen if self.tenant is None else seen & {self.tenant},
            people=self.tenant is None,
            actor=self.actor,
            action=self.action,
            subject=self.subject,
            start_ms=None if self.start is None else to_ms(self.start),
            end_ms=None if self.end is None else to_ms(self.end),
        )


Wanted = Annotated[AuditQuery, Depends()]


@router.get("/audit")
def get_audit(
    query: Wanted,
    access: Caller,
    context: Context,
    limit: Limit = 100,
    before: Annotated[
        str | None, Query(max_length=60, description="id of the last line of the page before")
    ] = None,
) -> list[AuditLine]:
    """List audit log entries, newest first."""
    wanted = replace(query.of(access), before=before)
    with context.database.read() as session:
        return [line_of(row) for row in lines(session, wanted, limit)]


def line_of(row: Row) -> AuditLine:
    """A line as the API shows it."""
    return AuditLine(
        id=row.audit,
        at=from_ms(row.at_ms),
        actor_kind=ActorKind(row.actor_kind),
        actor=row.actor,
        address=row.address,
        action=row.action,
        subject_kind=row.subject_kind,
        subject=row.subject,
        tenant=row.tenant,
        before=_facts(row.before),
        after=_facts(row.after),
    )


def _facts(text: str | None) -> dict[str, Any] | None:
    return None if text is None else json.loads(text)


_MEDIA = {ExportFormat.CSV: "text/csv; charset=utf-8", ExportFormat.NDJSON: "application/x-ndjson"}


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, "application/x-ndjson": {}}}},
)
def get_export(
    query: Wanted,
    access: Caller,
    actor: ActorNow,
    context: Context,
    form: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.CSV,
) -> StreamingResponse:
    """Export matching entries as a file; the export itself is logged."""
    wanted = query.of(access)
    with context.database.write() as session:
        facts = {"format": form.value}
        record(session, actor, "audit.export", Subject("person", actor.name), None, facts)
    rows = every_line(context.database, wanted)
    return StreamingResponse(
        file_of(rows, form),
        media_type=_MEDIA[form],
        headers={
            "Content-Disposition": f'attachment; filename="audit.{form.value}"',
            "Cache-Control": "no-store",
        },
    )


def file_of(rows: Iterator[Row], form: ExportFormat) -> Iterator[str]:
    """Rows as the text of a file, in pieces."""
    if form is ExportFormat.CSV:
        return written(_COLUMNS, map(_cells, rows))
    return (line_of(row).model_dump_json() + "\n" for row in rows)


def _cells(row: Row) -> list[Any]:
    told = line_of(row).model_dump(mode="json") | {"before": row.before, "after": row.after}
    return [told[name] for name in _COLUMNS]
