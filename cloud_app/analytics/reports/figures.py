"""What a report says: figures, each with the share of the time that it rests on."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

LEAST_OBSERVED = 0.5
"""A figure of less is refused."""
WELL_OBSERVED = 0.9
"""A figure of less is marked."""


class Mark(StrEnum):
    """How far a figure can be trusted."""

    WHOLE = "whole"
    PARTIAL = "partial"
    REFUSED = "refused"


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class Figure(_View):
    """A figure."""

    value: float | None = Field(description="null where it is refused")
    observed: float = Field(ge=0, le=1, description="share of the time that it rests on")
    mark: Mark = Field(description=f"refused below {LEAST_OBSERVED}, partial below {WELL_OBSERVED}")

    @classmethod
    def of(cls, value: float | None, observed: float) -> Figure:
        """A figure, refused where too little was observed."""
        observed = round(min(max(observed, 0.0), 1.0), 4)
        if value is None or observed < LEAST_OBSERVED:
            return cls(value=None, observed=observed, mark=Mark.REFUSED)
        mark = Mark.WHOLE if observed >= WELL_OBSERVED else Mark.PARTIAL
        return cls(value=value, observed=observed, mark=mark)


class HeatCell(_View):
    """An hour of the week: how full."""

    weekday: int = Field(ge=0, le=6, description="0 is Monday")
    hour: int = Field(ge=0, le=23)
    occupancy: Figure


class DayFigure(_View):
    """A day: how full."""

    day: date
    occupancy: Figure


class Peak(_View):
    """The fullest hour; among hours of which enough was observed."""

    start: datetime = Field(description="in the site's time zone")
    occupancy: float


class Unmet(_View):
    """Time in which whoever came found no bay."""

    full_min: Figure = Field(description="a quarter of an hour is full at 98 % of the known bays")
    share: Figure = Field(description="of the observed time")
    spells: int | None = Field(description="times without a break; null for several lots together")
    longest_min: int | None


class Stays(_View):
    """Vehicles that left; the day on which they left counts."""

    turnover_per_day: Figure = Field(description="vehicles a bay a day")
    count: int
    unsure: int = Field(description="of these, the bay was unknown for a while meanwhile")
    mean_min: float | None
    median_min: float | None
    p90_min: float | None
    lengths: tuple[int, ...] = Field(description="how many by class of `length_bounds_min`")


class Figures(_View):
    """What is said of a lot, or a part of it, or all together."""

    site: str | None
    lot: str | None
    name: str
    bays: int
    occupancy: Figure
    peak: Peak | None
    unmet: Unmet
    stays: Stays


class CauseShare(_View):
    """Why bays were not known."""

    cause: str = Field(description="`not_kept`: nothing was told of that time")
    bay_hours: float
    share: float = Field(description="of all time of all bays")


class SystemAvailability(_View):
    """How much of the time the system knew what was so."""

    bay_hours: float = Field(description="all time of all bays")
    known: float = Field(description="share of it")
    causes: tuple[CauseShare, ...]
    away_bay_hours: float = Field(
        description="edge boxes that could not be reached; what they saw meanwhile came later"
    )


class ComparedPeriod(_View):
    """Two periods beside each other."""

    first: date
    last: date
    total: Figures
    heat: tuple[HeatCell, ...]
    lots: tuple[Figures, ...]


class Report(_View):
    """A report."""

    title: str
    first: date
    last: date
    time_zones: tuple[str, ...]
    made: datetime
    total: Figures
    heat: tuple[HeatCell, ...] = Field(description="168 hours of the week, from Monday 0:00")
    days: tuple[DayFigure, ...]
    lots: tuple[Figures, ...]
    zones: tuple[Figures, ...] = Field(description="of a report on one lot")
    kinds: tuple[Figures, ...]
    availability: SystemAvailability
    length_bounds_min: tuple[int, ...] = Field(
        description="of the classes of `lengths`; the last has no end"
    )
    compared: ComparedPeriod | None
