"""Reports: figures of a period, as JSON or as a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Response, status

from cloud_app.analytics.past import every_site, zone_of
from cloud_app.analytics.reports.figures import Report
from cloud_app.analytics.reports.files import FileKind, file_of
from cloud_app.analytics.reports.making import Compared, Order, last_days, make_report
from cloud_app.analytics.reports.period import Period, ReportError
from cloud_app.analytics.reports.tables import TableName
from cloud_app.analytics.reports.words import Language, Words
from cloud_app.api.context import Reading, ReadingRequest
from cloud_app.api.parameters import (
    FIRST_MOMENT,
    LAST_MOMENT,
    REFUSALS,
    Bearer,
    KnownQuery,
    Lot,
    Site,
)

router = APIRouter(
    prefix="/api/v1", tags=["reports"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)

_DAYS = 28


class ReportForm(StrEnum):
    """How a report is answered."""

    JSON = "json"
    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"


_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Report,
        "content": {
            "text/csv": {},
            "application/pdf": {},
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {},
        },
    }
}
First = Annotated[
    date | None,
    Query(alias="from", description="first day, in each site's time zone; 28 days if absent"),
]
Last = Annotated[date | None, Query(alias="to", description="last day; yesterday if absent")]


@dataclass(frozen=True, slots=True)
class Where:
    """Which lots, among those that the caller sees."""

    site: str | None
    lot: str | None
    sites: tuple[str, ...]


def _where(reading: Reading, site: Site = None, lot: Lot = None) -> Where:
    if lot is not None:
        if site is None:
            told = "expected `site` beside `lot`"
            raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, told)
        reading.lot(site, lot)
    if site is not None:
        return Where(site, lot, (reading.site(site),))
    seen = reading.access.sites
    return Where(None, None, tuple(filter(seen.sees, every_site(reading.session))))


AskedWhere = Annotated[Where, Depends(_where)]


def _asked_period(
    reading: Reading, where: AskedWhere, first: First = None, last: Last = None
) -> Period:
    return _period(reading, where.sites, (first, last))


AskedPeriod = Annotated[Period, Depends(_asked_period)]


@dataclass(frozen=True, slots=True)
class Output:
    """How a report is answered."""

    form: ReportForm
    table: TableName
    language: Language


def _output(
    form: Annotated[ReportForm, Query(alias="format")] = ReportForm.JSON,
    table: Annotated[TableName, Query(description="of a CSV file")] = TableName.FIGURES,
    language: Annotated[Language, Query(description="of PDF and XLSX files")] = Language.EN,
) -> Output:
    return Output(form, table, language)


@router.get("/reports", responses=_FILES)
def get_report(
    reading: Reading,
    where: AskedWhere,
    period: AskedPeriod,
    output: Annotated[Output, Depends(_output)],
    compared: Annotated[Compared, Query(description="beside which other period")] = Compared.NONE,
) -> Response:
    """How full lots were, how long vehicles stayed, and how much of the time that rests on.

    No figure is made up: below half of the time observed it is null and its mark says `refused`.
    """
    title = where.lot or where.site or Words(output.language)["all_lots"]
    order = Order(where.sites, where.lot, period, compared, title)
    report = make_report(reading.session, order, reading.context.clock.utc())
    if output.form is ReportForm.JSON:
        return Response(report.model_dump_json(), media_type="application/json")
    made = file_of(report, FileKind(output.form), output.language, output.table)
    headers = {
        "Content-Disposition": f'attachment; filename="{made.name}"',
        "Cache-Control": "no-store",
    }
    return Response(made.content, media_type=made.media_type, headers=headers)


def _period(
    reading: ReadingRequest, sites: tuple[str, ...], days: tuple[date | None, date | None]
) -> Period:
    first, last = days
    for day in days:
        if day is not None and not FIRST_MOMENT.date() <= day < LAST_MOMENT.date():
            msg = f"expected days of {FIRST_MOMENT.year} to {LAST_MOMENT.year - 1}, but got {day}"
            raise ReportError(msg)
    now = reading.context.clock.utc()
    today = now.astimezone(zone_of(reading.session, sites[0])).date() if sites else now.date()
    usual = last_days(today, _DAYS)
    if last is None:
        last = usual.last
    if first is None:
        first = last_days(last, _DAYS - 1).first
    return Period(first, last)
