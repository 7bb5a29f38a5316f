"""What is learned for forecasts: once a night for each site, kept until the next night."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import bindparam, delete, func, select

from cloud_app.analytics.calendars import Calendar
from cloud_app.analytics.demand import DemandGrid, ForecastError
from cloud_app.analytics.forecast import DayKind, Fit, by_weekend, fit
from cloud_app.analytics.forecast.backtest import backtest
from cloud_app.analytics.forecast.difficulty import Difficulty
from cloud_app.analytics.forecast.model import LEAST_DAYS
from cloud_app.analytics.past import every_site, past_of, past_of_parts, zone_of
from cloud_app.analytics.tables import forecast_fit, forecast_part_fit
from cloud_app.storage.database import Database, Row, Session
from cloud_app.storage.times import to_ms
from telemetry import Clock

_log = logging.getLogger(__name__)

LEARNED_DAYS = 84
# Of parts an hour has one row: a city has many zones.
_PART_ROWS_EVERY = 4
_NIGHT_HOURS = range(2, 6)
_FRESH_MS = 20 * 3_600_000
# A past that is imported is soon long enough.
_RETRY_MS = 600_000
# Of the learned days, to see whether holidays help; the rest is learned from meanwhile.
_COMPARED_DAYS = 49
_COMPARED_MIN = (60, 240, 1440)

_FITTED = select(func.max(forecast_fit.c.fitted_ms)).where(forecast_fit.c.site == bindparam("at"))
_FITS = select(forecast_fit).where(forecast_fit.c.site == bindparam("at"))
_PART_FITS = select(forecast_part_fit).where(
    forecast_part_fit.c.site == bindparam("at"),
    forecast_part_fit.c.lot.in_(bindparam("lots", expanding=True)),
)
_FORGET = delete(forecast_fit).where(forecast_fit.c.site == bindparam("at"))
_FORGET_PARTS = delete(forecast_part_fit).where(
    forecast_part_fit.c.site == bindparam("at"), forecast_part_fit.c.lot == bindparam("of")
)
_PART_LOTS = (
    select(forecast_part_fit.c.lot).where(forecast_part_fit.c.site == bindparam("at")).distinct()
)


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned of a site's lots, or of the parts of one lot.

    Attributes:
        at_ms: when; None: nothing was.
        with_holidays: whether holidays count as days off.
        fits: by slots ahead.
    """

    at_ms: int | None
    with_holidays: bool
    fits: Mapping[int, Fit]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Learned:
        """As it is kept."""
        told = {row.ahead: json.loads(row.body) for row in rows}
        # A fit of an earlier version knew no holidays.
        with_holidays = any(each.get("holidays", False) for each in told.values())
        at_ms = max((int(row.fitted_ms) for row in rows), default=None)
        return cls(at_ms, with_holidays, {ahead: _read(each) for ahead, each in told.items()})


def learned_of(session: Session, site: str) -> Learned:
    """What was learned of the lots of a site."""
    return Learned.of(session.rows(_FITS, {"at": site}))


def learned_of_parts(session: Session, site: str, lots: Collection[str]) -> dict[str, Learned]:
    """What was learned of the zones and kinds of some lots, by lot."""
    by_lot: dict[str, list[Row]] = defaultdict(list)
    for row in session.rows(_PART_FITS, {"at": site, "lots": sorted(lots)}):
        by_lot[row.lot].append(row)
    return {lot: Learned.of(rows) for lot, rows in by_lot.items()}


def learned_sites(session: Session) -> list[str]:
    """Sites of which something was learned."""
    return [row.site for row in session.rows(select(forecast_fit.c.site).distinct())]


def lots_with_parts(session: Session, site: str) -> list[str]:
    """Lots of whose zones or kinds something was learned."""
    return [row.lot for row in session.rows(_PART_LOTS, {"at": site})]


def learn_site(database: Database, site: str, now: datetime) -> int:
    """Learn from the last twelve weeks of a site's lots and their parts, and keep it.

    Learning takes seconds, so no transaction is open meanwhile: SQLite has one writer.

    Args:
        database: with the past.
        site: whose.
        now: aware; today itself, which is not over, is left out.

    Returns:
        How many horizons.

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
    kind = calendar.kind(with_holidays=is_better)
    fits = fit(grids, kind=kind).fits
    rows = [
        (site, ahead, to_ms(now), _json(each, with_holidays=is_better))
        for ahead, each in fits.items()
    ]
    with database.write() as session:
        session.run(_FORGET, {"at": site})
        session.load(forecast_fit, rows)
        kept = lots_with_parts(session, site)
    for lot in sorted({*kept, *(grid.lot for grid in grids)}):
        with database.read() as session:
            parts = past_of_parts(session, site, zone, (first, LEARNED_DAYS), [lot])
        found = _learn_parts(parts, kind)
        part_rows = [
            (site, lot, ahead, to_ms(now), _json(each, with_holidays=is_better))
            for ahead, each in found.items()
        ]
        with database.write() as session:
            session.run(_FORGET_PARTS, {"at": site, "of": lot})
            session.load(forecast_part_fit, part_rows)
    return len(rows)


def _learn_parts(past: Sequence[DemandGrid], kind: DayKind) -> Mapping[int, Fit]:
    """Nothing where no part has data enough."""
    grids = [grid for grid in past if grid.known_days >= LEAST_DAYS]
    try:
        return fit(grids, kind=kind, rows_every=_PART_ROWS_EVERY).fits if grids else {}
    except ForecastError:
        return {}


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


def _read(told: Mapping[str, Any]) -> Fit:
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
