"""Days of a site's time zone, and what of real time they are.

A local hour of the week is one of 168, from Monday 0:00. On the day on which clocks go back one
local hour is two real ones, and on the day on which they go forward one local hour is none: nothing
is lost and nothing counted twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from cloud_app.errors import CloudError
from cloud_app.storage.bay_events import Window
from cloud_app.storage.steps import QUARTER_MS
from cloud_app.storage.times import from_ms, to_ms

Places: TypeAlias = npt.NDArray[np.int64]
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
HOURS_A_WEEK = 168
# 1 January 1970 was a Thursday.
_FIRST_HOUR = 72
DAYS_MAX = 366


class ReportError(CloudError):
    """A report cannot be made as it was asked for; the text says why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A span in which a zone's clocks stand still.

    Attributes:
        window: the span.
        offset_ms: local time less UTC.
    """

    window: Window
    offset_ms: int


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days.

    Attributes:
        first: day.
        last: day, part of it.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        """Refuse a period that is none, or too long."""
        if not 1 <= self.days <= DAYS_MAX:
            msg = f"expected 1 to {DAYS_MAX} days, but got {self.first} to {self.last}"
            raise ReportError(msg)

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Period:
        """The period of the same length before; of a whole month or year the one before."""
        day = timedelta(days=1)
        if self.first.day == 1 and (self.last + day).day == 1:
            months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month
            return Period(_months_before(self.first, months + 1), self.first - day)
        return Period(self.first - timedelta(days=self.days), self.first - day)

    @property
    def year_before(self) -> Period:
        """The same number of days, 52 weeks before, so that weekdays compare."""
        back = timedelta(weeks=52)
        return Period(self.first - back, self.last - back)

    def window(self, zone: ZoneInfo) -> Window:
        """From the first midnight to the one after the last day."""
        return Window(_midnight_ms(self.first, zone), _midnight_ms(self.last, zone, 1))

    def dates(self) -> Iterator[date]:
        """Its days."""
        for number in range(self.days):
            yield self.first + timedelta(days=number)

    def segments(self, zone: ZoneInfo) -> list[Segment]:
        """The window, cut where the clocks change; a change lies on a whole quarter of an hour."""
        window = self.window(zone)
        cuts = [window.start_ms]
        for day in self.dates():
            start_ms, end_ms = _midnight_ms(day, zone), _midnight_ms(day, zone, 1)
            if _offset_ms(start_ms, zone) != _offset_ms(end_ms, zone):
                cuts.append(_change_ms(start_ms, end_ms, zone))
        spans = zip(cuts, [*cuts[1:], window.end_ms], strict=True)
        return [
            Segment(Window(start_ms, end_ms), _offset_ms(start_ms, zone))
            for start_ms, end_ms in spans
            if start_ms < end_ms
        ]


@dataclass(frozen=True, slots=True, eq=False)
class LocalHours:
    """The local hours of a period, and which quarters of an hour lie in them.

    Attributes:
        window: of the quarters: the period, up to a moment.
        hours: (h,), counted from 1970, each once, in order.
        place: (n,), of each quarter of the window the place of its hour.
        local_ms: (n,), when each quarter began: local time counted from 1970.
    """

    window: Window
    hours: Places
    place: Places
    local_ms: Places

    @classmethod
    def of(cls, segments: Sequence[Segment], until_ms: int) -> LocalHours:
        """Of a period.

        Args:
            segments: of the period, in its zone.
            until_ms: no quarter that begins later is expected.
        """
        start_ms, end_ms = segments[0].window.start_ms, segments[-1].window.end_ms
        local_ms = np.concatenate(
            [
                np.arange(each.window.start_ms, min(each.window.end_ms, until_ms), QUARTER_MS)
                + each.offset_ms
                for each in segments
            ]
        )
        hours, place = np.unique(local_ms // HOUR_MS, return_inverse=True)
        window = Window(start_ms, min(end_ms, start_ms + len(place) * QUARTER_MS))
        return cls(window, hours, place, local_ms)

    @property
    def quarters(self) -> Places:
        """(h,), how many real quarters each hour has."""
        return np.bincount(self.place, minlength=len(self.hours))

    @property
    def week_slots(self) -> Places:
        """(n,), which quarter of its local week each is, 0 to 671 from Monday 0:00."""
        slots: Places = (self.local_ms // QUARTER_MS + _FIRST_HOUR * 4) % (HOURS_A_WEEK * 4)
        return slots

    def sum(self, of_quarters: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Places:
        """(n,) by quarter to (h,) by hour; exact below 2^53."""
        added = np.bincount(self.place, of_quarters, minlength=len(self.hours))
        return added.astype(np.int64)


def hour_of_week(local_hours: Places) -> Places:
    """The places in a week of hours that are counted from 1970 in local time."""
    places: Places = (local_hours + _FIRST_HOUR) % HOURS_A_WEEK
    return places


def local_day(local_hour: int) -> date:
    """The day of such an hour."""
    return date(1970, 1, 1) + timedelta(days=local_hour // 24)


def _months_before(day: date, months: int) -> date:
    place = day.year * 12 + day.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)


def _midnight_ms(day: date, zone: ZoneInfo, later: int = 0) -> int:
    there = datetime.combine(day + timedelta(days=later), datetime.min.time(), zone)
    # A midnight that the clocks leave out is the moment at which they jump.
    return to_ms(there) // QUARTER_MS * QUARTER_MS


def _offset_ms(at_ms: int, zone: ZoneInfo) -> int:
    offset = from_ms(at_ms).astimezone(zone).utcoffset() or timedelta()
    return int(offset.total_seconds() * 1000)


def _change_ms(start_ms: int, end_ms: int, zone: ZoneInfo) -> int:
    """The first quarter after a change of the clocks that lies between two moments."""
    before = _offset_ms(start_ms, zone)
    low, high = start_ms // QUARTER_MS, end_ms // QUARTER_MS
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_ms(middle * QUARTER_MS, zone) == before:
            low = middle
        else:
            high = middle
    return high * QUARTER_MS
