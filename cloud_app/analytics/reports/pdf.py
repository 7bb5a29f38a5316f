"""A report as PDF: A4 pages that can be printed and handed on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cloud_app.analytics.reports.drawing import INK, SOFT, Sheet, draw_days, draw_heat
from cloud_app.analytics.reports.drawing import draw_lengths as _draw_lengths
from cloud_app.analytics.reports.figures import Figure, Figures, Report
from cloud_app.analytics.reports.words import REFUSED, Words, marked

_FONTS = Path(__file__).parent / "fonts"
_FONT = "DejaVu"
_MARGIN_MM, _WIDTH_MM = 16.0, 178.0


class _Document(Sheet):
    """Pages with a foot."""

    def __init__(self, words: Words, foot: str) -> None:
        super().__init__(format="A4")
        self._words = words
        self._foot = foot
        self.add_font(_FONT, "", _FONTS / "DejaVuSansCondensed.ttf")
        self.add_font(_FONT, "B", _FONTS / "DejaVuSansCondensed-Bold.ttf")
        self.set_margins(_MARGIN_MM, 15)
        self.set_auto_page_break(True, 18)
        self.alias_nb_pages()

    def footer(self) -> None:
        """At the end of each page."""
        self.set_y(-12)
        self.ink(SOFT, 7.5)
        self.cell(_WIDTH_MM - 30, 4, self._foot)
        self.cell(30, 4, f"{self._words['page']} {self.page_no()} / {{nb}}", align="R")


def pdf_of(report: Report, words: Words) -> bytes:
    """The report as a file of PDF."""
    period = words.period(report.first, report.last)
    sheet = _Document(words, f"lotsight · {report.title} · {period}")
    sheet.set_title(f"{words['report']}: {report.title}, {period}")
    sheet.set_lang(words.language.value)
    # The same report is the same file.
    sheet.set_creation_date(report.made)
    sheet.add_page()
    _head(sheet, report, words)
    _tiles(sheet, report.total, words)
    sheet.heading(words["heat"])
    draw_heat(sheet, report.heat, words)
    sheet.heading(words["days"], 46)
    draw_days(sheet, report.days, words)
    if report.total.stays.count:
        sheet.heading(words["lengths"], 58)
        bounds = report.length_bounds_min
        labels = [words.length_class(bounds, place) for place in range(len(bounds))]
        _draw_lengths(sheet, report.total.stays.lengths, labels, words)
    _comparison(sheet, report, words)
    if len(report.lots) > 1:
        _figures_table(sheet, words["lots"], words["lot"], report.lots, words)
    if len(report.zones) > 1:
        named = [
            each.model_copy(update={"name": each.name or words["no_zone"]}) for each in report.zones
        ]
        _figures_table(sheet, words["zones"], words["zone"], named, words)
    if len(report.kinds) > 1:
        named = [
            each.model_copy(update={"name": words.code("kind", each.name)}) for each in report.kinds
        ]
        _figures_table(sheet, words["kinds"], words["kind"], named, words)
    _availability(sheet, report, words)
    sheet.ln(3)
    sheet.ink(SOFT, 7.5)
    sheet.multi_cell(_WIDTH_MM, 3.6, words.note, align="L")
    return bytes(sheet.output())


def _head(sheet: Sheet, report: Report, words: Words) -> None:
    sheet.ink(SOFT, 9)
    sheet.cell(0, 5, words["report"].upper(), new_x="LMARGIN", new_y="NEXT")
    sheet.ink(INK, 19, bold=True)
    sheet.multi_cell(_WIDTH_MM, 9, report.title, align="L", new_x="LMARGIN", new_y="NEXT")
    sheet.ink(INK, 11)
    period = words.period(report.first, report.last)
    sheet.cell(0, 6, period, new_x="LMARGIN", new_y="NEXT")
    sheet.ink(SOFT, 8)
    zones = ", ".join(report.time_zones)
    facts = [
        f"{words['zones_of_time']} {zones}",
        f"{words['made']} {report.made:%Y-%m-%d %H:%M} UTC",
    ]
    sheet.cell(0, 5, "   ·   ".join(facts), new_x="LMARGIN", new_y="NEXT")
    sheet.ln(3)


def _tiles(sheet: Sheet, total: Figures, words: Words) -> None:
    full, stays = total.unmet.full_min, total.stays
    turnover = stays.turnover_per_day
    longest = total.unmet.longest_min
    peak = total.peak
    tiles = (
        (words["occupancy"], words.share(total.occupancy), _observed(total.occupancy, words)),
        (
            words["peak"],
            REFUSED if peak is None else words.percent(peak.occupancy),
            "" if peak is None else words.moment(peak.start),
        ),
        (
            words["full"],
            REFUSED if full.value is None else marked(full, words.span(full.value)),
            f"{words['longest']} {words.span(longest)}" if longest else _observed(full, words),
        ),
        (
            words["turnover"],
            REFUSED
            if turnover.value is None
            else marked(turnover, words.number(turnover.value, 1)),
            f"{words.number(stays.count)} {words['stays']}",
        ),
        (
            words["median"],
            REFUSED if stays.median_min is None else words.span(stays.median_min),
            "" if stays.p90_min is None else f"{words['p90']} {words.span(stays.p90_min)}",
        ),
    )
    gap, height = 3.0, 23.0
    width = (_WIDTH_MM - gap * (len(tiles) - 1)) / len(tiles)
    top = sheet.get_y()
    for place, (name, value, hint) in enumerate(tiles):
        sheet.tile((_MARGIN_MM + place * (width + gap), top, width, height), name, value, hint)
    sheet.set_y(top + height + 2)


def _rate(figure: Figure, words: Words) -> str:
    return REFUSED if figure.value is None else marked(figure, words.number(figure.value, 1))


def _observed(figure: Figure, words: Words) -> str:
    return f"{words['observed']} {words.percent(figure.observed)}"


def _comparison(sheet: Sheet, report: Report, words: Words) -> None:
    other = report.compared
    if other is None:
        return
    sheet.heading(f"{words['compared']} {words.period(other.first, other.last)}", 40)
    before, now = other.total, report.total
    turnover = (before.stays.turnover_per_day, now.stays.turnover_per_day)
    rows = [
        _change(words["occupancy"], before.occupancy, now.occupancy, words, is_share=True),
        _change(words["full_share"], before.unmet.share, now.unmet.share, words, is_share=True),
        _change(words["turnover"], *turnover, words),
    ]
    heads = ("", words["before"], words["now"], words["change"])
    sheet.grid(heads, rows, (70, 36, 36, 36))


def _change(
    name: str, before: Figure, now: Figure, words: Words, *, is_share: bool = False
) -> list[str]:
    def text(figure: Figure) -> str:
        if is_share or figure.value is None:
            return words.share(figure, 1)
        return marked(figure, words.number(figure.value, 2))

    if before.value is None or now.value is None:
        return [name, text(before), text(now), REFUSED]
    change = now.value - before.value
    sign = "+" if change > 0 else "−" if change < 0 else ""
    size = abs(change)
    told = f"{words.number(100 * size, 1)} {words['points']}" if is_share else words.number(size, 2)
    return [name, text(before), text(now), f"{sign}{told}"]


def _figures_table(
    sheet: Sheet, title: str, head: str, rows: Sequence[Figures], words: Words
) -> None:
    sheet.heading(title, 30)
    heads = (
        head, words["bays"], words["occupancy"], words["full_share"], words["turnover"],
        words["median"], words["observed"],
    )  # fmt: skip
    sheet.grid(heads, [_row(each, words) for each in rows], (52, 17, 21, 22, 24, 22, 20))


def _row(each: Figures, words: Words) -> list[str]:
    turnover = each.stays.turnover_per_day
    median = each.stays.median_min
    return [
        each.name if each.site is None else f"{each.name} ({each.site})",
        words.number(each.bays),
        words.share(each.occupancy),
        words.share(each.unmet.share, 1),
        _rate(turnover, words),
        REFUSED if median is None else words.span(median),
        words.percent(each.occupancy.observed),
    ]


def _availability(sheet: Sheet, report: Report, words: Words) -> None:
    told = report.availability
    sheet.heading(words["availability"], 34)
    rows = [
        [words["known"], words.number(told.bay_hours * told.known), words.percent(told.known, 1)],
        *(
            [
                words.code("cause", each.cause),
                words.number(each.bay_hours),
                words.percent(each.share, 1),
            ]
            for each in told.causes
        ),
    ]
    if told.away_bay_hours:
        share = told.away_bay_hours / told.bay_hours if told.bay_hours else 0.0
        rows.append([words["away"], words.number(told.away_bay_hours), words.percent(share, 1)])
    sheet.grid((words["cause"], words["bay_hours"], words["share"]), rows, (98, 40, 40))
