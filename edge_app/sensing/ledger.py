"""Gates and count of one lot, as the store keeps them, and how a message changes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel, Field

from edge_app.config import VehicleGateConfig
from sensors.counting import Balance, BayEvidence, Capacity, Figure, figure
from sensors.gates.passages import GateReport, GateWiring, Passage, Total
from sensors.totals import Counter, StepKind, step
from telemetry.gates import PassageDirection, PassageMethod

_KEYS_KEPT = 64
"""A gate repeats what got no answer, within seconds."""


class GateMemory(BaseModel):
    """What is known of a gate.

    Attributes:
        keys: of the last passages, the newest last.
        totals: where its counters stood last, by direction.
        heard: when it was last heard of.
    """

    keys: list[str] = Field(default_factory=list)
    totals: dict[PassageDirection, Total] = Field(default_factory=dict)
    heard: datetime | None = None


class CountMemory(BaseModel):
    """The count of a lot or level.

    Attributes:
        balance: the ledger.
        is_true: whether it was ever set to the truth; before that nobody knows the count.
        zeroed: when the rule of the night last set it.
        told: the count that was told last.
        told_at: when.
    """

    balance: Balance
    is_true: bool = False
    zeroed: datetime | None = None
    told: int | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LotBays:
    """The bays of a counted lot or level that the box watches one by one.

    Attributes:
        evidence: what they say, closed ones left out.
        closed: taken out of service.
        blocked: free, but of no use to any vehicle.
    """

    evidence: BayEvidence
    closed: int
    blocked: int

    def capacity(self, said: int) -> Capacity:
        """Of the lot; nobody counts fewer places than there are bays.

        Args:
            said: in the configuration.
        """
        watched = self.evidence.known + self.evidence.unknown + self.closed
        return Capacity(max(said, watched), self.closed)


class Ledger(BaseModel):
    """All that is kept of one lot.

    Attributes:
        gates: by id.
        counts: by level; the empty text is the whole lot.
        passed: when a vehicle last passed any of its gates.
    """

    gates: dict[str, GateMemory] = Field(default_factory=dict)
    counts: dict[str, CountMemory] = Field(default_factory=dict)
    passed: datetime | None = None


def figure_of(memory: CountMemory, bays: LotBays, capacity: Capacity) -> Figure:
    """The count of a lot: its balance, within what its bays allow."""
    raw = memory.balance.raw if memory.is_true else None
    return figure(raw, capacity.offered, bays.evidence)


@dataclass(slots=True)
class Taken:
    """What came of a gate's message.

    Attributes:
        passages: vehicles that were not counted before, each with a running total if it has one.
        faults: what in it cannot be used.
    """

    passages: list[tuple[Passage, int | None]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def take_report(gate: VehicleGateConfig, memory: GateMemory, report: GateReport) -> Taken:
    """Take a gate's message into its memory; what came before is not counted again."""
    taken = Taken()
    wired = report.wired(GateWiring(gate.wiring))
    for each in wired.passages:
        if each.key in memory.keys:
            continue
        if each.direction is None:
            taken.faults.append(f"gate {gate.id}: no direction is told; set its wiring")
            continue
        memory.keys = [*memory.keys, each.key][-_KEYS_KEPT:]
        if each.count:
            taken.passages.append((each, None))
    for total in wired.totals:
        _take_total(gate, memory, total, taken)
    if memory.heard is None or report.at > memory.heard:
        memory.heard = report.at
    return taken


def _take_total(gate: VehicleGateConfig, memory: GateMemory, total: Total, taken: Taken) -> None:
    if total.direction is None:
        taken.faults.append(f"gate {gate.id}: no direction is told; set its wiring")
        return
    before = memory.totals.get(total.direction)
    if before is not None and total.at <= before.at:
        return
    memory.totals[total.direction] = total
    if before is None:  # where it stands, not what passed
        return
    gone = step(before, total, Counter(modulus=gate.modulus))
    if gone.kind is StepKind.IMPLAUSIBLE:
        taken.faults.append(
            f"gate {gate.id}: {total.direction} went from {before.total} to {total.total}, which "
            "is more than can have passed: nothing is counted"
        )
    if gone.count:
        key = f"{total.direction}-{total.total}-{total.at.isoformat()}"[:64]
        passage = Passage(total.direction, gone.count, total.at, key, PassageMethod.COUNTER)
        taken.passages.append((passage, total.total))


def count_passages(
    ledger: Ledger, counts: Mapping[str, PassageDirection], passages: Sequence[Passage]
) -> None:
    """Take vehicles into the counts.

    Args:
        ledger: of the lot.
        counts: by level, the empty text for the lot: which way a passage inwards counts there.
        passages: of one gate.
    """
    for each in passages:
        if each.direction is None:
            continue
        for level, way in counts.items():
            memory = ledger.counts[level]
            counted = each.direction if way is PassageDirection.IN else each.direction.reversed
            memory.balance = memory.balance.passed(counted, each.count, each.at)
        if ledger.passed is None or each.at > ledger.passed:
            ledger.passed = each.at
