"""Forecasts as the service makes them: learned once a night for a site, asked for at any time."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import bindparam, delete, func, select

from cloud_app.analytics.demand import DemandGrid, ForecastError
from cloud_app.analytics.forecast import Fit, Forecast, ForecastModel, fit
from cloud_app.analytics.forecast.model import LEAST_DAYS
from cloud_app.analytics.past import QUARTERS, every_site, past_of, with_now, zone_of
from cloud_app.analytics.tables import forecast_fit
from cloud_app.storage.database import Database, Session
from cloud_app.storage.queries import Now, lot_now
from cloud_app.storage.times import from_ms, to_ms
from telemetry import Clock

_log = logging.getLogger(__name__)

LEARNED_DAYS = 84
_NIGHT_HOURS = range(2, 6)
_FRESH_MS = 20 * 3_600_000
# A past that is imported is soon long enough.
_RETRY_MS = 600_000
_STALE_FIT_MS = 7 * 86_400_000

_FITTED = select(func.max(forecast_fit.c.fitted_ms)).where(forecast_fit.c.site == bindparam("at"))
_FITS = select(forecast_fit).where(forecast_fit.c.site == bindparam("at"))
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
    grids = [grid for grid in past if grid.known_days >= LEAST_DAYS]
    if not grids:
        msg = f"site {site}: no lot is known of for {LEAST_DAYS} of the last {LEARNED_DAYS} days"
        raise ForecastError(msg)
    model = fit(grids)
    rows = [(site, ahead, to_ms(now), _json(each)) for ahead, each in model.fits.items()]
    with database.write() as session:
        session.run(_FORGET, {"at": site})
        session.load(forecast_fit, rows)
    return len(rows)


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
    learned_ms, model = _kept(session, site)
    learned = None if learned_ms is None else from_ms(learned_ms)

    def answer(reason: str | None, points: tuple[ForecastPoint, ...] = ()) -> LotForecast:
        return LotForecast(
            site=site, lot=lot, bays=known, learned=learned, reason=reason, points=points
        )

    if learned_ms is None or not model.knows(lot):
        return answer("nothing was learned of this lot yet: three weeks of data are needed")
    if now.now_ms - learned_ms > _STALE_FIT_MS:
        return answer("what was learned is older than a week")
    zone = zone_of(session, site)
    local = from_ms(now.now_ms).astimezone(zone).replace(tzinfo=None)
    days = LEAST_DAYS + 1 + 7
    first = local.date() - timedelta(days=days - 1)
    grids = past_of(session, site, zone, (first, days), lot)
    grid = grids[0] if grids else _unknown(lot, first, days)
    slot = (local.hour * 60 + local.minute) // QUARTERS.step_min
    share = state.counts.occupancy if state is not None and known else None
    try:
        found = model.forecast(with_now(grid, slot, share), slot, ahead)
    except ForecastError as exc:
        return answer(str(exc))
    return answer(None, tuple(_point(each, known, zone) for each in found))


def _point(forecast: Forecast, bays: int, zone: Any) -> ForecastPoint:
    return ForecastPoint(
        at=forecast.at.replace(tzinfo=zone),
        free=round(bays * (1 - forecast.share), 1),
        free_low=round(bays * (1 - forecast.high), 1),
        free_high=round(bays * (1 - forecast.low), 1),
    )


def _unknown(lot: str, first: Any, days: int) -> DemandGrid:
    return DemandGrid(lot, first, QUARTERS, np.full((days, QUARTERS.count), np.nan))


def _json(learned: Fit) -> str:
    return json.dumps(
        {
            "common": learned.common.tolist(),
            "own": {lot: each.tolist() for lot, each in learned.own.items()},
            "bounds": {str(kind): each for kind, each in learned.bounds.items()},
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
    )


def _kept(session: Session, site: str) -> tuple[int | None, ForecastModel]:
    rows = session.rows(_FITS, {"at": site})
    fits = {row.ahead: _read(row.body) for row in rows}
    return max((row.fitted_ms for row in rows), default=None), ForecastModel(QUARTERS, fits)


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
