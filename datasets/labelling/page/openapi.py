"""The OpenAPI document of the label page's API.

After a change: `python -m datasets.labelling.page.openapi docs/openapi/labelling.json`; a test
compares both.
"""

from __future__ import annotations

import sys
from pathlib import Path

from datasets.labelling.page.app import router
from http_server.openapi import document_text


def text() -> str:
    """The document as it stands in the repository."""
    return document_text("lotsight label review", [router])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
