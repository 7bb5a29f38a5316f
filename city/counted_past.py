"""The past of a lot that is only counted: what its gates told, and who corrected it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from city.garage import GATES, gate_id
from city.history import Past
from city.plan import TIME_ZONE, PlannedLot
from cloud_app.occupancy.balances import Lot, Truth, set_count
from cloud_app.occupancy.passages import QUARTER_MS
from cloud_app.occupancy.tables import passage_quarter
from cloud_app.storage.database import Database, Values
from cloud_app.storage.tables import count_point
from cloud_app.storage.times import from_ms, to_ms
from cloud_app.storage.upsert import Upsert, names
from sensors.counting import ZeroCause
from simulator.gates import IN, OUT, GateFaults, Passage, SimulatedGate

_FAULTS = {
    "north": GateFaults(misses_in=0.004, misses_out=0.006),
    "south": GateFaults(misses_in=0.004, misses_out=0.03),
}
# The night guard counts on the round, a moment before the hour: so the passages of whole quarters
# add up to the drift.
_ROUND_H = 3
_POINT_EVERY_MS = 300_000
_AT_ONCE = 2_000
_POINT = Upsert(count_point, names(count_point))
_QUARTER = Upsert(passage_quarter, names(passage_quarter))

Passed = Counter[tuple[int, str, str]]
"""By (quarter's begin in ms, gate, direction)."""


@dataclass(frozen=True, slots=True)
class CountedPast:
    """What was said of a counted lot; times in milliseconds since 1970.

    Attributes:
        points: (time, vehicles as counted), every few minutes.
        rounds: (time, vehicles in truth), when somebody counted.
        passed: vehicles that the gates noticed.
    """

    points: Sequence[tuple[int, int]]
    rounds: Sequence[tuple[int, int]]
    passed: Passed


def counted_past(past: Past, begin: datetime, end: datetime, seed: int) -> CountedPast:
    """What the gates of a lot said over its past.

    Args:
        past: the truth.
        begin: of it; the lot is counted then.
        end: of it.
        seed: of what the gates miss.
    """
    lot, begin_s, end_s = past.lot, begin.timestamp(), end.timestamp()
    rng = random.Random(f"gates {seed} {lot.key}")  # noqa: S311 - a simulation
    gates = {name: SimulatedGate(f"{name} of {lot.key}", _FAULTS[name], seed) for name in GATES}
    moves = [Passage(stay.begin_s, IN) for stay in past.stays if stay.begin_s > begin_s]
    moves += [Passage(stay.end_s, OUT) for stay in past.stays if begin_s < stay.end_s < end_s]
    moves.sort(key=lambda move: move.at_s)
    true = shown = sum(stay.begin_s <= begin_s < stay.end_s for stay in past.stays)
    rounds = _rounds(begin, end)
    told = [(next(rounds), true)]
    points = [(to_ms(begin), shown)]
    passed: Passed = Counter()
    next_ms = next(rounds)
    for move in moves:
        at_ms = round(move.at_s * 1000)
        while next_ms < at_ms:
            shown = true
            told.append((next_ms, true))
            points.append((next_ms, shown))
            next_ms = next(rounds)
        true += 1 if move.direction is IN else -1
        name = rng.choice(GATES)
        for pulse in gates[name].pass_through([move]):
            passed[at_ms // QUARTER_MS * QUARTER_MS, gate_id(lot, name), pulse.direction] += 1
            shown += 1 if pulse.direction is IN else -1
        points.append((at_ms, min(max(shown, 0), len(lot.bays))))
    return CountedPast(_thinned(points), told, passed)


def write(database: Database, lot: PlannedLot, past: CountedPast) -> None:
    """Write it, a little at once; what is there already changes nothing."""
    site, spaces = lot.spec.site, len(lot.bays)
    quarters = [
        (site, lot.id, start_ms, gate, way, "", count, "")
        for (start_ms, gate, way), count in sorted(past.passed.items())
    ]
    points = [(site, lot.id, at_ms, count, spaces - count, 0) for at_ms, count in past.points]
    _load(database, _QUARTER, quarters)
    _load(database, _POINT, points)
    # Last: how far off each count was, is worked out of the passages.
    for at_ms, count in past.rounds:
        truth = Truth(from_ms(at_ms), count, ZeroCause.MANUAL, "night guard", "on the round")
        with database.write() as session:
            set_count(session, Lot(site, lot.id), truth)


def _load(database: Database, upsert: Upsert, rows: Sequence[Values]) -> None:
    for first in range(0, len(rows), _AT_ONCE):
        with database.write() as session:
            session.upsert(upsert, rows[first : first + _AT_ONCE])


def _rounds(begin: datetime, end: datetime) -> Iterator[int]:
    """When somebody counts: at the begin, every night, and then never."""
    yield to_ms(begin) - 1
    zone = ZoneInfo(TIME_ZONE)
    day = begin.astimezone(zone).date()
    while (at := datetime(day.year, day.month, day.day, _ROUND_H, tzinfo=zone)) < end:
        yield to_ms(at) - 1
        day += timedelta(days=1)
    yield round(end.timestamp() * 2000)


def _thinned(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """At most one point in each span of some minutes, the last one of it."""
    last: tuple[int, Any] = (points[-1][0] + _POINT_EVERY_MS, None)
    return [
        here
        for here, after in pairwise([*points, last])
        if here[0] // _POINT_EVERY_MS != after[0] // _POINT_EVERY_MS
    ]
