from __future__ import annotations

from pathlib import Path

from cloud_app.api import openapi

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "openapi" / "cloud.json"


def test_the_published_document_is_current() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == openapi.text(), (
        f"run: python -m cloud_app.api.openapi {PUBLISHED.relative_to(PUBLISHED.parents[2])}"
    )
