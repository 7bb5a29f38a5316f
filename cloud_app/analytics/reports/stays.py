"""How long vehicles stayed, kept by day: a year of a lot is then no year of events.

A day is made once all its events are there, of stays that ended on it. How long they were is kept
as counts by length, so quantiles of any days and lots follow, within the width of a class.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, delete, func, literal, select, text
from sqlalchemy.types import BigInteger

from cloud_app.analytics.past import every_site, zone_of
from cloud_app.analytics.reports.period import Period
from cloud_app.config import RetentionConfig
from cloud_app.storage.bay_events import Window, bays_in_force, events_within, last_events
from cloud_app.storage.database import Database, Row, Session, Values
from cloud_app.storage.dwell import Occupation, parked_stays
from cloud_app.storage.quarters import prune_parts
from cloud_app.storage.report_tables import stay_day
from cloud_app.storage.tables import bay, edge, event, quarter_mark
from cloud_app.storage.times import from_ms, to_ms
from cloud_app.storage.upsert import Upsert, names, same
from cloud_app.views import ParkedStay
from telemetry import Clock

LENGTHS_MIN: tuple[int, ...] = (
    0, 5, 10, 15, 20, 30, 45, 60, 75, 90, 105, 120, 150, 180, 210, 240, 300, 360, 420, 480, 540,
    600, 720, 1080, 1440, 2880, 10_080, 100_000_000,
)  # fmt: skip
"""Where the classes of lengths begin and end, minutes."""

_DAY_MS = 86_400_000
# At once, so that no transaction is long: after an upgrade there is much to make.
_DAYS_AT_ONCE = 7
_EDGES_A_ROUND = 20

_MARKS = (
    select(edge.c.edge, edge.c.kind, quarter_mark.c.upto_ms)
    .join(quarter_mark, quarter_mark.c.edge == edge.c.edge)
    .where(edge.c.site == bindparam("at"))
    .order_by(edge.c.edge)
)
_MADE = select(func.max(stay_day.c.day)).where(stay_day.c.edge == bindparam("of"))
_FIRST = (
    select(event.c.time_ms)
    .where(event.c.edge == bindparam("of"))
    .order_by(event.c.epoch, event.c.seq)
    .limit(1)
)
_PARTS = (
    select(bay.c.site, bay.c.lot, func.coalesce(bay.c.zone, text("''")).label("zone"), bay.c.kind)
    .join(edge, (edge.c.edge == bay.c.edge) & (edge.c.layout == bay.c.layout))
    .where(bay.c.edge == bindparam("of"), bay.c.carried == text("0"))
    .distinct()
)
_KEEP = Upsert(stay_day, names(stay_day), same("stays", "unsure", "total_ms", "lengths"))


def length_class(dwell_s: float) -> int:
    """The place of a length in `LENGTHS_MIN`."""
    minutes = dwell_s / 60
    for place, (low, high) in enumerate(pairwise(LENGTHS_MIN)):
        if low <= minutes < high:
            return place
    return len(LENGTHS_MIN) - 2


def quantile_min(lengths: Sequence[int], share: float) -> float | None:
    """The length below which a share of the stays lies, minutes; even within a class.

    Args:
        lengths: counts by class.
        share: 0 to 1.

    Returns:
        None where there is no stay, or it lies in the last class, which has no end.
    """
    wanted, below = share * sum(lengths), 0
    if not sum(lengths):
        return None
    for place, count in enumerate(lengths):
        if count and below + count >= wanted:
            low, high = LENGTHS_MIN[place], LENGTHS_MIN[place + 1]
            if place == len(lengths) - 1:
                return None
            return low + (high - low) * (wanted - below) / count
        below += count
    return None


def stays_due(
    session: Session, site: str, zone: ZoneInfo, since_ms: int, edges: int
) -> list[Values]:
    """Rows of the days that are complete and not made yet, of some edges of a site.

    Args:
        session: to read with; one process may do this at a time (the leader).
        site: whose.
        zone: in whose days.
        since_ms: nothing older is made.
        edges: how many, at most.
    """
    rows: list[Values] = []
    for row in session.rows(_MARKS, {"at": site}):
        period = _due(session, row, zone, since_ms)
        if period is not None:
            rows += _rows(session, row.edge, period, zone)
            edges -= 1
        if not edges:
            break
    return rows


def keep_stays(session: Session, rows: Sequence[Values]) -> None:
    """Write rows of days."""
    session.upsert(_KEEP, rows)


def _due(session: Session, row: Row, zone: ZoneInfo, since_ms: int) -> Period | None:
    """The days of an edge that can be made now."""
    [(newest,)] = session.rows(_MADE, {"of": row.edge})
    if newest is not None:
        first = date.fromisoformat(newest) + timedelta(days=1)
    else:
        found = [each.time_ms for each in session.rows(_FIRST, {"of": row.edge})]
        if not found:
            return None
        first = from_ms(max(since_ms, *found)).astimezone(zone).date()
    # Its last day is not over.
    last = from_ms(row.upto_ms).astimezone(zone).date() - timedelta(days=1)
    last = min(last, first + timedelta(days=_DAYS_AT_ONCE - 1))
    return Period(first, last) if first <= last else None


def _rows(session: Session, name: str, period: Period, zone: ZoneInfo) -> Iterator[Values]:
    # From a day before, so that a stay across an unknown midnight keeps its beginning.
    window = period.window(zone)
    stays = _ended(session, name, Window(window.start_ms - _DAY_MS, window.end_ms))
    parts = [tuple(row) for row in session.rows(_PARTS, {"of": name})]
    days = [day.isoformat() for day in period.dates()]
    counted: dict[tuple[str, ...], list[ParkedStay]] = {
        (day, *part): [] for day in days for part in parts
    }
    for (site, lot), stay in stays:
        if stay.end is not None:
            day = stay.end.astimezone(zone).date().isoformat()
            counted.get((day, site, lot, stay.zone or "", stay.kind), []).append(stay)
    for (day, site, lot, of_zone, kind), some in counted.items():
        lengths = [0] * (len(LENGTHS_MIN) - 1)
        for stay in some:
            lengths[length_class(stay.dwell_s or 0.0)] += 1
        unsure = sum(not stay.watched for stay in some)
        total_ms = round(sum(stay.dwell_s or 0.0 for stay in some) * 1000)
        yield site, lot, day, name, of_zone, kind, len(some), unsure, total_ms, json.dumps(lengths)


def _ended(
    session: Session, name: str, window: Window
) -> Iterable[tuple[tuple[str, str], ParkedStay]]:
    """Stays of an edge's bays, each with site and lot."""
    bays = bays_in_force([bay.c.edge == name])
    found = [
        *session.rows(last_events(bays, literal(window.start_ms, BigInteger))),
        *session.rows(events_within(bays, window)),
    ]
    about = {
        row.bay: row
        for row in session.rows(
            select(bay.c.bay, bay.c.site, bay.c.lot, bay.c.zone, bay.c.kind)
            .join(edge, (edge.c.edge == bay.c.edge) & (edge.c.layout == bay.c.layout))
            .where(bay.c.edge == name)
        )
    }
    found.sort(key=lambda row: (row.bay, row.epoch, row.seq))
    occupations = (
        Occupation(
            row.edge, row.bay, about[row.bay].zone, about[row.bay].kind, row.since_ms, row.occ
        )
        for row in found
    )
    for stay in parked_stays(occupations):
        yield (about[stay.bay].site, about[stay.bay].lot), stay


class StayKeeper:
    """Makes days of stays, one site a round, and forgets what is too old once a day.

    Args:
        database: with the events.
        retention: how long it stays.
        clock: wall time.
    """

    def __init__(self, database: Database, retention: RetentionConfig, clock: Clock) -> None:
        self._database = database
        self._retention = retention
        self._clock = clock
        self._pruned_ms = 0

    def tick(self) -> None:
        """Make what is due, a few edges of each site."""
        now_ms = to_ms(self._clock.utc())
        oldest_ms = now_ms - self._retention.events_days * _DAY_MS
        with self._database.read() as session:
            sites = [(site, zone_of(session, site)) for site in every_site(session)]
        for site, zone in sites:
            with self._database.read() as session:
                rows = stays_due(session, site, zone, oldest_ms, _EDGES_A_ROUND)
            if rows:
                with self._database.write() as session:
                    keep_stays(session, rows)
        if now_ms - self._pruned_ms >= _DAY_MS:
            with self._database.write() as session:
                prune_parts(session, oldest_ms)
                oldest = from_ms(oldest_ms).date().isoformat()
                prune_stays(session, oldest)
            self._pruned_ms = now_ms


def prune_stays(session: Session, oldest: str) -> None:
    """Delete the stays of days before that one, an ISO date."""
    session.run(delete(stay_day).where(stay_day.c.day < oldest))
