"""The box's own pages: a web application on a socket, in a thread beside the service."""

from __future__ import annotations

import logging
import socket
import ssl
import threading

import uvicorn
from starlette.types import ASGIApp

from edge_app.config import HttpConfig
from http_server.connections import ConnectionLimits
from http_server.serving import ServerConfig
from telemetry import ConfigError

_log = logging.getLogger(__name__)

# A live view is a response without end; its reader must not hold up a stop.
_GRACE_S = 1
# Pages, scrapers and viewers of a box are few; each connection costs memory that a box lacks.
_CONNECTIONS = 256


class HttpServer:
    """Serves an ASGI application in its own thread.

    The socket is taken at once, so that a port in use is reported to the caller, and
    port 0 can be requested and read back.

    Args:
        app: what to serve.
        config: address, port, certificate.

    Raises:
        ConfigError: the address cannot be taken, or the certificate cannot be loaded.
    """

    def __init__(self, app: ASGIApp, config: HttpConfig) -> None:
        try:
            self._socket = socket.create_server((config.host, config.port), reuse_port=False)
        except OSError as exc:
            msg = f"http: cannot listen on {config.host}:{config.port}: {exc.strerror or exc}"
            raise ConfigError(msg) from exc
        self.port: int = self._socket.getsockname()[1]
        settings = ServerConfig(
            app,
            ConnectionLimits(connections=_CONNECTIONS),
            config.trusted_proxies,
            log_config=None,
            timeout_graceful_shutdown=_GRACE_S,
            ssl_certfile=config.cert_file,
            ssl_keyfile=config.key_file,
        )
        try:
            settings.load()
        except (OSError, ssl.SSLError) as exc:
            self._socket.close()
            msg = f"http: cannot load certificate {config.cert_file}: {exc}"
            raise ConfigError(msg) from exc
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="http", daemon=True
        )

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End, with what is under way."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_GRACE_S + 4)
        self._socket.close()
