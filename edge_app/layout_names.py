"""Identifiers made from names that people gave."""

from __future__ import annotations

import re

_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_.-]+")


def lot_id(name: str) -> str:
    """An identifier made from a lot's name: `P1 Nord (West)` gives `P1-Nord-West`."""
    return _NOT_IN_ID.sub("-", name).strip("-_.")[:64] or "lot"
