"""Windows: when a rule fires at one key, and when that is over. Pure; times are given.

Between two looks time passes: `advance` tells what happens by time alone, up to a moment, and
`step` first advances, so that the answer does not depend on how late or how often somebody looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

from cloud_app.rules.errors import RuleError
from cloud_app.rules.words import Change, WindowKind

SPAN_MAX_S = 31 * 86_400
COUNT_MAX = 1000


@dataclass(frozen=True, slots=True)
class Window:
    """How a rule waits.

    Attributes:
        kind: which.
        span_s: `for`, `rate`, `absence`: how long; 0 otherwise.
        count: `rate`: how often; 1 otherwise.
    """

    kind: WindowKind = WindowKind.NONE
    span_s: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if self.kind is WindowKind.NONE:
            if self.span_s or self.count != 1:
                msg = f"a rule without a window has no span and no count, but got {self}"
                raise RuleError(msg)
            return
        if not 1 <= self.span_s <= SPAN_MAX_S:
            msg = f"span_s must be 1 to {SPAN_MAX_S}, but got {self.span_s}"
            raise RuleError(msg)
        least = 2 if self.kind is WindowKind.RATE else 1
        most = COUNT_MAX if self.kind is WindowKind.RATE else 1
        if not least <= self.count <= most:
            msg = f"count must be {least} to {most} for {self.kind.value}, but got {self.count}"
            raise RuleError(msg)

    @property
    def span_ms(self) -> int:
        """How long."""
        return self.span_s * 1000


class Spell(NamedTuple):
    """Where a rule is at one key.

    Attributes:
        on: it has fired, and that is not over.
        since_ms: since when the condition holds (`for`), or when it was last met (`absence`).
        fired_ms: when it last fired.
        met_ms: when it was met within the span (`rate`), the oldest first.
        sent_ms: when messages of a firing were last sent; a pause counts from there.
    """

    on: bool = False
    since_ms: int | None = None
    fired_ms: int | None = None
    met_ms: tuple[int, ...] = ()
    sent_ms: int | None = None

    def to_json(self) -> list[object]:
        """As it is kept."""
        return [int(self.on), self.since_ms, self.fired_ms, list(self.met_ms), self.sent_ms]

    @classmethod
    def from_json(cls, kept: list[object]) -> Self:
        """As it was kept."""
        on, since_ms, fired_ms, met_ms, sent_ms = kept
        assert isinstance(met_ms, list)  # noqa: S101 - what we wrote
        return cls(bool(on), _int(since_ms), _int(fired_ms), tuple(met_ms), _int(sent_ms))


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None


class Step(NamedTuple):
    """What comes of a look: the new state, and what happened in order."""

    spell: Spell
    changes: tuple[tuple[Change, int], ...] = ()


NEW = Spell()


def due_ms(window: Window, spell: Spell) -> int | None:
    """When time alone next changes something; None: never."""
    match window.kind:
        case WindowKind.FOR | WindowKind.ABSENCE:
            if spell.since_ms is None or spell.on:
                return None
            return spell.since_ms + window.span_ms
        case WindowKind.RATE:
            # The oldest leaves the span first; before that nothing can change.
            return spell.met_ms[0] + window.span_ms if spell.on and spell.met_ms else None
        case WindowKind.NONE:
            return None


def advance(window: Window, spell: Spell, now_ms: int) -> Step:
    """What time alone does, up to a moment."""
    due = due_ms(window, spell)
    if due is None or due > now_ms:
        return Step(spell)
    if window.kind is WindowKind.RATE:
        left = tuple(each for each in spell.met_ms if each + window.span_ms > now_ms)
        if len(left) >= window.count:
            return Step(spell._replace(met_ms=left))
        # It ended when too few were left: so many from the end is the one that was missed.
        over_ms = spell.met_ms[-window.count] + window.span_ms
        return Step(spell._replace(on=False, met_ms=left), ((Change.ENDED, over_ms),))
    return Step(spell._replace(on=True, fired_ms=due), ((Change.FIRED, due),))


def step(window: Window, spell: Spell, at_ms: int, *, holds: bool, is_state: bool = False) -> Step:
    """A look at a moment: whether the condition is met now.

    Args:
        window: how the rule waits.
        spell: where it is.
        at_ms: the moment; those of one key come in order.
        holds: whether the condition is met.
        is_state: what is looked at lasts (counts, health), so that without a window only its
            beginning fires; of events each one does.
    """
    before = advance(window, spell, at_ms)
    if is_state and holds and before.spell.on and window.kind is WindowKind.NONE:
        return before
    after = _STEPS[window.kind](window, before.spell, at_ms, holds)
    return Step(after.spell, before.changes + after.changes)


def _none(_window: Window, spell: Spell, at_ms: int, holds: bool) -> Step:
    if holds:
        return Step(spell._replace(on=True, fired_ms=at_ms), ((Change.FIRED, at_ms),))
    if spell.on:
        return Step(spell._replace(on=False), ((Change.ENDED, at_ms),))
    return Step(spell)


def _for(_window: Window, spell: Spell, at_ms: int, holds: bool) -> Step:
    if holds:
        return Step(spell if spell.since_ms is not None else spell._replace(since_ms=at_ms))
    over = ((Change.ENDED, at_ms),) if spell.on else ()
    return Step(spell._replace(on=False, since_ms=None), over)


def _rate(window: Window, spell: Spell, at_ms: int, holds: bool) -> Step:
    if not holds:
        return Step(spell)
    met = sorted(each for each in (*spell.met_ms, at_ms) if each + window.span_ms > at_ms)
    met_ms = tuple(met[-window.count :])
    if spell.on or len(met_ms) < window.count:
        return Step(spell._replace(met_ms=met_ms))
    return Step(spell._replace(on=True, fired_ms=at_ms, met_ms=met_ms), ((Change.FIRED, at_ms),))


def _absence(_window: Window, spell: Spell, at_ms: int, holds: bool) -> Step:
    if not holds:
        return Step(spell)
    over = ((Change.ENDED, at_ms),) if spell.on else ()
    return Step(spell._replace(on=False, since_ms=max(spell.since_ms or 0, at_ms)), over)


_STEPS = {
    WindowKind.NONE: _none,
    WindowKind.FOR: _for,
    WindowKind.RATE: _rate,
    WindowKind.ABSENCE: _absence,
}
