"""What is ready before the first request comes."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, FastAPI
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema

from http_server.serving import ServerConfig

_built: list[str] = []


class _Noted:
    """Notes when a type that has it is looked at, as it is when a route is built."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        _built.append("built")
        return handler(source)


def test_the_first_request_waits_for_no_route_to_be_built() -> None:
    router = APIRouter()

    @router.get("/doors/{door}")
    def get_door(door: Annotated[int, _Noted()]) -> int:
        return door

    app = FastAPI()
    app.include_router(router, prefix="/api")
    ServerConfig(app)
    before = len(_built)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://box") as client:
            return await client.get("/api/doors/4")

    assert asyncio.run(ask()).json() == 4
    assert len(_built) == before > 0
