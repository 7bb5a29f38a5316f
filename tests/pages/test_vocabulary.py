"""The pages' words cover the contract's codes."""

from __future__ import annotations

import re

from pages import SHARED
from telemetry.vocabulary import IncidentKind


def codes(table: str) -> set[str]:
    text = (SHARED / "vocabulary.js").read_text(encoding="utf-8")
    found = re.search(rf"export const {table} = {{(.*?)}};", text, re.DOTALL)
    assert found is not None
    return set(re.findall(r"^\s*(\w+):", found[1], re.MULTILINE))


def test_every_kind_of_incident_has_words() -> None:
    assert codes("INCIDENTS") == {kind.value for kind in IncidentKind}
