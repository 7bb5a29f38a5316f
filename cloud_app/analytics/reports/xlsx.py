"""A report as a workbook: a sheet for each table, and the heat map in colours."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import xlsxwriter

from cloud_app.analytics.reports.figures import Report
from cloud_app.analytics.reports.tables import Cell, RowTable, TableName, table_of
from cloud_app.analytics.reports.words import REFUSED, Words

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook

_WIDTH_MAX = 32


def xlsx_of(report: Report, words: Words) -> bytes:
    """The report as a file of Office Open XML."""
    buffer = io.BytesIO()
    # Names of lots are text, whatever they begin with.
    book = xlsxwriter.Workbook(
        buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"title": f"{words['report']}: {report.title}", "created": report.made})
    _summary(book, report, words)
    _heat(book, report, words)
    for name in (TableName.FIGURES, TableName.DAYS, TableName.LENGTHS, TableName.AVAILABILITY):
        _table(book, table_of(report, name))
    book.close()
    return buffer.getvalue()


def _summary(book: Workbook, report: Report, words: Words) -> None:
    sheet = book.add_worksheet(words["summary"])
    title, soft = book.add_format({"bold": True, "font_size": 16}), book.add_format({})
    soft.set_font_color("#55616f")
    sheet.write_string(0, 0, report.title, title)
    sheet.write_string(1, 0, words.period(report.first, report.last))
    sheet.write_string(2, 0, f"{words['zones_of_time']} {', '.join(report.time_zones)}", soft)
    total = report.total
    percent, number = book.add_format({"num_format": "0.0%"}), book.add_format({})
    number.set_num_format("#,##0.0")
    rows: list[tuple[str, float | None, Format, float]] = [
        (words["occupancy"], total.occupancy.value, percent, total.occupancy.observed),
        (words["full_share"], total.unmet.share.value, percent, total.unmet.share.observed),
        (
            words["turnover"],
            total.stays.turnover_per_day.value,
            number,
            total.stays.turnover_per_day.observed,
        ),
    ]
    head = _head(book)
    sheet.write_row(4, 0, ["", words["now"], words["observed"]], head)
    for place, (name, value, form, observed) in enumerate(rows, 5):
        sheet.write_string(place, 0, name)
        if value is None:
            sheet.write_string(place, 1, REFUSED)
        else:
            sheet.write_number(place, 1, value, form)
        sheet.write_number(place, 2, observed, percent)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 2, 14)
    wrap = book.add_format({"text_wrap": True, "font_color": "#55616f", "valign": "top"})
    sheet.merge_range(9, 0, 15, 2, words.note, wrap)


def _heat(book: Workbook, report: Report, words: Words) -> None:
    # A sheet's name has at most 31 characters.
    sheet = book.add_worksheet(words["heat"][:31])
    percent = book.add_format({"num_format": "0%", "align": "center"})
    head = _head(book)
    sheet.write_row(0, 1, [f"{hour}:00" for hour in range(24)], head)
    for weekday, name in enumerate(words.weekdays):
        sheet.write_string(weekday + 1, 0, name, head)
    for cell in report.heat:
        if cell.occupancy.value is None:
            sheet.write_string(cell.weekday + 1, cell.hour + 1, REFUSED, percent)
        else:
            sheet.write_number(cell.weekday + 1, cell.hour + 1, cell.occupancy.value, percent)
    scale = {
        "type": "3_color_scale", "min_type": "num", "mid_type": "num", "max_type": "num",
        "min_value": 0, "mid_value": 0.5, "max_value": 1,
        "min_color": "#E2F3EF", "mid_color": "#E9BB57", "max_color": "#A32620",
    }  # fmt: skip
    sheet.conditional_format(1, 1, 7, 24, scale)
    sheet.set_column(1, 24, 6)
    sheet.freeze_panes(1, 1)


def _table(book: Workbook, table: RowTable) -> None:
    sheet = book.add_worksheet(table.name.value)
    sheet.write_row(0, 0, table.heads, _head(book))
    for place, row in enumerate(table.rows, 1):
        for column, value in enumerate(row):
            _write(sheet, place, column, value)
    widths = [len(head) + 2 for head in table.heads]
    for row in table.rows[:200]:
        widths = [max(width, len(_text(cell)) + 1) for width, cell in zip(widths, row, strict=True)]
    for column, width in enumerate(widths):
        sheet.set_column(column, column, min(width, _WIDTH_MAX))
    sheet.freeze_panes(1, 0)
    if table.rows:
        sheet.autofilter(0, 0, len(table.rows), len(table.heads) - 1)


def _write(sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, value: Cell) -> None:
    if isinstance(value, str):
        sheet.write_string(row, column, value)
    elif value is not None:
        sheet.write_number(row, column, value)


def _text(value: Cell) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value or "")


def _head(book: Workbook) -> Format:
    return book.add_format({"bold": True, "bg_color": "#F0F2F5", "bottom": 1})
