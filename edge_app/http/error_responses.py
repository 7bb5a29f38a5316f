"""What any page of the box may answer instead of what was asked for, for the OpenAPI document."""

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
    400: _problem("the body is no proper JSON, or says what cannot be used"),
    401: _problem("not logged in"),
    403: _problem("the Host header is not one of ours, or another page's request"),
    404: _problem("not known"),
    408: _problem("the request was not sent in time"),
    413: _problem("the body is too large"),
    429: _problem("too many wrong passwords"),
    503: _problem("not there at the moment, or too many at once"),
}


def sends(media_type: str) -> Responses:
    """The document's words for a route that answers something other than JSON."""
    return {200: {"content": {media_type: {}}, "description": "as asked for"}}
