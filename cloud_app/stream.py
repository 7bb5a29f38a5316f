"""What an edge's stream is made of, as ingest, storage and sinks hand it to each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from telemetry.cloudevents import Event

StreamKey: TypeAlias = tuple[str, int]
"""(edge, epoch)"""


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to where an edge's stream is complete here."""

    site: str
    edge: str
    epoch: int
    upto: int


@dataclass(frozen=True, slots=True)
class TakenEvent:
    """An event that was read and whose source agrees with its topic."""

    site: str
    edge: str
    event: Event
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
