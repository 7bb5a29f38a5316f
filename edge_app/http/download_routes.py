"""The two downloads. Behind the login."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from edge_app.http.error_responses import ERROR_RESPONSES, sends
from edge_app.http.state import DownloadsOf
from telemetry import LotsightError

T = TypeVar("T")

files = APIRouter(
    prefix="/api/v1",
    default_response_class=FileResponse,
    responses={**ERROR_RESPONSES, **sends("application/gzip")},
)


@files.get("/diagnostics.tar.gz")
def diagnostics(downloads: DownloadsOf, *, pictures: bool = False) -> FileResponse:
    """What a technician far away needs, without secrets; images only on request."""
    path = _made(lambda: downloads.diagnostics(with_pictures=pictures))
    return _sent(path, downloads.name("diagnostics"))


@files.get("/harvest.tar.gz")
def harvest(downloads: DownloadsOf) -> FileResponse:
    """The frames that were kept for labelling."""
    path = _made(downloads.harvest)
    if path is None:
        raise HTTPException(404, "no frames are kept")
    return _sent(path, downloads.name("harvest"))


def _made(make: Callable[[], T]) -> T:
    try:
        return make()
    except LotsightError as exc:
        raise HTTPException(503, str(exc)) from exc


def _sent(path: Path, name: str) -> FileResponse:
    gone = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, media_type="application/gzip", filename=name, background=gone)
