"""What a part of the city is: some lots, the truth about them, and what publishes it.

A new kind of source (bay sensors, gates) is another part; nothing else has to know of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from city.plan import PlannedLot
from simulator import TruthChange


@dataclass(frozen=True, slots=True)
class Published:
    """How far a box's stream of events goes.

    Attributes:
        epoch: of its store.
        seq: of the newest event.
        acked: the cloud's watermark, as the box was told it.
    """

    epoch: int
    seq: int
    acked: int

    @property
    def is_acked(self) -> bool:
        """Whether the cloud has said that it has everything."""
        return self.acked >= self.seq


class Part(Protocol):
    """Lots of one kind, their truth, and what publishes it."""

    @property
    def lots(self) -> Sequence[PlannedLot]:
        """Its lots."""
        ...

    @property
    def limit_s(self) -> float:
        """A change that the API shows later than this is late."""
        ...

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

    @property
    def waits(self) -> bool:
        """Whether something that happened was not published yet."""
        ...

    def start(self) -> None:
        """Begin; returns at once."""
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

    def truth(self, lot: PlannedLot, time_s: float) -> Mapping[str, bool]:
        """Whether each bay was occupied at a lot's time."""
        ...

    def changes(self, lot: PlannedLot, to_s: float) -> Sequence[TruthChange]:
        """True changes of a lot from its beginning to a time, in order."""
        ...

    def published(self) -> Mapping[str, Published]:
        """By box."""
        ...
