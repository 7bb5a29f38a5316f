"""Putting the parts together: database, broker's link, ingest, shadows, housekeeping, API."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

import uvicorn

from cloud_app.accounts.assembly import Accounts
from cloud_app.accounts.upkeep import AccountsWorker
from cloud_app.alerts.courier import Courier
from cloud_app.alerts.sealing import seal_plain
from cloud_app.alerts.targets import Targets
from cloud_app.analytics.forecasts import ForecastWorker
from cloud_app.api.access import Doorkeeper
from cloud_app.api.app import create_app
from cloud_app.api.base_map_routes import check_base_map
from cloud_app.api.context import ApiContext
from cloud_app.api.feed import LiveFeed
from cloud_app.config import CloudConfig
from cloud_app.errors import CloudError
from cloud_app.housekeeping import Housekeeper
from cloud_app.ingest.gates.intake import GateIntake
from cloud_app.ingest.gates.worker import GateWorker
from cloud_app.ingest.holes import HoleWatch
from cloud_app.ingest.link import CloudLink
from cloud_app.ingest.sensors.intake import SensorIntake
from cloud_app.ingest.sensors.worker import SensorWorker
from cloud_app.ingest.worker import IngestWorker, Sink
from cloud_app.occupancy.counting import LotCounter
from cloud_app.occupancy.reconciler import Reconciler
from cloud_app.registry.layouts import take_unknown
from cloud_app.shadow_service import ShadowService, ShadowWorker
from cloud_app.storage.database import Database
from cloud_app.storage.open import open_database
from cloud_app.storage.queries import Now
from cloud_app.storage.times import to_ms
from cloud_app.stream import TakenEvent
from http_server.connections import ConnectionLimits
from http_server.serving import ServerConfig
from telemetry import Clock, ConfigError
from telemetry.aws import shadow_requests

_log = logging.getLogger(__name__)

# Longer than a batch takes, so that a stop leaves nothing half done.
_JOIN_S = 15.0


class _Part(Protocol):
    """Something that works in a thread until told to stop."""

    def run(self) -> None:
        """Work until `stop`."""
        ...

    def stop(self) -> None:
        """Let `run` end."""
        ...


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
        config = self.config
        sinks = [_SharedSink(sink) for sink in _sinks(config, self.clock)]
        link = CloudLink(
            config.broker,
            self.clock,
            shadow_requests(config.shadow.root) if config.shadow.enabled else (),
        )
        accounts = Accounts.of(config, database)
        gates = GateIntake(config.gates, self.clock)
        intake = SensorIntake(config.sensors, self.clock, gates.take_counts)
        networks = config.sensors.network
        sensors = SensorWorker(
            database,
            [each for each in networks if not each.kind.is_of_gates],
            self.clock,
            intake=intake,
        )
        gate_worker = GateWorker(
            database, [each for each in networks if each.kind.is_of_gates], self.clock, intake=gates
        )
        housekeeper = Housekeeper(
            database,
            link,
            accounts.tenants,
            config.rules,
            config.retention,
            config.ingest.stale_after_s,
            HoleWatch(self.clock, config.ingest.replay_after_s),
            self.clock,
            config.gates,
        )
        ingest = IngestWorker(
            database,
            sinks,
            link,
            config.ingest,
            config.broker.prefix,
            self.clock,
            housekeeper.saw,
        )
        shadows = ShadowService(database, self.clock, config.shadow.root)
        shadow_worker = ShadowWorker(shadows, link.publish, database.lead)
        link.deliver_to(ingest.inbox, shadow_worker.offer)
        reconciler = Reconciler(
            database,
            self.clock,
            config.ingest.stale_after_s,
            config.broker.prefix,
            lambda events: _put(sinks, events),
        )
        stale_after_ms = int(config.ingest.stale_after_s * 1000)
        feed = LiveFeed(database, lambda: Now(to_ms(self.clock.utc()), stale_after_ms))
        context = ApiContext(
            config,
            database,
            self.clock,
            Doorkeeper(config.http, accounts, self.clock),
            feed,
            lambda: link.state,
            ingest.counts,
            shadows if config.shadow.enabled else None,
            link.publish,
            accounts,
            intake,
            gates,
        )
        counter = LotCounter(database, config.gates, config.ingest.stale_after_s, self.clock)
        targets = Targets.of(config, accounts.url)
        upkeep = AccountsWorker(database, targets.mailer, database.lead, self.clock)
        courier = Courier(database, targets, accounts.tenants, database.lead, self.clock)
        forecasts = ForecastWorker(database, database.lead, self.clock)
        parts = (
            *(ingest, sensors, gate_worker, shadow_worker, housekeeper),
            *(reconciler, feed, upkeep, courier, counter, forecasts),
        )
        try:
            self._run_parts(parts, link, context)
        finally:
            for sink in sinks:
                sink.close()

    def _run_parts(self, parts: Sequence[_Part], link: CloudLink, context: ApiContext) -> None:
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
                log_config=None,
                timeout_graceful_shutdown=3,
            ),
            feed,
        )
        _log.info("page and API at http://%s:%d", http.host, http.port)
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


class _SharedSink:
    """A sink that the ingest and the reconciler write to."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._lock = threading.Lock()

    def put(self, events: Sequence[TakenEvent]) -> None:
        """Take events, one caller at a time."""
        with self._lock:
            self._sink.put(events)

    def close(self) -> None:
        """Finish what is open."""
        with self._lock:
            self._sink.close()


def _put(sinks: Sequence[Sink], events: Sequence[TakenEvent]) -> None:
    for sink in sinks:
        sink.put(events)


def _sinks(config: CloudConfig, clock: Clock) -> list[Sink]:
    sinks: list[Sink] = []
    if config.lake is not None:
        from cloud_app.sinks.lake import Lake

        sinks.append(Lake(config.lake, config.broker.client_id, clock))
    if config.kafka is not None:
        try:
            from cloud_app.sinks.kafka import KafkaSink
        except ImportError as exc:
            msg = (
                "[kafka] needs the extra lotsight[kafka]; expected the Python module "
                f"confluent_kafka, but got: {exc}"
            )
            raise ConfigError(msg) from exc
        sinks.append(KafkaSink(config.kafka))
    return sinks
