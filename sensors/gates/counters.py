"""Counters of a sensor network as gates."""

from __future__ import annotations

from datetime import datetime

from sensors.gates.passages import MAX_COUNT, GateReport, Passage, Total
from sensors.readings import CounterReading, RunningTotal
from telemetry import PassageDirection, PassageMethod


def counter_report(gate: str, at: datetime, frame: str, reading: CounterReading) -> GateReport:
    """What a counter's uplink says of its gate.

    A running total has no direction: the wiring says it. Of counts to both sides, left is in unless
    the wiring reverses it.

    Args:
        gate: the device.
        at: when the uplink was received.
        frame: names the uplink.
        reading: what it says.
    """
    if isinstance(reading, RunningTotal):
        return GateReport(gate, at, totals=(Total(None, reading.running_total, at),))
    sides = ((PassageDirection.IN, reading.left), (PassageDirection.OUT, reading.right))
    passages = tuple(
        Passage(way, min(count, MAX_COUNT), at, f"{frame[:56]} {way}", PassageMethod.COUNTER)
        for way, count in sides
    )
    return GateReport(gate, at, passages)
