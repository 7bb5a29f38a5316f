"""Our own JSON of gates, for everybody who has none: pulses, running totals, counts of an interval.

One object, or a list of up to 1,000 of them. Each names its `gate` and carries any of

- `direction` ("in", "out") with an optional `count`: vehicles passed, a loop's pulse being one;
- `totals` {"in": 1706, "out": 1690}: what the counters stand at, with `restarted` where the device
  knows that it began anew;
- `interval` {"in": 3, "out": 1}: vehicles since the last message;

and with none of them says that the gate is alive. `time` (RFC 3339) is when it was so; without one
it is the time of arrival. `id` makes a repetition known as such; without one the time does.
A `plate` becomes a keyed hash or nothing.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from sensors.errors import SensorError
from sensors.gates.fields import Fields, read_json, refuse
from sensors.gates.passages import (
    MAX_COUNT,
    GateReport,
    Passage,
    PlateHash,
    Total,
    vehicle_class,
)
from telemetry import PassageDirection, PassageMethod

MAX_MESSAGES: Final = 1_000
_DIRECTIONS: Final = tuple(PassageDirection)
_WHERE: Final = "gate message"


def read_pulses(
    payload: bytes, received_at: datetime, plates: PlateHash | None = None
) -> list[GateReport]:
    """Read a message, or a list of them.

    Raises:
        SensorError: it is none; then nothing of a list is taken.
    """
    value = read_json(payload, _WHERE)
    if not isinstance(value, list):
        return [_report(Fields(value, _WHERE), received_at, plates)]
    if len(value) > MAX_MESSAGES:
        msg = f"{_WHERE}: expected at most {MAX_MESSAGES} in a list, but got {len(value)}"
        raise SensorError(msg)
    return [
        _report(Fields(each, f"{_WHERE}[{index}]"), received_at, plates)
        for index, each in enumerate(value)
    ]


def _report(fields: Fields, received_at: datetime, plates: PlateHash | None) -> GateReport:
    at = fields.moment("time") if "time" in fields else received_at
    passages = [*_pulse(fields, at, plates), *_interval(fields, at)]
    return GateReport(fields.name("gate"), at, tuple(passages), tuple(_totals(fields, at)))


def _key(fields: Fields, at: datetime, part: str) -> str:
    """Named by the sender, or by the time. Digested, as an `id` may be any text."""
    named = fields.text("id") if "id" in fields else at.isoformat()
    return hashlib.sha256(f"{part}\0{named}".encode()).hexdigest()[:32]


def _pulse(fields: Fields, at: datetime, plates: PlateHash | None) -> list[Passage]:
    if "direction" not in fields and "count" not in fields:
        return []
    told = fields.text("direction") if "direction" in fields else None
    if told is not None and told not in set(_DIRECTIONS):
        refuse(fields.place("direction"), "'in' or 'out'", told)
    plate = fields.text_or_none("plate")
    conf = fields.number("conf")
    return [
        Passage(
            direction=None if told is None else PassageDirection(told),
            count=fields.whole("count", MAX_COUNT) if "count" in fields else 1,
            at=at,
            key=_key(fields, at, f"pulse {told}"),
            method=PassageMethod.PULSE if plate is None else PassageMethod.PLATE_READER,
            vehicle=vehicle_class(fields.text_or_none("vehicle")),
            hash=plates.of(plate) if plates and plate else None,
            conf=conf if conf is not None and 0 <= conf <= 1 else None,
        )
    ]


def _interval(fields: Fields, at: datetime) -> list[Passage]:
    if "interval" not in fields:
        return []
    counts = fields.inside("interval")
    return [
        Passage(
            direction,
            counts.whole(direction, MAX_COUNT),
            at,
            _key(fields, at, f"interval {direction}"),
            PassageMethod.COUNTER,
        )
        for direction in _DIRECTIONS
        if direction in counts
    ]


def _totals(fields: Fields, at: datetime) -> list[Total]:
    if "totals" not in fields:
        return []
    totals = fields.inside("totals")
    return [
        Total(direction, totals.whole(direction), at, fields.flag("restarted"))
        for direction in _DIRECTIONS
        if direction in totals
    ]
