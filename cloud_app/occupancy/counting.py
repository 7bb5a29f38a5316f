"""Counts of lots, worked out about once a second by the leader: from gates, bays and the clock.

A counted lot is shown like any other: its cloud edge has a row of `bay_count` for the places that
no single bay stands for, so the map, lists and files need to know nothing of gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, case, func, select, text

from cloud_app.config import GatesConfig
from cloud_app.occupancy.balances import (
    Lot,
    Truth,
    balance_at,
    last_by,
    last_passage,
    last_zeroing,
    set_count,
)
from cloud_app.occupancy.counted_rows import Kept, describe, keep, seen, show
from cloud_app.occupancy.gates import gates_at, gates_of
from cloud_app.occupancy.tables import lot_count
from cloud_app.registry.facts import LotFacts
from cloud_app.registry.kinds import LOT, Ref
from cloud_app.registry.queries import time_zones_of
from cloud_app.registry.things import find_one
from cloud_app.storage.cloud_edges import ensure_cloud_edge
from cloud_app.storage.database import Database, Session
from cloud_app.storage.queries import Now
from cloud_app.storage.tables import bay_count, edge
from cloud_app.storage.times import from_ms, to_ms
from sensors.counting import (
    BayEvidence,
    Capacity,
    CountSource,
    Figure,
    NightRule,
    ZeroCause,
    clamp,
    figure,
)
from telemetry import Clock

# What no row tells, such as that it is night or that a gate is silent, is seen within it.
_ALL_EVERY_S = 10.0
# Bays correct the count only while nobody drives about in the lot.
_QUIET_S = 300.0
_QUIET_MIN = 30
# Why a count is not known.
NO_TRUTH: Final = "no_truth"
GATE_SILENT: Final = "gate_silent"
NO_CAPACITY: Final = "no_capacity"


@dataclass(frozen=True, slots=True)
class Places:
    """What a lot has, and what its single bays say.

    Attributes:
        capacity: of the whole lot; None where nobody said it and no bay is known.
        bays: what those say that are watched one by one.
        watched: how many they are, closed ones included.
    """

    capacity: Capacity | None
    bays: BayEvidence
    watched: int


def places_of(session: Session, now: Now, lot: Lot, facts: LotFacts) -> Places:
    """The capacity of a lot and the evidence of its bays, on one basis."""
    [row] = session.rows(_bay_sums(now), lot.given)
    watched, closed = int(row.bays), int(row.closed)
    known = BayEvidence(
        int(row.occupied), int(row.free), watched - closed - int(row.occupied) - int(row.free)
    )
    if facts.capacity is None and not watched:
        return Places(None, known, 0)
    # Nobody counts fewer places than there are bays.
    places = max(facts.capacity or 0, watched)
    return Places(Capacity(places, closed, facts.held_back or 0), known, watched)


def _bay_sums(now: Now) -> Select[Any]:
    fresh = {
        state: case((now.is_stale, 0), else_=bay_count.c[state]) for state in ("occupied", "free")
    }
    sums = {"bays": bay_count.c.bays, "closed": bay_count.c.closed, **fresh}
    return (
        select(*(func.coalesce(func.sum(each), 0).label(name) for name, each in sums.items()))
        .select_from(bay_count)
        .join(edge, edge.c.edge == bay_count.c.edge)
        .where(
            bay_count.c.site == bindparam("at_site"),
            bay_count.c.lot == bindparam("of_lot"),
            bay_count.c.counted == text("0"),
        )
    )


@dataclass(slots=True)
class LotCounter:
    """Works the counts out, a round at a time.

    Attributes:
        database: everything's place.
        config: when a gate is silent, and what follows.
        stale_after_s: an edge silent for so long is stale, and its bays tell nothing.
        clock: wall and monotonic time.
    """

    database: Database
    config: GatesConfig
    stale_after_s: float
    clock: Clock
    _all_s: float | None = None

    def tick(self) -> None:
        """One round: lots of which there is news, and now and then all.

        Raises:
            StorageError: the database did not do it.
        """
        now_s = self.clock.mono_s()
        is_whole = self._all_s is None or now_s - self._all_s >= _ALL_EVERY_S
        if is_whole:
            self._all_s = now_s
        query = select(lot_count.c.site, lot_count.c.lot).order_by(
            lot_count.c.site, lot_count.c.lot
        )
        with self.database.read() as session:
            rows = session.rows(query if is_whole else query.where(lot_count.c.news == text("1")))
        for row in rows:
            with self.database.write() as session:
                count_lot(session, Lot(row.site, row.lot), self._now(), self.config)

    def _now(self) -> Now:
        return Now(to_ms(self.clock.utc()), int(self.stale_after_s * 1000))


def count_lot(session: Session, lot: Lot, now: Now, config: GatesConfig) -> Figure | None:
    """Work the count of a lot out and show it.

    Returns:
        Its figure; None where not even the capacity is known.
    """
    at = from_ms(now.now_ms)
    name = ensure_cloud_edge(session, lot.site, lot.lot)
    # Before the rest is read: what comes meanwhile marks it as news once more.
    seen(session, lot, name)
    facts = facts_of(session, lot)
    describe(session, lot, name, facts)
    places = places_of(session, now, lot, facts)
    gates = gates_of(gates_at(session, lot.site, config.silent_after_s), lot)
    silent = [since for each in gates if (since := each.silent_since(at)) is not None]
    _zero_by_rule(session, lot, at, facts, places, is_blind=bool(silent))
    raw, why = _raw(session, lot, at, silent, config)
    capacity = places.capacity
    found, shown = None, None
    if capacity is not None:
        found = figure(raw, capacity.offered, places.bays)
        rest = clamp(capacity.places - places.watched - capacity.held_back, 0, capacity.offered)
        shown = _rest(rest, found, places.bays) if rest else None
        why = None if found.count is not None else why
    else:
        why = NO_CAPACITY
    show(session, lot, name, shown, now.now_ms)
    keep(session, lot, Kept(raw, found, why, capacity, places.watched), now.now_ms)
    return found


def facts_of(session: Session, lot: Lot) -> LotFacts:
    """What the registry knows of a lot."""
    thing = find_one(session, Ref(LOT.name, f"{lot.site}/{lot.lot}"))
    return thing.facts if thing is not None and isinstance(thing.facts, LotFacts) else LotFacts()


def _rest(rest: int, found: Figure, bays: BayEvidence) -> tuple[int, int, int]:
    """(occupied, free, unknown) of the places that no single bay stands for."""
    if found.count is None or found.source is CountSource.BAYS:
        return 0, 0, rest
    # Bays that tell nothing may hold some of them too: rather too few places are called free.
    occupied = clamp(found.count - bays.occupied, 0, rest)
    return occupied, rest - occupied, 0


def _raw(
    session: Session, lot: Lot, at: datetime, silent: Sequence[datetime], config: GatesConfig
) -> tuple[int | None, str | None]:
    """The balance, or why it cannot be believed."""
    zero = last_zeroing(session, lot)
    if zero is None:
        return None, NO_TRUTH
    if silent and at - min(silent) >= timedelta(seconds=config.unknown_after_s):
        return None, GATE_SILENT
    return balance_at(session, lot, zero.truth, at).raw, None


def _zero_by_rule(
    session: Session, lot: Lot, at: datetime, facts: LotFacts, places: Places, *, is_blind: bool
) -> None:
    passed = last_passage(session, lot)
    found = places.bays
    is_known = places.capacity is not None and 0 < places.capacity.offered <= found.known
    if is_known and not found.unknown:
        # A lot whose bays are all known needs no night to be empty.
        zero = last_zeroing(session, lot)
        is_quiet = passed is None or (at - passed).total_seconds() >= _QUIET_S
        balance = None if zero is None else balance_at(session, lot, zero.truth, at).raw
        if is_quiet and balance != found.occupied:
            set_count(session, lot, Truth(at, found.occupied, ZeroCause.BAYS))
        return
    if facts.empty_at is None or is_blind:
        return
    zone = time_zones_of(session, [lot.site]).get(lot.site)
    rule = NightRule(
        time.fromisoformat(facts.empty_at),
        ZoneInfo(zone or "UTC"),
        60.0 * (facts.empty_after_min or _QUIET_MIN),
        count=facts.empty_count or 0,
    )
    if rule.due(at, passed, last_by(session, lot, ZeroCause.NIGHT)):
        set_count(session, lot, Truth(at, rule.count, ZeroCause.NIGHT))
