"""The leader's round of rules: reads what is new, judges it, writes what follows."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloud_app.accounts.roles import Tenants
from cloud_app.alerts.planning import plan
from cloud_app.config import CloudConfig
from cloud_app.registry.queries import time_zones_of
from cloud_app.rules import feed, ledger, outbox, store
from cloud_app.rules.evaluation import Firing, Fold, Judge, LotValues, RuleBook
from cloud_app.rules.feed import Batch
from cloud_app.rules.occurrences import Occurrence, SiteClock
from cloud_app.rules.states import Look
from cloud_app.rules.windows import Spell
from cloud_app.rules.words import Key, Trigger, WindowKind
from cloud_app.storage.database import Database, Session
from cloud_app.storage.queries import Now
from cloud_app.storage.times import to_ms
from telemetry import Clock

_log = logging.getLogger(__name__)

# After so many batches the next round goes on, so that a backlog does not hold up polling.
_BATCHES = 20
_DUE_ROWS = 1000
_DAY_MS = 86_400_000
_PRUNE_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How often, and up to which age.

    Attributes:
        poll_s: counts and health are looked at so often.
        events_max_age_s: an event that is older is not acted on any more.
        stale_after_s: an edge silent for so long is stale.
        keep_days: how long outcomes and dead letters stay.
        grace_s: for so long after the service came back nothing is over of an edge that it has
            not heard of again.
    """

    poll_s: float = 10.0
    events_max_age_s: float = 86_400.0
    stale_after_s: float = 180.0
    keep_days: int = 400
    grace_s: float = 600.0


def pace_of(config: CloudConfig) -> Pace:
    """As configured."""
    return Pace(
        config.rules.every_s,
        config.rules.events_max_age_s,
        config.ingest.stale_after_s,
        config.retention.events_days,
        config.rules.edge_offline_s,
    )


@dataclass(slots=True)
class RuleWorker:
    """Works a round at a time, while this process leads.

    Attributes:
        database: with rules, and with what they look at.
        tenants: whose sites are whose.
        clock: wall and monotonic time.
        pace: how often.
        listening_since_ms: since when the service has heard the broker: a silence before says
            nothing.
    """

    database: Database
    tenants: Tenants
    clock: Clock
    pace: Pace = Pace()
    listening_since_ms: Callable[[], int] = lambda: 0
    _known: tuple[int, ...] | None = None
    _rules: list[store.Rule] = field(default_factory=list)
    _kept: RuleBook | None = None
    _polled_s: float | None = None
    _prune_at_ms: int = 0

    def forget(self) -> None:
        """Read the rules anew."""
        self._known = None

    def tick(self) -> None:
        """One round.

        Raises:
            StorageError: the database did not do it; the next round does the same work.
        """
        now_s = self.clock.mono_s()
        is_poll = self._polled_s is None or now_s - self._polled_s >= self.pace.poll_s
        for number in range(_BATCHES):
            if not self.work(is_poll=is_poll and number == 0):
                break
        if is_poll:
            self._polled_s = now_s
        self._prune()

    def work(self, *, is_poll: bool = False) -> bool:
        """One batch; whether there is more."""
        now = Now(to_ms(self.clock.utc()), int(self.pace.stale_after_s * 1000))
        with self.database.read() as session:
            book = self._book(session)
            batch = Batch()
            feed.read_alerts(session, batch)
            oldest_ms = now.now_ms - int(self.pace.events_max_age_s * 1000)
            feed.read_events(session, book, oldest_ms, batch)
            lots = self._lots(session, book, now, is_poll=is_poll)
            of_states = [each for each in book.rules if each.is_state] if is_poll else []
            states = self._states(session, of_states, lots, now)
            places = {(each.site, key) for each in batch.seen for key in each.keys.values()}
            spells = ledger.spells(session, {each.id for each in book.rules}, places)
            fold = Fold(spells | ledger.spells_of(session, [each.id for each in of_states]))
            sites = {each.site for each in (*batch.seen, *states)} if book.rules else set()
            judge = Judge(book, SiteClock(time_zones_of(session, sites) if sites else {}), lots)
            judge.watch(fold.spells)
            verdicts = judge.verdicts(batch.seen)
            if is_poll:
                verdicts += judge.states(states, now.now_ms)
            firings = [
                firing
                for verdict in verdicts
                if verdict.rule.id not in judge.failed
                for firing in fold.take(verdict)
            ]
            if not batch.is_full:
                firings += self._pass_time(session, book, fold, now.now_ms)
            absent = self._absent(session, book, lots) if is_poll else []
        if judge.failed:
            self._kept = None  # it lacks them now, which is so only once that is written
        rules = {each.id: each for each in book.rules}
        touched = {at: values for at, values in fold.touched.items() if at[0] in rules}
        if batch.is_empty and not (firings or touched or absent or judge.failed):
            return False
        with self.database.write() as session:
            if store.fingerprint(session) != self._known:
                return True  # somebody changed a rule meanwhile: judged once more, by the new ones
            ledger.keep(session, rules, fold.spells, touched)
            for rule, keys in absent:
                ledger.seed(session, rule, keys, now.now_ms)
            ledger.write(session, firings, now.now_ms)
            for rule, fault, site in judge.failed.values():
                _log.warning("rule %s of %s is quarantined: %s", rule.id, rule.tenant, fault)
                ledger.quarantine(session, rule, fault, site, now.now_ms)
            feed.move(session, batch)
            if firings or judge.failed:
                plan(session, self.tenants)
        return batch.is_full

    def _book(self, session: Session) -> RuleBook:
        known = store.fingerprint(session)
        if known != self._known:
            self._rules = store.every_one(session)
            self._known = known
            self._kept = None
        # Those that replace one of the service are judged with the others of the service.
        active = [each for each in self._rules if each.is_active and not each.spec.replaces]
        tenants = {each.tenant for each in active}
        sites = {each: self.tenants.sites(session, each) for each in tenants}
        # Its conditions are put together once, not in each round.
        if self._kept is None or self._kept.sites != sites:
            self._kept = RuleBook(active, sites)
        return self._kept

    def _lots(self, session: Session, book: RuleBook, now: Now, *, is_poll: bool) -> LotValues:
        """The counts of all lots, where a rule asks for them."""
        wanted = any(each.condition.uses_lot for each in book.rules) or (
            is_poll and any(_asks_for_lots(each) for each in book.rules)
        )
        return feed.read_lots(session, now) if wanted else {}

    def _states(
        self, session: Session, rules: Sequence[store.Rule], lots: LotValues, now: Now
    ) -> list[Occurrence]:
        """All that lasts and that some rules look at."""
        if not rules:
            return []
        grace_ms = int(self.pace.grace_s * 1000)
        return Look(session, now, self.listening_since_ms(), grace_ms, lots).seen(rules)

    @staticmethod
    def _pass_time(session: Session, book: RuleBook, fold: Fold, now_ms: int) -> list[Firing]:
        rules = {each.id: each for each in book.rules}
        found: list[Firing] = []
        for row in ledger.due_spells(session, now_ms, _DUE_ROWS):
            rule = rules.get(row.rule)
            at = (row.rule, row.site, row.key)
            if rule is None:
                continue
            fold.spells.setdefault(at, Spell.from_json(json.loads(row.spell)))
            values: Mapping[str, Any] = fold.touched.get(at) or json.loads(row.told)
            found += fold.pass_time(rule, row.site, row.key, now_ms, values)
        return found

    def _absent(
        self, session: Session, book: RuleBook, lots: LotValues
    ) -> list[tuple[store.Rule, list[tuple[str, str]]]]:
        """Keys that rules about absence watch from now on, though nothing was ever seen of them."""
        rules = [
            each
            for each in book.rules
            if each.spec.window.kind is WindowKind.ABSENCE and each.spec.by is not Key.BAY
        ]
        if not rules:
            return []
        keys = feed.known_keys(lots, feed.boxes(session))
        return [
            (
                rule,
                [
                    (site, key if rule.spec.by is not Key.SITE else site)
                    for site, key in keys[rule.spec.by.value]
                    if self._is_theirs(book, rule, site)
                ],
            )
            for rule in rules
        ]

    @staticmethod
    def _is_theirs(book: RuleBook, rule: store.Rule, site: str) -> bool:
        theirs = book.sites.get(rule.tenant, frozenset())
        return (theirs is None or site in theirs) and (
            not rule.spec.sites or site in rule.spec.sites
        )

    def _prune(self) -> None:
        now_ms = to_ms(self.clock.utc())
        if now_ms < self._prune_at_ms:
            return
        before_ms = now_ms - self.pace.keep_days * _DAY_MS
        with self.database.write() as session:
            ledger.prune(session, before_ms)
            outbox.prune_dead(session, before_ms)
        self._prune_at_ms = now_ms + _PRUNE_MS


def _asks_for_lots(rule: store.Rule) -> bool:
    spec = rule.spec
    return spec.trigger is Trigger.LOT or (
        spec.window.kind is WindowKind.ABSENCE and spec.by is Key.LOT
    )
