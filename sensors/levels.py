"""Which counts of a lot with levels a passage changes; one rule for boxes and the cloud."""

from __future__ import annotations

from dataclasses import dataclass

from telemetry import PassageDirection


@dataclass(frozen=True, slots=True)
class GatePlace:
    """Where a gate of a lot leads.

    Attributes:
        level: that is entered by it; None or empty: the lot as a whole.
        level_from: of a gate between two levels, the one that a vehicle leaves on its way in.
    """

    level: str | None = None
    level_from: str | None = None


def way_into(
    level: str | None, gate: GatePlace, way: PassageDirection, *, has_lot_gate: bool
) -> PassageDirection | None:
    """Which way a passage counts; None where it does not.

    Args:
        level: that is counted; None or empty: the whole lot.
        gate: that was passed.
        way: in which direction.
        has_lot_gate: some gate leads to the lot as a whole. Then those that lead to a level are
            within it, and do not count the lot; else they are its entrances.
    """
    if level and gate.level_from == level:
        # It leaves this level on its way into the other one.
        return None if gate.level == level else way.reversed
    if level:
        return way if gate.level == level else None
    is_within = gate.level_from or (gate.level and has_lot_gate)
    return None if is_within else way
