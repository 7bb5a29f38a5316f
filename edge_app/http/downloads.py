"""Files that the box makes when somebody asks: diagnostics, kept frames. Behind the login."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from edge_app.http.refusals import REFUSALS, sends
from telemetry import LotsightError

T = TypeVar("T")


class Downloads(Protocol):
    """Makes the files; whoever asks deletes them after they were sent."""

    def diagnostics(self, *, with_pictures: bool) -> Path:
        """The diagnostics bundle.

        Raises:
            LotsightError: it cannot be written.
        """
        ...

    def harvest(self) -> Path | None:
        """The kept frames; None: there are none.

        Raises:
            LotsightError: they cannot be packed.
        """
        ...

    def name(self, what: str) -> str:
        """What a downloaded file is called."""
        ...


def download_routes(downloads: Downloads) -> APIRouter:
    """The two downloads."""
    routes = APIRouter(
        prefix="/api/v1",
        default_response_class=FileResponse,
        responses={**REFUSALS, **sends("application/gzip")},
    )

    @routes.get("/diagnostics.tar.gz")
    def diagnostics(*, pictures: bool = False) -> FileResponse:
        """What a technician far away needs, without secrets; pictures only when asked for."""
        path = _made(lambda: downloads.diagnostics(with_pictures=pictures))
        return _sent(path, downloads.name("diagnostics"))

    @routes.get("/harvest.tar.gz")
    def harvest() -> FileResponse:
        """The frames that were kept for labelling."""
        path = _made(downloads.harvest)
        if path is None:
            raise HTTPException(404, "no frames are kept")
        return _sent(path, downloads.name("harvest"))

    return routes


def _made(make: Callable[[], T]) -> T:
    try:
        return make()
    except LotsightError as exc:
        raise HTTPException(503, str(exc)) from exc


def _sent(path: Path, name: str) -> FileResponse:
    gone = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, media_type="application/gzip", filename=name, background=gone)
