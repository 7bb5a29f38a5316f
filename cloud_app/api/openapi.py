"""The API's OpenAPI document as a file: what pages' types are made from, and third parties read.

After a change: `python -m cloud_app.api.openapi docs/openapi/cloud.json`; a test compares both.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from cloud_app.api.app import routers


def document() -> dict[str, Any]:
    """The document of the API, whatever the settings of a service that runs."""
    app = FastAPI()
    for router in routers():
        app.include_router(router)
    # Without the version: a release alone changes no interface.
    return get_openapi(title="lotsight cloud", version="1", routes=app.routes)


def text() -> str:
    """The document as it stands in the repository."""
    return json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
