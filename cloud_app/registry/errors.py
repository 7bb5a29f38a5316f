"""Why a change of the registry is refused.

RegistryError
├── UnknownThingError  there is no such thing
├── StaleWriteError    somebody else changed it since it was read
├── ThingInUseError    others belong to it, or a layout in force has it
└── FactsError         facts are wrong, each named with its place
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloud_app.errors import RegistryError

if TYPE_CHECKING:
    from cloud_app.registry.things import Thing


class UnknownThingError(RegistryError):
    """There is no such thing."""


class StaleWriteError(RegistryError):
    """Somebody else changed the thing since it was read, or it is there already.

    Attributes:
        current: as it stands now.
    """

    def __init__(self, message: str, current: Thing) -> None:
        super().__init__(message)
        self.current = current


class ThingInUseError(RegistryError):
    """Others belong to the thing, or a layout in force has it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one fact.

    Attributes:
        field: the fact or column; None for the whole.
        told: what was expected and what came.
        place: in a file: its line or feature.
    """

    field: str | None
    told: str
    place: str | None = None

    def __str__(self) -> str:
        where = [self.place, None if self.field is None else f"column {self.field}"]
        named = ", ".join(each for each in where if each)
        return f"{named}: {self.told}" if named else self.told


class FactsError(RegistryError):
    """Facts are wrong.

    Attributes:
        faults: all of them.
    """

    # A file may be wrong in every line; nobody reads more than these.
    _SHOWN = 50

    def __init__(self, faults: Sequence[Fault], source: str = "") -> None:
        self.faults = tuple(faults)
        lines = [f"{source}{': ' if source else ''}{fault}" for fault in faults[: self._SHOWN]]
        if len(faults) > self._SHOWN:
            lines.append(f"... and {len(faults) - self._SHOWN:,} more")
        super().__init__("\n".join(lines))
