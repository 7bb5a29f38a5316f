"""Messages on their way in: who brought them, what they are, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cloud_app.config import NetworkKind
from sensors.envelopes import Uplink, chirpstack, event_of_topic, plain, things_stack
from sensors.errors import SensorError


@dataclass(frozen=True, slots=True)
class Bringer:
    """Who brings messages.

    Attributes:
        name: of the network, key or token.
        sites: whose devices may speak through it; None for all.
    """

    name: str
    sites: frozenset[str] | None

    def may(self, site: str | None) -> bool:
        """Whether it may speak for a device of that site."""
        return self.sites is None or site in self.sites

    @property
    def home(self) -> str:
        """The site under which devices are kept that nobody registered."""
        return min(self.sites, default="") if self.sites is not None else ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message of a device.

    Attributes:
        uplink: what its envelope holds.
        bringer: who brought it.
        at: when it came.
    """

    uplink: Uplink
    bringer: Bringer
    at: datetime


class OutcomeKind(StrEnum):
    """Result of a message."""

    TAKEN = "taken"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"
    """Kept, with the reason why its payload cannot be read."""
    UNKNOWN_DEVICE = "unknown_device"
    """Kept, but no device of that id is registered where the sender may speak."""
    PASSED_OVER = "passed_over"
    """Of a kind that is of no use here."""
    REFUSED = "refused"
    """Not kept."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a message.

    Attributes:
        kind: in one word.
        device: whose it is, as the registry names it.
        detail: why, where there is something to say.
    """

    kind: OutcomeKind
    device: str | None = None
    detail: str | None = None


Read = Uplink | SensorError
"""A message, or why it cannot be read."""


def read(kind: NetworkKind, topic: str, body: bytes) -> Sequence[Read]:
    """The messages that a network's broker handed us.

    Args:
        kind: of the network.
        topic: on which it came; of ChirpStack it says the event.
        body: as it came.

    Raises:
        SensorError: it is none of that network.
    """
    return _READERS[kind](topic, body)


def _chirpstack(topic: str, body: bytes) -> Sequence[Read]:
    event = event_of_topic(topic)
    if event is None:
        msg = f"topic: expected .../device/DEVEUI/event/KIND, but got {topic[:200]!r}"
        raise SensorError(msg)
    return [chirpstack(body, event)]


_READERS: dict[NetworkKind, Callable[[str, bytes], Sequence[Read]]] = {
    NetworkKind.CHIRPSTACK: _chirpstack,
    NetworkKind.THINGS_STACK: lambda _topic, body: [things_stack(body)],
    NetworkKind.PLAIN: lambda _topic, body: list(plain(body)),
}
