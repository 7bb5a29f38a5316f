"""What passed the gates, taken in: the same rows whatever comes twice, late or out of order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, case, delete, func, select, text, update

from cloud_app.occupancy.tables import (
    gate,
    gate_total,
    lot_count,
    passage,
    passage_quarter,
)
from cloud_app.storage.database import Row, Session, Values
from cloud_app.storage.times import from_ms, to_ms
from cloud_app.storage.upsert import Upsert, same
from sensors.gates import GateReport, GateWiring, Passage, Total
from sensors.totals import Counter, steps
from telemetry import PassageDirection

QUARTER_MS = 900_000
OF_TOTAL = "total"
"""The key of passages that are worked out of a running total."""
_METHOD_OF_TOTAL = "counter"
# A message that comes again names the same passage within it; later the name may be reused, as
# a plate reader that was restarted counts its vehicles from 1.
_SAME_KEY_MS = 600_000
# A vehicle that waits at a barrier is read again and again.
_SAME_PLATE_MS = 60_000
# A gate's clock may be ahead by so much before its time is not believed.
_AHEAD_MS = 60_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gate is, and how it counts.

    Attributes:
        gate: its id.
        site: of the lot.
        lot: which it leads into.
        level: that it counts instead of the lot.
        level_from: of a gate between two levels, the one that a vehicle leaves on its way in.
        wiring: of its directions.
        counter: of its running totals.
        edge: the box that it speaks through; None if it speaks to the cloud itself.
    """

    gate: str
    site: str
    lot: str
    level: str = ""
    level_from: str = ""
    wiring: GateWiring = GateWiring.AS_TOLD
    counter: Counter = field(default_factory=Counter)
    edge: str | None = None


_GATE = Upsert(
    gate,
    ("gate", "site", "lot", "level", "edge", "heard_ms", "lost", "level_from"),
    lambda new: {
        **same("site", "lot", "level", "level_from", "edge")(new),
        "heard_ms": case((new.heard_ms > gate.c.heard_ms, new.heard_ms), else_=gate.c.heard_ms),
        "lost": gate.c.lost + new.lost,
    },
)
_PASSAGE = Upsert(
    passage,
    (
        "gate",
        "direction",
        "at_ms",
        "key",
        "site",
        "lot",
        "level",
        "vehicles",
        "method",
        "step",
        "vehicle",
        "conf",
        "hash",
        "level_from",
    ),
    # Only one of a running total comes again with another count: a reading came between.
    same("vehicles", "step"),
    lambda _: passage.c.key == text(f"'{OF_TOTAL}'"),
)
_TOTAL = Upsert(
    gate_total,
    ("gate", "direction", "at_ms", "total", "restarted"),
    same("total", "restarted"),
    lambda new: new.total > gate_total.c.total,
)
_QUARTER = Upsert(
    passage_quarter,
    ("site", "lot", "start_ms", "gate", "direction", "level", "vehicles", "level_from"),
    same("level", "level_from", "vehicles"),
)
_LOT = Upsert(lot_count, ("site", "lot", "news"), same("news"))
_NEAR = select(passage.c.direction, passage.c.at_ms, passage.c.key, passage.c.hash).where(
    passage.c.gate == bindparam("of"),
    passage.c.at_ms.between(bindparam("first_ms"), bindparam("last_ms")),
    passage.c.key != text(f"'{OF_TOTAL}'"),
)


def take_reports(
    session: Session, place: Place, reports: Sequence[GateReport], received_ms: int
) -> None:
    """Keep what a gate tells; the count of its lot follows within about a second.

    Args:
        session: a transaction that may write; it holds the gate's row until it ends.
        place: where the gate is.
        reports: of this gate, as they came.
        received_ms: when.
    """
    wired = [report.wired(place.wiring) for report in reports]
    passages = [each for report in wired for each in report.passages if each.count]
    known = [each for each in passages if each.direction is not None]
    session.upsert(
        _GATE,
        [
            (
                place.gate,
                place.site,
                place.lot,
                place.level,
                place.edge,
                received_ms,
                sum(each.count for each in passages if each.direction is None),
                place.level_from,
            )
        ],
    )
    touched = _take_passages(session, place, known, received_ms + _AHEAD_MS)
    totals = [each for report in wired for each in report.totals if each.direction is not None]
    touched |= _take_totals(session, place, totals, received_ms + _AHEAD_MS)
    _sum_quarters(session, place, touched)
    note_lot(session, place.site, place.lot)


def note_lot(session: Session, site: str, lot: str) -> None:
    """Have the count of a lot recalculated."""
    session.upsert(_LOT, [(site, lot, 1)])


def _at_ms(moment: datetime, latest_ms: int) -> int:
    return min(to_ms(moment), latest_ms)


Touched = set[tuple[str, int]]
"""(direction, start of a quarter)"""


def _take_passages(
    session: Session, place: Place, passages: Sequence[Passage], latest_ms: int
) -> Touched:
    if not passages:
        return set()
    moments = [_at_ms(each.at, latest_ms) for each in passages]
    near = session.rows(
        _NEAR,
        {
            "of": place.gate,
            "first_ms": min(moments) - _SAME_KEY_MS,
            "last_ms": max(moments) + _SAME_KEY_MS,
        },
    )
    seen = _Seen.of(near)
    rows: list[Values] = []
    for at_ms, each in sorted(zip(moments, passages, strict=True), key=lambda pair: pair[0]):
        way = str(each.direction)
        if seen.has(way, at_ms, each.key, each.hash):
            continue
        seen.add(way, at_ms, each.key, each.hash)
        where = (place.site, place.lot, place.level)
        what = (each.count, each.method.value, None, each.vehicle, each.conf, each.hash)
        rows.append((place.gate, way, at_ms, each.key, *where, *what, place.level_from))
    session.upsert(_PASSAGE, rows)
    return {(str(row[1]), _quarter(int(row[2] or 0))) for row in rows}


@dataclass(slots=True)
class _Seen:
    """Passages of a gate by what would make another one the same."""

    keys: dict[str, list[int]] = field(default_factory=dict)
    plates: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> _Seen:
        seen = cls()
        for row in rows:
            seen.add(row.direction, row.at_ms, row.key, row.hash)
        return seen

    def add(self, way: str, at_ms: int, key: str, plate: str | None) -> None:
        self.keys.setdefault(key, []).append(at_ms)
        if plate is not None:
            self.plates.setdefault((way, plate), []).append(at_ms)

    def has(self, way: str, at_ms: int, key: str, plate: str | None) -> bool:
        if any(abs(at_ms - other) <= _SAME_KEY_MS for other in self.keys.get(key, ())):
            return True
        same_plate = self.plates.get((way, plate), ()) if plate is not None else ()
        return any(abs(at_ms - other) <= _SAME_PLATE_MS for other in same_plate)


def _take_totals(
    session: Session, place: Place, totals: Sequence[Total], latest_ms: int
) -> Touched:
    touched: Touched = set()
    for way in sorted({str(each.direction) for each in totals}):
        newest: dict[int, tuple[int, int]] = {}
        for each in totals:
            if each.direction == way:
                at_ms = _at_ms(each.at, latest_ms)
                newest[at_ms] = max(newest.get(at_ms, (-1, 0)), (each.total, int(each.restarted)))
        session.upsert(
            _TOTAL,
            [(place.gate, way, at_ms, *told) for at_ms, told in sorted(newest.items())],
        )
        touched |= _count_totals(session, place, way, min(newest), max(newest))
    return touched


def _count_totals(session: Session, place: Place, way: str, first_ms: int, last_ms: int) -> Touched:
    """Work out what passed between readings, from the one before the first to the one after."""
    rows = session.rows(
        _READINGS,
        {"of": place.gate, "way": way, "first_ms": first_ms, "last_ms": last_ms},
    )
    direction = PassageDirection(way)
    readings = [
        Total(direction, row.total, from_ms(row.at_ms), bool(row.restarted)) for row in rows
    ]
    where = (place.site, place.lot, place.level)
    passed: list[Values] = [
        (
            place.gate, way, to_ms(reading.at), OF_TOTAL, *where,
            step.count, _METHOD_OF_TOTAL, step.kind.value, None, None, None, place.level_from,
        )
        for reading, step in steps(readings, place.counter)
    ]  # fmt: skip
    session.upsert(_PASSAGE, passed)
    return {(way, _quarter(int(row[2] or 0))) for row in passed}


_before, _after = gate_total.alias("before"), gate_total.alias("after")
_OF_COUNTER = (gate_total.c.gate == bindparam("of"), gate_total.c.direction == bindparam("way"))
_READINGS = (
    select(gate_total.c.at_ms, gate_total.c.total, gate_total.c.restarted)
    .where(
        *_OF_COUNTER,
        gate_total.c.at_ms
        >= func.coalesce(
            select(func.max(_before.c.at_ms))
            .where(
                _before.c.gate == bindparam("of"),
                _before.c.direction == bindparam("way"),
                _before.c.at_ms < bindparam("first_ms"),
            )
            .scalar_subquery(),
            bindparam("first_ms"),
        ),
        gate_total.c.at_ms
        <= func.coalesce(
            select(func.min(_after.c.at_ms))
            .where(
                _after.c.gate == bindparam("of"),
                _after.c.direction == bindparam("way"),
                _after.c.at_ms > bindparam("last_ms"),
            )
            .scalar_subquery(),
            bindparam("last_ms"),
        ),
    )
    .order_by(gate_total.c.at_ms)
)


def _quarter(at_ms: int) -> int:
    return at_ms // QUARTER_MS * QUARTER_MS


def _sum_quarters(session: Session, place: Place, touched: Touched) -> None:
    rows: list[Values] = []
    for way, start_ms in sorted(touched):
        [(count,)] = session.rows(
            _QUARTER_SUM,
            {
                "of": place.gate,
                "way": way,
                "at_site": place.site,
                "of_lot": place.lot,
                "start_ms": start_ms,
                "end_ms": start_ms + QUARTER_MS,
            },
        )
        where = (place.site, place.lot, start_ms, place.gate, way)
        rows.append((*where, place.level, int(count), place.level_from))
    session.upsert(_QUARTER, rows)


_QUARTER_SUM = select(func.coalesce(func.sum(passage.c.vehicles), 0)).where(
    passage.c.gate == bindparam("of"),
    passage.c.direction == bindparam("way"),
    passage.c.site == bindparam("at_site"),
    passage.c.lot == bindparam("of_lot"),
    passage.c.at_ms >= bindparam("start_ms"),
    passage.c.at_ms < bindparam("end_ms"),
)


def forget_hashes(session: Session, before_ms: int) -> int:
    """Forget the hashes of plates of what passed before; return of how many."""
    return session.run(
        update(passage)
        .where(passage.c.at_ms < before_ms, passage.c.hash.is_not(None))
        .values(hash=None)
    )


def prune_passages(session: Session, before_ms: int, quarters_before_ms: int) -> None:
    """Delete single passages and readings older than that; the quarters stay longer.

    The newest reading of each counter stays: the next one is counted from there.
    """
    session.run(delete(passage).where(passage.c.at_ms < before_ms))
    newest = (
        select(func.max(_after.c.at_ms))
        .where(_after.c.gate == gate_total.c.gate, _after.c.direction == gate_total.c.direction)
        .correlate(gate_total)
        .scalar_subquery()
    )
    session.run(
        delete(gate_total).where(gate_total.c.at_ms < before_ms, gate_total.c.at_ms < newest)
    )
    session.run(delete(passage_quarter).where(passage_quarter.c.start_ms < quarters_before_ms))
