"""Notification rules: who of a tenant is notified of which alerts, and how."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.accounts.people import plain_email, plain_name
from cloud_app.accounts.roles import Tenant, Tenants
from cloud_app.accounts.secret import new_id
from cloud_app.alert_words import AlertRule, Severity
from cloud_app.alerts.addresses import check_url, shown
from cloud_app.alerts.notices import RuleName
from cloud_app.alerts.tables import notification as table
from cloud_app.alerts.tables import notification_state as state
from cloud_app.alerts.webhook import check_secret
from cloud_app.errors import AlertError, StaleError, UnknownError
from cloud_app.storage.alert_tables import alert_notice
from cloud_app.storage.database import Row, Session

AFTER_MAX_S = 7 * 86_400
# Each is looked at for each alert that opens.
_PER_TENANT = 100


class TargetKind(StrEnum):
    """How somebody is told."""

    MAIL = "mail"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Destination:
    """Who is told.

    Attributes:
        kind: how.
        address: of mail, or a URL.
        secret: signs what is sent to a webhook; None: nothing is signed.
    """

    kind: TargetKind
    address: str
    secret: str | None = field(default=None, repr=False)

    @classmethod
    def mail(cls, address: str) -> Destination:
        """An e-mail address.

        Raises:
            AccountError: it is no address.
        """
        return cls(TargetKind.MAIL, plain_email(address))

    @classmethod
    def webhook(cls, url: str, secret: str | None, *, allow_private: bool) -> Destination:
        """A webhook.

        Raises:
            AlertError: the URL or the secret may not be one.
        """
        kept = None if secret is None else check_secret(secret)
        return cls(TargetKind.WEBHOOK, check_url(url, allow_private=allow_private), kept)

    @property
    def shown(self) -> str:
        """Who, without secrets."""
        return self.address if self.kind is TargetKind.MAIL else shown(self.address)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rule says.

    Attributes:
        name: for people.
        enabled: whether it counts.
        to: who is told.
        severities: of the alerts; any if empty.
        rules: that opened them; any if empty.
        sites: where; all of the tenant's if empty.
        after_s: 0: at once; else only of alerts that after so long are neither acknowledged,
            silenced nor closed.
        also_closed: whether they who were told of an alert are told too that it is over.
    """

    name: str
    enabled: bool
    to: Destination
    severities: frozenset[Severity] = frozenset()
    rules: frozenset[AlertRule] = frozenset()
    sites: frozenset[str] = frozenset()
    after_s: int = 0
    also_closed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", plain_name(self.name))
        if not 0 <= self.after_s <= AFTER_MAX_S:
            msg = f"after_s must be 0 to {AFTER_MAX_S}, but got {self.after_s}"
            raise AlertError(msg)

    def wants(self, rule: str, severity: str, site: str) -> bool:
        """Whether it concerns an alert, as far as it says so itself."""
        return (
            (not self.severities or severity in self.severities)
            and (not self.rules or rule in self.rules)
            and (not self.sites or site in self.sites)
        )

    def facts(self) -> dict[str, Any]:
        """For the audit log: without secrets."""
        return {
            "name": self.name,
            "enabled": self.enabled,
            "to": f"{self.to.kind.value} {self.to.shown}",
            "signed": self.to.secret is not None,
            "severities": sorted(self.severities),
            "rules": sorted(self.rules),
            "sites": sorted(self.sites),
            "after_s": self.after_s,
            "also_closed": self.also_closed,
        }


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification rule.

    Attributes:
        id: of it.
        tenant: whose.
        plan: what it says.
        version: counts changes.
        tested_ms: when it was last tried out.
        fault: why its last delivery failed; None if it did not.
        failed_ms: since when deliveries fail.
        delivered_ms: of the last delivery.
    """

    id: str
    tenant: Tenant
    plan: Plan
    version: int
    tested_ms: int | None
    fault: str | None
    failed_ms: int | None
    delivered_ms: int | None

    @property
    def rule_name(self) -> RuleName:
        """For those who are told."""
        return RuleName(self.id, self.plan.name)


def check_sites(session: Session, tenants: Tenants, tenant: Tenant, sites: Collection[str]) -> None:
    """Refuse a rule about sites that are not its tenant's.

    Raises:
        AlertError: one is not.
    """
    theirs = tenants.sites(session, tenant)
    strange = [] if theirs is None else sorted(set(sites) - theirs)
    if strange:
        msg = f"sites must be those of {tenant}, but got {', '.join(strange[:5])}"
        raise AlertError(msg)


def create(session: Session, actor: Actor, tenant: Tenant, plan: Plan) -> Notification:
    """Create a rule for alerts opened from now on.

    Raises:
        AlertError: the tenant has too many.
    """
    count = select(func.count()).select_from(table).where(table.c.tenant == str(tenant))
    if session.rows(count)[0][0] >= _PER_TENANT:
        msg = f"{tenant} has {_PER_TENANT} notification rules already, which is the most"
        raise AlertError(msg)
    which = new_id()
    session.run(
        insert(table), {"notification": which, "tenant": str(tenant), **_columns(session, plan)}
    )
    subject = Subject("notification", which, str(tenant))
    record(session, actor, "notification.create", subject, None, plan.facts())
    return by_id(session, which)


def change(
    session: Session, actor: Actor, known: Notification, plan: Plan, version: int
) -> Notification:
    """Change a rule.

    Raises:
        StaleError: another change came first.
    """
    done = session.run(
        update(table)
        .where(table.c.notification == known.id, table.c.version == version)
        .values(version=table.c.version + 1, **_columns(session, plan))
    )
    if not done:
        msg = (
            f"the notification rule {known.plan.name!r} was changed meanwhile: expected version "
            f"{version}, but it is at {by_id(session, known.id).version}"
        )
        raise StaleError(msg)
    if plan.to != known.plan.to:
        # What is known of the old receiver says nothing of the new one.
        session.run(delete(state).where(state.c.notification == known.id))
    subject = Subject("notification", known.id, str(known.tenant))
    record(session, actor, "notification.change", subject, known.plan.facts(), plan.facts())
    return by_id(session, known.id)


def remove(session: Session, actor: Actor, known: Notification) -> None:
    """Delete a rule and its pending notifications."""
    _delete(session, known.id)
    subject = Subject("notification", known.id, str(known.tenant))
    record(session, actor, "notification.delete", subject, known.plan.facts(), None)


def remove_unreadable(session: Session, actor: Actor, which: str) -> str:
    """Delete a rule whose address no key opens any more; its name, to make it again."""
    [row] = session.rows(select(table.c.name, table.c.tenant).where(table.c.notification == which))
    _delete(session, which)
    subject = Subject("notification", which, row.tenant)
    record(session, actor, "notification.delete", subject, {"name": row.name}, None)
    return str(row.name)


def _delete(session: Session, which: str) -> None:
    for each in (table, state, alert_notice):
        session.run(delete(each).where(each.c.notification == which))


def note_test(session: Session, actor: Actor, known: Notification, earliest_ms: int) -> bool:
    """Remember that a rule is tried out; False: it was after `earliest_ms`, so not again yet."""
    done = session.run(
        update(table)
        .where(
            table.c.notification == known.id,
            func.coalesce(table.c.tested_ms, 0) <= earliest_ms,
        )
        .values(tested_ms=actor.at_ms)
    )
    if done:
        subject = Subject("notification", known.id, str(known.tenant))
        record(session, actor, "notification.test", subject, None, {"to": known.plan.to.shown})
    return bool(done)


_ALL = select(
    table, state.c.fault, state.c.failed_ms, state.c.delivered_ms
).outerjoin(state, state.c.notification == table.c.notification)  # fmt: skip


def by_id(session: Session, which: str) -> Notification:
    """A rule.

    Raises:
        UnknownError: there is none.
    """
    for row in session.rows(_ALL.where(table.c.notification == which)):
        return _notification(session, row)
    msg = f"there is no notification rule {which[:40]!r}"
    raise UnknownError(msg)


def of_tenants(session: Session, tenants: Collection[Tenant]) -> list[Notification]:
    """The rules of some tenants, by tenant and name."""
    query = _ALL.where(table.c.tenant.in_(sorted(map(str, tenants))))
    rows = session.rows(query.order_by(table.c.tenant, table.c.name, table.c.notification))
    return [_notification(session, row) for row in rows]


def every_one(session: Session) -> list[Notification]:
    """All rules, by tenant and name."""
    rows = session.rows(_ALL.order_by(table.c.tenant, table.c.name, table.c.notification))
    return [_notification(session, row) for row in rows]


def enabled(session: Session) -> list[Notification]:
    """All rules that count."""
    return [_notification(session, row) for row in session.rows(_ALL.where(table.c.enabled == 1))]


def _columns(session: Session, plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "enabled": int(plan.enabled),
        "kind": plan.to.kind.value,
        "target": _sealed(session, plan.to),
        "secret": None if plan.to.secret is None else session.vault.seal(plan.to.secret),
        "severities": _listed(plan.severities),
        "rules": _listed(plan.rules),
        "sites": _listed(plan.sites),
        "after_s": plan.after_s,
        "also_closed": int(plan.also_closed),
    }


def _sealed(session: Session, to: Destination) -> str:
    """An address as it is kept: that of a webhook lets whoever knows it post there."""
    return session.vault.seal(to.address) if to.kind is TargetKind.WEBHOOK else to.address


def _listed(values: Iterable[str]) -> str:
    return json.dumps(sorted(values))


def _notification(session: Session, row: Row) -> Notification:
    plan = Plan(
        name=row.name,
        enabled=bool(row.enabled),
        to=Destination(
            TargetKind(row.kind),
            session.vault.open(row.target),
            None if row.secret is None else session.vault.open(row.secret),
        ),
        severities=frozenset(map(Severity, json.loads(row.severities))),
        rules=frozenset(map(AlertRule, json.loads(row.rules))),
        sites=frozenset(json.loads(row.sites)),
        after_s=row.after_s,
        also_closed=bool(row.also_closed),
    )
    return Notification(
        row.notification, Tenant.parse(row.tenant), plan, row.version, row.tested_ms, row.fault,
        row.failed_ms, row.delivered_ms,
    )  # fmt: skip
