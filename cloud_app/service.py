"""The life of the service: its parts in threads, its API in front, one orderly end."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

import uvicorn

from cloud_app.alerts.sealing import seal_plain
from cloud_app.api.app import create_app
from cloud_app.api.base_map_routes import check_base_map
from cloud_app.api.context import ApiContext
from cloud_app.api.feed import LiveFeed
from cloud_app.assembly import Part, assembled
from cloud_app.config import CloudConfig
from cloud_app.errors import CloudError
from cloud_app.ingest.link import CloudLink
from cloud_app.registry.layouts import take_unknown
from cloud_app.storage.database import Database
from cloud_app.storage.open import open_database
from cloud_app.storage.times import to_ms
from http_server.connections import ConnectionLimits
from http_server.serving import ServerConfig
from telemetry import Clock

_log = logging.getLogger(__name__)

# Longer than a batch takes, so that a stop leaves nothing half done.
_JOIN_S = 15.0


@dataclass(slots=True)
class CloudService:
    """One consumer: it takes in, keeps house if it leads, and answers readers.

    Attributes:
        config: the whole of it.
        clock: wall and monotonic time.
    """

    config: CloudConfig
    clock: Clock
    _threads: list[threading.Thread] = field(default_factory=list)
    _failure: list[BaseException] = field(default_factory=list)
    _server: uvicorn.Server | None = None

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM.

        Raises:
            CloudError: the database or its secrets cannot be opened, or a part of the service ended
            unasked.
            ConfigError: an extra that the configuration needs is not installed.
        """
        check_base_map(self.config.map)
        database = open_database(self.config.database)
        try:
            with database.write() as session:
                take_unknown(session, to_ms(self.clock.utc()))
                seal_plain(session)
            self._run_on(database)
        finally:
            database.close()
        if self._failure:
            msg = f"a part of the service ended: {self._failure[0]!r}"
            raise CloudError(msg) from self._failure[0]

    def _run_on(self, database: Database) -> None:
        with assembled(self.config, database, self.clock) as made:
            self._run_parts(made.parts, made.link, made.context)

    def _run_parts(self, parts: Sequence[Part], link: CloudLink, context: ApiContext) -> None:
        """Serve, with every part in a thread; end them in order."""
        for part in parts:
            self._start(type(part).__name__, part.run)
        link.start()
        try:
            self._serve(context, context.feed)
        finally:
            link.stop()
            for part in parts:
                part.stop()
            for thread in self._threads:
                thread.join(_JOIN_S)

    def _start(self, name: str, run: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                run()
            except Exception as exc:
                # A service without one of its parts would look alive and lose its purpose.
                _log.exception("%s ended", name)
                self._failure.append(exc)
                if self._server is not None:
                    self._server.should_exit = True

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, context: ApiContext, feed: LiveFeed) -> None:
        http = self.config.http
        self._server = _Server(
            ServerConfig(
                create_app(context),
                ConnectionLimits(connections=http.max_connections),
                http.trusted_proxies,
                host=http.host,
                port=http.port,
                ssl_certfile=http.cert_file,
                ssl_keyfile=http.key_file,
                log_config=None,
                timeout_graceful_shutdown=3,
            ),
            feed,
        )
        _log.info("page and API at %s://%s:%d", http.scheme, http.host, http.port)
        with self._signals_end_the_server(self._server):
            self._server.run()
        if not self._server.started and not self._failure:
            msg = f"http: expected to listen on {http.host}:{http.port}, but it is not free"
            raise CloudError(msg)

    @contextmanager
    def _signals_end_the_server(self, server: uvicorn.Server) -> Iterator[None]:
        """Let SIGINT and SIGTERM end the server and nothing else.

        Once it has ended, uvicorn raises the signal again, which by default would end the process
        before files are sealed and connections closed.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def end(_number: int, _frame: FrameType | None) -> None:
            server.should_exit = True

        before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Server(uvicorn.Server):
    """Ends the live streams first: they would hold up a stop until its time-out."""

    def __init__(self, config: uvicorn.Config, feed: LiveFeed) -> None:
        super().__init__(config)
        self._feed = feed

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        self._feed.stop()
        await super().shutdown(None)
