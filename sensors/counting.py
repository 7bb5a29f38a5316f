"""The count of a lot watched by its gates: last true count, plus what came, minus what went.

Gates miss vehicles, so the count drifts away and must be set to the truth now and then: at night
when the lot is empty, where all its bays are known, or by hand. The balance itself is kept as it
is, below 0 and above the capacity too, since only so the drift can be seen; what is shown never
leaves 0 to the capacity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sensors.errors import SensorError
from telemetry import PassageDirection


class ZeroCause(StrEnum):
    """What set a count to the truth."""

    NIGHT = "night"
    """The lot is empty at night, or holds those that always stay."""
    BAYS = "bays"
    """All bays of the lot are known."""
    MANUAL = "manual"
    """Somebody looked."""
    BOX = "box"
    """A box that counts the lot itself says so."""


class CountSource(StrEnum):
    """Where the figure of a lot comes from."""

    GATES = "gates"
    BAYS = "bays"
    BOTH = "both"
    """The gates, held within what the known bays allow."""


@dataclass(frozen=True, slots=True)
class Balance:
    """The count of a lot or level, as a ledger.

    Attributes:
        true_at: when the count was last known to be true.
        true_count: what it was then.
        ins: vehicles that came in since.
        outs: vehicles that left since.
    """

    true_at: datetime
    true_count: int = 0
    ins: int = 0
    outs: int = 0

    def __post_init__(self) -> None:
        if self.true_at.tzinfo is None:
            msg = "balance: expected a time with its zone, but got none"
            raise SensorError(msg)
        if self.true_count < 0 or self.ins < 0 or self.outs < 0:
            msg = (
                "balance: expected counts of 0 or more, but got "
                f"{self.true_count}, {self.ins} and {self.outs}"
            )
            raise SensorError(msg)

    @property
    def raw(self) -> int:
        """What the ledger says, which may be below 0 or above the capacity."""
        return self.true_count + self.ins - self.outs

    def shown(self, capacity: int) -> int:
        """The count, within 0 and the capacity."""
        return clamp(self.raw, 0, capacity)

    def passed(self, direction: PassageDirection, count: int, at: datetime) -> Balance:
        """With vehicles that passed; those before the last true count are in it already."""
        if at <= self.true_at:
            return self
        if direction is PassageDirection.IN:
            return replace(self, ins=self.ins + count)
        return replace(self, outs=self.outs + count)

    def zeroed(self, at: datetime, true_count: int) -> tuple[Balance, int]:
        """Set to the truth: the new balance, and the drift that the old one had.

        All passages up to `at` must have been taken; later ones are taken afterwards.
        """
        return Balance(at, true_count), self.raw - true_count


@dataclass(frozen=True, slots=True)
class Capacity:
    """Places of a lot, which the count and the free places share as their basis.

    Attributes:
        places: all of them.
        closed: of them nobody may take now.
        held_back: of them are promised to others for long and not on offer. Their holders pass the
            same gates and are counted, so that rather too few places are shown free than too many.
    """

    places: int
    closed: int = 0
    held_back: int = 0

    def __post_init__(self) -> None:
        if self.places < 0 or self.closed < 0 or self.held_back < 0:
            msg = (
                "capacity: expected numbers of 0 or more, but got "
                f"{self.places}, {self.closed} and {self.held_back}"
            )
            raise SensorError(msg)

    @property
    def offered(self) -> int:
        """Places that can be taken: what occupied and free places add up to."""
        return max(0, self.places - self.closed - self.held_back)


@dataclass(frozen=True, slots=True)
class BayEvidence:
    """What single bays of the lot say, closed ones left out.

    Attributes:
        occupied: bays.
        free: bays.
        unknown: bays that are watched, of which nothing is known now.
    """

    occupied: int = 0
    free: int = 0
    unknown: int = 0

    @property
    def known(self) -> int:
        """Bays of which something is known."""
        return self.occupied + self.free

    def covers(self, offered: int) -> bool:
        """Whether the bays tell of every place of the lot, and all of them are known."""
        return 0 < offered <= self.known and not self.unknown


@dataclass(frozen=True, slots=True)
class Figure:
    """The count of a lot.

    Attributes:
        count: vehicles in it; None: unknown, which is never free.
        source: where it comes from.
        low: at least so many are in it, as far as bays are known.
        high: at most so many.
    """

    count: int | None
    source: CountSource
    low: int
    high: int


def figure(raw: int | None, offered: int, bays: BayEvidence) -> Figure:
    """One count from the gates' balance and the bays.

    Args:
        raw: the balance; None where the gates cannot be believed now.
        offered: `Capacity.offered`.
        bays: what is known of single ones.
    """
    if bays.covers(offered):
        occupied = min(bays.occupied, offered)
        return Figure(occupied, CountSource.BAYS, occupied, occupied)
    low = min(bays.occupied, offered)
    high = max(low, offered - bays.free)
    if raw is None:
        return Figure(None, CountSource.GATES, low, high)
    count = clamp(raw, low, high)
    is_held = count != clamp(raw, 0, offered)
    return Figure(count, CountSource.BOTH if is_held else CountSource.GATES, low, high)


@dataclass(frozen=True, slots=True)
class BayRule:
    """A lot whose bays are all known is counted from them again.

    Attributes:
        quiet_s: nothing has passed for so long: whoever drives about in the lot is counted, and
            stands in no bay.
    """

    quiet_s: float = 300.0

    def truth(
        self, now: datetime, raw: int | None, bays: BayEvidence, last_passage_at: datetime | None
    ) -> int | None:
        """What the balance is to be set to; None: nothing is to be done now.

        Args:
            now: the moment.
            raw: the balance; None while nobody knows the count.
            bays: that cover the lot, see `BayEvidence.covers`.
            last_passage_at: of any gate of the lot.
        """
        if last_passage_at is not None and (now - last_passage_at).total_seconds() < self.quiet_s:
            return None
        return None if raw == bays.occupied else bays.occupied


@dataclass(frozen=True, slots=True)
class NightRule:
    """A lot that is empty at night is counted from there again.

    Attributes:
        at: from this local time on, once in a night.
        time_zone: the site's. Where clocks jump over the time, it is as much later as they jump;
            where they show it twice, it is the first.
        quiet_s: nothing has passed for so long.
        within_s: if it is never quiet for so long after `at`, the night goes by without.
        count: vehicles that stay overnight.
    """

    at: time
    time_zone: ZoneInfo
    quiet_s: float = 1_800.0
    within_s: float = 10_800.0
    count: int = 0

    def due(
        self, now: datetime, last_passage_at: datetime | None, last_zero_at: datetime | None
    ) -> bool:
        """Whether the lot is to be taken as empty now.

        Args:
            now: the moment; every gate has been heard of, or nobody knows that it was quiet.
            last_passage_at: of any gate.
            last_zero_at: when this rule last set the count.
        """
        if last_passage_at is not None and (now - last_passage_at).total_seconds() < self.quiet_s:
            return False
        today = now.astimezone(self.time_zone).date()
        # The window of a rule late in the evening goes past midnight.
        for day in (today, today - timedelta(days=1)):
            local = datetime.combine(day, self.at, tzinfo=self.time_zone)
            start = local.astimezone(UTC)
            if start <= now < start + timedelta(seconds=self.within_s):
                return last_zero_at is None or last_zero_at < start
        return False


def clamp(value: int, low: int, high: int) -> int:
    """`value`, or the nearer end of the range."""
    return max(low, min(value, high))
