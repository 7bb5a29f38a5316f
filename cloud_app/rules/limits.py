"""Limits: numbers and lists that a rule gives a name, so that people change them alone.

A condition and a text name them `limit.after_s`. They are written into the expression before it is
compiled: an evaluation costs no more, and rules with other limits are still evaluated together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TypeAlias

Limit: TypeAlias = float | tuple[str, ...]
Limits: TypeAlias = tuple[tuple[str, Limit], ...]
"""(name, value), in order: as a mapping that can be a key."""

_NO_LIMITS: Limits = ()
# Strings and comments are passed over.
_PART = re.compile(
    r"'''(?:.|\n)*?'''|\"\"\"(?:.|\n)*?\"\"\"|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|//[^\n]*"
    r"|(?<![.\w])limit\s*\.\s*(\w+)"
)


def limits_of(given: Mapping[str, Limit]) -> Limits:
    """As a key."""
    return tuple(sorted(given.items()))


def bound(text: str, limits: Limits) -> str:
    """An expression with limits replaced by their values; what it names beyond these stays."""
    if not limits:
        return text
    known = dict(limits)

    def written(found: re.Match[str]) -> str:
        name = found[1]
        return found[0] if name not in known else _literal(known[name])

    return _PART.sub(written, text)


def _literal(value: Limit) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(json.dumps(each, ensure_ascii=False) for each in value) + "]"
    return f"({float(value)!r})"
