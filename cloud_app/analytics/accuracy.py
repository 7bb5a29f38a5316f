"""How good forecasts were: what was forecast is kept until it comes due, and then only the errors.

Each hour the forecasts of some horizons are put down; once the quarter of an hour that they are
about is kept, they are compared with it. What is kept of them is small: a row for each lot or zone,
horizon and day, and how wide their intervals must be (`widths`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import bindparam, delete, func, select

from cloud_app.analytics.fits import learned_sites, lots_with_parts
from cloud_app.analytics.forecasts import SiteForecasts
from cloud_app.analytics.past import LotPart, known_shares
from cloud_app.analytics.tables import forecast_due, forecast_score
from cloud_app.analytics.widths import PUT_WIDTHS, Came, forget_widths, moved
from cloud_app.storage.database import Database, Session, Values
from cloud_app.storage.quarter_sums import sums_of
from cloud_app.storage.queries import Now, lots_now, parts_now
from cloud_app.storage.report_tables import quarter_part
from cloud_app.storage.steps import QUARTER_MS
from cloud_app.storage.tables import quarter
from cloud_app.storage.times import to_ms
from cloud_app.storage.upsert import Upsert, names
from telemetry import Clock

AHEAD_MIN = (30, 60, 120, 240, 1440, 10_080)
_EVERY_MS = 3_600_000
_DAY_MS = 86_400_000
# A box that was away tells later of what was; after two days nobody waits for it.
_GIVE_UP_MS = 2 * _DAY_MS
_KEPT_DAYS = 400
# Those that wait for so long are looked for once an hour only.
_SOON_MS = 6 * 3_600_000

_PUT = Upsert(forecast_due, names(forecast_due))
_TIMES = (
    select(forecast_due.c.due_ms)
    .where(
        forecast_due.c.due_ms >= bindparam("since_ms"),
        forecast_due.c.due_ms <= bindparam("until_ms"),
    )
    .distinct()
    .order_by(forecast_due.c.due_ms)
)
_DUE = select(forecast_due).where(forecast_due.c.due_ms == bindparam("at_ms"))
_ACTUAL, _ACTUAL_OF_ZONES = (
    sums_of(table, *by).where(
        table.c.site.in_(bindparam("sites", expanding=True)),
        table.c.start_ms == bindparam("at_ms"),
    )
    for table, by in ((quarter, ("site", "lot")), (quarter_part, ("site", "lot", "zone")))
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
    """What is forecast now of each lot and zone that was learned of, as rows of `forecast_due`."""
    rows: list[Values] = []
    for site in learned_sites(session):
        forecasts = SiteForecasts.of(session, now, site)
        of = [(lot.lot, LotPart()) for lot in lots_now(session, now, {site})]
        lots = lots_with_parts(session, site)
        if lots:
            forecasts = forecasts.with_parts(session, lots)
            for lot, bays in parts_now(session, now, site, lots).items():
                of += [(lot, LotPart(zone)) for zone in sorted({zone for zone, _ in bays if zone})]
        for lot, part in of:
            answer = forecasts.shares(part.name(lot), AHEAD_MIN)
            for ahead_min, found in zip(AHEAD_MIN, answer, strict=False):
                due_ms = (now.now_ms + ahead_min * 60_000) // QUARTER_MS * QUARTER_MS
                figures = (found.share, found.low, found.high)
                rows.append((due_ms, site, lot, part.zone, ahead_min, *figures))
    return rows


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of forecasts that came due.

    Attributes:
        scores: rows to add to `forecast_score`.
        widths: rows of `forecast_width`.
        done: keys of `forecast_due` that are done with.
    """

    scores: Sequence[Values]
    widths: Sequence[Values]
    done: Sequence[Mapping[str, object]]


def settled(session: Session, due_ms: int, now_ms: int) -> Settled:
    """Compare the forecasts for a time with what came."""
    due = session.rows(_DUE, {"at_ms": due_ms})
    actual = _actual(session, due_ms, sorted({row.site for row in due}))
    scores: list[Values] = []
    came: list[Came] = []
    done: list[Mapping[str, object]] = []
    for row in due:
        share = actual.get((row.site, row.lot, row.zone))
        if share is None and due_ms > now_ms - _GIVE_UP_MS:
            continue
        done.append({f"of_{name}": getattr(row, name) for name in _KEY})
        if share is not None:
            of = (row.site, row.lot, row.zone, row.ahead_min)
            error, is_held = abs(share - row.share), row.low <= share <= row.high
            scores.append((*of, due_ms // _DAY_MS * _DAY_MS, 1, error, int(is_held)))
            came.append(Came(due_ms, *of, (share < row.low, share > row.high)))
    return Settled(scores, moved(session, came), done)


_KEY = ("due_ms", "site", "lot", "zone", "ahead_min")


def _actual(
    session: Session, at_ms: int, sites: Sequence[str]
) -> dict[tuple[str, str, str], float]:
    """Shares of the quarter that begins then, by site, lot and zone."""
    found: dict[tuple[str, str, str], float] = {}
    for query in (_ACTUAL, _ACTUAL_OF_ZONES):
        rows = session.tuples(query, {"sites": sites, "at_ms": at_ms})
        if rows:
            shares = known_shares(np.array([row[-3:] for row in rows], np.int64).T).tolist()
            for (site, lot, *zone, _, _, _, _), share in zip(rows, shares, strict=True):
                if share >= 0:
                    found[site, lot, zone[0] if zone else ""] = share
    return found


def accuracy(
    session: Session, site: str, of: tuple[str, str | None], since_ms: int
) -> list[HorizonAccuracy]:
    """How good the forecasts of a lot, or of a zone of it, were of late, by horizon."""
    lot, zone = of
    columns = [
        func.sum(forecast_score.c[name]).label(name) for name in ("forecasts", "error", "held")
    ]
    rows = session.rows(
        select(forecast_score.c.ahead_min, *columns)
        .where(
            forecast_score.c.site == site,
            forecast_score.c.lot == lot,
            forecast_score.c.zone == (zone or ""),
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
        is_hour = now_ms - self._put_ms >= _EVERY_MS
        since_ms = 0 if is_hour else now_ms - _SOON_MS
        given = {"since_ms": since_ms, "until_ms": now_ms - 2 * QUARTER_MS}
        with self._database.read() as session:
            times = [row.due_ms for row in session.rows(_TIMES, given)]
        for due_ms in times:
            self._settle(due_ms, now_ms)
        if not is_hour:
            return
        with self._database.read() as session:
            rows = put_down(session, Now(now_ms, self._stale_after_ms))
        with self._database.write() as session:
            session.upsert(_PUT, rows)
            prune_scores(session, now_ms)
        self._put_ms = now_ms

    def _settle(self, due_ms: int, now_ms: int) -> None:
        with self._database.read() as session:
            found = settled(session, due_ms, now_ms)
        if found.done:
            with self._database.write() as session:
                # In one transaction: a forecast is counted once, whatever happens in between.
                session.upsert(_SCORE, found.scores)
                session.upsert(PUT_WIDTHS, found.widths)
                session.run_many(_SETTLED, found.done)


def prune_scores(session: Session, now_ms: int) -> None:
    """Delete what was kept of forecasts long past."""
    oldest_ms = now_ms - _KEPT_DAYS * _DAY_MS
    session.run(delete(forecast_score).where(forecast_score.c.day_ms < oldest_ms))
    forget_widths(session, now_ms)


def begin_of(now: datetime, days: int) -> int:
    """Some days before a moment."""
    return to_ms(now) - days * _DAY_MS
