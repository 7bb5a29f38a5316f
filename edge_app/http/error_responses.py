"""Error responses common to all routes of the box, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Responses = dict[int | str, dict[str, Any]]


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


def _problem(description: str) -> dict[str, Any]:
    return {"model": Problem, "description": description}


ERROR_RESPONSES: Responses = {
    400: _problem("the body is not valid JSON"),
    401: _problem("not logged in"),
    403: _problem("unknown Host header, or a cross-site request"),
    404: _problem("not found"),
    408: _problem("the request timed out"),
    413: _problem("the body is too large"),
    429: _problem("too many failed logins"),
    503: _problem("unavailable at the moment, or too many requests at once"),
}


def sends(media_type: str) -> Responses:
    """The document's words for a route that answers something other than JSON."""
    return {200: {"content": {media_type: {}}, "description": "success"}}
