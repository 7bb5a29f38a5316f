"""Counts of lots, worked out about once a second by the leader: from gates, bays and the clock.

A counted lot is shown like any other: its cloud edge has a row of `bay_count` for the places that
no single bay stands for, so the map, lists and files need to know nothing of gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select, text

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
from cloud_app.occupancy.basis import Places, places_of
from cloud_app.occupancy.counted_rows import Kept, describe, keep, seen, show
from cloud_app.occupancy.gates import GateNow, gates_at, gates_of
from cloud_app.occupancy.levels import keep_levels, levels_of
from cloud_app.occupancy.tables import lot_count
from cloud_app.registry.facts import LotFacts
from cloud_app.registry.kinds import LOT, Ref
from cloud_app.registry.queries import time_zones_of
from cloud_app.registry.things import find_one
from cloud_app.storage.cloud_edges import ensure_cloud_edge
from cloud_app.storage.database import Database, Session
from cloud_app.storage.queries import Now
from cloud_app.storage.times import from_ms, to_ms
from sensors.counting import (
    BayEvidence,
    BayRule,
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
_BAYS = BayRule()
_QUIET_MIN = 30
# Why a count is not known.
NO_TRUTH: Final = "no_truth"
GATE_SILENT: Final = "gate_silent"
NO_CAPACITY: Final = "no_capacity"
NO_GATE: Final = "no_gate"


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
    """Work the count of a lot and of its levels out, and show it.

    Returns:
        The lot's figure; None where not even the capacity is known.
    """
    name = ensure_cloud_edge(session, lot.site, lot.lot)
    # Before the rest is read: what comes meanwhile marks it as news once more.
    seen(session, lot, name)
    facts = facts_of(session, lot)
    describe(session, lot, name, facts)
    gates = [e for e in gates_at(session, lot.site, config.silent_after_s) if e.lot == lot.lot]
    counter = _Counter(session, now, facts, gates, config)
    places = places_of(session, now, lot, facts)
    kept = counter.count(lot, places)
    capacity, found = kept.capacity, kept.figure
    shown = None
    if capacity is not None and found is not None:
        rest = clamp(capacity.places - places.watched - capacity.held_back, 0, capacity.offered)
        shown = _rest(rest, found, places.bays) if rest else None
    show(session, lot, name, shown, now.now_ms)
    keep(session, lot, kept, now.now_ms)
    levels = [replace(lot, level=each) for each in levels_of(facts, gates)]
    counted = [counter.count(each, places_of(session, now, each, facts)) for each in levels]
    if keep_levels(session, lot, dict(zip(levels, counted, strict=True))):
        session.announce(name)
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


@dataclass(frozen=True, slots=True)
class _Counter:
    """Counts a lot and its levels at one moment."""

    session: Session
    now: Now
    facts: LotFacts
    gates: Sequence[GateNow]
    config: GatesConfig

    def count(self, lot: Lot, places: Places) -> Kept:
        at, capacity = from_ms(self.now.now_ms), places.capacity
        own = gates_of(self.gates, lot)
        silent = [since for each in own if (since := each.silent_since(at)) is not None]
        self._zero_by_rule(lot, at, places, is_blind=bool(silent))
        raw, why = self._raw(lot, at, silent) if own or not lot.level else (None, NO_GATE)
        if capacity is None:
            return Kept(raw, None, NO_CAPACITY, None, places.watched)
        found = figure(raw, capacity.offered, places.bays)
        return Kept(raw, found, why if found.count is None else None, capacity, places.watched)

    def _raw(
        self, lot: Lot, at: datetime, silent: Sequence[datetime]
    ) -> tuple[int | None, str | None]:
        """The balance, or why it cannot be believed."""
        zero = last_zeroing(self.session, lot)
        if zero is None:
            return None, NO_TRUTH
        if silent and at - min(silent) >= timedelta(seconds=self.config.unknown_after_s):
            return None, GATE_SILENT
        return balance_at(self.session, lot, zero.truth, at).raw, None

    def _zero_by_rule(self, lot: Lot, at: datetime, places: Places, *, is_blind: bool) -> None:
        # Of any gate of the lot: a vehicle that drives about may be bound for every level.
        passed = last_passage(self.session, lot)
        if places.capacity is not None and places.bays.covers(places.capacity.offered):
            # A lot whose bays are all known needs no night to be empty.
            zero = last_zeroing(self.session, lot)
            balance = None if zero is None else balance_at(self.session, lot, zero.truth, at).raw
            count = _BAYS.truth(at, balance, places.bays, passed)
            if count is not None:
                set_count(self.session, lot, Truth(at, count, ZeroCause.BAYS))
            return
        facts = self.facts
        # An empty lot has empty levels; on which of them vehicles stay overnight is unknown.
        if facts.empty_at is None or is_blind or lot.level:
            return
        zone = time_zones_of(self.session, [lot.site]).get(lot.site)
        rule = NightRule(
            time.fromisoformat(facts.empty_at),
            ZoneInfo(zone or "UTC"),
            60.0 * (facts.empty_after_min or _QUIET_MIN),
            count=facts.empty_count or 0,
        )
        if rule.due(at, passed, last_by(self.session, lot, ZeroCause.NIGHT)):
            set_count(self.session, lot, Truth(at, rule.count, ZeroCause.NIGHT))
