"""A report as a file: PDF, XLSX or CSV."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from enum import StrEnum

from cloud_app.analytics.reports.figures import Report
from cloud_app.analytics.reports.tables import TableName, table_of
from cloud_app.analytics.reports.words import Language, Words

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class FileKind(StrEnum):
    """Of a file."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"


_TYPES = {
    FileKind.PDF: "application/pdf",
    FileKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileKind.CSV: "text/csv; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file.

    Attributes:
        name: ASCII.
        media_type: of its content.
        content: of it.
    """

    name: str
    media_type: str
    content: bytes


def file_of(
    report: Report,
    kind: FileKind,
    language: Language,
    table: TableName = TableName.FIGURES,
) -> ReportFile:
    """A report as a file.

    Args:
        report: which.
        kind: of the file.
        language: of its texts; CSV files are for programs and have none.
        table: of a CSV file; the others have all.
    """
    words = Words(language)
    match kind:
        case FileKind.PDF:
            # Not at the start: the library takes 0.2 s to load.
            from cloud_app.analytics.reports.pdf import pdf_of

            content = pdf_of(report, words)
        case FileKind.XLSX:
            from cloud_app.analytics.reports.xlsx import xlsx_of

            content = xlsx_of(report, words)
        case FileKind.CSV:
            content = _csv(report, table)
    title = re.sub(r"[^a-z0-9]+", "-", report.title.lower()).strip("-") or "report"
    more = f"_{table.value}" if kind is FileKind.CSV and table is not TableName.FIGURES else ""
    name = f"lotsight_{title}_{report.first}_{report.last}{more}.{kind.value}"
    return ReportFile(name, _TYPES[kind], content)


def _csv(report: Report, name: TableName) -> bytes:
    table = table_of(report, name)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(table.heads)
    for row in table.rows:
        writer.writerow(
            [
                f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
                for value in row
            ]
        )
    return buffer.getvalue().encode()
