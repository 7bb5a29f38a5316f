"""One truth per bay: what several sources say of it, made into one state, with the reason.

The rule, in the order in which it is applied:

1. **Freshness.** A word holds until its `until_ms`; after that it is stale and decides nothing.
2. **Unknown is never free**, and no vote either: a fresh word that does not know leaves the bay to
   those that do. The bay is unknown only if no fresh word knows.
3. **By hand.** What a person set stands before what devices say, as long as it holds; of two
   people's words the newer one.
4. **Weight.** Each other word weighs the log-odds that it is right: those of its source, as it has
   proved to be so far (`reliability`), and more or less by how sure the source is of this word
   (`conf`) compared with what is usual; a little less the longer ago it was heard. A source that is
   wrong every other time weighs nothing.
5. The occupancy with the greater weight stands; with equal weights the bay is occupied, since a
   driver sent to a bay that is taken loses more than one who passes a free bay.

States are never averaged: the bay's state is what its believed source says, and `differs` tells
that another fresh word says otherwise. Callers show that, and raise an alert if it lasts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from telemetry.vocabulary import UnknownReason

_WRONG_MIN, _WRONG_MAX = 0.001, 0.5
_USUAL_CONF = 0.95
"""A source that gives a confidence gives about this one where nothing is the matter."""
_WRONG_OF_AGE = 0.02
"""How much more often a word is wrong at the end of its time than at its start: an uplink that got
lost shows only with the next one."""


class SourceKind(StrEnum):
    """What tells of a bay."""

    CAMERA = "camera"
    SENSOR = "sensor"
    MANUAL = "manual"


PRIOR_RELIABILITY: dict[SourceKind, float] = {
    SourceKind.CAMERA: 0.98,
    SourceKind.SENSOR: 0.95,
    SourceKind.MANUAL: 1.0,
}
"""How often a source is right of which nothing is known yet."""


class Role(StrEnum):
    """What became of a word."""

    BELIEVED = "believed"
    """The state is this source's: of those that say it, the one that weighs most."""
    AGREES = "agrees"
    OVERRULED = "overruled"
    """Fresh and known, but the bay is said to be otherwise."""
    UNKNOWING = "unknowing"
    """Fresh, and does not know."""
    STALE = "stale"


class Why(StrEnum):
    """Why the bay's state is what it is."""

    BY_HAND = "by_hand"
    ONLY_ONE = "only_one"
    """One source knows."""
    AGREED = "agreed"
    OUTWEIGHS = "outweighs"
    """Sources differ, and this side weighs more."""
    NONE_KNOWS = "none_knows"
    """There are fresh words, and none knows."""
    NONE_FRESH = "none_fresh"
    NO_SOURCE = "no_source"


@dataclass(frozen=True, slots=True)
class SourceState:
    """What one source says of one bay.

    Attributes:
        source: which; no two words of a bay have the same.
        kind: of the source.
        occ: True occupied, False free, None unknown.
        reason: why it is unknown; None exactly where `occ` is known.
        since_ms: when that began, milliseconds since 1970.
        heard_ms: when the source was last heard of.
        until_ms: when the word ceases to hold if nothing comes; None for as long as it stands here.
        conf: the source's own probability that `occ` is right, where it gives one.
        reliability: share of its words that proved right; None for what is usual with its kind.
    """

    source: str
    kind: SourceKind
    occ: bool | None
    reason: str | None
    since_ms: int
    heard_ms: int
    until_ms: int | None = None
    conf: float | None = None
    reliability: float | None = None

    def __post_init__(self) -> None:
        """Refuse words that contradict themselves."""
        if (self.occ is None) != (self.reason is not None):
            msg = f"{self.source}: a reason belongs to unknown alone, got {self.occ}, {self.reason}"
            raise ValueError(msg)
        for name in ("conf", "reliability"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                msg = f"{self.source}: {name} must lie in 0..1, but got {value}"
                raise ValueError(msg)

    def is_fresh(self, now_ms: int) -> bool:
        """Whether the word holds."""
        return self.until_ms is None or now_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class Weighed:
    """A word and what became of it.

    Attributes:
        state: the word.
        role: what became of it.
        weight: log-odds that it is right; 0 for a word that is no vote.
    """

    state: SourceState
    role: Role
    weight: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A bay's state and how it came about.

    Attributes:
        occ: True occupied, False free, None unknown.
        reason: why it is unknown; None exactly where `occ` is known.
        conf: probability that `occ` is right; 0 when unknown.
        since_ms: since when the believed source says so; None where nothing was ever said.
        believed: the source whose state it is; None where none is known.
        why: in one word.
        differs: a fresh word knows otherwise.
        words: all of them, by source.
    """

    occ: bool | None
    reason: str | None
    conf: float
    since_ms: int | None
    believed: SourceState | None
    why: Why
    differs: bool
    words: tuple[Weighed, ...]


def chance_wrong(state: SourceState, now_ms: int) -> float:
    """How likely a known word is wrong, before others are heard."""
    if state.reliability is None:
        wrong = 1 - PRIOR_RELIABILITY[state.kind]
    else:
        wrong = 1 - state.reliability
    wrong = min(_WRONG_MAX, max(_WRONG_MIN, wrong))
    if state.conf is not None:
        sure = min(1 - _WRONG_MIN, max(_WRONG_MIN, state.conf))
        odds = wrong / (1 - wrong) * (1 - sure) / sure * _USUAL_CONF / (1 - _USUAL_CONF)
        wrong = odds / (1 + odds)
    if state.until_ms is not None and state.until_ms > state.heard_ms:
        age = (now_ms - state.heard_ms) / (state.until_ms - state.heard_ms)
        wrong += _WRONG_OF_AGE * min(1.0, max(0.0, age))
    return min(_WRONG_MAX, max(_WRONG_MIN, wrong))


def weight_of(state: SourceState, now_ms: int) -> float:
    """Log-odds that a known word is right; never negative."""
    wrong = chance_wrong(state, now_ms)
    return math.log((1 - wrong) / wrong)


def reconcile(states: Iterable[SourceState], now_ms: int) -> Verdict:
    """Make one state of a bay out of what its sources say.

    Args:
        states: at most one of each source, in any order.
        now_ms: the moment, milliseconds since 1970.
    """
    ordered = sorted(states, key=lambda each: each.source)
    fresh = [each for each in ordered if each.is_fresh(now_ms)]
    known = [each for each in fresh if each.occ is not None]
    by_hand = [each for each in known if each.kind is SourceKind.MANUAL]
    if not known:
        return _unknown(ordered, now_ms)
    if by_hand:
        believed = max(by_hand, key=lambda each: (each.heard_ms, each.source))
        return _known(ordered, believed, Why.BY_HAND, now_ms)
    weights = {each.source: weight_of(each, now_ms) for each in known}
    sides = {
        occ: math.fsum(weights[each.source] for each in known if each.occ is occ)
        for occ in (True, False)
    }
    said = {each.occ for each in known}
    occ = sides[True] >= sides[False] if len(said) > 1 else known[0].occ
    agreeing = [each for each in known if each.occ is occ]
    # Of two that weigh the same, the one whose state began first saw it first.
    believed = min(agreeing, key=lambda e: (-weights[e.source], e.since_ms, e.source))
    why = Why.OUTWEIGHS if len(said) > 1 else Why.AGREED if len(known) > 1 else Why.ONLY_ONE
    return _known(ordered, believed, why, now_ms)


def _known(ordered: Sequence[SourceState], believed: SourceState, why: Why, now_ms: int) -> Verdict:
    words = tuple(_weighed(each, believed, now_ms) for each in ordered)
    net = math.fsum(
        word.weight if word.role is not Role.OVERRULED else -word.weight for word in words
    )
    return Verdict(
        occ=believed.occ,
        reason=None,
        conf=1.0 if why is Why.BY_HAND else 1 / (1 + math.exp(-net)),
        since_ms=believed.since_ms,
        believed=believed,
        why=why,
        differs=any(word.role is Role.OVERRULED for word in words),
        words=words,
    )


def _weighed(state: SourceState, believed: SourceState, now_ms: int) -> Weighed:
    if not state.is_fresh(now_ms):
        return Weighed(state, Role.STALE, 0.0)
    if state.occ is None:
        return Weighed(state, Role.UNKNOWING, 0.0)
    if state is believed:
        role = Role.BELIEVED
    else:
        role = Role.AGREES if state.occ is believed.occ else Role.OVERRULED
    return Weighed(state, role, weight_of(state, now_ms))


_SILENT = {
    SourceKind.CAMERA: UnknownReason.CAMERA_LOST.value,
    SourceKind.SENSOR: UnknownReason.SENSOR_SILENT.value,
}


def _unknown(ordered: Sequence[SourceState], now_ms: int) -> Verdict:
    """Unknown, with the reason of the source that said something last."""
    devices = [each for each in ordered if each.kind is not SourceKind.MANUAL]
    fresh = [each for each in devices if each.is_fresh(now_ms)]
    words = tuple(
        Weighed(each, Role.UNKNOWING if each.is_fresh(now_ms) else Role.STALE, 0.0)
        for each in ordered
    )
    reason, since_ms, why = UnknownReason.STARTING.value, None, Why.NO_SOURCE
    if fresh:
        last = max(fresh, key=lambda each: (each.since_ms, each.source))
        reason, since_ms, why = last.reason or reason, last.since_ms, Why.NONE_KNOWS
    elif devices:
        last = max(devices, key=lambda each: (each.until_ms or 0, each.source))
        reason, since_ms, why = _SILENT[last.kind], last.until_ms, Why.NONE_FRESH
    return Verdict(None, reason, 0.0, since_ms, None, why, differs=False, words=words)
