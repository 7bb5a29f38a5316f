"""How far a source is to be believed, learned from the times at which it could be checked.

A source is checked while another fresh source knows the same bay. While they differ one side is
wrong; which one shows when the spell is over:

- **Who moved.** A source that left the others alone and came back alone was most likely wrong; one
  that stood still until the other came round to it was most likely right.
- **Who stands still.** A source that did not move through several spells of others is stuck.
- **Who is known to be wrong.** The more often a source was wrong, the more of the blame it takes,
  and the less sure it was of this bay (its `conf`), too. A camera is judged by all bays it sees, so
  one bad sensor costs it little. Of three sources the two that agree would both have to be wrong.

Both are odds, so the blame is `logistic(log-odds of being wrong + evidence of the moves)`, and each
side's time counts as wrong by its share. Short spells are lateness and count for nobody. What was
learned fades, so that a sensor that was repaired is believed again. The method is that of Dawid and
Skene (1979) reduced to one pass: errors of observers without a known truth.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sensors.reconcile import PRIOR_RELIABILITY, SourceKind, SourceState, chance_wrong

_HOUR_MS = 3_600_000
LATE_MS = 180_000
"""A spell no longer than this is no error: sources see an arrival some time apart."""
_LONGEST_MS = 24 * _HOUR_MS
"""A spell counts for no more: what lasts is an alert of its own."""
_MOVED = 1.2
"""Log-odds that a source was wrong which alone began, or alone ended, a spell: some 3 to 1."""
_STILL_FROM, _STILL_MOST = 4, 6
"""Spells that a source may stand still through (a quiet night beside a nervous neighbour); each
further one is log-odds of 1 that it is stuck, up to the most."""
_PRIOR_MS = 12 * _HOUR_MS
_HALF_LIFE_MS = 14 * 24 * _HOUR_MS
_RECENT_HALF_LIFE_MS = 18 * _HOUR_MS
_GOOD_PER_DAY, _BAD_PER_DAY = 0.5, 4.0
"""Errors longer than lateness of a sensor that is good, and of one that somebody should see to."""
_LONG_MS, _LONG_MOST = _HOUR_MS, 2.0
"""A longer error counts for more, up to so many: one very long error is no habit."""
LIES_AT = 5.0
"""Three errors within eight hours, four within a day, or two long ones. With less, a good sensor is
named more often than twice in a thousand days; with more, bad ones later (`benchmarks/sources.py`
has both for other thresholds)."""
_SURE_AT = 2 * LIES_AT
"""Suspicion grows no further, so that a sensor that was repaired is cleared within two days."""


@dataclass(frozen=True, slots=True)
class Checks:
    """How often a source was checked and found wrong; what is old counts less.

    Attributes:
        checked_ms: bay time for which it could be checked.
        wrong_ms: how much of it it was found wrong.
        spells: in how many spells, each by its share of the blame.
    """

    checked_ms: float = 0.0
    wrong_ms: float = 0.0
    spells: float = 0.0

    def plus(self, other: Checks, kept: float) -> Checks:
        """With others, of which these are so far faded: 1 for not at all."""
        return Checks(
            self.checked_ms * kept + other.checked_ms,
            self.wrong_ms * kept + other.wrong_ms,
            self.spells * kept + other.spells,
        )

    @property
    def evidence(self) -> float:
        """Log-likelihood ratio of these checks: of a bad sensor against a good one.

        Errors come as a Poisson process. An error that was the source's own with probability p
        speaks for the bad one by `log(1 - p + p * bad / good)`, and the time between against it.
        """
        quiet = (_BAD_PER_DAY - _GOOD_PER_DAY) * self.checked_ms / (24 * _HOUR_MS)
        if not self.spells:
            return -quiet
        own = min(1.0, self.spells)
        length = min(_LONG_MOST, max(1.0, self.wrong_ms / self.spells / _LONG_MS))
        speaks = math.log(1 - own + own * _BAD_PER_DAY / _GOOD_PER_DAY)
        return length * speaks * self.spells / own - quiet

    @property
    def share(self) -> float | None:
        """Share of the checked time for which it was found wrong; None if it never was checked."""
        return self.wrong_ms / self.checked_ms if self.checked_ms else None


@dataclass(frozen=True, slots=True)
class Trust:
    """What was learned of a source.

    Attributes:
        kind: of the source.
        long: over weeks.
        recent: over about a day, for a source that was good for long.
        at_ms: when that was learned; it fades from then on.
        suspicion: that the source is bad, as a log-likelihood ratio since it last looked good.
    """

    kind: SourceKind
    long: Checks = Checks()
    recent: Checks = Checks()
    at_ms: int = 0
    suspicion: float = 0.0

    @property
    def reliability(self) -> float:
        """Share of its words that are right, with what is usual of its kind as a start.

        A source that turned bad is believed less at once; one that turned good earns it slowly.
        """
        usual_ms = _PRIOR_MS * (1 - PRIOR_RELIABILITY[self.kind])
        wrong = max(
            (each.wrong_ms + usual_ms) / (each.checked_ms + _PRIOR_MS)
            for each in ((self.long, self.recent) if self.recent.spells else (self.long,))
        )
        return max(0.0, 1 - wrong)

    @property
    def lies(self) -> bool:
        """Whether it was wrong so often of late that somebody should see to it.

        A sequential test (CUSUM, Page 1954): the evidence is summed up and never falls below 0, so
        that a year without an error hides no fault that begins today.
        """
        return self.suspicion >= LIES_AT

    def plus(self, learned: Checks, now_ms: int) -> Trust:
        """With what was learned since; what is old has faded."""
        passed_ms = max(0, now_ms - self.at_ms) if self.at_ms else 0
        return replace(
            self,
            long=self.long.plus(learned, 0.5 ** (passed_ms / _HALF_LIFE_MS)),
            recent=self.recent.plus(learned, 0.5 ** (passed_ms / _RECENT_HALF_LIFE_MS)),
            at_ms=max(now_ms, self.at_ms),
            suspicion=min(_SURE_AT, max(0.0, self.suspicion + learned.evidence)),
        )


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one step teaches of a source: to be added to its `Trust`."""

    source: str
    kind: SourceKind
    checks: Checks


@dataclass(frozen=True, slots=True)
class Said:
    """What a source said.

    Attributes:
        kind: of the source.
        occ: what it said.
        wrong: how likely that was wrong.
        still: how many spells ended since it last said something else.
    """

    kind: SourceKind
    occ: bool
    wrong: float
    still: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered of a bay from one step to the next.

    Attributes:
        at_ms: when the step was.
        said: what each source that knew said.
        differ_ms: since when they differ; None while they agree.
        movers: the sources that changed when that began.
    """

    at_ms: int
    said: Mapping[str, Said] = field(default_factory=dict)
    differ_ms: int | None = None
    movers: frozenset[str] = frozenset()


def watch(
    before: Watch | None, states: Iterable[SourceState], now_ms: int
) -> tuple[Watch, list[Lesson]]:
    """Take in what the sources of a bay say now.

    Args:
        before: of the last step; None for the first.
        states: what they say; people's words and words that are stale or unknown teach nothing.
        now_ms: the moment; one before the last step is taken for the last step's.
    """
    said = {
        each.source: Said(each.kind, each.occ, chance_wrong(each, now_ms))
        for each in states
        if each.kind is not SourceKind.MANUAL and each.occ is not None and each.is_fresh(now_ms)
    }
    if before is None:
        return Watch(now_ms, said, now_ms if _differ(said) else None), []
    now_ms = max(now_ms, before.at_ms)
    lessons = []
    if len(before.said) > 1:
        lasted_ms = now_ms - before.at_ms
        lessons = [Lesson(name, each.kind, Checks(lasted_ms)) for name, each in before.said.items()]
    moved = frozenset(
        name for name, each in said.items() if before.said.get(name, each).occ is not each.occ
    )
    spell_ms = None if before.differ_ms is None else now_ms - before.differ_ms
    # All may change at once, as when a vehicle leaves a bay where a sensor is wrong.
    is_over = spell_ms is not None and _sides(said) != _sides(before.said)
    if is_over and spell_ms is not None and spell_ms > LATE_MS:
        lessons += _blamed(before, frozenset() if _differ(said) else moved, spell_ms)
        said = _stood(said, before.said, moved, 1)
    else:
        said = _stood(said, before.said, moved, 0)
    differ_ms, movers = before.differ_ms, before.movers
    if not _differ(said):
        differ_ms, movers = None, frozenset()
    elif differ_ms is None or is_over:
        differ_ms, movers = now_ms, moved
    return Watch(now_ms, said, differ_ms, movers), [each for each in lessons if _counts(each)]


def _stood(
    said: Mapping[str, Said], before: Mapping[str, Said], moved: frozenset[str], spells: int
) -> dict[str, Said]:
    return {
        name: each
        if name in moved or name not in before
        else replace(each, still=before[name].still + spells)
        for name, each in said.items()
    }


def _counts(lesson: Lesson) -> bool:
    return bool(lesson.checks.checked_ms or lesson.checks.wrong_ms)


def _differ(said: Mapping[str, Said]) -> bool:
    return len({each.occ for each in said.values()}) > 1


def _sides(said: Mapping[str, Said]) -> frozenset[frozenset[str]]:
    """Who stands with whom."""
    return frozenset(
        frozenset(name for name, each in said.items() if each.occ is occ) for occ in (True, False)
    )


def _blamed(before: Watch, came_round: frozenset[str], lasted_ms: int) -> list[Lesson]:
    """Whose fault a spell was, as shares of the time that it lasted."""
    sides: dict[bool, dict[str, Said]] = {True: {}, False: {}}
    for name, each in before.said.items():
        sides[each.occ][name] = each
    log_odds = _doubt(sides[True]) - _doubt(sides[False])
    for moved in (before.movers, came_round):
        log_odds += _MOVED * (bool(moved & sides[True].keys()) - bool(moved & sides[False].keys()))
    share = 1 / (1 + math.exp(-log_odds))
    counted_ms = min(lasted_ms, _LONGEST_MS)
    return [
        Lesson(name, each.kind, Checks(0.0, counted_ms * part, part))
        for occ, part in ((True, share), (False, 1 - share))
        for name, each in sides[occ].items()
    ]


def _doubt(side: Mapping[str, Said]) -> float:
    """Log of how likely it is that all of a side are wrong."""
    still = min(each.still for each in side.values()) - _STILL_FROM
    stuck = min(_STILL_MOST, max(0, still))
    return stuck + math.fsum(math.log(each.wrong) for each in side.values())
