"""Axis License Plate Verifier: JSON of a vehicle that is seen (NEW), known (UPDATE), gone (LOST).

A vehicle that is new has no direction yet, so it is taken from UPDATE and LOST, which name the same
vehicle by `carID`: it passed once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sensors.gates.fields import Fields, is_name, moment, moment_ms, read_json, refuse
from sensors.gates.passages import GateReport, Passage, PlateHash, vehicle_class
from telemetry import PassageDirection, PassageMethod
from telemetry.bounds import in_range

_WHERE: Final = "Axis event"
_STATES: Final = frozenset({"new", "update", "lost"})
_WAYS: Mapping[str, PassageDirection] = {
    "in": PassageDirection.IN,
    "out": PassageDirection.OUT,
}
_PLATES: Final = ("plateUTF8", "plateUnicode", "plateASCII", "plateText", "plate")
_TIMES: Final = ("capture_timestamp", "captureTimestamp", "capture_ts", "timestamp")
_MAX_ID_CHARS: Final = 20


def read_axis(payload: bytes, plates: PlateHash | None = None) -> list[GateReport]:
    """Read what the camera posts. The gate is its serial number.

    Raises:
        SensorError: it is no such event.
    """
    fields = Fields(read_json(payload, _WHERE), _WHERE)
    state = (fields.text("carState")).lower()
    if state not in _STATES:
        refuse(fields.place("carState"), "new, update or lost", state)
    at = _moment(fields)
    gate = _gate(fields)
    way = _WAYS.get((fields.text_or_none("carMoveDirection") or "").lower())
    # Without a direction only the end counts: a lane of one way may be wired so.
    if state == "new" or (way is None and state != "lost"):
        return [GateReport(gate, at)]
    return [GateReport(gate, at, (_passage(fields, at, way, plates),))]


def _gate(fields: Fields) -> str:
    info = fields.inside("camera_info") if "camera_info" in fields else None
    found = info.text_or_none("SerialNumber") if info else None
    found = found or fields.text_or_none("sensorProviderID") or fields.text_or_none("serial")
    if found is None or not is_name(found):
        refuse(fields.place("camera_info.SerialNumber"), "the camera's serial number", found)
    return found


def _moment(fields: Fields) -> datetime:
    for name in _TIMES:
        told_ms = fields.number(name)
        if told_ms is not None and (found := moment_ms(told_ms)) is not None:
            return found
    told = fields.text_or_none("datetime")
    found = None if told is None else moment(told) or _compact(told)
    if found is None:
        refuse(fields.place(_TIMES[0]), "milliseconds since 1970", told)
    return found


def _compact(text: str) -> datetime | None:
    """As the camera writes it: `20200416 125643123`, in UTC."""
    try:
        return in_range(datetime.strptime(text + "000", "%Y%m%d %H%M%S%f").replace(tzinfo=UTC))
    except ValueError:
        return None


def _passage(
    fields: Fields, at: datetime, way: PassageDirection | None, plates: PlateHash | None
) -> Passage:
    car = fields.text_or_none("carID") or str(fields.number("carID") or "")
    is_id = 0 < len(car) <= _MAX_ID_CHARS and car.replace(".", "").isdecimal()
    named = f"car {car}" if is_id else at.isoformat()
    read = next((text for name in _PLATES if (text := fields.text_or_none(name))), None)
    conf = fields.number("plateConfidence")
    if conf is not None and conf > 1:
        # Versions differ: 0.95 and 95.
        conf /= 100
    return Passage(
        direction=way,
        count=1,
        at=at,
        key=hashlib.sha256(named.encode()).hexdigest()[:32],
        method=PassageMethod.PLATE_READER,
        vehicle=vehicle_class(fields.text_or_none("vehicleType") or fields.text_or_none("carType")),
        hash=plates.of(read) if plates and read else None,
        conf=conf if conf is not None and 0 <= conf <= 1 else None,
    )
