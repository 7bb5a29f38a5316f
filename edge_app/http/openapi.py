"""The OpenAPI document of the box's API.

After a change: `python -m edge_app.http.openapi docs/openapi/box.json`; a test compares both.
"""

from __future__ import annotations

import sys
from pathlib import Path

from edge_app.http.app import routers
from http_server.openapi import document_text


def text() -> str:
    """The document as it stands in the repository."""
    return document_text("lotsight box", routers())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
