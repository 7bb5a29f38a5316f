"""A replay of the observed demand against another number of bays.

What is observed is how many vehicles stood there, and that is demand cut off at the capacity: while
a lot is full nobody knows how many drove on. The replay works on the demand in bays, a quarter of
an hour at a time:

1. Where the lot was not full, the demand is what stood there.
2. Where it was full, the demand is at least the capacity. How far above is estimated from the same
   quarter of other weeks, in which the lot was not always full: its demand is taken to be normal,
   cut off at the capacity (a tobit model; Tobin, Econometrica 26, 1958), and a full quarter counts
   with its expected value above the capacity. The spread is that of the quarters of the week that
   were never full. Of a quarter that was full in every week one more week is added in which it was
   just full: the estimate is then a lower bound (`Observed.is_always_full`), and is told as one.
3. Another price changes the demand by a stated elasticity: demand x (new / old)^elasticity. It is
   an assumption of whoever asks, not a finding.
4. Another capacity serves min(demand, capacity); the rest is unmet.

Nothing is said of where else the unmet vehicles go, nor of traffic that more bays attract.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from cloud_app.analytics.past import FULL_SHARE
from cloud_app.analytics.reports.period import ReportError

Floats: TypeAlias = npt.NDArray[np.float64]
Places: TypeAlias = npt.NDArray[np.int64]

QUARTER_H = 0.25
_ROUNDS = 30
_SMALLEST_SPREAD = 0.5
_BAYS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked.

    Attributes:
        bays: added, or closed where negative.
        price: new price for one now; 1 leaves it.
        elasticity: change of the demand in per cent for one per cent of price; 0 or negative.
    """

    bays: int = 0
    price: float = 1.0
    elasticity: float = -0.3

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        if abs(self.bays) > _BAYS_MAX:
            msg = f"expected at most {_BAYS_MAX} bays more or fewer, but got {self.bays}"
            raise ReportError(msg)
        if not 0.05 <= self.price <= 20:  # noqa: PLR2004
            msg = f"expected a new price of 0.05 to 20 times the old one, but got {self.price}"
            raise ReportError(msg)
        if not -3 <= self.elasticity <= 0:  # noqa: PLR2004
            msg = f"expected an elasticity of -3 to 0, but got {self.elasticity}"
            raise ReportError(msg)


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """What stood in a lot.

    Attributes:
        slot: (n,), quarter of the local week, 0 to 671.
        occupied: (n,), vehicles in the known bays, scaled to all bays.
        bays: how many there are.
    """

    slot: Places
    occupied: Floats
    bays: int

    @property
    def is_full(self) -> npt.NDArray[np.bool_]:
        """(n,)."""
        return self.occupied >= FULL_SHARE * self.bays

    @property
    def is_always_full(self) -> npt.NDArray[np.bool_]:
        """(n,), whether the lot was full in this quarter of every week: no week bounds the demand.

        What is said of such a demand is a lower bound.
        """
        open_slots = np.unique(self.slot[~self.is_full])
        always: npt.NDArray[np.bool_] = ~np.isin(self.slot, open_slots)
        return always


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a number of bays makes of a demand, means over the observed time.

    Attributes:
        bays: how many.
        demand: bays that would be wanted.
        served: bays in use.
        occupancy: of the bays; 0 where there are none.
        full_share: of the time with no free bay.
        unmet_bay_hours_a_day: demand that found no bay.
    """

    bays: int
    demand: float
    served: float
    occupancy: float
    full_share: float
    unmet_bay_hours_a_day: float


def demand_of(observed: Observed) -> Floats:
    """The demand behind what was observed, (n,), bays."""
    full = observed.is_full
    demand = observed.occupied.copy()
    if not full.any():
        return demand
    spread = _common_spread(observed, full)
    bound = FULL_SHARE * observed.bays
    for slot in np.unique(observed.slot[full]):
        here = observed.slot == slot
        mean = _censored(observed.occupied[here], full[here], bound, spread)
        above = _mean_above(mean, spread, bound)
        demand[here & full] = np.maximum(above, observed.occupied[here & full])
    return demand


def outcome(demand: Floats, bays: int) -> Outcome:
    """What a number of bays makes of a demand.

    Args:
        demand: (n,), bays.
        bays: how many there are to be.
    """
    served = np.minimum(demand, bays)
    # Fewer than one bay in fifty free: as a report says that a lot is full.
    full = demand >= FULL_SHARE * bays
    return Outcome(
        bays=bays,
        demand=float(demand.mean()),
        served=float(served.mean()),
        occupancy=float(served.mean() / bays) if bays else 0.0,
        full_share=float(full.mean()),
        unmet_bay_hours_a_day=float((demand - served).mean() * 24),
    )


def replay(observed: Observed, change: Change) -> tuple[Outcome, Outcome]:
    """What is so now, and what would be.

    Raises:
        ReportError: nothing was observed, or no bay would be left to change.
    """
    if not len(observed.occupied):
        msg = "nothing was observed of this lot, so nothing can be said of another number of bays"
        raise ReportError(msg)
    if observed.bays + change.bays < 0:
        msg = f"expected at most {observed.bays} bays to be closed, but got {-change.bays}"
        raise ReportError(msg)
    demand = demand_of(observed)
    changed = demand * change.price**change.elasticity
    return outcome(demand, observed.bays), outcome(changed, observed.bays + change.bays)


def _common_spread(observed: Observed, full: npt.NDArray[np.bool_]) -> float:
    """The mean standard deviation of the slots that were never full."""
    spreads = []
    for slot in np.unique(observed.slot[~full]):
        here = observed.slot == slot
        if not full[here].any() and here.sum() > 1:
            spreads.append(float(observed.occupied[here].std(ddof=1)))
    found = float(np.mean(spreads)) if spreads else 0.1 * observed.bays
    return max(found, _SMALLEST_SPREAD)


def _censored(occupied: Floats, full: npt.NDArray[np.bool_], bound: float, spread: float) -> float:
    """Mean of a slot's demand, cut off at the capacity, by expectation maximisation."""
    if full.all():
        occupied, full = np.append(occupied, bound), np.append(full, False)
    mean = float(occupied.mean())
    for _ in range(_ROUNDS):
        above = _mean_above(mean, spread, bound)
        mean = float(np.where(full, above, occupied).mean())
    return mean


def _mean_above(mean: float, spread: float, bound: float) -> float:
    """The expected value of a normal demand that is at least a bound."""
    z = (bound - mean) / spread
    tail = 0.5 * math.erfc(z / math.sqrt(2))
    if tail < 1e-9:  # noqa: PLR2004  # far above: the quotient would lose its figures
        return bound + spread / max(z, 1.0)
    density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    # Not beyond twice the capacity: of a slot that is always full nothing bounds it.
    return min(max(mean + spread * density / tail, bound), 2.0 * bound)
