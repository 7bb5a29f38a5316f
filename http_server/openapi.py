"""An API's OpenAPI document as a file: what pages' types are made from, and third parties read."""

from __future__ import annotations

import json
from collections.abc import Iterable

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi


def document_text(title: str, routers: Iterable[APIRouter]) -> str:
    """The document of `routers` as it stands in the repository: JSON, its keys in order."""
    app = FastAPI()
    for router in routers:
        app.include_router(router)
    # Without the version: a release alone changes no interface.
    document = get_openapi(title=title, version="1", routes=app.routes)
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
