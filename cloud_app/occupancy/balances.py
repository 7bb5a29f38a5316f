"""The ledger of a counted lot: the last true count, and what passed since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, func, insert, or_, select, text

from cloud_app.occupancy.passages import QUARTER_MS, note_lot
from cloud_app.occupancy.tables import gate, passage, passage_quarter, zeroing
from cloud_app.storage.database import Row, Session
from cloud_app.storage.times import from_ms, to_ms
from sensors.counting import Balance, ZeroCause
from sensors.levels import GatePlace, way_into
from telemetry import PassageDirection


@dataclass(frozen=True, slots=True)
class Lot:
    """Which lot, or which of its levels.

    Attributes:
        site: where.
        lot: its id.
        level: the empty text is the whole lot.
    """

    site: str
    lot: str
    level: str = ""

    @property
    def given(self) -> dict[str, str]:
        """For statements about the lot."""
        return {"at_site": self.site, "of_lot": self.lot}

    @property
    def given_level(self) -> dict[str, str]:
        """For statements about the level."""
        return {**self.given, "of_level": self.level}


@dataclass(frozen=True, slots=True)
class Truth:
    """A true count that somebody or something found.

    Attributes:
        at: when it was so.
        count: vehicles.
        cause: how it was found.
        actor: who found it, of a person or key.
        note: what they say of it.
    """

    at: datetime
    count: int
    cause: ZeroCause
    actor: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Zeroing:
    """A truth as it is kept.

    Attributes:
        number: of the row.
        truth: the rest.
        drift: what the count was above it; None where nothing was known before.
        level: of which it was told; the empty text is the whole lot.
    """

    number: int
    truth: Truth
    drift: int | None
    level: str = ""


_OF_LOT = (zeroing.c.site == bindparam("at_site"), zeroing.c.lot == bindparam("of_lot"))
_ALL = select(zeroing).where(*_OF_LOT).order_by(zeroing.c.at_ms.desc(), zeroing.c.zeroing.desc())
# Where no vehicle is in the lot, none is on any of its levels.
_NEWEST = _ALL.where(
    or_(
        zeroing.c.level == bindparam("of_level"),
        and_(zeroing.c.level == text("''"), zeroing.c.vehicles == text("0")),
    )
)
_LAST_NUMBER = select(func.max(zeroing.c.zeroing)).where(*_OF_LOT)
_SAME = select(zeroing.c.zeroing).where(
    *_OF_LOT,
    zeroing.c.level == bindparam("of_level"),
    zeroing.c.at_ms == bindparam("when_ms"),
    zeroing.c.cause == bindparam("why"),
)
_HAS_LOT_GATE = (
    select(gate.c.gate)
    .where(gate.c.site == bindparam("at_site"), gate.c.lot == bindparam("of_lot"))
    .where(gate.c.level == text("''"))
    .limit(1)
)
_WAY = ("direction", "level", "level_from")
_QUARTERS = (
    select(
        *(passage_quarter.c[name] for name in _WAY),
        func.sum(passage_quarter.c.vehicles).label("vehicles"),
    )
    .where(
        passage_quarter.c.site == bindparam("at_site"),
        passage_quarter.c.lot == bindparam("of_lot"),
        passage_quarter.c.start_ms >= bindparam("start_ms"),
        passage_quarter.c.start_ms < bindparam("end_ms"),
    )
    .group_by(*(passage_quarter.c[name] for name in _WAY))
)
_PASSAGES = (
    select(*(passage.c[name] for name in _WAY), func.sum(passage.c.vehicles).label("vehicles"))
    .where(
        passage.c.site == bindparam("at_site"),
        passage.c.lot == bindparam("of_lot"),
        passage.c.at_ms > bindparam("after_ms"),
        passage.c.at_ms <= bindparam("upto_ms"),
    )
    .group_by(*(passage.c[name] for name in _WAY))
)
_LAST = select(func.max(passage.c.at_ms)).where(
    passage.c.site == bindparam("at_site"),
    passage.c.lot == bindparam("of_lot"),
    passage.c.vehicles > 0,
)


def zeroings(session: Session, lot: Lot, limit: int) -> list[Zeroing]:
    """The true counts of a lot and of its levels, the newest first."""
    return [_zeroing(row) for row in session.rows(_ALL.limit(limit), lot.given)]


def last_number(session: Session, lot: Lot) -> int:
    """The number of the last true count of a lot or of one of its levels; 0 if there is none."""
    [(number,)] = session.rows(_LAST_NUMBER, lot.given)
    return int(number or 0)


def last_zeroing(session: Session, lot: Lot, before: datetime | None = None) -> Zeroing | None:
    """The newest true count of a lot or level, or the newest before a moment."""
    query = _NEWEST.limit(1)
    if before is not None:
        query = query.where(zeroing.c.at_ms < to_ms(before))
    return next((_zeroing(row) for row in session.rows(query, lot.given_level)), None)


def last_by(session: Session, lot: Lot, cause: ZeroCause) -> datetime | None:
    """When a lot's count was last set for a cause."""
    rows = session.rows(_NEWEST.where(zeroing.c.cause == cause.value).limit(1), lot.given_level)
    return from_ms(rows[0].at_ms) if rows else None


def last_passage(session: Session, lot: Lot) -> datetime | None:
    """When a vehicle last passed any gate of a lot."""
    [row] = session.rows(_LAST, lot.given)
    at_ms: int | None = row[0]
    return from_ms(at_ms)


def _zeroing(row: Row) -> Zeroing:
    at = from_ms(row.at_ms)
    truth = Truth(at, row.vehicles, ZeroCause(row.cause), row.actor, row.note)
    return Zeroing(row.zeroing, truth, row.drift, row.level)


def balance_at(session: Session, lot: Lot, since: Truth, until: datetime) -> Balance:
    """The ledger of a lot or level from a true count on, until a moment, which is in it."""
    after_ms, upto_ms = to_ms(since.at), to_ms(until)
    # Whole quarters are summed already; only their ends are read passage by passage.
    first_ms = -(-(after_ms + 1) // QUARTER_MS) * QUARTER_MS
    last_ms = (upto_ms + 1) // QUARTER_MS * QUARTER_MS
    if first_ms >= last_ms:
        parts, rows = [(after_ms, upto_ms)], []
    else:
        parts = [(after_ms, first_ms - 1), (last_ms - 1, upto_ms)]
        rows = [*session.rows(_QUARTERS, {**lot.given, "start_ms": first_ms, "end_ms": last_ms})]
    for part_after_ms, part_upto_ms in parts:
        given = {**lot.given, "after_ms": part_after_ms, "upto_ms": part_upto_ms}
        rows += session.rows(_PASSAGES, given)
    has_lot_gate = bool(session.rows(_HAS_LOT_GATE, lot.given))
    sums = dict.fromkeys(PassageDirection, 0)
    for row in rows:
        gate = GatePlace(row.level, row.level_from)
        way = way_into(lot.level, gate, PassageDirection(row.direction), has_lot_gate=has_lot_gate)
        if way is not None:
            sums[way] += int(row.vehicles)
    return Balance(since.at, since.count, sums[PassageDirection.IN], sums[PassageDirection.OUT])


def set_count(session: Session, lot: Lot, truth: Truth) -> Zeroing | None:
    """Count a lot or level from a true count on; one older than another changes nothing now.

    Returns:
        The zeroing; None if it was known.
    """
    when = {**lot.given_level, "when_ms": to_ms(truth.at), "why": truth.cause.value}
    if session.rows(_SAME, when):
        return None
    before = last_zeroing(session, lot, truth.at)
    drift = None
    if before is not None:
        drift = balance_at(session, lot, before.truth, truth.at).zeroed(truth.at, truth.count)[1]
    session.run(
        insert(zeroing),
        {
            "site": lot.site,
            "lot": lot.lot,
            "at_ms": to_ms(truth.at),
            "cause": truth.cause.value,
            "vehicles": truth.count,
            "drift": drift,
            "actor": truth.actor,
            "note": truth.note,
            "level": lot.level,
        },
    )
    note_lot(session, lot.site, lot.lot)
    [(number,)] = session.rows(_SAME, when)
    return Zeroing(number, truth, drift, lot.level)
