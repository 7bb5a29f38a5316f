"""Forecasts as the service makes them: learned once a night for a site, asked for at any time."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import bindparam, delete, func, select

from cloud_app.analytics.calendars import Calendar, DayNote, events_of
from cloud_app.analytics.demand import MINUTES_A_DAY, DemandGrid, ForecastError
from cloud_app.analytics.forecast import Fit, Forecast, ForecastModel, by_weekend, fit
from cloud_app.analytics.forecast.backtest import backtest
from cloud_app.analytics.forecast.difficulty import Difficulty
from cloud_app.analytics.forecast.intervals import widened
from cloud_app.analytics.forecast.model import COVERAGE, LEAST_DAYS
from cloud_app.analytics.past import QUARTERS, every_site, past_of, with_now, zone_of
from cloud_app.analytics.tables import forecast_fit, forecast_score
from cloud_app.storage.database import Database, Session
from cloud_app.storage.queries import Now, lot_now, lots_now
from cloud_app.storage.times import from_ms, to_ms
from telemetry import Clock

_log = logging.getLogger(__name__)

LEARNED_DAYS = 84
_NIGHT_HOURS = range(2, 6)
_FRESH_MS = 20 * 3_600_000
# A past that is imported is soon long enough.
_RETRY_MS = 600_000
_STALE_FIT_MS = 7 * 86_400_000
_READ_DAYS = LEAST_DAYS + 1 + 7
# Of the learned days, to see whether holidays help; the rest is learned from meanwhile.
_COMPARED_DAYS = 49
_COMPARED_MIN = (60, 240, 1440)

_FITTED = select(func.max(forecast_fit.c.fitted_ms)).where(forecast_fit.c.site == bindparam("at"))
_FITS = select(forecast_fit).where(forecast_fit.c.site == bindparam("at"))
_DAY_MS = 86_400_000
_TODAY = (
    select(
        forecast_score.c.ahead_min,
        func.sum(forecast_score.c.forecasts).label("forecasts"),
        func.sum(forecast_score.c.held).label("held"),
        func.count(forecast_score.c.lot.distinct()).label("lots"),
    )
    .where(
        forecast_score.c.site == bindparam("at"),
        forecast_score.c.zone == "",
        forecast_score.c.day_ms == bindparam("day"),
    )
    .group_by(forecast_score.c.ahead_min)
)
_FORGET = delete(forecast_fit).where(forecast_fit.c.site == bindparam("at"))


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class ForecastPoint(_View):
    """Predicted free bays at one time."""

    at: datetime
    free: float = Field(description="expected number of free bays")
    free_low: float = Field(description="lower bound of the 80 % interval")
    free_high: float = Field(description="upper bound of the 80 % interval")


class LotForecast(_View):
    """Forecast for a lot."""

    site: str
    lot: str
    bays: int = Field(description="bays with a known state: neither closed nor unknown")
    learned: datetime | None = Field(description="when the forecast model was last trained")
    reason: str | None = Field(description="why there are no points; null if there are")
    points: tuple[ForecastPoint, ...]
    notes: tuple[DayNote, ...] = Field(default=(), description="holidays and local events")


def learn_site(database: Database, site: str, now: datetime) -> int:
    """Learn from the last twelve weeks of a site's lots, and keep it; return how many horizons.

    Learning takes seconds, so no transaction is open meanwhile: SQLite has one writer.

    Args:
        database: with the past.
        site: whose.
        now: aware; today itself, which is not over, is left out.

    Raises:
        ForecastError: no lot has data enough.
    """
    with database.read() as session:
        zone = zone_of(session, site)
        first = now.astimezone(zone).date() - timedelta(days=LEARNED_DAYS)
        past = past_of(session, site, zone, (first, LEARNED_DAYS))
        calendar = Calendar.of_site(session, site)
    grids = [grid for grid in past if grid.known_days >= LEAST_DAYS]
    if not grids:
        msg = f"site {site}: no lot is known of for {LEAST_DAYS} of the last {LEARNED_DAYS} days"
        raise ForecastError(msg)
    is_better = holidays_help(grids, calendar)
    model = fit(grids, kind=calendar.kind(with_holidays=is_better))
    rows = [
        (site, ahead, to_ms(now), _json(each, with_holidays=is_better))
        for ahead, each in model.fits.items()
    ]
    with database.write() as session:
        session.run(_FORGET, {"at": site})
        session.load(forecast_fit, rows)
    return len(rows)


def holidays_help(grids: Sequence[DemandGrid], calendar: Calendar) -> bool:
    """Whether forecasts of the last weeks are better if holidays count as days off.

    Args:
        grids: the past.
        calendar: of the site.
    """
    longest = max(grids, key=lambda grid: grid.days)
    held_out = min(_COMPARED_DAYS, longest.days - LEAST_DAYS - 7)
    first = longest.first_day + timedelta(days=longest.days - held_out)
    days = (first + timedelta(days=each) for each in range(held_out))
    if held_out < 1 or not any(calendar.day_kind(day) != by_weekend(day) for day in days):
        return False
    try:
        plain, with_them = (
            sum(score.error for score in backtest(grids, held_out, _COMPARED_MIN, kind=kind))
            for kind in (by_weekend, calendar.day_kind)
        )
    except ForecastError:
        return False
    return with_them < plain


@dataclass(frozen=True, slots=True)
class SiteForecasts:
    """What was learned of a site, ready to forecast its lots.

    Attributes:
        learned_ms: when; None: nothing was.
        model: it.
        with_holidays: whether holidays count as days off.
        calendar: of the site.
        zone: of the site.
        grids: the last weeks, by lot.
        now: the moment.
        shares_now: occupied share of the known bays, by lot.
    """

    learned_ms: int | None
    model: ForecastModel
    with_holidays: bool
    calendar: Calendar
    zone: ZoneInfo
    grids: Mapping[str, DemandGrid]
    now: Now
    shares_now: Mapping[str, float | None]

    @classmethod
    def of(cls, session: Session, now: Now, site: str, lot: str | None = None) -> SiteForecasts:
        """Read all that is needed for a site, or for one lot of it."""
        zone, calendar = zone_of(session, site), Calendar.of_site(session, site)
        learned_ms, with_holidays, fits = _kept(session, site)
        kind = calendar.kind(with_holidays=with_holidays)
        model = ForecastModel(QUARTERS, fits, kind, _widths(session, site, now.now_ms))
        local = from_ms(now.now_ms).astimezone(zone)
        first = local.date() - timedelta(days=_READ_DAYS - 1)
        grids = past_of(session, site, zone, (first, _READ_DAYS), lot) if fits else []
        lots = lots_now(session, now, {site})
        return cls(
            learned_ms, model, with_holidays, calendar, zone,
            {grid.lot: grid for grid in grids}, now,
            {each.lot: each.counts.occupancy for each in lots},
        )  # fmt: skip

    def forecast(self, lot: str, ahead: Sequence[int]) -> list[Forecast]:
        """Forecast a lot some quarters of an hour ahead.

        Raises:
            ForecastError: nothing was learned of it, or its data stopped.
        """
        if self.learned_ms is None or not self.model.knows(lot):
            msg = "nothing was learned of this lot yet: three weeks of data are needed"
            raise ForecastError(msg)
        if self.now.now_ms - self.learned_ms > _STALE_FIT_MS:
            msg = "what was learned is older than a week"
            raise ForecastError(msg)
        local = from_ms(self.now.now_ms).astimezone(self.zone).replace(tzinfo=None)
        first = local.date() - timedelta(days=_READ_DAYS - 1)
        grid = self.grids.get(lot) or _unknown(lot, first, _READ_DAYS)
        slot = (local.hour * 60 + local.minute) // QUARTERS.step_min
        return self.model.forecast(with_now(grid, slot, self.shares_now.get(lot)), slot, ahead)

    def chance(self, lot: str, ahead: int, places: int, bays: int) -> float | None:
        """How likely some of the known bays of a lot will be free; None where nobody can say."""
        if places > bays:
            return None if bays == 0 else 0.0
        try:
            [forecast] = self.forecast(lot, [ahead])
        except ForecastError:
            return None
        # Half a bay, as the free ones come in whole numbers.
        return forecast.chance_below(1 - (places - 0.5) / bays)

    def shares(self, lot: str, ahead_min: Sequence[int]) -> list[Forecast]:
        """The same by minutes; nothing where none can be made."""
        try:
            return self.forecast(lot, [each // QUARTERS.step_min for each in ahead_min])
        except ForecastError:
            return []


def _widths(session: Session, site: str, now_ms: int) -> Mapping[int, float]:
    """By how much intervals are wider today, by slots ahead: as hourly forecasts missed so far."""
    rows = session.rows(_TODAY, {"at": site, "day": now_ms // _DAY_MS * _DAY_MS})
    return {
        row.ahead_min // QUARTERS.step_min: widened(
            (int(row.forecasts) * COVERAGE - int(row.held)) / int(row.lots)
        )
        for row in rows
        if row.ahead_min < MINUTES_A_DAY
    }


def learned_sites(session: Session) -> list[str]:
    """Sites of which something was learned."""
    return [row.site for row in session.rows(select(forecast_fit.c.site).distinct())]


def forecast_lot(session: Session, now: Now, site: str, lot: str, ahead: list[int]) -> LotForecast:
    """How many bays of a lot will be free.

    Args:
        session: to read with.
        now: the moment.
        site: of the lot.
        lot: which.
        ahead: quarters of an hour from now.
    """
    state = lot_now(session, now, site, lot)
    known = 0 if state is None else state.counts.occupied + state.counts.free
    site_forecasts = SiteForecasts.of(session, now, site, lot)
    learned_ms, zone = site_forecasts.learned_ms, site_forecasts.zone
    reason: str | None = None
    points: tuple[ForecastPoint, ...] = ()
    try:
        found = site_forecasts.forecast(lot, ahead)
        points = tuple(_point(each, known, zone) for each in found)
    except ForecastError as exc:
        reason = str(exc)
    return LotForecast(
        site=site,
        lot=lot,
        bays=known,
        learned=None if learned_ms is None else from_ms(learned_ms),
        reason=reason,
        points=points,
        notes=_notes(session, site_forecasts, (site, lot), max(ahead, default=0)),
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
            used = forecasts.with_holidays
            found.append(DayNote(name=name, start=begin, end=end, kind="holiday", used=used))
    return (*found, *events_of(session, *of, now_ms, end_ms))


def _point(forecast: Forecast, bays: int, zone: Any) -> ForecastPoint:
    return ForecastPoint(
        at=forecast.at.replace(tzinfo=zone),
        free=round(bays * (1 - forecast.share), 1),
        free_low=round(bays * (1 - forecast.high), 1),
        free_high=round(bays * (1 - forecast.low), 1),
    )


def _unknown(lot: str, first: Any, days: int) -> DemandGrid:
    return DemandGrid(lot, first, QUARTERS, np.full((days, QUARTERS.count), np.nan))


def _json(learned: Fit, *, with_holidays: bool) -> str:
    return json.dumps(
        {
            "holidays": with_holidays,
            "common": learned.common.tolist(),
            "own": {lot: each.tolist() for lot, each in learned.own.items()},
            "bounds": {str(kind): each for kind, each in learned.bounds.items()},
            "difficulty": [*learned.difficulty.weights.tolist(), learned.difficulty.least],
        }
    )


def _read(body: str) -> Fit:
    told = json.loads(body)
    return Fit(
        np.array(told["common"]),
        {lot: np.array(each) for lot, each in told["own"].items()},
        {
            int(kind): {lot: (low, high) for lot, (low, high) in each.items()}
            for kind, each in told["bounds"].items()
        },
        # A fit of an earlier version knew none.
        Difficulty(np.array(told["difficulty"][:-1]), told["difficulty"][-1])
        if "difficulty" in told
        else Difficulty.even(),
    )


def _kept(session: Session, site: str) -> tuple[int | None, bool, Mapping[int, Fit]]:
    """When something was learned, whether holidays count as days off, and the fits."""
    rows = session.rows(_FITS, {"at": site})
    fits = {row.ahead: _read(row.body) for row in rows}
    # A fit of an earlier version knew no holidays.
    with_holidays = any(json.loads(row.body).get("holidays", False) for row in rows)
    return max((row.fitted_ms for row in rows), default=None), with_holidays, fits


class ForecastWorker:
    """Learns each site's lots once a night, one site a round.

    Args:
        database: with the past.
        clock: wall time.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._tried_ms: dict[str, int] = {}

    def tick(self) -> None:
        """Learn one site that is due, if any has data enough."""
        now = self._clock.utc()
        with self._database.read() as session:
            due = [site for site in every_site(session) if self._is_due(session, site, now)]
        for site in due:
            self._tried_ms[site] = to_ms(now)
            try:
                count = learn_site(self._database, site, now)
            except ForecastError as exc:
                _log.info("forecasts: %s", exc)
                continue
            _log.info("forecasts: learned %d horizons of site %s", count, site)
            return

    def _is_due(self, session: Session, site: str, now: datetime) -> bool:
        """At night if the last fit is of the night before; at once if there is none."""
        now_ms = to_ms(now)
        [(fitted_ms,)] = session.rows(_FITTED, {"at": site})
        pause_ms = _RETRY_MS if fitted_ms is None else _FRESH_MS
        if now_ms - self._tried_ms.get(site, 0) < pause_ms:
            return False
        if fitted_ms is None:
            return True
        is_night = now.astimezone(zone_of(session, site)).hour in _NIGHT_HOURS
        return int(fitted_ms) <= now_ms - (_FRESH_MS if is_night else 2 * _FRESH_MS)
