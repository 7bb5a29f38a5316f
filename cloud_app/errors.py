"""Errors of the cloud side, under telemetry's tree.

LotsightError
└── CloudError
    ├── StorageError           the database refused a statement, or its schema is another version's
    │   └── StorageDownError   the database cannot be reached now; the same work may succeed later
    ├── SinkError              a sink (lake, Kafka) did not take a batch
    ├── BrokerError            the broker refused the connection or a subscription
    ├── AccountError           a person, role, key or proof is not as it must be
    │   ├── LoginError         who it is was not proven; the text never says what was wrong
    │   │   ├── CodeNeededError    the password was right; a second factor is asked for
    │   │   └── TooManyTriesError  a try came too early
    │   ├── LastAdminError     nobody would be left who could undo the change
    │   ├── StaleError         the record was changed meanwhile
    │   └── UnknownError       there is no such person, key, session or ticket
    ├── BusyError              too much at once; the same may succeed in a few seconds
    ├── MailError              the mail server did not take a message
    ├── ProviderError          the OpenID provider is away, or answered what it must not
    └── RegistryError          a change of the registry is refused
        ├── UnknownThingError  there is no such thing
        ├── StaleWriteError    somebody else changed it since it was read
        ├── ThingInUseError    others belong to it, or a layout in force has it
        └── FactsError         facts are wrong, each named with its place
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry import LotsightError

if TYPE_CHECKING:
    from cloud_app.registry.things import Thing


class CloudError(LotsightError):
    """Base of every error of the cloud side."""


class StorageError(CloudError):
    """The database refused a statement, or its schema is another version's."""


class StorageDownError(StorageError):
    """The database cannot be reached now; the same work may succeed later."""


class SinkError(CloudError):
    """A sink (lake, Kafka) did not take a batch."""


class BrokerError(CloudError):
    """The broker refused the connection or a subscription."""


class AccountError(CloudError):
    """A person, role, key or proof is not as it must be."""


class LoginError(AccountError):
    """Who it is was not proven; the text never says what was wrong."""


class CodeNeededError(LoginError):
    """The password was right; a second factor is asked for."""


class TooManyTriesError(LoginError):
    """A try came too early.

    Attributes:
        wait_s: until the next one is looked at.
    """

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many failed logins; the next try is looked at in {wait_s:.0f} s")
        self.wait_s = wait_s


class LastAdminError(AccountError):
    """Nobody would be left who could undo the change."""


class StaleError(AccountError):
    """The record was changed meanwhile."""


class UnknownError(AccountError):
    """There is no such person, key, session or ticket."""


class BusyError(CloudError):
    """Too much at once; the same may succeed in a few seconds."""


class MailError(CloudError):
    """The mail server did not take a message."""


class ProviderError(CloudError):
    """The OpenID provider is away, or answered what it must not."""


class RegistryError(CloudError):
    """A change of the registry is refused."""


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
