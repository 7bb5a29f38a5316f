"""The round of the alert rules that the service brings, or of what tenants have in their stead.

They are rules like any other (`shipped`), and judged by the same engine. Particular to them: their
alerts bear the rule's own name, and are what is remembered of them, so that a restart, a change of
version and a tenant that takes a rule over neither repeat nor forget one. At each site one version
of a rule judges: that of the operator, else that of its council, else the shipped one. Who is told
of alerts is no matter of the rules: see `cloud_app.alerts`.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cloud_app.accounts.roles import Tenant, TenantKind, Tenants
from cloud_app.alert_words import AlertRule
from cloud_app.config import GatesConfig, RulesConfig
from cloud_app.registry.queries import time_zones_of
from cloud_app.rules import ledger, store
from cloud_app.rules.evaluation import At, Firing, Fold, Judge, RuleBook
from cloud_app.rules.occurrences import SiteClock
from cloud_app.rules.shipped import NOBODY, shipped
from cloud_app.rules.states import Look, losses
from cloud_app.rules.store import Rule
from cloud_app.rules.windows import NEW, Spell
from cloud_app.rules.words import Change, Trigger
from cloud_app.storage.alert_life import Subject, cease_all, lasting_alerts, losses_told
from cloud_app.storage.database import Row, Session
from cloud_app.storage.queries import Now

_log = logging.getLogger(__name__)

Conditions = dict[Subject, str]
_OURS = frozenset(set(AlertRule) - {AlertRule.RULE_QUARANTINED})


def in_force(
    session: Session, ours: Iterable[Rule], tenants: Tenants | None
) -> tuple[list[Rule], RuleBook]:
    """The version of each rule that judges each site.

    A version that failed is left out, and the one that it replaced judges its sites again.

    Returns:
        The rules that judge, those that are switched off among them, and a book of the others.
    """
    versions: dict[AlertRule, list[Rule]] = defaultdict(list)
    sites: dict[Tenant, frozenset[str] | None] = {NOBODY: None}
    for each in store.versions(session) if tenants is not None else ():
        assert each.spec.replaces is not None  # noqa: S101 - for the types
        assert tenants is not None  # noqa: S101 - for the types
        if each.quarantined_ms is None:
            versions[each.spec.replaces].append(each)
            sites.setdefault(each.tenant, tenants.sites(session, each.tenant))
    found: list[Rule] = []
    for rule in ours:
        assert rule.spec.replaces is not None  # noqa: S101 - for the types
        taken: frozenset[str] = frozenset()
        for each in sorted(versions[rule.spec.replaces], key=lambda rule: _order(rule, sites)):
            found.append(replace(each, excluded=taken))
            theirs = each.spec.sites or sites[each.tenant]
            if theirs is None:
                break  # all there are: nothing is left to anybody else
            taken |= theirs
        else:
            found.append(replace(rule, excluded=taken))
    return found, RuleBook([each for each in found if each.is_active], sites)


def _order(rule: Rule, sites: Mapping[Tenant, frozenset[str] | None]) -> tuple[bool, bool, str]:
    """Operators first, of these first those that name their sites."""
    tenant = rule.tenant
    return (tenant.kind is TenantKind.COUNCIL, sites[tenant] is None, str(tenant))


@dataclass(slots=True)
class _Round:
    """What a look at all that lasts came to."""

    rules: Sequence[Rule]
    judge: Judge
    fold: Fold
    firings: Sequence[Firing]
    lost: Sequence[Row]


def _looked(
    look: Look, ours: Iterable[Rule], lasting: Iterable[Subject], tenants: Tenants | None
) -> _Round:
    session, now_ms = look.session, look.now.now_ms
    rules, book = in_force(session, ours, tenants)
    seen = look.seen(book.rules)
    lost, lost_rows = losses(look)
    fold = Fold(_spells(session, book, lasting, now_ms))
    zones = time_zones_of(session, {each.site for each in (*seen, *lost)})
    judge = Judge(book, SiteClock(zones), {})
    judge.watch(fold.spells)
    verdicts = judge.states(seen, now_ms) + judge.verdicts(lost)
    firings = [
        firing
        for verdict in verdicts
        if verdict.rule.id not in judge.failed
        for firing in fold.take(verdict)
    ]
    return _Round(rules, judge, fold, firings, lost_rows)


def _spells(
    session: Session, book: RuleBook, lasting: Iterable[Subject], now_ms: int
) -> dict[At, Spell]:
    """Where the rules are: on where there is an alert, and nowhere else."""
    alerts: dict[str, list[Subject]] = defaultdict(list)
    for each in lasting:
        alerts[each.rule].append(each)
    kept = ledger.spells_of(session, [rule.id for rule in book.rules])
    found = {at: spell for at, spell in kept.items() if not spell.on}
    for rule in book.rules:
        for about in alerts[rule.alerts_as]:
            if book.covers(rule, about.site):
                at = (rule.id, about.site, about.subject)
                found[at] = kept.get(at, NEW)._replace(on=True, since_ms=now_ms)
    return found


def conditions(
    session: Session,
    now: Now,
    config: RulesConfig,
    lasting: Mapping[Subject, int],
    listening_since_ms: int,
    gates: GatesConfig | None = None,
) -> Conditions:
    """What the shipped rules open now, beyond what lasts, each with a sentence for people."""
    look = _look(session, now, config, listening_since_ms)
    ours = [each.rule for each in shipped(config, gates or GatesConfig()).values()]
    return dict(
        told for each in _looked(look, ours, lasting, None).firings for told in ledger.opened(each)
    )


def _look(session: Session, now: Now, config: RulesConfig, listening_since_ms: int) -> Look:
    return Look(session, now, listening_since_ms, int(config.edge_offline_s * 1000))


def judge(
    session: Session,
    now: Now,
    config: RulesConfig,
    listening_since_ms: int = 0,
    gates: GatesConfig | None = None,
    tenants: Tenants | None = None,
) -> None:
    """Open and close alerts by what is true now.

    Args:
        session: to read and write with.
        now: the moment.
        config: the limits.
        listening_since_ms: since when we hear the broker.
        gates: when one is silent; the defaults if absent.
        tenants: whose sites are whose; None: the shipped rules judge all.
    """
    ours = [each.rule for each in shipped(config, gates or GatesConfig()).values()]
    lasting = {each: n for each, n in lasting_alerts(session).items() if each.rule in _OURS}
    look = _look(session, now, config, listening_since_ms)
    found = _looked(look, ours, lasting, tenants)
    rules = {each.id: each for each in found.rules}
    failed = found.judge.failed
    # What is told once is not remembered.
    touched = {
        at: values
        for at, values in found.fold.touched.items()
        if at[0] not in failed and rules[at[0]].spec.trigger is not Trigger.LOSS
    }
    ledger.keep(session, rules, found.fold.spells, touched)
    ledger.write(session, sorted(found.firings, key=_place), now.now_ms)
    for rule, fault, site in failed.values():
        _log.warning("rule %s of %s is stopped: %s", rule.id, rule.tenant, fault)
        ledger.quarantine(session, rule, fault, site, now.now_ms)
    # Where a rule is switched off, or a tenant's is for other sites now, nothing would end them.
    book = found.judge.book
    orphans = [
        number
        for about, number in lasting.items()
        if not any(rule.alerts_as == about.rule and book.covers(rule, about.site)
                   for rule in (*book.rules, *(each[0] for each in failed.values())))
    ]  # fmt: skip
    cease_all(session, orphans, now.now_ms)
    losses_told(session, found.lost)


def _place(firing: Firing) -> tuple[bool, str, str, str]:
    """What is over first: those of a kind are written at once."""
    is_new = firing.change is not Change.ENDED
    return (is_new, firing.rule.alerts_as, firing.site, firing.key)
