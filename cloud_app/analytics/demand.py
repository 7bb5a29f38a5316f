"""How full one lot was, on a regular grid of local days: what forecasts are made of.

A day has the same number of slots all year round. The hour that a clock change leaves out is
unknown, and of the hour that comes twice the second reading stands: demand follows the clock on
the wall, not the sun.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from cloud_app.errors import CloudError

Shares: TypeAlias = npt.NDArray[np.float64]
MINUTES_A_DAY = 1440


class ForecastError(CloudError):
    """A forecast cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of a day that are looked at.

    Attributes:
        step_min: length of one; divides an hour or a day.
        first_min: where the first begins, minutes after midnight.
        count: how many follow each other, at most to midnight.
    """

    step_min: int = 15
    first_min: int = 0
    count: int = 96

    def __post_init__(self) -> None:
        """Refuse slots that leave the day."""
        if self.step_min < 1 or self.count < 1 or self.first_min < 0:
            msg = f"slots: expected positive lengths within a day, but got {self}"
            raise ForecastError(msg)
        if self.first_min + self.count * self.step_min > MINUTES_A_DAY:
            msg = f"slots: expected to end by midnight, but got {self}"
            raise ForecastError(msg)

    def place(self, at: datetime) -> tuple[date, int] | None:
        """The day of a local time and the slot nearest to it; None outside of the slots."""
        minutes = at.hour * 60 + at.minute + at.second / 60 - self.first_min
        slot = round(minutes / self.step_min)
        return (at.date(), slot) if 0 <= slot < self.count else None

    def begins(self, day: date, slot: int) -> datetime:
        """The local time of a slot."""
        return datetime.combine(day, time()) + timedelta(
            minutes=self.first_min + slot * self.step_min
        )


@dataclass(frozen=True, slots=True, eq=False)
class DemandGrid:
    """A lot's past.

    Attributes:
        lot: which.
        first_day: of the grid.
        slots: of each day.
        shares: occupied share of the capacity, (days, slots), 0 to 1; NaN where it is not known.
    """

    lot: str
    first_day: date
    slots: Slots
    shares: Shares

    def __post_init__(self) -> None:
        """Refuse shares of another shape."""
        if self.shares.ndim != 2 or self.shares.shape[1] != self.slots.count:  # noqa: PLR2004
            msg = (
                f"lot {self.lot}: expected shares by day and {self.slots.count} slots, "
                f"but got {self.shares.shape}"
            )
            raise ForecastError(msg)

    @classmethod
    def of(
        cls,
        lot: str,
        readings: Iterable[tuple[datetime, float]],
        slots: Slots,
        days: tuple[date, int] | None = None,
    ) -> DemandGrid:
        """Lay readings on the grid.

        Args:
            lot: which.
            readings: local time and occupied share, in order of time; the last of a slot stands.
            slots: of each day.
            days: first day and their number; by default those of the readings.

        Raises:
            ForecastError: there is no reading.
        """
        placed = [
            (*place, share) for at, share in readings if (place := slots.place(at)) is not None
        ]
        if not placed and days is None:
            msg = f"lot {lot}: no readings"
            raise ForecastError(msg)
        first, count = days or (
            placed[0][0],
            (max(day for day, _, _ in placed) - placed[0][0]).days + 1,
        )
        shares = np.full((count, slots.count), np.nan)
        for day, slot, share in placed:
            row = (day - first).days
            if 0 <= row < count:
                shares[row, slot] = min(max(share, 0.0), 1.0)
        return cls(lot, first, slots, shares)

    @property
    def days(self) -> int:
        """How many."""
        return len(self.shares)

    @property
    def known_days(self) -> int:
        """Days of which at least half is known."""
        return int((np.isfinite(self.shares).mean(axis=1) >= 0.5).sum())  # noqa: PLR2004

    def until(self, day: int) -> DemandGrid:
        """The days before that one."""
        return DemandGrid(self.lot, self.first_day, self.slots, self.shares[:day])
