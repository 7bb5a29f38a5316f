"""The gates of a box and the lots that they count. Safe between threads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from edge_app.config import CountedLotConfig, VehicleGateConfig
from edge_app.delivery import Note, Notice, StoreError
from edge_app.delivery.passages import GatePassage
from edge_app.sensing.ledger import (
    CountMemory,
    GateMemory,
    Ledger,
    LotBays,
    count_passages,
    figure_of,
    take_report,
)
from edge_app.sensing.report import CountReport, GateReport
from sensors.counting import Balance, BayRule, NightRule
from sensors.errors import SensorError
from sensors.gates.passages import Passage
from sensors.gates.pulses import read_pulses
from sensors.levels import GatePlace, way_into
from telemetry import Clock
from telemetry.bounds import clamped
from telemetry.cloudevents import GATE_PASSED_TYPE, LOT_COUNT_TYPE
from telemetry.gates import CountCause, GatePassed, LotCounted, PassageDirection, PassageMethod
from telemetry.messages import ClockStamp

_log = logging.getLogger(__name__)

_DRIFT_MOST = 100_000
_FAULT_CHARS = 200
_BAYS = BayRule()


@dataclass(frozen=True, slots=True)
class GateOutlets:
    """What gates work with.

    Attributes:
        notify: queues events, with the documents that go along.
        load: a document of the store; None when there is none.
        save: keeps a document; raises StoreError.
        counted: told whenever a count may be another one.
        bays: of a counted lot, that are watched one by one.
    """

    notify: Callable[[Sequence[Notice]], None]
    load: Callable[[str], str | None]
    save: Callable[[str, str], None]
    counted: Callable[[], None]
    bays: Callable[[CountedLotConfig], LotBays]


class GateCounters:
    """All gates of a box, and the counts of its lots.

    Args:
        gates: their settings.
        lots: those that are counted.
        outlets: where passages and counts go.
        clock: time.
    """

    def __init__(
        self,
        gates: Sequence[VehicleGateConfig],
        lots: Sequence[CountedLotConfig],
        outlets: GateOutlets,
        clock: Clock,
    ) -> None:
        self._gates = {each.id: each for each in gates}
        self._lots = tuple(lots)
        self._outlets = outlets
        self._clock = clock
        self._lock = threading.RLock()
        self._heard_s = dict.fromkeys(self._gates, clock.mono_s())
        self._ins = dict.fromkeys(self._gates, 0)
        self._outs = dict.fromkeys(self._gates, 0)
        names = dict.fromkeys([*(each.lot for each in gates), *(each.id for each in lots)])
        self._ledgers = {lot: self._restored(lot) for lot in names}
        self.refused = 0
        self.last_fault: str | None = None

    # -- messages --------------------------------------------------------------------------------

    def take(self, body: bytes, gate: str | None = None) -> int:
        """Take a message of gates.

        Args:
            body: JSON of `sensors.gates.pulses`.
            gate: whose it is, where the topic says so.

        Returns:
            How many vehicles were counted.

        Raises:
            SensorError: it cannot be read, or names a gate that stands nowhere.
        """
        with self._lock:
            try:
                reports = read_pulses(body, self._clock.utc())
                unknown = {each.gate for each in reports if gate is None} - set(self._gates)
                if unknown:
                    known = ", ".join(self._gates) or "none"
                    msg = f"expected one of the gates {known}, but got {', '.join(unknown)}"
                    raise SensorError(msg)  # noqa: TRY301 - told like what cannot be read
            except SensorError as exc:
                self._refuse(str(exc))
                raise
            counted = 0
            for each in reports:
                config = self._gates[gate or each.gate]
                ledger = self._ledgers[config.lot]
                taken = take_report(config, ledger.gates[config.id], each)
                self._heard_s[config.id] = self._clock.mono_s()
                for fault in taken.faults:
                    self._refuse(fault)
                counted += self._passed(config, ledger, taken.passages)
            return counted

    def _passed(
        self,
        gate: VehicleGateConfig,
        ledger: Ledger,
        passages: Sequence[tuple[Passage, int | None]],
    ) -> int:
        vehicles = [each for each, _ in passages]
        count_passages(ledger, self._counts_of(gate.lot, gate.place), vehicles)
        for each in vehicles:
            side = self._ins if each.direction is PassageDirection.IN else self._outs
            side[gate.id] += each.count
        notices = [_passage_notice(gate, each, total) for each, total in passages]
        self._send(gate.lot, notices)
        if notices:
            self._outlets.counted()
        return sum(each.count for each in vehicles)

    # -- counts ----------------------------------------------------------------------------------

    def count_line(self, passages: Sequence[GatePassage]) -> None:
        """Count what passed over lines in pictures; their events are queued already."""
        with self._lock:
            for each in passages:
                ledger = self._ledgers.get(each.lot)
                counts = self._counts_of(each.lot, GatePlace(each.level))
                if ledger is None or not counts:
                    continue
                key = f"{each.gate}/{each.time.isoformat()}"
                passed = Passage(each.direction, 1, each.time, key, PassageMethod.LINE)
                count_passages(ledger, counts, [passed])
                self._send(each.lot, [])
                self._outlets.counted()

    def set_count(self, lot: str, level: str | None, count: int) -> None:
        """Set a count by hand: somebody looked.

        Raises:
            SensorError: no such lot is counted, or it does not hold so many.
        """
        config = next((e for e in self._lots if (e.id, e.level) == (lot, level)), None)
        if config is None:
            named = ", ".join(f"{e.id} {e.level or ''}".strip() for e in self._lots) or "none"
            msg = f"expected a counted lot ({named}), but got {lot} {level or ''}".strip()
            raise SensorError(msg)
        places = self._outlets.bays(config).capacity(config.capacity).places
        if not 0 <= count <= places:
            msg = f"count: expected 0 to {places}, but got {count}"
            raise SensorError(msg)
        with self._lock:
            self._zero(config, count, CountCause.CORRECTED)

    def look(self) -> None:
        """Now and then: is the true count known, is the count to be told?"""
        with self._lock:
            for config in self._lots:
                memory, bays = self._memory(config), self._outlets.bays(config)
                if bays.evidence.covers(bays.capacity(config.capacity).offered):
                    self._zero_by_bays(config, memory, bays)
                elif self._is_night_over(config, memory):
                    memory.zeroed = self._clock.utc()
                    self._zero(config, 0, CountCause.ZEROED)
                if self._is_to_be_told(config, memory):
                    self._tell_count(config, CountCause.COUNTED)

    def _zero_by_bays(self, config: CountedLotConfig, memory: CountMemory, bays: LotBays) -> None:
        raw = memory.balance.raw if memory.is_true else None
        passed = self._ledgers[config.id].passed
        count = _BAYS.truth(self._clock.utc(), raw, bays.evidence, passed)
        if count is not None:
            self._zero(config, count, CountCause.CORRECTED)

    def _zero(self, config: CountedLotConfig, count: int, cause: CountCause) -> None:
        memory = self._memory(config)
        was_true = memory.is_true
        memory.balance, drift = memory.balance.zeroed(self._clock.utc(), count)
        memory.is_true = True
        drift = max(-_DRIFT_MOST, min(drift, _DRIFT_MOST))
        _log.warning("lot %s: count set to %d (%s)", config.id, count, cause.value)
        self._tell_count(config, cause, drift if was_true else None)
        self._outlets.counted()

    def _is_night_over(self, config: CountedLotConfig, memory: CountMemory) -> bool:
        if config.zero_at is None or any(self._is_silent(g) for g in self._gates.values()):
            return False
        rule = NightRule(time.fromisoformat(config.zero_at), ZoneInfo(config.time_zone))
        passed = self._ledgers[config.id].passed
        return rule.due(self._clock.utc(), passed, memory.zeroed)

    def _is_to_be_told(self, config: CountedLotConfig, memory: CountMemory) -> bool:
        count = self._report(config).count
        if count is None or memory.told == count:
            return False
        told_at = memory.told_at
        age_s = None if told_at is None else (self._clock.utc() - told_at).total_seconds()
        return age_s is None or not 0 <= age_s < config.told_every_s

    def _tell_count(
        self, config: CountedLotConfig, cause: CountCause, drift: int | None = None
    ) -> None:
        memory, now, found = self._memory(config), self._clock.utc(), self._report(config)
        if found.count is None:
            return
        memory.told, memory.told_at = found.count, now
        self._send(config.id, [_count_notice(found, found.count, cause, drift, now)])

    def _memory(self, config: CountedLotConfig) -> CountMemory:
        return self._ledgers[config.id].counts[config.level or ""]

    # -- reports ---------------------------------------------------------------------------------

    def gates(self) -> tuple[GateReport, ...]:
        """The gates, for the pages."""
        with self._lock:
            return tuple(
                GateReport(
                    id=each.id,
                    lot=each.lot,
                    level=each.level,
                    ins=self._ins[each.id],
                    outs=self._outs[each.id],
                    heard=self._ledgers[each.lot].gates[each.id].heard,
                    is_silent=self._is_silent(each),
                )
                for each in self._gates.values()
            )

    def counts(self) -> tuple[CountReport, ...]:
        """The counts, for pages and signs."""
        with self._lock:
            return tuple(map(self._report, self._lots))

    def _report(self, config: CountedLotConfig) -> CountReport:
        memory, bays = self._memory(config), self._outlets.bays(config)
        capacity = bays.capacity(config.capacity)
        found = figure_of(memory, bays, capacity)
        return CountReport(
            lot=config.id,
            level=config.level,
            count=found.count,
            source=found.source,
            capacity=capacity.places,
            closed=bays.closed,
            blocked=bays.blocked,
            true_at=memory.balance.true_at if memory.is_true else None,
        )

    # -- inside ----------------------------------------------------------------------------------

    def _counts_of(self, lot: str, place: GatePlace) -> dict[str, PassageDirection]:
        """The counts that a vehicle changes which passes inwards: by level, and which way."""
        has_lot_gate = any(g.lot == lot and g.level is None for g in self._gates.values())
        inwards = PassageDirection.IN
        ways = {
            each.level or "": way_into(each.level, place, inwards, has_lot_gate=has_lot_gate)
            for each in self._lots
            if each.id == lot
        }
        return {level: way for level, way in ways.items() if way is not None}

    def _is_silent(self, gate: VehicleGateConfig) -> bool:
        age_s = self._clock.mono_s() - self._heard_s[gate.id]
        return gate.period_s is not None and age_s > gate.period_s

    def _refuse(self, fault: str) -> None:
        self.refused += 1
        text = fault[:_FAULT_CHARS]
        if text != self.last_fault:
            _log.warning("a message of gates cannot be used: %s", text)
        self.last_fault = text

    def _send(self, lot: str, notices: list[Notice]) -> None:
        """Queue events, and keep the lot's ledger in the transaction of the last one."""
        body = self._ledgers[lot].model_dump_json()
        if notices:
            last = notices[-1]
            note = Note(_document(lot), body)
            notices[-1] = Notice(last.type, last.subject, last.time, last.say, note)
            self._outlets.notify(notices)
            return
        try:
            self._outlets.save(_document(lot), body)
        except StoreError as exc:
            _log.debug("lot %s: %s", lot, exc)

    def _restored(self, lot: str) -> Ledger:
        body = self._outlets.load(_document(lot))
        try:
            ledger = Ledger() if body is None else Ledger.model_validate_json(body)
        except ValidationError as exc:
            _log.warning("the count of lot %s cannot be read, it begins anew: %s", lot, exc)
            ledger = Ledger()
        for gate in self._gates.values():
            if gate.lot == lot:
                ledger.gates.setdefault(gate.id, GateMemory())
        for each in self._lots:
            if each.id == lot:
                fresh = CountMemory(balance=Balance(self._clock.utc()))
                ledger.counts.setdefault(each.level or "", fresh)
        return ledger


def _passage_notice(gate: VehicleGateConfig, passage: Passage, total: int | None) -> Notice:
    def say(stamp: ClockStamp) -> GatePassed:
        return GatePassed(
            lot=gate.lot,
            level=gate.level,
            level_from=gate.level_from,
            direction=passage.direction or PassageDirection.IN,
            count=passage.count,
            total=total,
            method=passage.method,
            vehicle=passage.vehicle,
            hash=passage.hash,
            conf=passage.conf,
            clock=stamp,
        )

    return Notice(GATE_PASSED_TYPE, gate.id, clamped(passage.at), say)


def _count_notice(
    report: CountReport, count: int, cause: CountCause, drift: int | None, now: datetime
) -> Notice:
    def say(stamp: ClockStamp) -> LotCounted:
        return LotCounted(
            level=report.level,
            count=count,
            capacity=report.capacity,
            cause=cause,
            drift=drift,
            clock=stamp,
        )

    return Notice(LOT_COUNT_TYPE, report.lot, now, say)


def _document(lot: str) -> str:
    return f"counted/{lot}"
