"""Judging: which rules concern an occurrence, whether each is met, and what that comes to. Pure."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from cloud_app.alert_words import AlertRule
from cloud_app.rules.conditions import activation
from cloud_app.rules.cycles import DEPTH_MAX
from cloud_app.rules.errors import ConditionFailed
from cloud_app.rules.occurrences import Occurrence, SiteClock
from cloud_app.rules.store import Rule
from cloud_app.rules.windows import NEW, Spell, advance, step
from cloud_app.rules.words import Change, Trigger

BUDGET_S = 0.05
"""Of processor time for one evaluation; a usual one takes a few millionths."""
_BUILT_IN = frozenset(AlertRule)

At = tuple[str, str, str]
"""(rule, site, key)"""
LotValues = Mapping[tuple[str, str], Mapping[str, Any]]


class Verdict(NamedTuple):
    """Whether a rule is met by an occurrence."""

    rule: Rule
    key: str
    holds: bool
    seen: Occurrence
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule fired at a key, or that is over.

    Attributes:
        rule: which.
        change: what happened.
        site: where.
        key: at what.
        at_ms: when.
        ref: of what it was seen in, or of time alone.
        values: that texts may name.
        depth: of what it fired on.
        is_new: it was not on before.
        sends: whether messages are sent; else a pause, or that nobody wants the end, holds them.
    """

    rule: Rule
    change: Change
    site: str
    key: str
    at_ms: int
    ref: str
    values: Mapping[str, Any]
    depth: int
    is_new: bool
    sends: bool


@dataclass(slots=True)
class RuleBook:
    """The active rules, found by what they look at.

    Attributes:
        rules: all of them.
        sites: of each tenant; None for all.
    """

    rules: Collection[Rule]
    sites: Mapping[Any, frozenset[str] | None]
    _found: dict[tuple[Trigger, str, str], tuple[Rule, ...]] = field(default_factory=dict)

    def concerned(self, trigger: Trigger, kind: str, site: str) -> tuple[Rule, ...]:
        """The rules that look at occurrences of a kind at a site."""
        found = self._found.get((trigger, kind, site))
        if found is None:
            found = tuple(each for each in self.rules if self._concerns(each, trigger, kind, site))
            self._found[trigger, kind, site] = found
        return found

    def of(self, trigger: Trigger) -> list[Rule]:
        """The rules with a trigger."""
        return [each for each in self.rules if each.is_active and each.spec.trigger is trigger]

    def drop(self, which: str) -> None:
        """Judge by a rule no more."""
        self.rules = [each for each in self.rules if each.id != which]
        self._found.clear()

    def _concerns(self, rule: Rule, trigger: Trigger, kind: str, site: str) -> bool:
        spec = rule.spec
        if spec.trigger is not trigger or not rule.is_active:
            return False
        if trigger is Trigger.EVENT and spec.kinds and kind not in spec.kinds:
            return False
        if trigger is Trigger.ALERT and kind not in (spec.alerts or _BUILT_IN):
            return False
        theirs = self.sites.get(rule.tenant, frozenset())
        return (theirs is None or site in theirs) and (not spec.sites or site in spec.sites)


@dataclass(slots=True)
class Judge:
    """Evaluates conditions; a rule that raises is left out from then on.

    Attributes:
        book: of rules.
        clock: of the sites.
        lots: counts by (site, lot), for events.
        failed: rules that raised, with why and where.
    """

    book: RuleBook
    clock: SiteClock
    lots: LotValues
    failed: dict[str, tuple[Rule, str, str]] = field(default_factory=dict)

    def verdicts(self, seen: Iterable[Occurrence]) -> list[Verdict]:
        """Of each rule that an occurrence concerns and that has a key for it, in their order."""
        return [verdict for each in seen for verdict in self._of(each)]

    def _of(self, seen: Occurrence) -> list[Verdict]:
        rules = self.book.concerned(seen.trigger, seen.kind, seen.site)
        if not rules or seen.depth >= DEPTH_MAX:
            return []
        counts = self.lots.get((seen.site, seen.lot)) if seen.lot else None
        values = {**seen.values, **(counts or {}), **self.clock.now(seen.site, seen.at_ms)}
        given = activation(seen.trigger, values)
        found: list[Verdict] = []
        for rule in rules:
            key = seen.keys.get(rule.by)
            # What counts nothing fulfils no condition on counts.
            if key is None or (counts is None and rule.condition.uses_lot):
                continue
            try:
                holds = _within_budget(rule, given)
            except ConditionFailed as exc:
                self.failed[rule.id] = (rule, str(exc), seen.site)
                self.book.drop(rule.id)
                continue
            found.append(Verdict(rule, key, holds, seen, values))
        return found


def _within_budget(rule: Rule, given: Any) -> bool:
    condition = rule.condition
    start_s = time.perf_counter()
    holds = condition.holds(given)
    if time.perf_counter() - start_s > BUDGET_S:
        # It may be that others had the processor meanwhile: once more, by its own time.
        start_s = time.thread_time()
        condition.holds(given)
        took_s = time.thread_time() - start_s
        if took_s > BUDGET_S:
            msg = f"too slow: expected at most {BUDGET_S} s, but it took {took_s:.2f} s"
            raise ConditionFailed(msg)
    return holds


@dataclass(slots=True)
class Fold:
    """Carries spells from verdict to verdict.

    Attributes:
        spells: by rule, site and key, as they were before; what changes is changed here.
        touched: those that changed, with the values that were seen last.
    """

    spells: dict[At, Spell]
    touched: dict[At, Mapping[str, Any]] = field(default_factory=dict)

    def take(self, verdict: Verdict) -> list[Firing]:
        """What a verdict comes to."""
        rule, seen = verdict.rule, verdict.seen
        at = (rule.id, seen.site, verdict.key)
        before = self.spells.get(at)
        if before is None:
            if not verdict.holds:
                return []  # nothing was, and nothing begins: most of all verdicts
            before = NEW
        after = step(
            rule.window, before, seen.at_ms, holds=verdict.holds, is_state=rule.spec.is_state
        )
        return self._firings(rule, at, before, after, verdict.values, seen.ref, seen.depth)

    def pass_time(
        self, rule: Rule, site: str, key: str, now_ms: int, values: Mapping[str, Any]
    ) -> list[Firing]:
        """What time alone does at a key."""
        at = (rule.id, site, key)
        before = self.spells.get(at, NEW)
        after = advance(rule.window, before, now_ms)
        return self._firings(rule, at, before, after, values, "time", 0)

    def _firings(  # noqa: PLR0913, PLR0917 - all of one look
        self,
        rule: Rule,
        at: At,
        before: Spell,
        after: tuple[Spell, tuple[tuple[Change, int], ...]],
        values: Mapping[str, Any],
        ref: str,
        depth: int,
    ) -> list[Firing]:
        spell, changes = after
        if not changes:
            if spell is not before:
                self.spells[at] = spell
                self.touched[at] = values
            return []
        found: list[Firing] = []
        on, sent_ms, fired_ms = before.on, before.sent_ms, before.fired_ms
        for change, at_ms in changes:
            if change is Change.FIRED:
                fired_ms = at_ms
                sends = sent_ms is None or at_ms - sent_ms >= rule.spec.pause_s * 1000
                sent_ms = at_ms if sends else sent_ms
            else:
                sends = rule.spec.tell_end and sent_ms is not None and sent_ms == fired_ms
            is_new = on is (change is Change.ENDED)
            on = change is Change.FIRED
            found.append(
                Firing(rule, change, at[1], at[2], at_ms, ref, values, depth, is_new, sends)
            )
        spell = replace(spell, sent_ms=sent_ms)
        if spell != before:
            self.spells[at] = spell
            self.touched[at] = values
        return found
