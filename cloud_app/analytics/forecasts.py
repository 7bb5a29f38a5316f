"""Forecasts as the service makes them: of the lots of a site, and of their zones and kinds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from cloud_app.analytics.calendars import Calendar, DayNote, events_of
from cloud_app.analytics.demand import DemandGrid, ForecastError
from cloud_app.analytics.fits import Learned, learned_of, learned_of_parts
from cloud_app.analytics.forecast import Forecast, ForecastModel
from cloud_app.analytics.forecast.model import LEAST_DAYS, Bounds
from cloud_app.analytics.past import (
    QUARTERS,
    LotPart,
    Part,
    parts_among,
    past_of,
    past_of_parts,
    with_now,
    zone_of,
)
from cloud_app.analytics.widths import Widths
from cloud_app.storage.database import Session
from cloud_app.storage.queries import Now, lots_now, parts_now
from cloud_app.storage.times import from_ms
from cloud_app.views import Counts

_STALE_FIT_MS = 7 * 86_400_000
_READ_DAYS = LEAST_DAYS + 1 + 7


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class ForecastPoint(_View):
    """Predicted free bays at one time."""

    at: datetime
    free: float = Field(description="expected number of free bays")
    free_low: float = Field(description="lower bound of the 80 % interval")
    free_high: float = Field(description="upper bound of the 80 % interval")


class LotForecast(_View):
    """Forecast for a lot, or for one of its zones."""

    site: str
    lot: str
    zone: str | None = Field(description="null: the whole lot")
    zones: tuple[str, ...] = Field(description="of the lot, if it has several")
    bays: int = Field(description="bays with a known state: neither closed nor unknown")
    learned: datetime | None = Field(description="when the forecast model was last trained")
    reason: str | None = Field(description="why there are no points; null if there are")
    points: tuple[ForecastPoint, ...]
    notes: tuple[DayNote, ...] = Field(default=(), description="holidays and local events")


def counts_of_parts(bays: Mapping[Part, Counts]) -> dict[LotPart, Counts]:
    """The counts of a lot's zones and kinds; the whole lot's are those of `LotPart()`."""
    of = {part: [bays[each] for each in some] for part, some in parts_among(bays.keys()).items()}
    of[LotPart()] = list(bays.values())
    return {part: sum(some, Counts()) for part, some in of.items()}


@dataclass(frozen=True, slots=True)
class SiteForecasts:
    """What was learned of a site, ready to forecast its lots and, if they were read, their parts.

    Attributes:
        site: which.
        now: the moment.
        learned: of the lots.
        widths: of their intervals.
        calendar: of the site.
        zone: of the site.
        models: by name of a lot or part (`LotPart.name`).
        grids: the last weeks, by name.
        counts: known now, by name.
    """

    site: str
    now: Now
    learned: Learned
    widths: Widths
    calendar: Calendar
    zone: ZoneInfo
    models: Mapping[str, ForecastModel]
    grids: Mapping[str, DemandGrid]
    counts: Mapping[str, Counts]

    @classmethod
    def of(cls, session: Session, now: Now, site: str, lot: str | None = None) -> SiteForecasts:
        """Read all that is needed for the lots of a site, or for one of them."""
        learned, widths = learned_of(session, site), Widths.of(session, site)
        none: dict[str, Any] = {"models": {}, "grids": {}, "counts": {}}
        empty = cls(
            site, now, learned, widths, Calendar.of_site(session, site), zone_of(session, site),
            **none,
        )  # fmt: skip
        counts = {each.lot: each.counts for each in lots_now(session, now, {site})}
        if not learned.fits:
            return replace(empty, counts=counts)
        past = past_of(session, site, empty.zone, empty.days, lot)
        factors = {name: widths.factors(name) for name in counts}
        model = empty.model(learned, factors)
        return replace(
            empty,
            models=dict.fromkeys(counts, model),
            grids={grid.lot: grid for grid in past},
            counts=counts,
        )

    def with_parts(self, session: Session, lots: Collection[str]) -> SiteForecasts:
        """With the zones and kinds of some lots."""
        models, counts = dict(self.models), dict(self.counts)
        learned = learned_of_parts(session, self.site, lots)
        for lot, bays in parts_now(session, self.now, self.site, lots).items():
            found = {p: each for p, each in counts_of_parts(bays).items() if p != LotPart()}
            counts |= {part.name(lot): each for part, each in found.items()}
            if lot in learned:
                factors = {p.name(lot): self.widths.factors(lot, p.zone) for p in found}
                models |= dict.fromkeys(factors, self.model(learned[lot], factors))
        past = past_of_parts(session, self.site, self.zone, self.days, sorted(learned))
        grids = {**self.grids, **{grid.lot: grid for grid in past}}
        return replace(self, models=models, grids=grids, counts=counts)

    def model(self, learned: Learned, factors: Mapping[str, Mapping[int, Bounds]]) -> ForecastModel:
        """Of what was learned, with intervals as wide as is told by name and slots ahead."""
        horizons = sorted({ahead for each in factors.values() for ahead in each})
        by_ahead = {
            ahead: {name: each[ahead] for name, each in factors.items() if ahead in each}
            for ahead in horizons
        }
        kind = self.calendar.kind(with_holidays=learned.with_holidays)
        return ForecastModel(QUARTERS, learned.fits, kind, by_ahead)

    @property
    def days(self) -> tuple[date, int]:
        """That are read: the first, and how many."""
        today = from_ms(self.now.now_ms).astimezone(self.zone).date()
        return today - timedelta(days=_READ_DAYS - 1), _READ_DAYS

    def forecast(self, name: str, ahead: Sequence[int]) -> list[Forecast]:
        """Forecast a lot, or a part of one, some quarters of an hour ahead.

        Raises:
            ForecastError: nothing was learned of it, or its data stopped.
        """
        model = self.models.get(name)
        if self.learned.at_ms is None or model is None or not model.knows(name):
            msg = "nothing was learned of this lot yet: three weeks of data are needed"
            raise ForecastError(msg)
        if self.now.now_ms - self.learned.at_ms > _STALE_FIT_MS:
            msg = "what was learned is older than a week"
            raise ForecastError(msg)
        local = from_ms(self.now.now_ms).astimezone(self.zone).replace(tzinfo=None)
        grid = self.grids.get(name) or _unknown(name, self.days)
        slot = (local.hour * 60 + local.minute) // QUARTERS.step_min
        counts = self.counts.get(name)
        share = None if counts is None else counts.occupancy
        return model.forecast(with_now(grid, slot, share), slot, ahead)

    def shares(self, name: str, ahead_min: Sequence[int]) -> list[Forecast]:
        """The same by minutes; nothing where none can be made."""
        try:
            return self.forecast(name, [each // QUARTERS.step_min for each in ahead_min])
        except ForecastError:
            return []


def forecast_lot(
    session: Session, now: Now, site: str, of: tuple[str, str | None], ahead: list[int]
) -> LotForecast:
    """How many bays of a lot, or of one of its zones, will be free.

    Args:
        session: to read with.
        now: the moment.
        site: of the lot.
        of: the lot, and the zone.
        ahead: quarters of an hour from now.

    Raises:
        ForecastError: the lot has no such zone.
    """
    lot, zone = of
    bays = parts_now(session, now, site, [lot]).get(lot, {})
    zones = tuple(sorted({each for each, _ in bays if each}))
    if zone is not None and zone not in zones:
        msg = f"expected a zone of lot {lot}: {', '.join(zones) or 'it has none'}; got {zone!r}"
        raise ForecastError(msg)
    part = LotPart() if zone is None or len({each for each, _ in bays}) == 1 else LotPart(zone)
    forecasts = SiteForecasts.of(session, now, site, lot)
    if part != LotPart():
        forecasts = forecasts.with_parts(session, [lot])
    known = forecasts.counts.get(part.name(lot), Counts())
    known_bays = known.occupied + known.free
    reason: str | None = None
    points: tuple[ForecastPoint, ...] = ()
    try:
        found = forecasts.forecast(part.name(lot), ahead)
        points = tuple(_point(each, known_bays, forecasts.zone) for each in found)
    except ForecastError as exc:
        reason = str(exc)
    learned_ms = forecasts.learned.at_ms
    return LotForecast(
        site=site,
        lot=lot,
        zone=zone,
        zones=zones if len({each for each, _ in bays}) > 1 else (),
        bays=known_bays,
        learned=None if learned_ms is None else from_ms(learned_ms),
        reason=reason,
        points=points,
        notes=_notes(session, forecasts, (site, lot), max(ahead, default=0)),
    )


def _notes(
    session: Session, forecasts: SiteForecasts, of: tuple[str, str], ahead: int
) -> tuple[DayNote, ...]:
    """Holidays and events of the time that is forecast."""
    zone, now_ms = forecasts.zone, forecasts.now.now_ms
    end_ms = now_ms + ahead * QUARTERS.step_min * 60_000
    first, last = (from_ms(each).astimezone(zone).date() for each in (now_ms, end_ms))
    found = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        name = forecasts.calendar.name_of(day)
        if name is not None:
            begin, end = (
                datetime.combine(day + timedelta(days=each), datetime.min.time(), zone)
                for each in (0, 1)
            )
            used = forecasts.learned.with_holidays
            found.append(DayNote(name=name, start=begin, end=end, kind="holiday", used=used))
    return (*found, *events_of(session, *of, now_ms, end_ms))


def _point(forecast: Forecast, bays: int, zone: ZoneInfo) -> ForecastPoint:
    return ForecastPoint(
        at=forecast.at.replace(tzinfo=zone),
        free=round(bays * (1 - forecast.share), 1),
        free_low=round(bays * (1 - forecast.high), 1),
        free_high=round(bays * (1 - forecast.low), 1),
    )


def _unknown(name: str, days: tuple[date, int]) -> DemandGrid:
    return DemandGrid(name, days[0], QUARTERS, np.full((days[1], QUARTERS.count), np.nan))
