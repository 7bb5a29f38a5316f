"""Rules as people make them: kept, changed, found, switched on again; each change is audited."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError
from sqlalchemy import delete, func, insert, select, update

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.accounts.roles import Tenant, Tenants
from cloud_app.accounts.secret import new_id
from cloud_app.errors import StaleError, UnknownError
from cloud_app.rules.actions import WebhookAction
from cloud_app.rules.conditions import Condition
from cloud_app.rules.cycles import check_cycles
from cloud_app.rules.errors import RuleError
from cloud_app.rules.spec import OWN, RuleSpec
from cloud_app.rules.tables import rule, rule_outbox, rule_outcome, rule_spell
from cloud_app.rules.windows import Window
from cloud_app.rules.words import Key
from cloud_app.storage.alert_life import cease_all
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Row, Session
from telemetry.shadow import dump_json

_PER_TENANT = 1000
QUARANTINED = "rule_quarantined"


@dataclass(frozen=True)
class Rule:
    """A rule, and how it is.

    Attributes:
        id: of it.
        tenant: whose.
        spec: what it says.
        version: counts changes.
        quarantined_ms: since when the service leaves it alone; None: it does not.
        fault: why.
        fired: how often it did.
        fired_ms: when it last did.
        excluded: sites where another rule judges instead.
    """

    id: str
    tenant: Tenant
    spec: RuleSpec
    version: int
    quarantined_ms: int | None = None
    fault: str | None = None
    fired: int = 0
    fired_ms: int | None = None
    excluded: frozenset[str] = frozenset()

    # Asked for at each event, so worked out once; without slots, for that.
    @cached_property
    def condition(self) -> Condition:
        """When it is met."""
        return self.spec.condition

    @cached_property
    def ending(self) -> Condition | None:
        """When it is over, once it is on; None: when it is not met."""
        return self.spec.ending

    @cached_property
    def window(self) -> Window:
        """How it waits."""
        return self.spec.window.window

    @cached_property
    def by(self) -> Key:
        """What it keeps apart."""
        return self.spec.by

    @cached_property
    def is_state(self) -> bool:
        """Whether what it looks at lasts."""
        return self.spec.is_state

    @property
    def alerts_as(self) -> str:
        """What its alerts have as their rule."""
        return self.spec.replaces or f"{OWN}{self.id}"

    @property
    def is_active(self) -> bool:
        """Whether it is judged."""
        return self.spec.enabled and self.quarantined_ms is None


def create(session: Session, actor: Actor, tenant: Tenant, spec: RuleSpec) -> Rule:
    """Make a rule; it is for what happens from now on.

    Raises:
        RuleError: the tenant has too many, or one of that name.
    """
    count = select(func.count()).select_from(rule).where(rule.c.tenant == str(tenant))
    if session.rows(count)[0][0] >= _PER_TENANT:
        msg = f"{tenant} has {_PER_TENANT} rules already, which is the most"
        raise RuleError(msg)
    made = Rule(new_id(), tenant, spec, 1)
    _check(session, made)
    session.run(insert(rule), {"rule": made.id, "tenant": str(tenant), **columns_of(session, spec)})
    record(session, actor, "rule.create", _subject(made), None, spec.facts())
    return made


def change(session: Session, actor: Actor, known: Rule, spec: RuleSpec, version: int) -> Rule:
    """Let a rule say something else; its windows begin anew, and it leaves the quarantine.

    Raises:
        RuleError: another one of the tenant has that name, or rules would go round in a circle.
        StaleError: another change came first.
    """
    made = Rule(known.id, known.tenant, spec, version + 1)
    _check(session, made)
    done = session.run(
        update(rule)
        .where(rule.c.rule == known.id, rule.c.version == version)
        .values(
            version=rule.c.version + 1,
            quarantined_ms=None,
            fault=None,
            **columns_of(session, spec),
        )
    )
    if not done:
        msg = (
            f"the rule {known.spec.name!r} was changed meanwhile: expected version {version}, but "
            f"it is at {by_id(session, known.id).version}"
        )
        raise StaleError(msg)
    forget(session, known.id, actor.at_ms)
    _end_quarantine(session, known.id, actor.at_ms)
    record(session, actor, "rule.change", _subject(known), known.spec.facts(), spec.facts())
    return by_id(session, known.id)


def remove(session: Session, actor: Actor, known: Rule) -> None:
    """Delete a rule, with what it still had to send and what it kept."""
    forget(session, known.id, actor.at_ms)
    _end_quarantine(session, known.id, actor.at_ms)
    for table in (rule, rule_outbox, rule_outcome):
        session.run(delete(table).where(table.c.rule == known.id))
    record(session, actor, "rule.delete", _subject(known), known.spec.facts(), None)


def release(session: Session, actor: Actor, known: Rule) -> Rule:
    """Take a rule out of the quarantine: it is judged again from now on."""
    session.run(update(rule).where(rule.c.rule == known.id).values(quarantined_ms=None, fault=None))
    _end_quarantine(session, known.id, actor.at_ms)
    record(session, actor, "rule.release", _subject(known), {"fault": known.fault}, None)
    return by_id(session, known.id)


def forget(session: Session, which: str, now_ms: int) -> None:
    """A rule's windows begin anew: its alerts are over, since nothing would end them."""
    session.run(delete(rule_spell).where(rule_spell.c.rule == which))
    end_alerts(session, f"{OWN}{which}", now_ms)


def _end_quarantine(session: Session, which: str, now_ms: int) -> None:
    end_alerts(session, QUARANTINED, now_ms, which)


def end_alerts(session: Session, of: str, now_ms: int, subject: str | None = None) -> None:
    """The conditions of alerts of one rule have ceased."""
    lasting = select(alert.c.alert).where(alert.c.rule == of, alert.c.ceased_ms.is_(None))
    if subject is not None:
        lasting = lasting.where(alert.c.subject == subject)
    cease_all(session, [row.alert for row in session.rows(lasting)], now_ms)


def check_sites(session: Session, tenants: Tenants, tenant: Tenant, spec: RuleSpec) -> None:
    """Refuse a rule about sites that are not its tenant's.

    Raises:
        RuleError: one is not.
    """
    theirs = tenants.sites(session, tenant)
    strange = [] if theirs is None else sorted(set(spec.sites) - theirs)
    if strange:
        msg = f"sites must be those of {tenant}, but got {', '.join(strange[:5])}"
        raise RuleError(msg)


def by_id(session: Session, which: str) -> Rule:
    """A rule.

    Raises:
        UnknownError: there is none.
    """
    for row in session.rows(select(rule).where(rule.c.rule == which)):
        return _rule(session, row)
    msg = f"there is no rule {which[:40]!r}"
    raise UnknownError(msg)


def of_tenants(session: Session, tenants: Collection[Tenant]) -> list[Rule]:
    """The rules of some tenants, by tenant and name."""
    wanted = rule.c.tenant.in_(sorted(map(str, tenants)))
    rows = session.rows(select(rule).where(wanted).order_by(rule.c.tenant, rule.c.name))
    return [_rule(session, row) for row in rows]


def versions(session: Session) -> list[Rule]:
    """The rules that replace one of the service."""
    wanted = rule.c.replaces.is_not(None)
    rows = session.rows(select(rule).where(wanted).order_by(rule.c.tenant, rule.c.name))
    return [_rule(session, row) for row in rows]


def every_one(session: Session) -> list[Rule]:
    """All rules, by tenant and name."""
    rows = session.rows(select(rule).order_by(rule.c.tenant, rule.c.name))
    return [_rule(session, row) for row in rows]


def fingerprint(session: Session) -> tuple[int, ...]:
    """Changes with every change of a rule that matters to those who judge by them."""
    ages = func.coalesce(func.sum(rule.c.version), 0)
    held = func.count(rule.c.quarantined_ms)
    names = func.coalesce(func.max(rule.c.rule), "")
    [(rules, versions, quarantined, newest)] = session.rows(
        select(func.count(), ages, held, names).select_from(rule)
    )
    return (int(rules), int(versions), int(quarantined), hash(newest))


def kept_secrets(known: RuleSpec | None, given: RuleSpec) -> RuleSpec:
    """A spec where webhooks whose secret was left out have the one that they had.

    By address: a secret is never sent to somebody else than before.
    """
    if known is None:
        return given
    had = {each.url: each.secret for each in known.actions if isinstance(each, WebhookAction)}
    actions = tuple(
        each.model_copy(update={"secret": had.get(each.url)})
        if isinstance(each, WebhookAction) and "secret" not in each.model_fields_set
        else each
        for each in given.actions
    )
    return given.model_copy(update={"actions": actions})


def _check(session: Session, made: Rule) -> None:
    others = [each for each in of_tenants(session, [made.tenant]) if each.id != made.id]
    if any(each.spec.name == made.spec.name for each in others):
        msg = f"{made.tenant} has a rule {made.spec.name!r} already"
        raise RuleError(msg)
    theirs = {each.spec.replaces: each for each in others if each.spec.replaces}
    if made.spec.replaces in theirs:
        other = theirs[made.spec.replaces].spec.name
        msg = f"{made.tenant} has a rule {other!r} already, which replaces {made.spec.replaces}"
        raise RuleError(msg)
    ours = {f"{OWN}{each.id}" for each in (*others, made)}
    strange = sorted(each for each in made.spec.alerts if each.startswith(OWN) and each not in ours)
    if strange:
        msg = f"alerts must be of rules of {made.tenant}, but got {strange[0]}"
        raise RuleError(msg)
    specs: Mapping[str, RuleSpec] = {each.id: each.spec for each in (*others, made)}
    check_cycles(specs, made.id)


def _subject(known: Rule) -> Subject:
    return Subject("rule", known.id, str(known.tenant))


def columns_of(session: Session, spec: RuleSpec) -> dict[str, Any]:
    """A spec as the table has it."""
    # Not `exclude_defaults`: a default that changes must not change what people saved.
    body = dump_json(spec.model_dump(mode="json")).decode()
    return {
        "name": spec.name,
        "enabled": int(spec.enabled),
        "replaces": spec.replaces,
        "body": session.vault.seal(body),
    }


def _rule(session: Session, row: Row) -> Rule:
    try:
        spec = RuleSpec.model_validate_json(session.vault.open(row.body))
    except ValidationError as exc:
        # A newer version checks more closely than the one that took it.
        msg = f"the rule {row.name!r} of {row.tenant} is not as this version wants it: {exc}"
        raise RuleError(msg) from exc
    return Rule(
        row.rule, Tenant.parse(row.tenant), spec, row.version, row.quarantined_ms, row.fault,
        row.fired, row.fired_ms,
    )  # fmt: skip
