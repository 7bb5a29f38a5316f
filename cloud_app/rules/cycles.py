"""Loops between rules: what is found when one is saved, and how deep they may go at run time.

A rule about alerts sees those of other rules only where it names them, so a circle shows in what
the rules say. Between tenants nothing is named. Should one arise all the same, by way of a webhook
that comes back, `DEPTH_MAX` ends it: each alert of a rule is one deeper than what it fired on.
"""

from __future__ import annotations

from collections.abc import Mapping

from cloud_app.rules.actions import AlertAction
from cloud_app.rules.errors import RuleError
from cloud_app.rules.spec import OWN, RuleSpec

DEPTH_MAX = 3
"""Alerts that are so deep make no rule fire."""


def check_cycles(specs: Mapping[str, RuleSpec], start: str) -> None:
    """Refuse a rule whose alerts lead back to it.

    Args:
        specs: of one tenant, by id.
        start: the rule that is saved.

    Raises:
        RuleError: they do; with the way.
    """
    way = _way_back(specs, start, (start,))
    if way is not None:
        names = " > ".join(repr(specs[each].name) for each in way)
        msg = f"the rules would go round in a circle: {names}"
        raise RuleError(msg)


def _way_back(
    specs: Mapping[str, RuleSpec], start: str, way: tuple[str, ...]
) -> tuple[str, ...] | None:
    last = way[-1]
    if not any(isinstance(each, AlertAction) for each in specs[last].actions):
        return None
    for other, spec in specs.items():
        if f"{OWN}{last}" not in spec.alerts:
            continue
        if other == start:
            return (*way, start)
        if other not in way:
            found = _way_back(specs, start, (*way, other))
            if found is not None:
                return found
    return None
