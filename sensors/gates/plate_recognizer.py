"""Plate Recognizer Stream: its webhook, as JSON or as a form with the JSON in the part `json`.

Stream tells no way in or out. Under "as told" a vehicle that shows its front comes in; where it
recognises no orientation, only a gate wired to one way counts it. `direction`, the angle of the way
through the picture, depends on how the camera hangs and is not used.
"""

from __future__ import annotations

import hashlib
from typing import Final

from sensors.gates.fields import Fields, read_json
from sensors.gates.forms import parts_of
from sensors.gates.passages import GateReport, Passage, PlateHash, vehicle_class
from telemetry import PassageDirection, PassageMethod

_WHERE: Final = "Plate Recognizer webhook"
_MAX_RESULTS: Final = 100
_FACES: Final = {"front": PassageDirection.IN, "rear": PassageDirection.OUT}


def read_plate_recognizer(
    payload: bytes, content_type: str = "", plates: PlateHash | None = None
) -> list[GateReport]:
    """Read what Stream posts; a webhook about anything but vehicles says that the camera is alive.

    Raises:
        SensorError: it is no such message.
    """
    form = parts_of(payload, content_type, _WHERE)
    if form is not None:
        payload = next((part.content for part in form if part.name == "json"), b"")
    fields = Fields(read_json(payload, _WHERE), _WHERE)
    data = fields.inside("data")
    at = data.moment("timestamp")
    results = data.items("results", _MAX_RESULTS) if "results" in data else []
    return [
        GateReport(
            data.name("camera_id"),
            at,
            tuple(
                _passage(Fields(each, f"{_WHERE}.data.results[{index}]"), index, data, plates)
                for index, each in enumerate(results)
            ),
        )
    ]


def _passage(result: Fields, index: int, data: Fields, plates: PlateHash | None) -> Passage:
    at = data.moment("timestamp")
    plate = result.text_or_none("plate")
    vehicle = result.inside("vehicle") if "vehicle" in result else None
    score = result.number("score")
    return Passage(
        direction=_facing(result),
        count=1,
        at=at,
        key=hashlib.sha256(f"{at.isoformat()} {index}".encode()).hexdigest()[:32],
        method=PassageMethod.PLATE_READER,
        vehicle=vehicle_class(vehicle.text_or_none("type")) if vehicle else None,
        hash=plates.of(plate) if plates and plate else None,
        conf=score if score is not None and 0 <= score <= 1 else None,
    )


def _facing(result: Fields) -> PassageDirection | None:
    """By the likeliest orientation."""
    if "orientation" not in result:
        return None
    place = result.place("orientation")
    faces = [
        Fields(each, f"{place}[{index}]")
        for index, each in enumerate(result.items("orientation", _MAX_RESULTS))
    ]
    best = max(faces, key=lambda each: each.number("score") or 0, default=None)
    return None if best is None else _FACES.get((best.text_or_none("orientation") or "").lower())
