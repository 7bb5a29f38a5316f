"""Time as a value that is passed in.

Durations come from the monotonic clock alone, since the wall clock of an edge box may jump by days
when NTP first answers; wall time only labels what is published.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from telemetry.bounds import EARLIEST, clamped

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """What the code may ask about time."""

    def mono_s(self) -> float:
        """Seconds of a clock that never jumps; the zero point means nothing."""
        ...

    def utc(self) -> datetime:
        """Wall time, timezone-aware, UTC."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Wait for `duration_s` seconds."""
        ...


def plausible(now: datetime) -> datetime:
    """`now`, or, from a clock that starts in 1970, the same time after the earliest of a message.

    A box without a battery has such a clock until NTP answers. Its windows must still pass, and
    its messages say themselves that the clock is not synchronised.
    """
    return clamped(now if now >= EARLIEST else EARLIEST + (now - _UNIX_EPOCH))


class SystemClock:
    """The machine's own clocks."""

    def mono_s(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()

    def utc(self) -> datetime:
        """The machine's wall time, within what a message may carry."""
        return plausible(datetime.now(UTC))

    def sleep(self, duration_s: float) -> None:
        """Block the calling thread."""
        time.sleep(duration_s)


@dataclass
class ManualClock:
    """A clock that moves only when told: tests of hours run in milliseconds."""

    now_s: float = 0.0
    epoch_utc: datetime = field(default_factory=lambda: datetime(2026, 1, 1, tzinfo=UTC))

    def mono_s(self) -> float:
        """Seconds advanced so far."""
        return self.now_s

    def utc(self) -> datetime:
        """`epoch_utc` plus the seconds advanced so far."""
        return self.epoch_utc + timedelta(seconds=self.now_s)

    def sleep(self, duration_s: float) -> None:
        """Advance by `duration_s` at once."""
        self.advance(duration_s)

    def advance(self, duration_s: float) -> None:
        """Move time forward.

        Raises:
            ValueError: `duration_s` is negative.
        """
        if duration_s < 0:
            msg = f"duration_s must not be negative, but got {duration_s}"
            raise ValueError(msg)
        self.now_s += duration_s
