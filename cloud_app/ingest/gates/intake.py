"""From messages of gates to passages: whose they are, and what they come to.

No message is kept: in any of them may be a plate. What cannot be used is told to whoever sent it,
and the quarantine counts it by its fault, without the message.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from cloud_app.config import GatesConfig, NetworkKind
from cloud_app.ingest.sensors.intake import Counted
from cloud_app.occupancy.gates import place_of
from cloud_app.occupancy.passages import Place, take_reports
from cloud_app.registry.devices import DeviceBook
from cloud_app.registry.things import Thing
from cloud_app.storage.database import Session
from cloud_app.storage.intake import keep_unreadable
from sensors.gates import (
    GateReport,
    PlateHash,
    counter_report,
    read_axis,
    read_hikvision,
    read_plate_recognizer,
    read_pulses,
)
from sensors.readings import RunningTotal
from sensors.totals import Counter
from telemetry import Clock

_log = logging.getLogger(__name__)


class GateOutcome(StrEnum):
    """Result for one gate message."""

    TAKEN = "taken"
    UNKNOWN_GATE = "unknown_gate"
    """No device of the registry has the name or serial number, or none of the sender's sites."""
    NO_GATE = "no_gate"
    """The device is no gate counter, or in no lot."""


@dataclass(frozen=True, slots=True)
class GateMessage:
    """A message as it came.

    Attributes:
        kind: whose form it has.
        payload: its bytes; they show in no text.
        content_type: of a body of HTTP.
        received_at: when.
        gate: overrides what the message calls itself, where the sender's address says it.
    """

    kind: NetworkKind
    payload: bytes = field(repr=False)
    received_at: datetime
    content_type: str = ""
    gate: str | None = None


@dataclass(slots=True)
class GateIntake:
    """Takes messages of gates in.

    Attributes:
        config: with the key of plates.
        clock: for how long what was read of the registry holds.
    """

    config: GatesConfig
    clock: Clock
    _plates: PlateHash | None = field(init=False)
    _book: DeviceBook = field(init=False)

    def __post_init__(self) -> None:
        """Take the key, and open the registry's book of devices.

        Raises:
            SensorError: the key is too short.
        """
        key = self.config.plate_key
        self._plates = None if key is None else PlateHash(key.get_secret_value().encode())
        self._book = DeviceBook(self.clock)

    def read(self, message: GateMessage) -> list[GateReport]:
        """What a message comes to; from here on there is no plate.

        Raises:
            SensorError: it is no message of its kind.
        """
        found = _READERS[message.kind](message, self._plates)
        return [replace(each, gate=message.gate) for each in found] if message.gate else found

    def take(
        self,
        session: Session,
        reports: Sequence[GateReport],
        sites: Collection[str] | None,
        received_ms: int,
    ) -> list[GateOutcome]:
        """Keep what gates tell.

        Args:
            session: a writing transaction.
            reports: in any order, any of them taken before.
            sites: of the sender: it speaks for no gates elsewhere; None for all.
            received_ms: when they came.

        Returns:
            What became of each, in their order.
        """
        things = self._book.find(session, {each.gate for each in reports}) if reports else {}
        outcomes: list[GateOutcome] = []
        taken: dict[str, tuple[Place, list[GateReport]]] = {}
        for report in reports:
            thing = _known(things, report.gate, sites)
            place = None if thing is None else place_of(thing)
            if thing is None:
                outcomes.append(GateOutcome.UNKNOWN_GATE)
            elif place is None:
                outcomes.append(GateOutcome.NO_GATE)
            else:
                outcomes.append(GateOutcome.TAKEN)
                taken.setdefault(place.gate, (place, []))[1].append(report)
        # In order of their names, so that two that take at once never wait for each other.
        for _, (place, own) in sorted(taken.items()):
            take_reports(session, place, own, received_ms)
        return outcomes

    def take_counts(self, session: Session, counted: Sequence[Counted]) -> None:
        """Keep what counters of sensor networks say, of those that are gates."""
        for each in sorted(counted, key=lambda one: (one.device, one.time_ms)):
            things = self._book.find(session, {each.device})
            thing = _known(things, each.device, {each.site})
            place = None if thing is None else place_of(thing)
            reading = each.decoded.count
            if place is None or reading is None:
                continue
            if isinstance(reading, RunningTotal) and place.counter == Counter():
                place = replace(place, counter=Counter(reading.modulus))
            at = datetime.fromtimestamp(each.time_ms / 1000, self.clock.utc().tzinfo)
            report = counter_report(place.gate, at, each.frame, reading)
            take_reports(session, place, [report], each.time_ms)


def _known(things: Mapping[str, Thing], name: str, sites: Collection[str] | None) -> Thing | None:
    thing = things.get(name) or things.get(name.lower())
    if thing is None or (sites is not None and thing.site not in sites):
        return None
    return thing


_Reader = Callable[[GateMessage, PlateHash | None], list[GateReport]]
_READERS: Mapping[NetworkKind, _Reader] = {
    NetworkKind.GATES: lambda each, plates: read_pulses(each.payload, each.received_at, plates),
    NetworkKind.PLATE_RECOGNIZER: lambda each, plates: read_plate_recognizer(
        each.payload, each.content_type, plates
    ),
    NetworkKind.HIKVISION: lambda each, plates: read_hikvision(
        each.payload, each.content_type, plates
    ),
    NetworkKind.AXIS: lambda each, plates: read_axis(each.payload, plates),
}


def note_unusable(session: Session, topic: str, reason: str, at_ms: int) -> None:
    """Count a message that is none, by its fault; the message itself is not kept."""
    digest = hashlib.sha256(f"{topic}\0{reason}".encode()).hexdigest()
    keep_unreadable(session, (digest, topic, "", reason, at_ms))
