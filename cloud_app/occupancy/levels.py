"""The levels of a lot: how many vehicles each holds, by the gates between them or by its bays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import bindparam, delete, insert, select

from cloud_app.occupancy.balances import Lot
from cloud_app.occupancy.basis import Places, places_by_level
from cloud_app.occupancy.counted_rows import Kept
from cloud_app.occupancy.gates import GateNow
from cloud_app.occupancy.tables import level_count
from cloud_app.registry.facts import LotFacts
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Now
from sensors.counting import CountSource

_OF_LOT = (level_count.c.site == bindparam("at_site"), level_count.c.lot == bindparam("of_lot"))
_ROWS = select(level_count).where(*_OF_LOT).order_by(level_count.c.place)
_CLEAR = delete(level_count).where(*_OF_LOT)


class LevelCount(BaseModel):
    """A level of a lot; `occupied`, `free` and `unknown` add up to the places on offer."""

    model_config = ConfigDict(frozen=True)

    level: str
    occupied: int
    free: int
    unknown: int = Field(description="places of which nothing is known: never free")
    closed: int
    capacity: int | None = Field(description="all places of the level; null: unknown")
    watched: int = Field(description="bays of it that are watched one by one")
    source: CountSource | None = Field(description="where the count comes from; null: unknown")
    balance: int | None = Field(
        description="last true count + in - out of its gates; null: not believed, or no gates"
    )
    why: Literal["no_truth", "gate_silent", "no_capacity", "no_gate"] | None = Field(
        description="why the gates give no count"
    )


def levels_of(facts: LotFacts, gates: Iterable[GateNow]) -> Sequence[str]:
    """The levels of a counted lot, in the registry's order; none where no gate leads to one."""
    named = sorted({name for each in gates for name in (each.level, each.level_from) if name})
    return tuple(dict.fromkeys([*(facts.levels or ()), *named])) if named else ()


def keep_levels(session: Session, lot: Lot, levels: Mapping[Lot, Kept]) -> bool:
    """Keep how the counts of levels came about; return whether any changed."""
    rows = [_row(level, place, kept) for place, (level, kept) in enumerate(levels.items())]
    names = [column.name for column in level_count.columns]
    if [tuple(row) for row in session.rows(_ROWS, lot.given)] == rows:
        return False
    session.run(_CLEAR, lot.given)
    session.run_many(insert(level_count), [dict(zip(names, row, strict=True)) for row in rows])
    return True


def _row(level: Lot, place: int, kept: Kept) -> tuple[object, ...]:
    found, capacity = kept.figure, kept.capacity
    return (
        *(level.site, level.lot, level.level, place, kept.raw),
        None if found is None else found.count,
        None if found is None else found.source.value,
        kept.why,
        *((0, 0) if found is None else (found.low, found.high)),
        *((None, 0) if capacity is None else (capacity.places, capacity.closed)),
        kept.watched,
    )


def counted_levels(session: Session, lot: Lot) -> list[str]:
    """The levels of a lot that are counted, lowest first."""
    return [row.level for row in session.rows(_ROWS, lot.given)]


def levels_now(session: Session, now: Now, lot: Lot, facts: LotFacts) -> list[LevelCount]:
    """The levels of a lot, lowest first: by gates where they lead to levels, else by its bays."""
    rows = session.rows(_ROWS, lot.given)
    if rows:
        return [_counted(row) for row in rows]
    found = places_by_level(session, now, lot, facts)
    ordered = dict.fromkeys([*(facts.levels or ()), *sorted(found)])
    return [_watched(level, found[level]) for level in ordered if level in found]


def _counted(row: Row) -> LevelCount:
    offered = 0 if row.capacity is None else max(0, row.capacity - row.closed)
    # Where the count is unknown, bays may still say what at least is so.
    occupied, free = (
        (row.low, offered - row.high) if row.shown is None else (row.shown, offered - row.shown)
    )
    return LevelCount(
        level=row.level,
        occupied=occupied,
        free=free,
        unknown=offered - occupied - free,
        closed=row.closed,
        capacity=row.capacity,
        watched=row.watched,
        source=None if row.shown is None else row.source,
        balance=row.raw,
        why=row.why,
    )


def _watched(level: str, places: Places) -> LevelCount:
    capacity, bays = places.capacity, places.bays
    offered = 0 if capacity is None else capacity.offered
    return LevelCount(
        level=level,
        occupied=bays.occupied,
        free=bays.free,
        unknown=max(0, offered - bays.known),
        closed=0 if capacity is None else capacity.closed,
        capacity=None if capacity is None else capacity.places,
        watched=places.watched,
        source=CountSource.BAYS,
        balance=None,
        why=None,
    )
