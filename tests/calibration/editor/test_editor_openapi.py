from __future__ import annotations

from pathlib import Path

from calibration.editor import openapi

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "openapi" / "editor.json"


def test_the_published_document_is_current() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == openapi.text(), (
        f"run: python -m calibration.editor.openapi {PUBLISHED.relative_to(PUBLISHED.parents[2])}"
    )
