from __future__ import annotations

import json
from pathlib import Path

from fastapi.routing import APIRoute

from cloud_app.api import openapi
from cloud_app.api.app import routers
from cloud_app.api.parameters import query_names

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "openapi" / "cloud.json"


def test_the_queries_that_are_let_in_are_those_that_are_published() -> None:
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))["paths"]
    found = 0
    for router in routers():
        for route in router.routes:
            assert isinstance(route, APIRoute)
            known = query_names(route.dependant)
            for method in route.methods or ():
                parameters = published[route.path][method.lower()].get("parameters", ())
                told = {each["name"] for each in parameters if each["in"] == "query"}
                assert set(known) == told, f"{method} {route.path}"
                found += len(told)
    assert found > 50


def test_the_published_document_is_current() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == openapi.text(), (
        f"run: python -m cloud_app.api.openapi {PUBLISHED.relative_to(PUBLISHED.parents[2])}"
    )
