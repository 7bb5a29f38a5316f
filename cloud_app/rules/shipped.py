"""The rules that the service brings, as `shipped.toml` has them and the configuration sets them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from cloud_app.accounts.roles import Tenant, TenantKind
from cloud_app.alert_words import AlertRule
from cloud_app.config import GatesConfig, RulesConfig
from cloud_app.rules.limits import Limit
from cloud_app.rules.spec import RuleSpec
from cloud_app.rules.store import Rule

NOBODY = Tenant(TenantKind.COUNCIL, "")
"""Whose the shipped rules are: no tenant has an empty name."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A rule of the service.

    Attributes:
        rule: as it is judged; its id is the name of its alerts.
        settings: which settings of the configuration its limits are, with their values.
    """

    rule: Rule
    settings: Mapping[str, Limit]


@cache
def _tables() -> tuple[dict[str, Any], ...]:
    text = (files("cloud_app.rules") / "shipped.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["rule"])


def shipped(rules: RulesConfig, gates: GatesConfig) -> dict[AlertRule, Shipped]:
    """The rules of the service, by what they open."""
    sections = {"rules": rules, "gates": gates}
    made = (_shipped(table, sections) for table in _tables())
    return {AlertRule(each.rule.id): each for each in made}


def _shipped(table: Mapping[str, Any], sections: Mapping[str, Any]) -> Shipped:
    facts = dict(table)
    which = AlertRule(facts["replaces"])
    named: Mapping[str, Any] = facts.pop("limits", {})
    settings = {each: _set(each, sections) for each in named.values() if isinstance(each, str)}
    limits = {
        name: settings[each] if isinstance(each, str) else each for name, each in named.items()
    }
    action = {
        "kind": "alert",
        "severity": sections["rules"].severity_of(which),
        "text": facts.pop("text"),
        "momentary": facts.pop("momentary", False),
    }
    given = {"name": which.phrase, **facts, "limits": limits, "actions": [action]}
    return Shipped(Rule(which.value, NOBODY, RuleSpec.model_validate(given), 1), settings)


def _set(setting: str, sections: Mapping[str, Any]) -> Limit:
    section, _, name = setting.partition(".")
    value = getattr(sections[section], name)
    return float(value) if isinstance(value, int | float) else tuple(sorted(value))
