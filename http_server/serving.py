"""uvicorn's configuration, the same for the box and the cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from http_server.connections import BoundedConnection, ConnectionLimits


class ServerConfig(uvicorn.Config):
    """How an application is served.

    Args:
        app: that is served.
        limits: of its connections.
        trusted_proxies: whose X-Forwarded-For and X-Forwarded-Proto are believed. By default
            none: otherwise any client could claim any address, and no limit by address would hold.
        settings: further ones of uvicorn.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: ConnectionLimits | None = None,
        trusted_proxies: Sequence[IPv4Network | IPv6Network] = (),
        **settings: Any,
    ) -> None:
        self.limits = limits or ConnectionLimits()
        _build_routes(app)
        super().__init__(
            app,
            http=BoundedConnection,
            ws="none",
            access_log=False,
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=[str(each) for each in trusted_proxies],
            timeout_keep_alive=self.limits.idle_s,
            **settings,
        )

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop] | None:
        """The loop, with our limit for TLS handshakes, for which uvicorn has no setting."""
        return lambda: _Loop(self.limits.handshake_s)


def _build_routes(app: ASGIApp) -> None:
    """Have the application's routes built before anybody waits for them.

    FastAPI builds those of included routers when it first looks for one. That takes 150 ms of
    processor time, on a busy box half a second: too long where an alarm is the first request.
    """
    scope = {"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []}
    for route in getattr(app, "routes", ()):
        route.matches(scope)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, handshake_s: float) -> None:
        super().__init__()
        self._handshake_s = handshake_s

    async def create_server(self, *args: Any, **kwargs: Any) -> asyncio.Server:
        if kwargs.get("ssl"):
            kwargs.setdefault("ssl_handshake_timeout", self._handshake_s)
        server: asyncio.Server = await super().create_server(*args, **kwargs)
        return server
