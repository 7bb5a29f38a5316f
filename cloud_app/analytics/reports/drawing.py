"""What the pages of a report are drawn of: headings, tiles, tables, heat map, bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from fpdf import FPDF

from cloud_app.analytics.reports.figures import DayFigure, HeatCell, Mark
from cloud_app.analytics.reports.words import Words

Colour: TypeAlias = tuple[int, int, int]
INK: Colour = (17, 24, 32)
SOFT: Colour = (85, 97, 111)
LINE: Colour = (216, 221, 228)
_PALE: Colour = (245, 246, 248)
_ACCENT: Colour = (17, 106, 150)
# From room to none, as the map has it: told apart by every kind of sight, and on grey paper.
_SCALE: tuple[Colour, ...] = (
    (226, 243, 239), (143, 203, 189), (233, 187, 87), (224, 127, 60), (163, 38, 32),
)  # fmt: skip
_FONT = "DejaVu"
_MARGIN_MM, _WIDTH_MM, _BOTTOM_MM = 16.0, 178.0, 279.0
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, width, height in millimetres."""


def colour_of(share: float) -> Colour:
    """Of how full something is."""
    place = min(max(share, 0.0), 1.0) * (len(_SCALE) - 1)
    low = min(int(place), len(_SCALE) - 2)
    part = place - low
    red, green, blue = (
        round(a + (b - a) * part) for a, b in zip(_SCALE[low], _SCALE[low + 1], strict=True)
    )
    return red, green, blue


class Sheet(FPDF):
    """A page to draw on."""

    def ink(self, colour: Colour, size_pt: float, *, bold: bool = False) -> None:
        """The text that follows."""
        self.set_font(_FONT, "B" if bold else "", size_pt)
        self.set_text_color(*colour)

    def heading(self, text: str, needs_mm: float = 0) -> None:
        """A heading, on a new page where what it stands above has no room on this one."""
        if self.get_y() + 12 + needs_mm > _BOTTOM_MM:
            self.add_page()
        self.ln(5)
        self.ink(INK, 11.5, bold=True)
        self.cell(0, 7, text, new_x="LMARGIN", new_y="NEXT")

    def tile(self, box: Box, name: str, value: str, hint: str) -> None:
        """A figure with its name."""
        left, top, width, height = box
        self.set_fill_color(*_PALE)
        self.rect(left, top, width, height, style="F", round_corners=True, corner_radius=2)
        self._line((left + 3, top + 2.5, width - 6, 4), name, SOFT, 7.2)
        self._line((left + 3, top + 8, width - 6, 8), value, INK, 15, bold=True)
        self._line((left + 3, top + 17, width - 6, 4), hint, SOFT, 7)

    def _line(
        self, box: Box, text: str, colour: Colour, size_pt: float, *, bold: bool = False
    ) -> None:
        """A line of text, smaller where it would not fit."""
        left, top, width, height = box
        self.ink(colour, size_pt, bold=bold)
        while self.get_string_width(text) > width and size_pt > 5:  # noqa: PLR2004
            size_pt -= 0.25
            self.ink(colour, size_pt, bold=bold)
        self.set_xy(left, top)
        self.cell(width, height, text)

    def grid(
        self, heads: Sequence[str], rows: Sequence[Sequence[str]], widths_mm: Sequence[float]
    ) -> None:
        """A table: the first column is text, the others are numbers."""
        self._heads(heads, widths_mm)
        for row in rows:
            if self.get_y() + 6 > _BOTTOM_MM:
                self.add_page()
                self._heads(heads, widths_mm)
            top = self.get_y()
            left = _MARGIN_MM
            for place, (text, width) in enumerate(zip(row, widths_mm, strict=True)):
                self.ink(INK, 8.5)
                self.set_xy(left, top)
                self.cell(width, 5.6, self._cut(text, width - 2), align="R" if place else "L")
                left += width
            self.set_y(top + 5.6)
            self._rule(top + 5.6)

    def _heads(self, heads: Sequence[str], widths_mm: Sequence[float]) -> None:
        top, left, height = self.get_y(), _MARGIN_MM, 0.0
        self.ink(SOFT, 7.2)
        for place, (text, width) in enumerate(zip(heads, widths_mm, strict=True)):
            self.set_xy(left, top)
            self.multi_cell(width, 3.4, text, align="R" if place else "L", new_y="NEXT")
            height = max(height, self.get_y() - top)
            left += width
        self.set_y(top + height + 1)
        self._rule(top + height + 1)

    def _rule(self, at_mm: float) -> None:
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        self.line(_MARGIN_MM, at_mm, _MARGIN_MM + _WIDTH_MM, at_mm)

    def _cut(self, text: str, width_mm: float) -> str:
        if self.get_string_width(text) <= width_mm:
            return text
        while text and self.get_string_width(text + "…") > width_mm:
            text = text[:-1]
        return text + "…"


def draw_heat(sheet: Sheet, cells: Sequence[HeatCell], words: Words) -> None:
    """Hours from left to right, weekdays from top to bottom."""
    top, left = sheet.get_y() + 1, _MARGIN_MM + 9
    width, height = (_WIDTH_MM - 9) / 24, 6.2
    for cell in cells:
        box = (left + cell.hour * width, top + cell.weekday * height)
        _cell(sheet, (*box, width - 0.4, height - 0.4), cell, words)
    sheet.ink(SOFT, 7)
    for weekday, name in enumerate(words.weekdays):
        sheet.set_xy(_MARGIN_MM, top + weekday * height)
        sheet.cell(9, height, name)
    for hour in range(0, 24, 3):
        sheet.set_xy(left + hour * width, top + 7 * height)
        sheet.cell(3 * width, 4, f"{hour}:00")
    sheet.set_y(top + 7 * height + 4)


def _cell(sheet: Sheet, box: Box, cell: HeatCell, words: Words) -> None:
    figure = cell.occupancy
    left, top, width, height = box
    if figure.value is None:
        sheet.set_draw_color(*LINE)
        sheet.set_line_width(0.2)
        sheet.rect(left, top, width, height)
        sheet.line(left, top + height, left + width, top)
        return
    red, green, blue = colour_of(figure.value)
    sheet.set_fill_color(red, green, blue)
    sheet.rect(left, top, width, height, style="F")
    is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 140  # noqa: PLR2004
    sheet.ink((255, 255, 255) if is_dark else INK, 6)
    sheet.set_xy(left, top)
    text = words.number(100 * figure.value)
    sheet.cell(width, height, f"~{text}" if figure.mark is Mark.PARTIAL else text, align="C")


def draw_days(sheet: Sheet, days: Sequence[DayFigure], words: Words) -> None:
    """A bar for each day; a gap where too little was observed."""
    top, height = sheet.get_y() + 2, 30.0
    left, width = _MARGIN_MM + 9, _WIDTH_MM - 9
    _scale(sheet, (left, top, width, height))
    step = width / max(len(days), 7)
    for place, each in enumerate(days):
        value = each.occupancy.value
        if value is None:
            continue
        sheet.set_fill_color(*(_ACCENT if each.occupancy.mark is Mark.WHOLE else (139, 180, 203)))
        size = value * height
        sheet.rect(left + (place + 0.12) * step, top + height - size, 0.76 * step, size, style="F")
    sheet.ink(SOFT, 7)
    every = max(1, -(-len(days) // 8))
    for place in range(0, len(days), every):
        sheet.set_xy(left + place * step, top + height + 0.5)
        day = days[place].day
        sheet.cell(every * step, 4, f"{words.weekdays[day.weekday()]} {day.day}.{day.month}.")
    sheet.set_y(top + height + 5)


def _scale(sheet: Sheet, box: Box) -> None:
    left, top, width, height = box
    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.2)
    for percent in (0, 50, 100):
        at = top + height * (1 - percent / 100)
        sheet.line(left, at, left + width, at)
        sheet.ink(SOFT, 6.5)
        sheet.set_xy(_MARGIN_MM, at - 2)
        sheet.cell(8, 4, f"{percent} %", align="R")


def draw_lengths(sheet: Sheet, counts: Sequence[int], labels: Sequence[str], words: Words) -> None:
    """How many vehicles stayed how long: a line for each class."""
    whole, most = sum(counts), max(counts)
    left, width = _MARGIN_MM + 40, _WIDTH_MM - 40 - 34
    for label, count in zip(labels, counts, strict=True):
        top = sheet.get_y()
        sheet.ink(INK, 8)
        sheet.cell(38, 5.4, label, align="R")
        sheet.set_fill_color(*_PALE)
        sheet.rect(left, top + 0.7, width, 4, style="F")
        sheet.set_fill_color(*_ACCENT)
        sheet.rect(left, top + 0.7, width * count / most, 4, style="F")
        sheet.set_xy(left + width + 1, top)
        share = words.percent(count / whole)
        sheet.cell(33, 5.4, f"{words.number(count)}  ({share})", align="R")
        sheet.set_xy(_MARGIN_MM, top + 5.4)
