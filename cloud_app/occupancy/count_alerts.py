"""What of counted lots somebody should be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from cloud_app.occupancy.balances import Lot, last_zeroing
from cloud_app.occupancy.gates import GateNow, gates_at, sites_with_gates
from cloud_app.occupancy.tables import lot_count
from cloud_app.storage.database import Session
from cloud_app.storage.times import from_ms


@dataclass(frozen=True, slots=True)
class CountDrift:
    """A lot whose count is, or was when it was set, further off than it should be.

    Attributes:
        lot: which.
        drift: vehicles above the true count; below it, negative.
        is_impossible: the balance itself is below 0 or above the capacity by so much.
    """

    lot: Lot
    drift: int
    is_impossible: bool


def silent_gates(session: Session, now_ms: int, silent_after_s: float) -> Iterator[GateNow]:
    """Gates that were heard of, and are no more."""
    now = from_ms(now_ms)
    for site in sites_with_gates(session):
        for each in gates_at(session, site, silent_after_s):
            if each.silent_since(now) is not None:
                yield each


def drifts(session: Session, share: float, least: int) -> Iterator[CountDrift]:
    """Lots with a drift that passes a limit.

    Args:
        session: to read.
        share: of the capacity.
        least: vehicles.
    """
    rows = session.rows(
        select(lot_count.c.site, lot_count.c.lot, lot_count.c.raw, lot_count.c.capacity).order_by(
            lot_count.c.site, lot_count.c.lot
        )
    )
    for row in rows:
        if row.capacity is None:
            continue
        lot = Lot(row.site, row.lot)
        limit = max(least, share * row.capacity)
        beyond = 0 if row.raw is None else min(row.raw, max(0, row.raw - row.capacity))
        if abs(beyond) >= limit:
            yield CountDrift(lot, beyond, is_impossible=True)
            continue
        last = last_zeroing(session, lot)
        if last is not None and last.drift is not None and abs(last.drift) >= limit:
            yield CountDrift(lot, last.drift, is_impossible=False)
