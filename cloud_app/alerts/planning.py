"""Deciding who is to be told of an alert: once, in the transaction that opens it.

So nobody is forgotten by a crash, and a rule that is made later tells nothing of older alerts.
Whether it still is to be told is looked at again when the time comes (`courier`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import bindparam, select, text, update

from cloud_app.accounts.roles import Tenant, Tenants
from cloud_app.alerts.notices import CONFIGURED
from cloud_app.alerts.notifications import Notification, enabled
from cloud_app.storage.alert_life import Step
from cloud_app.storage.alert_tables import alert, alert_notice
from cloud_app.storage.database import Row, Session, Values
from cloud_app.storage.upsert import Upsert

_IS_UNPLANNED = alert.c.planned == text("0")
# Locked: rules open alerts in another thread, and each is planned once.
_UNPLANNED = select(alert).where(_IS_UNPLANNED).order_by(alert.c.alert).with_for_update()
_PLANNED = update(alert).where(alert.c.alert == bindparam("which")).values(planned=1)
_NOTICE = Upsert(alert_notice, ("alert", "notification", "step", "escalation", "due_ms"))


@dataclass(slots=True)
class Audience:
    """Who of some tenants may be told of what: a tenant's rule is for the tenant's sites alone.

    Args:
        session: to read with.
        tenants: whose sites are whose.
    """

    session: Session
    tenants: Tenants
    _sites: dict[Tenant, frozenset[str] | None] = field(default_factory=dict)

    def has(self, rule: Notification, row: Row) -> bool:
        """Whether a rule is to tell of an alert."""
        if not rule.plan.enabled or not rule.plan.wants(row.rule, row.severity, row.site):
            return False
        if rule.tenant not in self._sites:
            self._sites[rule.tenant] = self.tenants.sites(self.session, rule.tenant)
        sites = self._sites[rule.tenant]
        return sites is None or row.site in sites


def plan(session: Session, tenants: Tenants) -> None:
    """Decide who is to be told of each alert that has opened, and when."""
    news = session.rows(_UNPLANNED)
    if not news:
        return
    rules, audience = enabled(session), Audience(session, tenants)
    session.upsert(_NOTICE, [row for each in news for row in _notices(each, rules, audience)])
    session.run_many(_PLANNED, [{"which": each.alert} for each in news])


def _notices(row: Row, rules: list[Notification], audience: Audience) -> Iterator[Values]:
    step = (Step.OPEN if row.closed_ms is None else Step.ONCE).value
    yield (row.alert, CONFIGURED.id, step, 0, row.opened_ms)
    for rule in rules:
        after_s = rule.plan.after_s
        # What is over at once is left to nobody.
        if audience.has(rule, row) and not (after_s and row.closed_ms is not None):
            yield (row.alert, rule.id, step, int(after_s > 0), row.opened_ms + after_s * 1000)
