"""The rules that the service brings, as people see them beside their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from cloud_app.alert_words import AlertRule, Severity
from cloud_app.config import GatesConfig, RulesConfig
from cloud_app.rules.shipped import shipped
from cloud_app.rules.spec import RuleSpec
from cloud_app.rules.store import Rule
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Session
from cloud_app.storage.queries import Sites, of_sites


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A rule of the service itself.

    Attributes:
        rule: which.
        severity: of its alerts, as configured.
        limits: what it goes by: settings of the configuration with their values.
        spec: what it says; None of `rule_quarantined`, which is about rules.
        versions: ids of rules of people that replace it.
        opened: how many alerts it ever opened that are still kept.
        is_open: how many of these are not closed.
        opened_ms: when it last opened one.
    """

    rule: AlertRule
    severity: Severity
    limits: Mapping[str, float]
    spec: RuleSpec | None
    versions: tuple[str, ...]
    opened: int = 0
    is_open: int = 0
    opened_ms: int | None = None


def built_in(
    session: Session, rules: RulesConfig, gates: GatesConfig, sites: Sites, own: Iterable[Rule]
) -> list[BuiltIn]:
    """All of them, with what they found at some sites, and which of some rules replace them."""
    rows = session.rows(
        select(
            alert.c.rule,
            func.count().label("opened"),
            (func.count() - func.count(alert.c.closed_ms)).label("is_open"),
            func.max(alert.c.opened_ms).label("opened_ms"),
        )
        .where(of_sites(alert.c.site, sites))
        .group_by(alert.c.rule)
    )
    counts = {row.rule: (row.opened, row.is_open, row.opened_ms) for row in rows}
    ours, theirs = shipped(rules, gates), list(own)
    found = []
    for each in AlertRule:
        known = ours.get(each)
        settings = {} if known is None else known.settings
        limits = {name: value for name, value in settings.items() if isinstance(value, float)}
        spec = None if known is None else known.rule.spec
        versions = tuple(rule.id for rule in theirs if rule.spec.replaces is each)
        severity = rules.severity_of(each)
        found.append(BuiltIn(each, severity, limits, spec, versions, *counts.get(each, ())))
    return found
