"""The rules that the service brings, as people see them beside their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from cloud_app.alert_words import AlertRule, Severity
from cloud_app.config import GatesConfig, RulesConfig
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Session
from cloud_app.storage.queries import Sites, of_sites

_LIMITS: Mapping[AlertRule, tuple[str, ...]] = {
    AlertRule.EDGE_OFFLINE: ("edge_offline_s",),
    AlertRule.CAMERA_LOST: ("camera_lost_s",),
    AlertRule.LOT_FULL: ("lot_full_at", "lot_clear_at"),
    AlertRule.INCIDENT: ("incident_after_s",),
    AlertRule.COUNT_DRIFT: ("count_drift_share", "count_drift_least"),
    AlertRule.SOURCES_DIFFER: ("sources_differ_s",),
}
"""The settings of `[rules]` that each rule goes by."""


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A rule of the service itself.

    Attributes:
        rule: which.
        severity: of its alerts, as configured.
        limits: what it goes by: settings of the configuration with their values.
        opened: how many alerts it ever opened that are still kept.
        is_open: how many of these are not closed.
        opened_ms: when it last opened one.
    """

    rule: AlertRule
    severity: Severity
    limits: Mapping[str, float]
    opened: int = 0
    is_open: int = 0
    opened_ms: int | None = None


def built_in(
    session: Session, rules: RulesConfig, gates: GatesConfig, sites: Sites
) -> list[BuiltIn]:
    """All of them, with what they found at some sites."""
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
    found = {row.rule: (row.opened, row.is_open, row.opened_ms) for row in rows}
    return [
        BuiltIn(each, rules.severity_of(each), _limits(each, rules, gates), *found.get(each, ()))
        for each in AlertRule
    ]


def _limits(which: AlertRule, rules: RulesConfig, gates: GatesConfig) -> dict[str, float]:
    if which is AlertRule.GATE_SILENT:
        return {"gates.silent_after_s": gates.silent_after_s}
    return {f"rules.{name}": getattr(rules, name) for name in _LIMITS.get(which, ())}
