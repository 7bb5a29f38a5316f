"""Passages over counted lines on their way into the outbox, and the running totals of each gate.

The totals of a gate are a document of the store, written in the transaction of its events: after a
power cut neither has counted what the other has not.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from pydantic import TypeAdapter, ValidationError

from edge_app.delivery.changes import Note
from edge_app.delivery.entries import Entry
from telemetry.bounds import MAX_NUMBER, clamped
from telemetry.cloudevents import GATE_PASSED_TYPE
from telemetry.gates import GatePassed, PassageDirection, PassageMethod
from telemetry.messages import ClockStamp

_log = logging.getLogger(__name__)

_PREFIX = "gate/"


@dataclass(frozen=True, slots=True)
class GatePassage:
    """A vehicle passed over a counted line.

    Attributes:
        gate: the line's id.
        lot: that the gate leads to.
        level: that it leads to; None: the whole lot.
        direction: which way.
        time: when, UTC.
        vehicle: its class, in the network's words.
        conf: mean confidence of its boxes.
        camera: that saw it.
        calibration_revision: of the camera's calibration.
    """

    gate: str
    lot: str
    level: str | None
    direction: PassageDirection
    time: datetime
    vehicle: str
    conf: float
    camera: str
    calibration_revision: int


@dataclass(frozen=True, slots=True)
class GateTotals:
    """What passed a gate: ever, and on the day of its last passage.

    Attributes:
        total_in: running total, never set back.
        total_out: the same, outwards.
        day: of the last passage, in the box's own time zone; None before the first.
        day_in: on that day.
        day_out: on that day.
    """

    total_in: int = 0
    total_out: int = 0
    day: date | None = None
    day_in: int = 0
    day_out: int = 0

    def after(self, direction: PassageDirection, day: date) -> GateTotals:
        """With one passage more."""
        same = self if self.day == day else replace(self, day=day, day_in=0, day_out=0)
        if direction is PassageDirection.IN:
            total = _next(same.total_in)
            return replace(same, total_in=total, day_in=same.day_in + 1)
        return replace(same, total_out=_next(same.total_out), day_out=same.day_out + 1)

    def of(self, direction: PassageDirection) -> int:
        """Running total of one direction."""
        return self.total_in if direction is PassageDirection.IN else self.total_out

    def on(self, day: date) -> tuple[int, int]:
        """In and out on a day, which is today or later."""
        return (self.day_in, self.day_out) if self.day == day else (0, 0)


_KEPT = TypeAdapter(GateTotals)


class GateCounts:
    """The totals of all gates, as the store knows them. One thread at a time.

    Args:
        database: of the store.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._totals: dict[str, GateTotals] = {}
        for name, body in database.execute(
            "SELECT name, body FROM document WHERE name LIKE ?", (_PREFIX + "%",)
        ):
            try:
                self._totals[name.removeprefix(_PREFIX)] = _KEPT.validate_json(body)
            except ValidationError as exc:  # of a later version; this gate counts from 0 again
                _log.warning("%s cannot be read: %s", name, exc)

    def take(self, passages: Sequence[GatePassage], stamp: ClockStamp) -> list[Entry]:
        """Count passages; gives their events, each with the totals that hold from it on."""
        return [self._take(passage, stamp) for passage in passages]

    def totals(self, gate: str) -> GateTotals:
        """What passed a gate."""
        return self._totals.get(gate, GateTotals())

    def _take(self, passage: GatePassage, stamp: ClockStamp) -> Entry:
        day = passage.time.astimezone().date()
        totals = self.totals(passage.gate).after(passage.direction, day)
        self._totals[passage.gate] = totals
        data = GatePassed(
            lot=passage.lot,
            level=passage.level,
            direction=passage.direction,
            total=totals.of(passage.direction),
            method=PassageMethod.LINE,
            vehicle=passage.vehicle,
            conf=passage.conf,
            camera=passage.camera,
            calibration=passage.calibration_revision,
            clock=stamp,
        )
        return Entry(
            subject=passage.gate,
            time=clamped(passage.time),
            data=data.model_dump_json(),
            type=GATE_PASSED_TYPE,
            note=Note(_PREFIX + passage.gate, _KEPT.dump_json(totals).decode()),
        )


def _next(total: int) -> int:
    # The contract's numbers end at 2^53, which no gate reaches; a damaged total must not end it.
    return total + 1 if total < MAX_NUMBER else 1
