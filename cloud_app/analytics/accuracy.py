"""How good forecasts were: what was forecast is kept until it comes due, and then only the errors.

Each hour the forecasts of some horizons are put down; once the quarter of an hour that they are
about is kept, they are compared with it. What is kept of them is small: a row for each lot, horizon
and day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import bindparam, delete, func, select

from cloud_app.analytics.forecasts import SiteForecasts, learned_sites
from cloud_app.analytics.past import known_shares
from cloud_app.analytics.tables import forecast_due, forecast_score
from cloud_app.storage.database import Database, Row, Session, Values
from cloud_app.storage.quarter_sums import sums_of
from cloud_app.storage.queries import Now, lots_now
from cloud_app.storage.steps import QUARTER_MS
from cloud_app.storage.tables import quarter
from cloud_app.storage.times import to_ms
from cloud_app.storage.upsert import Upsert, names
from telemetry import Clock

AHEAD_MIN = (30, 60, 120, 240, 1440)
_EVERY_MS = 3_600_000
_DAY_MS = 86_400_000
# A box that was away tells later of what was; after two days nobody waits for it.
_GIVE_UP_MS = 2 * _DAY_MS
_KEPT_DAYS = 400
_SETTLED_AT_ONCE = 5_000

_PUT = Upsert(forecast_due, names(forecast_due))
_DUE = (
    select(forecast_due)
    .where(forecast_due.c.due_ms <= bindparam("until_ms"))
    .order_by(forecast_due.c.due_ms)
    .limit(_SETTLED_AT_ONCE)
)
_ACTUAL = sums_of(quarter, "site", "lot").where(
    quarter.c.site.in_(bindparam("sites", expanding=True)),
    quarter.c.start_ms.in_(bindparam("starts", expanding=True)),
)
_SCORE = Upsert(
    forecast_score,
    names(forecast_score),
    lambda new: {
        name: forecast_score.c[name] + new[name] for name in ("forecasts", "error", "held")
    },
)
_SETTLED = delete(forecast_due).where(
    *(
        forecast_due.c[name] == bindparam(f"of_{name}")
        for name in ("due_ms", "site", "lot", "zone", "ahead_min")
    )
)


class HorizonAccuracy(BaseModel):
    """Forecasts of one horizon of the last days, against what came."""

    model_config = ConfigDict(frozen=True)

    ahead_min: int
    forecasts: int = Field(description="that came due and could be compared")
    error: float = Field(description="mean absolute error, share of the bays")
    held: float = Field(description="share of the truths within the interval; 0.8 is meant")


def put_down(session: Session, now: Now) -> list[Values]:
    """What is forecast now of each lot that was learned of, as rows of `forecast_due`."""
    rows: list[Values] = []
    for site in learned_sites(session):
        forecasts = SiteForecasts.of(session, now, site)
        for lot in lots_now(session, now, {site}):
            answer = forecasts.shares(lot.lot, AHEAD_MIN)
            for ahead_min, found in zip(AHEAD_MIN, answer, strict=False):
                due_ms = (now.now_ms + ahead_min * 60_000) // QUARTER_MS * QUARTER_MS
                figures = (found.share, found.low, found.high)
                rows.append((due_ms, site, lot.lot, "", ahead_min, *figures))
    return rows


def settled(session: Session, now_ms: int) -> tuple[list[Values], list[Mapping[str, object]]]:
    """Compare what came due with what came.

    Returns:
        Rows to add to `forecast_score`, and keys of `forecast_due` that are done with.
    """
    due = session.rows(_DUE, {"until_ms": now_ms - 2 * QUARTER_MS})
    actual = _actual(session, due)
    sums: dict[tuple[str, str, str, int, int], list[float]] = {}
    done: list[Mapping[str, object]] = []
    for row in due:
        share = actual.get((row.site, row.lot, row.due_ms))
        if share is None and row.due_ms > now_ms - _GIVE_UP_MS:
            continue
        done.append({f"of_{name}": getattr(row, name) for name in _KEY})
        if share is not None:
            day_ms = row.due_ms // _DAY_MS * _DAY_MS
            one = sums.setdefault((row.site, row.lot, row.zone, row.ahead_min, day_ms), [0, 0, 0])
            one[0] += 1
            one[1] += abs(share - row.share)
            one[2] += row.low <= share <= row.high
    return [(*key, int(n), error, int(held)) for key, (n, error, held) in sums.items()], done


_KEY = ("due_ms", "site", "lot", "zone", "ahead_min")


def _actual(session: Session, due: Sequence[Row]) -> dict[tuple[str, str, int], float]:
    if not due:
        return {}
    given = {"sites": sorted({row.site for row in due}), "starts": sorted({r.due_ms for r in due})}
    rows = session.tuples(_ACTUAL, given)
    if not rows:
        return {}
    shares = known_shares(np.array([row[3:] for row in rows], np.int64).T)
    return {row[:3]: float(share) for row, share in zip(rows, shares, strict=True) if share >= 0}


def accuracy(session: Session, site: str, lot: str, since_ms: int) -> list[HorizonAccuracy]:
    """How good the forecasts of a lot were of late, by horizon."""
    columns = [
        func.sum(forecast_score.c[name]).label(name) for name in ("forecasts", "error", "held")
    ]
    rows = session.rows(
        select(forecast_score.c.ahead_min, *columns)
        .where(
            forecast_score.c.site == site,
            forecast_score.c.lot == lot,
            forecast_score.c.zone == "",
            forecast_score.c.day_ms >= since_ms,
        )
        .group_by(forecast_score.c.ahead_min)
        .order_by(forecast_score.c.ahead_min)
    )
    return [
        HorizonAccuracy(
            ahead_min=row.ahead_min,
            forecasts=int(row.forecasts),
            error=float(row.error) / int(row.forecasts),
            held=int(row.held) / int(row.forecasts),
        )
        for row in rows
    ]


class AccuracyKeeper:
    """Puts forecasts down each hour, and compares those that came due.

    Args:
        database: with the past.
        clock: wall time.
        stale_after_s: an edge silent for so long says nothing of now.
    """

    def __init__(self, database: Database, clock: Clock, stale_after_s: float) -> None:
        self._database = database
        self._clock = clock
        self._stale_after_ms = int(stale_after_s * 1000)
        self._put_ms = 0

    def tick(self) -> None:
        """Compare what is due; once an hour put down what is forecast now."""
        now_ms = to_ms(self._clock.utc())
        with self._database.read() as session:
            scores, done = settled(session, now_ms)
            is_hour = now_ms - self._put_ms >= _EVERY_MS
            rows = put_down(session, Now(now_ms, self._stale_after_ms)) if is_hour else []
        if scores or done or rows:
            with self._database.write() as session:
                self._write(session, scores, done, rows, now_ms)
        if is_hour:
            self._put_ms = now_ms

    @staticmethod
    def _write(
        session: Session,
        scores: Sequence[Values],
        done: Sequence[Mapping[str, object]],
        rows: Iterable[Values],
        now_ms: int,
    ) -> None:
        # In one transaction: a forecast is counted once, whatever happens in between.
        session.upsert(_SCORE, scores)
        session.run_many(_SETTLED, done)
        session.upsert(_PUT, list(rows))
        oldest_ms = now_ms - _KEPT_DAYS * _DAY_MS
        session.run(delete(forecast_score).where(forecast_score.c.day_ms < oldest_ms))


def begin_of(now: datetime, days: int) -> int:
    """Some days before a moment."""
    return to_ms(now) - days * _DAY_MS
