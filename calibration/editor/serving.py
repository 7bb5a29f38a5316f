"""A page for the person at this machine: its files, its socket on loopback, its server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles

from telemetry.errors import ConfigError, LotsightError

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from starlette.types import ASGIApp

STATIC = Path(__file__).parent / "static"
"""The editor's front end; other pages take their colours, controls and small helpers from it."""

_UNTIL_SERVED_S = 0.5


class FreshFiles(StaticFiles):
    """Modules are revalidated on every load (304 if unchanged): a page never mixes versions."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """As `StaticFiles` does, with the header that says so."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def listen(port: int, usual_port: int) -> socket.socket:
    """A socket on loopback; another free port when the usual one is taken.

    Args:
        port: that is wanted; 0 takes any.
        usual_port: default port of this page; another one is used if it is taken.

    Raises:
        ConfigError: the requested port is in use.
    """
    for wanted in (port, 0) if port == usual_port else (port,):
        listener = socket.socket()
        # Ports of the last run linger for a minute; the same address finds its drafts again.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", wanted))
            listener.listen()
        except OSError as exc:
            listener.close()
            fault = exc.strerror
            continue
        return listener
    msg = f"--port: expected a free port on loopback, but got {port}: {fault}"
    raise ConfigError(msg)


def serve_page(app: ASGIApp, listener: socket.socket, opened: Callable[[], None]) -> None:
    """Serve until interrupted.

    Args:
        app: what is served.
        listener: see `listen`.
        opened: called in its own thread as soon as the page is served.
    """
    import uvicorn

    from http_server.serving import ServerConfig

    threading.Timer(_UNTIL_SERVED_S, opened).start()
    config = ServerConfig(app, log_level="warning")
    uvicorn.Server(config).run([listener])


def reply_to_errors(app: FastAPI) -> None:
    """Make errors of ours and malformed requests replies that the page can show."""
    app.add_exception_handler(LotsightError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)


def _refused(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": {"message": str(error)}}, 400)


def _malformed(_request: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    lines = [f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in faults[:3]]
    return JSONResponse({"detail": {"message": "; ".join(lines)}}, 422)
