"""The ledger of a counted lot: the last true count, and what passed since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, insert, select, text

from cloud_app.occupancy.passages import QUARTER_MS, note_lot
from cloud_app.occupancy.tables import gate, passage, passage_quarter, zeroing
from cloud_app.storage.database import Row, Session
from cloud_app.storage.times import from_ms, to_ms
from sensors.counting import Balance, ZeroCause
from telemetry import PassageDirection


@dataclass(frozen=True, slots=True)
class Lot:
    """Which lot."""

    site: str
    lot: str

    @property
    def given(self) -> dict[str, str]:
        """For statements."""
        return {"at_site": self.site, "of_lot": self.lot}


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
    """

    number: int
    truth: Truth
    drift: int | None


_OF_LOT = (zeroing.c.site == bindparam("at_site"), zeroing.c.lot == bindparam("of_lot"))
_NEWEST = select(zeroing).where(*_OF_LOT).order_by(zeroing.c.at_ms.desc(), zeroing.c.zeroing.desc())
_SAME = select(zeroing.c.zeroing).where(
    *_OF_LOT, zeroing.c.at_ms == bindparam("when_ms"), zeroing.c.cause == bindparam("why")
)
_HAS_LOT_GATE = (
    select(gate.c.gate)
    .where(gate.c.site == bindparam("at_site"), gate.c.lot == bindparam("of_lot"))
    .where(gate.c.level == text("''"))
    .limit(1)
)
_QUARTERS = (
    select(passage_quarter.c.direction, func.sum(passage_quarter.c.vehicles).label("vehicles"))
    .where(
        passage_quarter.c.site == bindparam("at_site"),
        passage_quarter.c.lot == bindparam("of_lot"),
        passage_quarter.c.start_ms >= bindparam("start_ms"),
        passage_quarter.c.start_ms < bindparam("end_ms"),
    )
    .group_by(passage_quarter.c.direction)
)
_PASSAGES = (
    select(passage.c.direction, func.sum(passage.c.vehicles).label("vehicles"))
    .where(
        passage.c.site == bindparam("at_site"),
        passage.c.lot == bindparam("of_lot"),
        passage.c.at_ms > bindparam("after_ms"),
        passage.c.at_ms <= bindparam("upto_ms"),
    )
    .group_by(passage.c.direction)
)
_LAST = select(func.max(passage.c.at_ms)).where(
    passage.c.site == bindparam("at_site"),
    passage.c.lot == bindparam("of_lot"),
    passage.c.vehicles > 0,
)


def zeroings(session: Session, lot: Lot, limit: int) -> list[Zeroing]:
    """The true counts of a lot, the newest first."""
    return [_zeroing(row) for row in session.rows(_NEWEST.limit(limit), lot.given)]


def last_zeroing(session: Session, lot: Lot, before: datetime | None = None) -> Zeroing | None:
    """The newest true count of a lot, or the newest before a moment."""
    query = _NEWEST.limit(1)
    if before is not None:
        query = query.where(zeroing.c.at_ms < to_ms(before))
    return next((_zeroing(row) for row in session.rows(query, lot.given)), None)


def last_by(session: Session, lot: Lot, cause: ZeroCause) -> datetime | None:
    """When a lot's count was last set for a cause."""
    rows = session.rows(_NEWEST.where(zeroing.c.cause == cause.value).limit(1), lot.given)
    return from_ms(rows[0].at_ms) if rows else None


def last_passage(session: Session, lot: Lot) -> datetime | None:
    """When a vehicle last passed any gate of a lot."""
    [row] = session.rows(_LAST, lot.given)
    at_ms: int | None = row[0]
    return from_ms(at_ms)


def _zeroing(row: Row) -> Zeroing:
    at = from_ms(row.at_ms)
    truth = Truth(at, row.vehicles, ZeroCause(row.cause), row.actor, row.note)
    return Zeroing(row.zeroing, truth, row.drift)


def balance_at(session: Session, lot: Lot, since: Truth, until: datetime) -> Balance:
    """A lot's ledger from a true count on, until a moment, which is in it."""
    after_ms, upto_ms = to_ms(since.at), to_ms(until)
    sums = dict.fromkeys(PassageDirection, 0)
    levels = _levels(session, lot)
    # Whole quarters are summed already; only their ends are read passage by passage.
    first_ms = -(-(after_ms + 1) // QUARTER_MS) * QUARTER_MS
    last_ms = (upto_ms + 1) // QUARTER_MS * QUARTER_MS
    if first_ms >= last_ms:
        parts = [(after_ms, upto_ms)]
    else:
        parts = [(after_ms, first_ms - 1), (last_ms - 1, upto_ms)]
        query = _QUARTERS.where(passage_quarter.c.level.in_(levels)) if levels else _QUARTERS
        given = {**lot.given, "start_ms": first_ms, "end_ms": last_ms}
        for row in session.rows(query, given):
            sums[PassageDirection(row.direction)] += int(row.vehicles)
    query = _PASSAGES.where(passage.c.level.in_(levels)) if levels else _PASSAGES
    for part_after_ms, part_upto_ms in parts:
        given = {**lot.given, "after_ms": part_after_ms, "upto_ms": part_upto_ms}
        for row in session.rows(query, given):
            sums[PassageDirection(row.direction)] += int(row.vehicles)
    return Balance(since.at, since.count, sums[PassageDirection.IN], sums[PassageDirection.OUT])


def _levels(session: Session, lot: Lot) -> Sequence[str]:
    """The levels whose gates count the lot: those of none, or, where all have one, all."""
    return ("",) if session.rows(_HAS_LOT_GATE, lot.given) else ()


def set_count(session: Session, lot: Lot, truth: Truth) -> Zeroing | None:
    """Count a lot from a true count on; one that is older than another changes nothing now.

    Returns:
        The zeroing; None if it was known.
    """
    when = {**lot.given, "when_ms": to_ms(truth.at), "why": truth.cause.value}
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
        },
    )
    note_lot(session, lot.site, lot.lot)
    [(number,)] = session.rows(_SAME, when)
    return Zeroing(number, truth, drift)
