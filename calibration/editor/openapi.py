"""The OpenAPI document of the editor's API.

After a change: `python -m calibration.editor.openapi docs/openapi/editor.json`; a test compares
both.
"""

from __future__ import annotations

import sys
from pathlib import Path

from calibration.editor.routes import router
from http_server.openapi import document_text


def text() -> str:
    """The document as it stands in the repository."""
    return document_text("lotsight calibration editor", [router])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
