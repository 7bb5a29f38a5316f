"""The places of a lot or level, and what its single bays say: the basis of its count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, case, func, select, text

from cloud_app.occupancy.balances import Lot
from cloud_app.registry.facts import LotFacts
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Now
from cloud_app.storage.tables import bay_count, edge
from sensors.counting import BayEvidence, Capacity


@dataclass(frozen=True, slots=True)
class Places:
    """What a lot or level has, and what its single bays say.

    Attributes:
        capacity: of all of it; None where it is unknown and no bay is known.
        bays: what those say that are watched one by one.
        watched: how many they are, closed ones included.
    """

    capacity: Capacity | None
    bays: BayEvidence
    watched: int


def places_of(session: Session, now: Now, lot: Lot, facts: LotFacts) -> Places:
    """The capacity of a lot or level and the evidence of its bays, on one basis."""
    query = _sums(now)
    if lot.level:
        query = query.where(bay_count.c.level == bindparam("of_level"))
    [row] = session.rows(query, lot.given_level)
    # On which level places are held back is unknown.
    held_back = 0 if lot.level else facts.held_back or 0
    return _places(row, facts.capacity_of(lot.level), held_back)


def places_by_level(session: Session, now: Now, lot: Lot, facts: LotFacts) -> dict[str, Places]:
    """The same for each level on which bays are watched one by one."""
    query = _sums(now, bay_count.c.level).group_by(bay_count.c.level)
    rows = session.rows(query.where(bay_count.c.level != text("''")), lot.given)
    return {row.level: _places(row, facts.capacity_of(row.level), 0) for row in rows}


def _places(row: Row, said: int | None, held_back: int) -> Places:
    watched, closed = int(row.bays), int(row.closed)
    occupied, free = int(row.occupied), int(row.free)
    known = BayEvidence(occupied, free, watched - closed - occupied - free)
    if said is None and not watched:
        return Places(None, known, 0)
    # Nobody counts fewer places than there are bays.
    return Places(Capacity(max(said or 0, watched), closed, held_back), known, watched)


def _sums(now: Now, *by: Any) -> Select[Any]:
    fresh = {
        state: case((now.is_stale, 0), else_=bay_count.c[state]) for state in ("occupied", "free")
    }
    sums = {"bays": bay_count.c.bays, "closed": bay_count.c.closed, **fresh}
    return (
        select(*by, *(func.coalesce(func.sum(each), 0).label(name) for name, each in sums.items()))
        .select_from(bay_count)
        .join(edge, edge.c.edge == bay_count.c.edge)
        .where(
            bay_count.c.site == bindparam("at_site"),
            bay_count.c.lot == bindparam("of_lot"),
            bay_count.c.counted == text("0"),
        )
    )
