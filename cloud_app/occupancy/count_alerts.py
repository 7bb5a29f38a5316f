"""What rules look at of counted lots: gates that are heard of, and counts that may be off."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from cloud_app.occupancy.balances import Lot, last_zeroing
from cloud_app.occupancy.gates import GateNow, gates_at, sites_with_gates
from cloud_app.occupancy.tables import lot_count
from cloud_app.storage.database import Session


@dataclass(frozen=True, slots=True)
class CountNow:
    """How far a lot's count may be off.

    Attributes:
        lot: which.
        capacity: vehicles that it can hold.
        beyond: vehicles that its balance is above the capacity; below 0, negative.
        drift: vehicles above the true count when it was last set to that; below it, negative.
    """

    lot: Lot
    capacity: int
    beyond: int
    drift: int


def gates_heard(session: Session) -> Iterator[GateNow]:
    """Gates that were heard of; `silent_after_s` is not a number where nobody knows a period."""
    for site in sites_with_gates(session):
        for each in gates_at(session, site, math.nan):
            if each.heard is not None:
                yield each


def counts_now(session: Session) -> Iterator[CountNow]:
    """Counted lots of which the capacity is known."""
    rows = session.rows(
        select(lot_count.c.site, lot_count.c.lot, lot_count.c.raw, lot_count.c.capacity)
        .where(lot_count.c.capacity.is_not(None))
        .order_by(lot_count.c.site, lot_count.c.lot)
    )
    for row in rows:
        lot = Lot(row.site, row.lot)
        beyond = 0 if row.raw is None else min(row.raw, max(0, row.raw - row.capacity))
        last = last_zeroing(session, lot)
        drift = 0 if last is None or last.drift is None else last.drift
        yield CountNow(lot, row.capacity, beyond, drift)
