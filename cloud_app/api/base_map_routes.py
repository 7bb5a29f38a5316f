"""The operator's base map: one PMTiles file on disk, which browsers read piece by piece.

https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, HTTPException, status
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from cloud_app.api.context import Context
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery
from cloud_app.config import MapConfig
from telemetry import ConfigError

router = APIRouter(
    prefix="/api/v1", tags=["map"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)

_MAGIC = b"PMTiles\x03"
_MEDIA_TYPE = "application/vnd.pmtiles"


class BaseMap(BaseModel):
    """The base map below the lots."""

    url: str = Field(description="address of the PMTiles file, for range requests")
    attribution: str | None = Field(
        description="attribution to display; null: use the file's own metadata"
    )


def check_base_map(config: MapConfig) -> None:
    """See that the file of a configuration is one of PMTiles, version 3.

    Raises:
        ConfigError: it cannot be read, or is something else.
    """
    if config.base_file is None:
        return
    try:
        with config.base_file.open("rb") as file:
            head = file.read(len(_MAGIC))
    except OSError as exc:
        msg = f"map.base_file: expected a PMTiles file at {config.base_file}, but got: {exc}"
        raise ConfigError(msg) from exc
    if head != _MAGIC:
        msg = (
            f"map.base_file: expected a PMTiles file of version 3, but {config.base_file} begins "
            f"with {head!r}"
        )
        raise ConfigError(msg)


def _file(context: Context) -> Path | None:
    file = context.config.map.base_file
    return file if file is not None and file.is_file() else None


@router.get("/map/base")
def get_base_map(context: Context) -> BaseMap | None:
    """Get the base map; null if none is configured."""
    if _file(context) is None:
        return None
    url = f"{router.prefix}/map/base.pmtiles"
    return BaseMap(url=url, attribution=context.config.map.attribution)


@router.get(
    "/map/base.pmtiles",
    response_class=FileResponse,
    responses={
        200: {"content": {_MEDIA_TYPE: {}}, "description": "the whole file"},
        206: {"content": {_MEDIA_TYPE: {}}, "description": "the requested range"},
        416: {"description": "no such range"},
    },
)
def get_base_map_file(context: Context) -> FileResponse:
    """The PMTiles file, or a range of it; its ETag changes with it."""
    file = _file(context)
    if file is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "there is no base map here")
    return FileResponse(file, media_type=_MEDIA_TYPE)
