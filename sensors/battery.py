"""How long a battery will last, from the levels that a device told: with an interval, or not.

A line through the daily medians, by Theil and Sen: its slope is the median of all pairs' slopes, so
that days of frost and single wrong readings hardly move it, and it has a distribution-free interval
(Sen 1968; scipy.stats.theilslopes). A level in percent only: lithium cells hold their voltage until
shortly before their end, so that a line through volts would promise years to the last week.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

DAY_S: Final = 86_400.0
LEAST_DAYS, LEAST_SPAN_D = 10, 14.0
"""Days with a reading, and from the first to the last: fewer say more of the weather."""
EMPTY_PCT: Final = 5.0
FAR_D: Final = 3_650.0
"""No line drawn over weeks says more than that it is far away."""
_NEW_BATTERY_PCT = 20.0
"""A rise by so much from one day to the next is a new battery, not the sun."""
_CONFIDENCE = 0.95
"""Of the slope: the middle has an error of its own, and nine ends in ten are to lie within."""


@dataclass(frozen=True, slots=True)
class BatteryForecast:
    """How many days are left.

    Attributes:
        days: most likely; None: nothing can be said.
        low: with 95 % it lasts longer.
        high: with 95 % it ends sooner; None: no end is in sight.
        why: why nothing can be said; empty otherwise.
    """

    days: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""


def forecast_battery(readings: Iterable[tuple[float, float]], now_s: float) -> BatteryForecast:
    """How long a battery will last.

    Args:
        readings: (time in seconds, level in percent), in any order.
        now_s: the moment from which days are counted.
    """
    days = _since_new_battery(_daily(readings))
    if len(days) < LEAST_DAYS or days[-1][0] - days[0][0] < LEAST_SPAN_D:
        span_d = days[-1][0] - days[0][0] if days else 0.0
        why = (
            f"expected levels of {LEAST_DAYS} days over {LEAST_SPAN_D:.0f} days with one battery, "
            f"but got {len(days)} over {span_d:.0f}"
        )
        return BatteryForecast(why=why)
    now_d = now_s / DAY_S
    times, levels = [at for at, _ in days], [level for _, level in days]
    from scipy import stats  # slow to import, and seldom needed

    slope, _, steep, flat = map(float, stats.theilslopes(levels, times, _CONFIDENCE))
    # Each line turns about the middle of the readings, so that a steeper one is lower today too.
    middle_d, middle = median(times), median(levels)
    if levels[-1] <= EMPTY_PCT:
        return BatteryForecast(0.0, 0.0, 0.0)
    if slope >= 0:
        return BatteryForecast(why="its level does not fall measurably")
    ends = [middle_d + _days_left(middle, each) - now_d for each in (steep, slope, flat)]
    low, likely, high = (max(0.0, each) if each <= FAR_D else None for each in ends)
    return BatteryForecast(FAR_D if likely is None else likely, low, high)


def _days_left(level: float, slope: float) -> float:
    """Until a line reaches the empty level."""
    return math.inf if slope >= 0 else (level - EMPTY_PCT) / -slope


def _daily(readings: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    by_day: dict[int, list[float]] = {}
    for at_s, level in readings:
        if math.isfinite(level) and 0 <= level <= 100:  # noqa: PLR2004 - percent
            by_day.setdefault(int(at_s // DAY_S), []).append(level)
    return [(float(day), median(levels)) for day, levels in sorted(by_day.items())]


def _since_new_battery(days: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    start = 0
    for index in range(1, len(days)):
        if days[index][1] - days[index - 1][1] >= _NEW_BATTERY_PCT:
            start = index
    return days[start:]
