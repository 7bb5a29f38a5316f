"""The pages' server."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_app.config import HttpConfig
from edge_app.serving import HttpServer
from telemetry import ConfigError


async def hello(scope: dict[str, object], receive: object, send: Callable[..., object]) -> None:
    """The least ASGI application."""
    del receive
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": b"hello"})  # type: ignore[misc]


def test_the_server_serves_and_ends(free_port: Callable[[], int]) -> None:
    config = HttpConfig(port=free_port())
    server = HttpServer(hello, config)  # type: ignore[arg-type]
    server.start()
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=10) as answer:
        assert answer.read() == b"hello"
    with pytest.raises(ConfigError, match="Address already in use"):
        HttpServer(hello, config)  # type: ignore[arg-type]
    server.stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=10)


def test_a_certificate_that_is_none(tmp_path: Path, free_port: Callable[[], int]) -> None:
    (tmp_path / "c.pem").write_text("no certificate")
    config = HttpConfig(port=free_port(), cert_file=tmp_path / "c.pem", key_file=tmp_path / "c.pem")
    with pytest.raises(ConfigError, match=r"cannot load certificate .*c\.pem"):
        HttpServer(hello, config)  # type: ignore[arg-type]
