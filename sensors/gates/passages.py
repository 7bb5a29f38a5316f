"""What a message of a gate comes down to: who passed which way, what its counters stand at."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sensors.errors import SensorError
from telemetry import PassageDirection, PassageMethod
from telemetry.bounds import MAX_NUMBER

MAX_COUNT: Final = 65_535
"""Vehicles in one passage, as `pk.gate.passed.v1` has it."""
MAX_KEY_CHARS: Final = 64


class GateWiring(StrEnum):
    """How a gate's directions are to be taken, as it hangs there."""

    AS_TOLD = "as_told"
    """A plate reader sees the front of what comes in."""
    REVERSED = "reversed"
    """The other way round: a plate reader sees the rear of what comes in."""
    IN = "in"
    """All that passes goes in, whatever is told: a lane of one way."""
    OUT = "out"

    def apply(self, told: PassageDirection | None) -> PassageDirection | None:
        """The direction seen from the lot; None where nothing says it."""
        if self in {GateWiring.IN, GateWiring.OUT}:
            return PassageDirection(self.value)
        if told is None or self is GateWiring.AS_TOLD:
            return told
        return _OPPOSITE[told]


_OPPOSITE: Mapping[PassageDirection, PassageDirection] = {
    PassageDirection.IN: PassageDirection.OUT,
    PassageDirection.OUT: PassageDirection.IN,
}


def _check_moment(moment: datetime, what: str) -> None:
    if moment.tzinfo is None:
        msg = f"{what}: expected a time with its zone, but got none"
        raise SensorError(msg)


@dataclass(frozen=True, slots=True)
class Passage:
    """Vehicles that passed a gate.

    Attributes:
        direction: None where the message does not tell one and no wiring says it.
        count: how many; more than one of a counter that is read now and then, 0 of a quiet one.
        at: when; with its zone.
        key: names the passage at its gate: the same key about the same time is the same passage.
        method: what noticed it.
        vehicle: class, where it is known.
        hash: keyed hash of the plate, where one is wanted.
        conf: 0 to 1, where it is told.
    """

    direction: PassageDirection | None
    count: int
    at: datetime
    key: str
    method: PassageMethod
    vehicle: str | None = None
    hash: str | None = None
    conf: float | None = None

    def __post_init__(self) -> None:
        _check_moment(self.at, "passage")
        if not 0 <= self.count <= MAX_COUNT:
            msg = f"passage: expected a count of 0 to {MAX_COUNT}, but got {self.count}"
            raise SensorError(msg)
        if not 1 <= len(self.key) <= MAX_KEY_CHARS:
            msg = (
                f"passage: expected a key of 1 to {MAX_KEY_CHARS} characters, "
                f"but got {len(self.key)}"
            )
            raise SensorError(msg)


@dataclass(frozen=True, slots=True)
class Total:
    """What a running counter stands at.

    Attributes:
        direction: of what it counts; None where only the wiring says it.
        total: vehicles since it began.
        at: when it was read; with its zone.
        restarted: whether the device says that it began anew since the last reading.
    """

    direction: PassageDirection | None
    total: int
    at: datetime
    restarted: bool = False

    def __post_init__(self) -> None:
        _check_moment(self.at, "total")
        if not 0 <= self.total <= MAX_NUMBER:
            msg = f"total: expected 0 to 2^53, but got {self.total}"
            raise SensorError(msg)


@dataclass(frozen=True, slots=True)
class GateReport:
    """One message of a gate; without passages and totals it only shows a sign of life.

    Attributes:
        gate: what the gate calls itself: id or serial number of its device in the registry.
        at: when it was made.
        passages: vehicles.
        totals: counters.
    """

    gate: str
    at: datetime
    passages: tuple[Passage, ...] = ()
    totals: tuple[Total, ...] = ()

    def wired(self, wiring: GateWiring) -> GateReport:
        """The same with directions seen from the lot; those that stay unknown keep None."""
        return replace(
            self,
            passages=tuple(
                replace(each, direction=wiring.apply(each.direction)) for each in self.passages
            ),
            totals=tuple(
                replace(each, direction=wiring.apply(each.direction)) for each in self.totals
            ),
        )


@dataclass(frozen=True, slots=True)
class PlateHash:
    """HMAC-SHA-256 of plates under a secret key: the same plate is found again, never read.

    Plates are few enough to try them all, so a plain hash would be no protection.

    Attributes:
        key: 32 bytes or more.
    """

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        shortest = hashlib.sha256().digest_size
        if len(self.key) < shortest:
            msg = f"key of plates: expected {shortest} bytes or more, but got {len(self.key)}"
            raise SensorError(msg)

    def of(self, plate: str) -> str | None:
        """64 hexadecimal digits; None if nothing of a plate was read."""
        plain = normalised(plate)
        if not plain:
            return None
        return hmac.new(self.key, plain.encode(), hashlib.sha256).hexdigest()


def normalised(plate: str) -> str:
    """A plate as it is compared: letters and digits only, upper case.

    Readers write spaces, hyphens and seals differently, and lower case.
    """
    return "".join(each for each in plate.upper() if each.isalnum())


_CLASSES: Mapping[str, frozenset[str]] = {
    "car": frozenset({"car", "sedan", "suv", "suvmpv", "saloon", "hatchback", "buggy", "coupe"}),
    "van": frozenset({"van", "minivan", "mpv", "lighttruck", "pickup", "pickuptruck"}),
    "truck": frozenset({"truck", "bigtruck", "lorry", "largetruck", "heavytruck"}),
    "bus": frozenset({"bus", "minibus", "largebus", "coach"}),
    "motorcycle": frozenset({"motorcycle", "motorbike", "twowheelvehicle", "motor"}),
}


def vehicle_class(told: str | None) -> str | None:
    """The class of a vehicle in our words; None for any other, as free text may hold anything."""
    plain = "".join(each for each in (told or "").lower() if each.isalpha())
    return next((name for name, words in _CLASSES.items() if plain in words), None)
