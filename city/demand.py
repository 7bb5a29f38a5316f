"""How full a lot would like to be, and how long who comes then stays.

Shares of bays by hour of the day in the lot's own time, for working days, Saturdays and Sundays,
and typical stays. The curves are drawn after what is generally known of such lots (commuters fill a
station by half past eight, a promenade is full on a fine Sunday); none is measured.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Knots = tuple[tuple[float, float], ...]
"""(hour of the day, share of bays) in order; between them straight, over midnight too."""

_SATURDAY, _SUNDAY = 5, 6
_DAY_H = 24.0


class Use(StrEnum):
    """What a lot is for."""

    SHOPPING = "shopping"
    GARAGE = "garage"
    COMMUTERS = "commuters"
    STAFF = "staff"
    VISITORS = "visitors"
    KERB = "kerb"
    RESIDENTS = "residents"
    LEISURE = "leisure"


@dataclass(frozen=True, slots=True)
class Demand:
    """The demand for one kind of lot.

    Attributes:
        weekday: share wanted on working days.
        saturday: on Saturdays.
        sunday: on Sundays.
        stay_s: median stay of who comes at noon.
        commuter_share: of those who come between six and ten on working days, who stay all day.
        day_sd: how much days differ, as a share of the demand.
    """

    weekday: Knots
    saturday: Knots
    sunday: Knots
    stay_s: float
    commuter_share: float = 0.0
    day_sd: float = 0.06

    def __post_init__(self) -> None:
        """Refuse knots that do not rise, and shares that are none."""
        for knots in (self.weekday, self.saturday, self.sunday):
            hours = [hour for hour, _ in knots]
            if hours != sorted(set(hours)) or not 0 <= hours[0] <= hours[-1] < _DAY_H:
                msg = f"hours must rise within a day, but got {hours}"
                raise ValueError(msg)
            if not all(0 <= share <= 1 for _, share in knots):
                msg = f"shares must lie in 0..1, but got {knots}"
                raise ValueError(msg)
        if self.stay_s <= 0 or not 0 <= self.commuter_share <= 1:
            msg = f"expected a stay and a share, but got {self.stay_s}, {self.commuter_share}"
            raise ValueError(msg)

    def share_at(self, local: datetime) -> float:
        """The share of bays that is wanted at a local time."""
        weekday = local.weekday()
        knots = {_SATURDAY: self.saturday, _SUNDAY: self.sunday}.get(weekday, self.weekday)
        return _between(knots, local.hour + local.minute / 60 + local.second / 3600)

    def draw_stay_s(self, local: datetime, rng: random.Random) -> float:
        """How long somebody stays who comes at a local time."""
        if _MORNING[0] <= local.hour < _MORNING[1] and local.weekday() < _SATURDAY:
            if rng.random() < self.commuter_share:
                return max(_COMMUTER_LEAST_S, rng.gauss(_COMMUTER_S, _COMMUTER_SD_S))
        elif local.hour >= _EVENING_H and self.stay_s < _OVERNIGHT_FROM_S:
            # The last guests of the evening do not stay longer; residents come home to stay.
            return self.stay_s * rng.lognormvariate(-0.2, 0.5)
        return min(max(self.stay_s * rng.lognormvariate(0, 0.7), _LEAST_S), _MOST_S)


_MORNING = (6, 10)
_EVENING_H = 19
_LEAST_S, _MOST_S = 240.0, 60 * 3600.0
_OVERNIGHT_FROM_S = 5 * 3600.0
_COMMUTER_S, _COMMUTER_SD_S, _COMMUTER_LEAST_S = 8.6 * 3600, 3600.0, 4 * 3600.0


def _between(knots: Knots, hour: float) -> float:
    """Linear between knots, the last one of a day leading to the first."""
    index = bisect_right([each for each, _ in knots], hour) - 1
    h0, s0 = knots[index]
    h1, s1 = knots[(index + 1) % len(knots)]
    if index == -1:
        h0 -= _DAY_H
    elif index == len(knots) - 1:
        h1 += _DAY_H
    return s0 + (s1 - s0) * (hour - h0) / (h1 - h0) if h1 > h0 else s0


# fmt: off
DEMANDS: dict[Use, Demand] = {
    Use.SHOPPING: Demand(
        weekday=((5, 0.06), (8, 0.22), (10, 0.62), (12, 0.78), (14, 0.70),
                 (17, 0.80), (19, 0.42), (22, 0.12)),
        saturday=((5, 0.06), (8.5, 0.30), (11, 0.94), (14, 0.97),
                  (16, 0.85), (18.5, 0.40), (22, 0.16)),
        sunday=((6, 0.05), (10, 0.14), (14, 0.30), (18, 0.20), (22, 0.08)),
        stay_s=6_300,
    ),
    Use.GARAGE: Demand(
        weekday=((4, 0.12), (7, 0.20), (9.5, 0.72), (12, 0.85), (15, 0.80),
                 (17.5, 0.55), (20, 0.48), (23, 0.20)),
        saturday=((4, 0.14), (9, 0.30), (12, 0.92), (15, 0.99),
                  (18, 0.62), (21, 0.58), (23.5, 0.24)),
        sunday=((5, 0.12), (11, 0.22), (15, 0.40), (19, 0.36), (23, 0.14)),
        stay_s=11_000, commuter_share=0.60,
    ),
    Use.COMMUTERS: Demand(
        weekday=((4, 0.04), (6, 0.12), (7.5, 0.62), (8.75, 0.96), (15.5, 0.97),
                 (17.5, 0.55), (19.5, 0.18), (23, 0.06)),
        saturday=((5, 0.05), (10, 0.24), (15, 0.30), (20, 0.14)),
        sunday=((5, 0.04), (11, 0.14), (18, 0.20), (22, 0.08)),
        stay_s=20_000, commuter_share=0.92, day_sd=0.04,
    ),
    Use.STAFF: Demand(
        weekday=((4, 0.16), (6.5, 0.45), (8, 0.93), (14, 0.95),
                 (16.5, 0.60), (20, 0.34), (23, 0.20)),
        saturday=((4, 0.15), (7, 0.38), (14, 0.45), (20, 0.30), (23, 0.18)),
        sunday=((4, 0.14), (7, 0.34), (14, 0.38), (20, 0.28), (23, 0.17)),
        stay_s=26_000, commuter_share=0.85, day_sd=0.03,
    ),
    Use.VISITORS: Demand(
        weekday=((5, 0.05), (8, 0.48), (10.5, 0.88), (13, 0.78),
                 (16, 0.84), (19, 0.40), (21.5, 0.10)),
        saturday=((6, 0.06), (11, 0.42), (15, 0.66), (18, 0.34), (21, 0.08)),
        sunday=((6, 0.06), (11, 0.40), (15, 0.72), (18, 0.34), (21, 0.08)),
        stay_s=7_200,
    ),
    Use.KERB: Demand(
        weekday=((3, 0.30), (7.5, 0.45), (10, 0.84), (13, 0.90),
                 (16, 0.86), (19, 0.92), (22, 0.66)),
        saturday=((4, 0.40), (9, 0.60), (12, 0.97), (17, 0.93), (20, 0.96), (23.5, 0.70)),
        sunday=((4, 0.42), (10, 0.45), (14, 0.68), (19, 0.72), (23, 0.48)),
        stay_s=8_100,
    ),
    Use.RESIDENTS: Demand(
        weekday=((5, 0.95), (7.5, 0.72), (9.5, 0.50), (14, 0.48), (17.5, 0.72), (20, 0.93)),
        saturday=((6, 0.95), (11, 0.72), (15, 0.68), (20, 0.90)),
        sunday=((6, 0.94), (11, 0.82), (15, 0.74), (20, 0.95)),
        stay_s=37_000, day_sd=0.02,
    ),
    Use.LEISURE: Demand(
        weekday=((5, 0.03), (9, 0.12), (12, 0.36), (15, 0.44),
                 (18.5, 0.58), (20.5, 0.50), (23, 0.10)),
        saturday=((6, 0.04), (10, 0.40), (13, 0.86), (16, 0.92), (19.5, 0.78), (23, 0.14)),
        sunday=((6, 0.04), (10, 0.48), (13, 0.95), (16, 0.98), (18.5, 0.56), (22, 0.08)),
        stay_s=11_000, day_sd=0.22,
    ),
}
# fmt: on
