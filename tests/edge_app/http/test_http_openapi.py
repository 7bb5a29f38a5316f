from __future__ import annotations

from pathlib import Path

from edge_app.http import openapi

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "openapi" / "box.json"


def test_the_published_document_is_current() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == openapi.text(), (
        f"run: python -m edge_app.http.openapi {PUBLISHED.relative_to(PUBLISHED.parents[2])}"
    )
