"""What an edge's stream is made of, as ingest, storage and sinks hand it to each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from telemetry.cloudevents import (
    GatePassedEvent,
    IncidentChangedEvent,
    LotCountEvent,
    OtherEvent,
    OutputChangedEvent,
    SensorHealthEvent,
    StreamGapEvent,
)

StreamKey: TypeAlias = tuple[str, int]
"""(edge, epoch)"""


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to where an edge's stream is complete here."""

    site: str
    edge: str
    epoch: int
    upto: int


class BayChange(NamedTuple):
    """What the tables keep of a bay's change, in the order of the columns of `event`.

    `blocked`, the last, is in the table of states alone.
    """

    bay: str
    occ: int | None
    closed: int
    reason: str | None
    since_ms: int
    conf: float
    cause: str
    layout: str
    blocked: str | None = None

    @property
    def state(self) -> tuple[int | None, int, str | None, int, float, str | None]:
        """As the table of states has it."""
        return (*self[1:6], self.blocked)


Told: TypeAlias = (
    BayChange
    | IncidentChangedEvent
    | StreamGapEvent
    | GatePassedEvent
    | LotCountEvent
    | SensorHealthEvent
    | OutputChangedEvent
    | OtherEvent
)
"""What an event says."""


class TakenEvent(NamedTuple):
    """An event that was read and whose source agrees with its topic.

    A tuple, since one is made for each event that arrives.
    """

    site: str
    edge: str
    epoch: int
    seq: int
    time_ms: int
    told: Told
    body: str


@dataclass(frozen=True, slots=True)
class Poison:
    """An event that cannot be read, though its number can: it counts as received.

    Else the watermark would stand still for ever, and the edge's outbox would fill.
    """

    edge: str
    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Hole:
    """A stream that is complete up to `upto` though it reaches `top`."""

    site: str
    edge: str
    epoch: int
    upto: int
    top: int
    online: bool
    is_current: bool

    @property
    def stream(self) -> StreamKey:
        """Which numbering it is in."""
        return (self.edge, self.epoch)


class FaultKind(StrEnum):
    """What an edge, or whoever uses its name, does that it should not."""

    WRONG_SITE = "wrong_site"
    """Publishes under a site that it is not registered for."""
    NOT_REGISTERED = "not_registered"
    """Is not listed, where only listed edges are taken in."""
    LOT_DISPUTED = "lot_disputed"
    """Describes a lot otherwise than the edge whose description stands."""
    FLOODING = "flooding"
    """Publishes more than its share: some of it was dropped, to be sent again."""


@dataclass(frozen=True, slots=True)
class EdgeFault:
    """One kind of fault of one edge.

    Attributes:
        edge: whose.
        site: who is concerned: the edge's site, or the one that it claims if it has none.
        kind: what it is.
        detail: the site, lot or number that came last.
        last_ms: when it was last seen.
        times: how often.
    """

    edge: str
    site: str
    kind: FaultKind
    detail: str
    last_ms: int
    times: int = 1
