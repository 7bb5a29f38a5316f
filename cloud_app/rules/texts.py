"""Texts of rules: `{lot.name}` is replaced by a value, `{lot.bays - lot.closed}` by what it is.

What stands in braces is a name, or else an expression in CEL, as conditions are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from cloud_app.rules.conditions import answer, checked_program, text_activation
from cloud_app.rules.errors import ConditionError, ConditionFailed, RuleError
from cloud_app.rules.limits import Limits, bound
from cloud_app.rules.variables import names, nothing
from cloud_app.rules.words import Trigger

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[\w.]*")
# Beside the variables; `site` and `key` say where, `time` when, `count` how many are told together.
_ALWAYS = {"rule": "string", "site": "string", "key": "string", "time": "string", "count": "int"}
_OTHERS = tuple(_ALWAYS.items())
_NOTHING = {"rule": "", "site": "", "key": "", "time": "", "count": 1}
_UNKNOWN = "-"


def check_text(text: str, what: str, trigger: Trigger, limits: Limits) -> None:
    """Refuse a text with a name that a rule does not have, or an expression that is none.

    Args:
        text: it.
        what: has it: `alert`.
        trigger: whose variables it may name.
        limits: that it may name.

    Raises:
        RuleError: it has one; with which.
    """
    for part in _PLACEHOLDER.findall(text):
        if part in _known(trigger):
            continue
        if _NAME.fullmatch(part) and not part.startswith(("limit.", "event.data.")):
            msg = (
                f"the text of the {what} names {{{part[:60]}}}, which a rule about "
                f"{trigger.value} does not have"
            )
            raise RuleError(msg)
        try:
            _program(part, trigger, limits)
        except ConditionError as exc:
            msg = f"the text of the {what} has {{{part[:60]}}}: {exc}"
            raise RuleError(msg) from exc


def filled(text: str, values: Mapping[str, Any], trigger: Trigger, limits: Limits = ()) -> str:
    """A text with what stands in braces replaced.

    What comes to no answer is shown as `-`: whoever is told something is not told nothing.

    Args:
        text: that was checked.
        values: by name; those that are missing, or null, are not known.
        trigger: whose variables these are.
        limits: that it may name.
    """
    given: Any = None

    def shown(found: re.Match[str]) -> str:
        nonlocal given
        part = found[1]
        if part in _known(trigger):
            return _shown(values.get(part, ""))
        try:
            program = _program(part, trigger, limits)
            if given is None:
                known = {name: value for name, value in values.items() if value is not None}
                there = {**nothing(trigger), **_NOTHING, **known}
                given = text_activation(trigger, _OTHERS, there)
            return _shown(answer(program, given))
        except (ConditionError, ConditionFailed):
            return _UNKNOWN

    return _PLACEHOLDER.sub(shown, text)


@cache
def _known(trigger: Trigger) -> frozenset[str]:
    """What needs no evaluation."""
    return frozenset((*names(trigger), *_ALWAYS))


@lru_cache(maxsize=1024)
def _program(part: str, trigger: Trigger, limits: Limits) -> Any:
    return checked_program(bound(part, limits), trigger, _OTHERS)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return _UNKNOWN
    if isinstance(value, float):
        return _UNKNOWN if value != value else f"{value:.4g}"  # noqa: PLR0124 - NaN
    return str(value)
