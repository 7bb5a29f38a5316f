"""The pages' files: built from `cloud_app/web` by `scripts/pages build`, and in every wheel.

The pages find their way by the address, so each address of theirs answers with the same document.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

BUILT = Path(__file__).resolve().parent.parent / "web" / "dist"
DOCUMENT = "index.html"

PLACES = (
    "alerts", "audit", "campaigns", "edges", "events", "incidents", "keys", "login", "login.html",
    "lots", "notifications", "people", "planning", "provisioning", "registry", "reports", "rules",
    "sensors", "settings",
)  # fmt: skip
"""First parts of the pages' addresses; `login.html` stands in mails of earlier versions."""

_NOT_BUILT = (
    "The pages of the operations centre are not built: run `scripts/pages build` in the checkout, "
    "or install a wheel. The API works: /api/docs describes it.\n"
)
# Their names change with their content.
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_ASK_AGAIN = {"Cache-Control": "no-cache"}


def is_page(path: str) -> bool:
    """Whether an address is one of a page, which everybody may load: it holds no data."""
    return path == "/" or path[1:].partition("/")[0] in PLACES


def not_found(folder: Path = BUILT) -> Response | None:
    """The document with status 404, in which the pages say so; None where they are not built."""
    document = folder / DOCUMENT
    return FileResponse(document, 404, headers=_ASK_AGAIN) if document.is_file() else None


class _Pages(StaticFiles):
    """Files where there are such, and the document for each address of a page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(path, scope)
        except HTTPException as exc:
            if exc.status_code != 404 or not is_page(scope["path"]):  # noqa: PLR2004 - HTTP
                raise
            response = await super().get_response(DOCUMENT, scope)
        is_named_by_content = scope["path"].startswith("/assets/")
        response.headers.update(_FOR_EVER if is_named_by_content else _ASK_AGAIN)
        return response


async def _not_built(scope: Scope, receive: object, send: object) -> None:
    response = PlainTextResponse(_NOT_BUILT, 503)
    await response(scope, receive, send)  # type: ignore[arg-type]


def mount(app: FastAPI, folder: Path = BUILT) -> None:
    """Serve the pages at the root of an application, after all of its routes."""
    is_built = (folder / DOCUMENT).is_file()
    app.mount("/", _Pages(directory=folder, html=True) if is_built else _not_built, name="page")


def files(folder: Path = BUILT) -> frozenset[str]:
    """The paths of the built files."""
    return frozenset(
        f"/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*") if path.is_file()
    )
