from __future__ import annotations

from pathlib import Path

from datasets.labelling.page import openapi

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "openapi" / "labelling.json"


def test_the_published_document_is_current() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == openapi.text(), (
        "run: python -m datasets.labelling.page.openapi "
        f"{PUBLISHED.relative_to(PUBLISHED.parents[2])}"
    )
