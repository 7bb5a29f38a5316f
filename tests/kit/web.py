"""A web application on a real socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from tests.kit.waiting import eventually


@contextmanager
def serving(app: ASGIApp | uvicorn.Config, port: int = 0) -> Iterator[str]:
    """Serve an application on loopback; gives its address, `http://127.0.0.1:PORT`.

    Args:
        app: the application, or how it is served.
        port: 0 takes a free one.
    """
    if not isinstance(app, uvicorn.Config):
        app = uvicorn.Config(app, port=port, log_config=None, access_log=False)
    server = uvicorn.Server(app)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started, "the server to listen", 20)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server does not end"
