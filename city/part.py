"""What a part of the city is: some lots, the truth about them, and what publishes it.

A `BayPart` knows which bays are taken, a `CountPart` how many vehicles a lot holds. A new kind of
source is another part; neither history, watcher nor score has to know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from city.plan import PlannedLot
from simulator import TruthChange

Ask = Callable[[str], Any]
"""Gets the JSON of a path of the cloud's API; raises LotsightError."""


@dataclass(frozen=True, slots=True)
class Published:
    """How far a lot's stream goes: of a box's events, or of frames and messages.

    Attributes:
        epoch: of a box's store; 0 of others.
        seq: of the newest event, or how many there were.
        acked: what the cloud's watermark says, or the broker or the cloud confirmed.
    """

    epoch: int
    seq: int
    acked: int

    @property
    def is_acked(self) -> bool:
        """Whether everything is confirmed."""
        return self.acked >= self.seq


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of that stream.

    Attributes:
        published: that there was.
        taken: of these, that the cloud has, without a gap before them.
        lost: that it has not, and never will.
    """

    published: int
    taken: int
    lost: int

    @classmethod
    def of(cls, published: Published, edge: Mapping[str, object]) -> Delivery:
        """What came of a box's events, by the API's view of it.

        Args:
            published: how far the box is; asked for before the API.
            edge: the API's answer.
        """
        stream = edge.get("stream")
        if not isinstance(stream, Mapping) or stream["epoch"] != published.epoch:
            return cls(published.seq, 0, published.seq)
        missing = max(0, published.seq - int(stream["upto"]))
        gone = int(stream["lost"])
        return cls(published.seq, published.seq - missing, missing + gone)


class Part(Protocol):
    """Lots of one kind and what publishes what is true of them."""

    @property
    def lots(self) -> Sequence[PlannedLot]:
        """Its lots."""
        ...

    @property
    def limit_s(self) -> float:
        """A change that the API shows later than this is late."""
        ...

    @property
    def waits(self) -> bool:
        """Whether something that happened was not published yet."""
        ...

    def start(self) -> None:
        """Begin; returns at once."""
        ...

    def check(self) -> None:
        """Raise what ended it, if something did."""
        ...

    def quiesce(self) -> None:
        """Let nothing happen any more, while what happened is still delivered."""
        ...

    def stop(self) -> None:
        """End all of it."""
        ...

    def time_s(self, lot: PlannedLot, mono_s: float) -> float:
        """A lot's own time at a time of the clock."""
        ...

    def published(self) -> Mapping[str, Published]:
        """By the edge of each lot."""
        ...

    def delivery(self, lot: PlannedLot, published: Published, ask: Ask) -> Delivery:
        """What came of what was published of a lot, by what the API says."""
        ...


class BayPart(Part, Protocol):
    """Lots of which each bay is known."""

    @property
    def ends_still(self) -> bool:
        """Whether nothing happens any more after `quiesce`, so that every last state can be judged.

        Otherwise the time in which no change was on its way is judged.
        """
        ...

    @property
    def least_right(self) -> float:
        """Share right of what was said below which a lot of this part is a failure."""
        ...

    def truth(self, lot: PlannedLot, time_s: float) -> Mapping[str, bool]:
        """Whether each bay was occupied at a lot's time."""
        ...

    def changes(self, lot: PlannedLot, to_s: float) -> Sequence[TruthChange]:
        """True changes of a lot from its beginning to a time, in order."""
        ...


@dataclass(frozen=True, slots=True)
class CountTruth:
    """What was true of a counted lot, and what its counters could know of it.

    Attributes:
        counts: (time, vehicles) from the beginning on, in order; the lot's own time.
        alone: what the first count and the messages that were heard add up to in the end, without
            any correction.
        expected: what the lot's count must be in the end, with the corrections.
        corrections: how often somebody set the count.
    """

    counts: Sequence[tuple[float, int]]
    alone: int
    expected: int
    corrections: int


class CountPart(Part, Protocol):
    """Lots of which only the count is known."""

    def count_truth(self, lot: PlannedLot, to_s: float) -> CountTruth:
        """The truth from a lot's beginning to a time."""
        ...
