"""Gates that count who drives in and out: they miss, count twice, wrap, reset and fall silent.

What a gate says of a true passage: a pulse, running totals, or the counts of an interval. And what
plate readers of three makers say of it, with plates that are invented.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree import ElementTree as ET  # nosec B405 - writes only

from telemetry.gates import PassageDirection

IN, OUT = PassageDirection.IN, PassageDirection.OUT


@dataclass(frozen=True, slots=True)
class Passage:
    """A vehicle that truly passed.

    Attributes:
        at_s: when, seconds since 1970.
        direction: which way, seen from the lot.
    """

    at_s: float
    direction: PassageDirection


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a gate noticed of a passage.

    Attributes:
        number: of its messages since it was made, from 1; a repetition has the same.
        at_s: when, seconds since 1970.
        direction: which way.
        total: of this direction, as its register stands after it.
    """

    number: int
    at_s: float
    direction: PassageDirection
    total: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Vehicles by direction; of a register or of an interval."""

    into: int
    out: int


@dataclass(frozen=True, slots=True)
class GateFaults:
    """What is wrong with a gate.

    Attributes:
        misses_in: share of those who drive in that it does not notice.
        misses_out: likewise out.
        doubles: share of those noticed that it counts twice (a trailer, a long pause on the loop).
        wraps_at: its register begins again at 0 there.
        resets_s: times at which it starts with empty registers, in order, seconds since 1970.
        silent_s: spans in which nothing of it is heard; what passes is counted meanwhile.
    """

    misses_in: float = 0.0
    misses_out: float = 0.0
    doubles: float = 0.0
    wraps_at: int = 65_536
    resets_s: tuple[float, ...] = ()
    silent_s: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        shares = (self.misses_in, self.misses_out, self.doubles)
        if not all(0 <= share <= 1 for share in shares) or self.wraps_at < 1:
            msg = f"expected shares in 0..1 and a register, but got {shares}, {self.wraps_at}"
            raise ValueError(msg)


@dataclass(slots=True)
class SimulatedGate:
    """One gate over time; the same seed and passages give the same messages.

    Attributes:
        name: of it.
        faults: what is wrong with it.
        seed: of what it misses.
    """

    name: str
    faults: GateFaults = GateFaults()
    seed: int = 0
    _registers: dict[PassageDirection, int] = field(init=False)
    _taken: Counts = field(init=False, default=Counts(0, 0))
    _seen: dict[PassageDirection, int] = field(init=False)
    _number: int = field(init=False, default=0)
    _resets: list[float] = field(init=False)
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Begin with empty registers."""
        self._registers, self._seen = {IN: 0, OUT: 0}, {IN: 0, OUT: 0}
        self._resets = list(self.faults.resets_s)
        self._rng = random.Random(f"gate {self.seed} {self.name}")  # noqa: S311 - a simulation

    def pass_through(self, passages: Iterable[Passage]) -> list[Pulse]:
        """Vehicles pass, in order of time.

        Returns:
            The pulses that are heard of it: none of those it misses, and none while it is silent.
        """
        return [pulse for passage in passages for pulse in self._pulses(passage)]

    def totals(self, at_s: float) -> Counts | None:
        """Its registers; None while it is silent."""
        self._reset_until(at_s)
        return None if self._is_silent(at_s) else self._now()

    def interval(self, at_s: float) -> Counts | None:
        """What it noticed since it was asked before; None while it is silent.

        A device of this kind sends the counts once: what was not heard is lost with the message.
        """
        found = Counts(self._seen[IN] - self._taken.into, self._seen[OUT] - self._taken.out)
        self._taken = Counts(self._seen[IN], self._seen[OUT])
        return None if self._is_silent(at_s) else found

    def _pulses(self, passage: Passage) -> Iterable[Pulse]:
        self._reset_until(passage.at_s)
        direction, faults = passage.direction, self.faults
        missed = faults.misses_in if direction is IN else faults.misses_out
        if self._rng.random() < missed:
            return
        for again in range(2 if self._rng.random() < faults.doubles else 1):
            self._seen[direction] += 1
            self._registers[direction] = (self._registers[direction] + 1) % faults.wraps_at
            self._number += 1
            at_s = passage.at_s + again
            if not self._is_silent(at_s):
                yield Pulse(self._number, at_s, direction, self._registers[direction])

    def _now(self) -> Counts:
        return Counts(self._registers[IN], self._registers[OUT])

    def _reset_until(self, at_s: float) -> None:
        while self._resets and self._resets[0] <= at_s:
            self._resets.pop(0)
            self._registers = {IN: 0, OUT: 0}

    def _is_silent(self, at_s: float) -> bool:
        return any(from_s <= at_s < to_s for from_s, to_s in self.faults.silent_s)


# -- plain JSON -----------------------------------------------------------------------------------


def pulse_message(gate: str, pulse: Pulse) -> bytes:
    """A pulse, with a number that makes a repetition known as such."""
    told = {
        "gate": gate,
        "direction": pulse.direction.value,
        "id": str(pulse.number),
        "time": _text(pulse.at_s),
    }
    return json.dumps(told).encode()


def alive_message(gate: str, at_s: float) -> bytes:
    """Nothing passed, but the gate is there."""
    return json.dumps({"gate": gate, "time": _text(at_s)}).encode()


def totals_message(gate: str, at_s: float, totals: Counts) -> bytes:
    """What the registers stand at."""
    told = {"gate": gate, "time": _text(at_s), "totals": {"in": totals.into, "out": totals.out}}
    return json.dumps(told).encode()


def interval_message(gate: str, at_s: float, seen: Counts) -> bytes:
    """What passed since the last message."""
    told = {"gate": gate, "time": _text(at_s), "interval": {"in": seen.into, "out": seen.out}}
    return json.dumps(told).encode()


# -- plate readers --------------------------------------------------------------------------------

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


def invented_plate(rng: random.Random) -> str:
    """A plate that no country issues: it begins with QQ."""
    return f"QQ{rng.randrange(100):02d}{''.join(rng.choice(_LETTERS) for _ in range(3))}"


@dataclass(frozen=True, slots=True)
class Read:
    """A plate that was read at a passage.

    Attributes:
        passage: of which vehicle.
        plate: invented.
        camera: that read it.
        number: of the readings of this camera.
    """

    passage: Passage
    plate: str
    camera: str
    number: int


def plate_recognizer(read: Read, face: str | None = None) -> bytes:
    """A webhook of Plate Recognizer Stream, which tells no in or out, only what it saw.

    Args:
        read: what was read.
        face: `Front` or `Rear`; None: as a camera sees it that looks out of the lot's entrance.
    """
    seen = face or ("Front" if read.passage.direction is IN else "Rear")
    unseen = "Rear" if seen == "Front" else "Front"
    at = _utc(read.passage.at_s)
    told = {
        "hook": {
            "target": "http://lotsight.invalid/intake",
            "id": read.camera,
            "event": "recognition",
            "filename": f"{read.camera}/{at:%y-%m-%d/%H-%M-%S.%f}.jpg",
        },
        "data": {
            "camera_id": read.camera,
            "filename": f"{read.camera}/{at:%y-%m-%d/%H-%M-%S.%f}.jpg",
            "timestamp": _text(read.passage.at_s),
            "timestamp_local": str(at),
            "results": [
                {
                    "box": {"xmin": 460, "ymin": 357, "xmax": 557, "ymax": 382},
                    "plate": read.plate.lower(),
                    "region": {"code": "gb", "score": 0.41},
                    "score": 0.903,
                    "candidates": [{"plate": read.plate.lower(), "score": 0.903}],
                    "dscore": 0.84,
                    "vehicle": {
                        "score": 0.88,
                        "type": "Sedan",
                        "box": {"xmin": 387, "ymin": 23, "xmax": 893, "ymax": 577},
                    },
                    "orientation": [
                        {"orientation": seen, "score": 0.91},
                        {"orientation": unseen, "score": 0.07},
                    ],
                    "direction": 210,
                    "source_url": "rtsp://camera.invalid/stream",
                    "position_sec": round(read.passage.at_s % 3600, 3),
                }
            ],
        },
    }
    return json.dumps(told).encode()


_HIKVISION = "http://www.hikvision.com/ver20/XMLSchema"


def hikvision(read: Read, *, forward: bool) -> bytes:
    """An EventNotificationAlert of a Hikvision camera.

    Args:
        read: what was read; its camera is the address of the camera's interface.
        forward: whether the vehicle came towards the camera.
    """
    root = ET.Element("EventNotificationAlert", {"version": "2.0", "xmlns": _HIKVISION})
    for name, text in (
        ("ipAddress", "192.0.2.10"),
        ("portNo", "80"),
        ("protocol", "HTTP"),
        ("macAddress", read.camera),
        ("channelID", "1"),
        ("dateTime", _utc(read.passage.at_s).isoformat(timespec="milliseconds")),
        ("activePostCount", str(read.number)),
        ("eventType", "ANPR"),
        ("eventState", "active"),
        ("eventDescription", "ANPR"),
    ):
        ET.SubElement(root, name).text = text
    anpr = ET.SubElement(root, "ANPR")
    for name, text in (
        ("country", "1"),
        ("licensePlate", read.plate),
        ("line", "1"),
        ("direction", "forward" if forward else "reverse"),
        ("confidenceLevel", "96"),
        ("plateType", "unknown"),
        ("vehicleType", "vehicle"),
    ):
        ET.SubElement(anpr, name).text = text
    ET.SubElement(root, "UUID").text = _uuid(read)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root)


def axis(read: Read, state: str = "lost") -> bytes:
    """A message of AXIS License Plate Verifier.

    Args:
        read: what was read.
        state: `new` (the plate was found; it has no direction yet), `update` or `lost` (it left
            the picture).
    """
    direction = "unknown" if state == "new" else read.passage.direction.value
    told = {
        "packetCounter": str(read.number),
        "datetime": f"{_utc(read.passage.at_s):%Y%m%d %H%M%S%f}"[:-3],
        "capture_timestamp": str(round(read.passage.at_s * 1000)),
        "plateText": read.plate,
        "plateASCII": read.plate,
        "plateUTF8": read.plate,
        "plateCountry": "GBR",
        "plateConfidence": "0.912",
        "carState": state,
        "carID": str(read.number),
        "carMoveDirection": direction,
        "roiID": "1",
        "sensorProviderID": "defaultID",
        "camera_info": {"SerialNumber": read.camera, "ProdShortName": "AXIS"},
    }
    return json.dumps(told).encode()


def _uuid(read: Read) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{read.camera} {read.number} {read.passage.at_s}"))


def _text(at_s: float) -> str:
    return _utc(at_s).isoformat().replace("+00:00", "Z")


def _utc(at_s: float) -> datetime:
    return datetime.fromtimestamp(round(at_s, 3), UTC)
