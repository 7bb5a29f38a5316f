"""Judging: which rules concern an occurrence, whether each is met, and what that comes to. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cloud_app.accounts.roles import Tenant
from cloud_app.alert_words import AlertRule
from cloud_app.rules.combined import TOGETHER, Combined, within_budget
from cloud_app.rules.conditions import activation
from cloud_app.rules.cycles import DEPTH_MAX
from cloud_app.rules.errors import ConditionFailed
from cloud_app.rules.occurrences import Occurrence, SiteClock
from cloud_app.rules.store import Rule
from cloud_app.rules.windows import NEW, Spell, advance, step
from cloud_app.rules.words import Change, Key, Trigger

_BUILT_IN = frozenset(AlertRule)
OF_MANY = "*"
"""Stands in a key for all of a lot."""

At = tuple[str, str, str]
"""(rule, site, key)"""
LotValues = Mapping[tuple[str, str], Mapping[str, Any]]


class Verdict(NamedTuple):
    """Whether a rule is met by an occurrence.

    Attributes:
        rule: which.
        key: at what.
        holds: it is.
        seen: by what.
        values: that texts may name.
        lasts: it is not, but a rule that is on stays so.
    """

    rule: Rule
    key: str
    holds: bool
    seen: Occurrence
    values: Mapping[str, Any]
    lasts: bool = False


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


class Scope(NamedTuple):
    """What rules have in common that look at the same occurrences, and by the same key."""

    trigger: Trigger
    tenant: Tenant
    kinds: frozenset[str]
    sites: frozenset[str]
    by: Key
    uses_lot: bool
    excluded: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rule: Rule) -> Scope:
        """That of a rule."""
        spec = rule.spec
        kinds = spec.alerts or _BUILT_IN if spec.trigger is Trigger.ALERT else spec.kinds
        uses_lot = rule.condition.uses_lot
        of = (spec.trigger, rule.tenant, frozenset(kinds), spec.sites, rule.by, uses_lot)
        return cls(*of, rule.excluded)


@dataclass(frozen=True, slots=True)
class Block:
    """Rules of one scope whose conditions are evaluated together.

    Attributes:
        scope: theirs.
        rules: those of each condition; several say the same.
        conditions: in the order of `rules`.
    """

    scope: Scope
    rules: tuple[tuple[Rule, ...], ...]
    conditions: Combined


class Concerned(NamedTuple):
    """Who looks at occurrences of a kind at a site."""

    blocks: tuple[Block, ...]
    ids: frozenset[str]


@dataclass(slots=True)
class RuleBook:
    """The active rules, found by what they look at.

    Attributes:
        rules: all of them.
        sites: of each tenant; None for all.
    """

    rules: Collection[Rule]
    sites: Mapping[Tenant, frozenset[str] | None]
    _blocks: dict[Scope, tuple[Block, ...]] = field(default_factory=dict)
    _found: dict[tuple[Trigger, str, str], Concerned] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put together what is judged together."""
        self._sort(each for each in self.rules if each.is_active)

    def concerned(self, trigger: Trigger, kind: str, site: str) -> Concerned:
        """The rules that look at occurrences of a kind at a site."""
        found = self._found.get((trigger, kind, site))
        if found is None:
            blocks = tuple(
                block
                for scope, blocks in self._blocks.items()
                if self._concerns(scope, trigger, kind, site)
                for block in blocks
            )
            ids = frozenset(rule.id for each in blocks for some in each.rules for rule in some)
            found = self._found[trigger, kind, site] = Concerned(blocks, ids)
        return found

    def of(self, trigger: Trigger) -> list[Rule]:
        """The rules with a trigger."""
        return [each for each in self.rules if each.is_active and each.spec.trigger is trigger]

    def drop(self, rules: Collection[Rule]) -> None:
        """Judge by some rules of one scope no more."""
        gone = {each.id for each in rules}
        scopes = {Scope.of(each) for each in rules}
        self.rules = [each for each in self.rules if each.id not in gone]
        left = [
            rule
            for scope in scopes
            for block in self._blocks.pop(scope, ())
            for some in block.rules
            for rule in some
            if rule.id not in gone
        ]
        self._sort(left)
        self._found.clear()

    def _sort(self, rules: Iterable[Rule]) -> None:
        by_scope: dict[Scope, dict[str, list[Rule]]] = defaultdict(lambda: defaultdict(list))
        for each in rules:
            by_scope[Scope.of(each)][each.condition.text].append(each)
        for scope, by_text in by_scope.items():
            same = list(by_text.values())
            parts = [same[n : n + TOGETHER] for n in range(0, len(same), TOGETHER)]
            self._blocks[scope] = tuple(
                Block(scope, tuple(map(tuple, part)), Combined.of([of[0].condition for of in part]))
                for part in parts
            )

    def _concerns(self, scope: Scope, trigger: Trigger, kind: str, site: str) -> bool:
        if scope.trigger is not trigger or (scope.kinds and kind not in scope.kinds):
            return False
        return site not in scope.excluded and self._is_of(scope.tenant, scope.sites, site)

    def covers(self, rule: Rule, site: str) -> bool:
        """Whether a rule is for a site."""
        return site not in rule.excluded and self._is_of(rule.tenant, rule.spec.sites, site)

    def _is_of(self, tenant: Tenant, named: frozenset[str], site: str) -> bool:
        theirs = self.sites.get(tenant, frozenset())
        return (theirs is None or site in theirs) and (not named or site in named)


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
    _spells: dict[tuple[str, str], dict[str, Rule]] = field(default_factory=dict)

    def watch(self, spells: Iterable[At]) -> None:
        """Tell also that a condition is not met where there is a spell, which that may end."""
        rules = {each.id: each for each in self.book.rules}
        for which, site, key in spells:
            if which in rules:
                self._spells.setdefault((site, key), {})[which] = rules[which]

    def verdicts(self, seen: Iterable[Occurrence]) -> list[Verdict]:
        """Of each rule that an occurrence concerns and that has a key for it.

        A condition that is not met is told only where the rule has a spell: of those that are
        watched, or begun by an occurrence before.
        """
        return [verdict for each in seen for verdict in self._of(each)]

    def states(self, seen: Sequence[Occurrence], at_ms: int) -> list[Verdict]:
        """Of things that last, all that there are at a moment.

        Many of a lot may be told as one, and what was there before and is not now is over. What a
        rule was on about must be watched.
        """
        found = together(self.verdicts(seen))
        # Two faults of an edge: one of them is enough.
        met = {(each.rule.id, each.seen.site, each.key) for each in found if each.holds}
        found = [
            each
            for each in found
            if each.holds or (each.rule.id, each.seen.site, each.key) not in met
        ]
        told = {(each.rule.id, each.seen.site, each.key) for each in found}
        there = {(each.trigger, each.site, key) for each in seen for key in each.keys.values()}
        gone: list[Verdict] = []
        for (site, key), rules in self._spells.items():
            for rule in rules.values():
                at = (rule.spec.trigger, site, key)
                if not rule.is_state or at in there or (rule.id, site, key) in told:
                    continue
                nothing = Occurrence(at[0], "", site, at_ms, "gone", {rule.by: key}, {})
                gone.append(Verdict(rule, key, False, nothing, {}))
        return found + gone

    def _of(self, seen: Occurrence) -> list[Verdict]:
        blocks, ids = self.book.concerned(seen.trigger, seen.kind, seen.site)
        if not blocks or seen.depth >= DEPTH_MAX:
            return []
        is_event = seen.trigger is Trigger.EVENT
        counts = self.lots.get((seen.site, seen.lot)) if seen.lot and is_event else None
        values = {**seen.values, **(counts or {}), **self.clock.now(seen.site, seen.at_ms)}
        given = activation(seen.trigger, values)
        met: dict[str, Verdict] = {}
        for block in blocks:
            key = seen.keys.get(block.scope.by)
            # What counts nothing fulfils no condition on counts.
            if key is None or (counts is None and block.scope.uses_lot):
                continue
            for rule in self._met(block, given, seen.site):
                met[rule.id] = Verdict(rule, key, True, seen, values)
        found = list(met.values())
        # While something was not heard of since the service came back, nothing of it is over.
        for key in set(seen.keys.values()) if seen.is_settled else ():
            for rule in self._spells.get((seen.site, key), {}).values():
                is_looked_at = counts is not None or not rule.condition.uses_lot
                if rule.id in met or rule.id not in ids or seen.keys.get(rule.by) != key:
                    continue
                if is_looked_at and rule.id not in self.failed:
                    lasts = self._lasts(rule, given, seen.site)
                    found.append(Verdict(rule, key, False, seen, values, lasts))
        for rule, key, *_ in met.values():
            self._spells.setdefault((seen.site, key), {})[rule.id] = rule
        return found

    def _lasts(self, rule: Rule, given: Any, site: str) -> bool:
        """Whether a rule that is on stays so, though it is not met any more."""
        if rule.ending is None:
            return False
        try:
            return not within_budget(rule.ending.holds, given)
        except ConditionFailed as exc:
            self.failed[rule.id] = (rule, str(exc), site)
            self.book.drop([rule])
            return True

    def _met(self, block: Block, given: Any, site: str) -> list[Rule]:
        places, failed = block.conditions.met(given)
        if failed:
            for n, why in failed.items():
                for rule in block.rules[n]:
                    self.failed[rule.id] = (rule, why, site)
            self.book.drop([rule for n in failed for rule in block.rules[n]])
        return [rule for n in places for rule in block.rules[n]]


def together(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """One verdict for many of a lot, where a rule wants that: each by itself is not met then."""
    many: dict[tuple[str, str, str], list[Verdict]] = defaultdict(list)
    for each in verdicts:
        if each.holds and each.rule.spec.together is not None and each.seen.lot:
            many[each.rule.id, each.seen.site, each.seen.lot].append(each)
    found = list(verdicts)
    for (_, _, lot), some in many.items():
        rule, first = some[0].rule, some[0]
        if rule.spec.together is None or len(some) <= rule.spec.together.above:
            continue
        gone = set(map(id, some))
        found = [each._replace(holds=False) if id(each) in gone else each for each in found]
        values = {**first.values, "count": len(some)}
        found.append(first._replace(key=f"{lot}/{OF_MANY}", values=values))
    return found


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
                return []  # nothing was, and nothing begins
            before = NEW
        holds = verdict.holds or (verdict.lasts and before.on)
        after = step(rule.window, before, seen.at_ms, holds=holds, is_state=rule.is_state)
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
        spell = spell._replace(sent_ms=sent_ms)
        if spell != before:
            self.spells[at] = spell
            self.touched[at] = values
        return found
