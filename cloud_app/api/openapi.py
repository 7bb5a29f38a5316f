"""The API's OpenAPI document as a file: what pages' types are made from, and third parties read.

After a change: `python -m cloud_app.api.openapi docs/openapi/cloud.json`; a test compares both.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cloud_app.api.app import routers
from http_server.openapi import document_text


def text() -> str:
    """The document as it stands in the repository, whatever the settings of a service that runs."""
    return document_text("lotsight cloud", routers())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
