"""The link to the broker: one thread that connects, publishes, and comes back after any failure."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from edge_app.delivery.agent import Agent
from edge_app.delivery.announcer import Announcer
from edge_app.delivery.backoff import Backoff
from edge_app.delivery.config import MqttConfig, Protocol, Release
from edge_app.delivery.connection import (
    Connection,
    Happening,
    Incoming,
    Puback,
    Suback,
    speaks_other_version,
)
from edge_app.delivery.errors import ConnectionEnded, LinkError, ProtocolError, reason_text
from edge_app.delivery.pump import EventPump
from edge_app.delivery.session import Alarms, Session
from edge_app.delivery.store import Store
from edge_app.delivery.tls import CertificateWatch
from edge_app.redaction import mask_secrets
from telemetry.clock import Clock
from telemetry.errors import LotsightError
from telemetry.messages import Ack, ModelRef, OfflineReason, decode
from telemetry.topics import EdgeTopics, TopicFilter, TopicKind

_log = logging.getLogger(__name__)

TICK_S = 0.5
GOODBYE_S = 2.0
"""How long a graceful stop waits for the broker to take the good-bye."""
DIALLING_S = 1.0
"""How long a stop waits for a thread that tries to connect."""
SILENCE_ALARM_S = 120.0
"""An alarm is raised if no consumer acknowledges for this long."""


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """State of the link, for health and metrics.

    Attributes:
        connected: whether the broker is there.
        protocol: which MQTT is spoken; None while disconnected.
        conn: number of the connection.
        connects: how many connections came about since the start.
        failures: how many attempts failed or connections broke.
        last_error: why the last one did; None while connected.
        sent: events sent.
        resent: of these, sent before.
        refused: of these, refused by the broker.
        alarms: what an operator should know of.
    """

    connected: bool = False
    protocol: Literal["5", "3.1.1"] | None = None
    conn: int = 0
    connects: int = 0
    failures: int = 0
    last_error: str | None = None
    sent: int = 0
    resent: int = 0
    refused: int = 0
    alarms: tuple[str, ...] = ()


class MqttLink:
    """Publishes what the store holds, forever, whatever happens to broker, network and disk.

    Args:
        config: of the link.
        store: states and events.
        clock: durations and wall time.
        agents: what else rides on the link.
        rng: jitter; tests pass a seeded one.
    """

    def __init__(
        self,
        config: MqttConfig,
        store: Store,
        clock: Clock,
        agents: Sequence[Agent] = (),
        rng: random.Random | None = None,
    ) -> None:
        self.topics = EdgeTopics(config.site, config.edge, config.prefix)
        self._config = config
        self._store = store
        self._clock = clock
        self._agents = tuple(agents)
        self._announcer = Announcer(self.topics, store, clock, config.snapshot_period_s)
        self._pump = EventPump(store, clock, config)
        # Jitter only spreads load: nothing is secret about it.
        jitter = rng or random.Random()  # noqa: S311
        self._backoff = Backoff(config.backoff_min_s, config.backoff_max_s, jitter)
        self._protocol = Protocol.MQTT_5 if config.protocol is Protocol.AUTO else config.protocol
        self._certificates = CertificateWatch(config.tls) if config.tls else None
        self._alarms = Alarms()
        self._stop = threading.Event()
        self._stop_reason: OfflineReason | None = OfflineReason.SHUTDOWN
        self._snapshot_wanted = threading.Event()
        self._layout_wanted = threading.Event()
        self._session: Session | None = None
        self._thread: threading.Thread | None = None
        self._connects = 0
        self._failures = 0
        self._last_error: str | None = None
        self._tick_at_s = 0.0
        self._info = LinkInfo()
        store.add_listener(self.wake)

    # For the service

    def add(self, agents: Sequence[Agent]) -> None:
        """Have more agents ride on the link; before `start` only."""
        self._agents += tuple(agents)

    def start(self) -> None:
        """Begin, in a thread; a broker that is down is only waited for."""
        if self._thread is not None:
            return
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="mqtt-link", daemon=True)
        self._thread.start()

    def stop(self, reason: OfflineReason | None = OfflineReason.SHUTDOWN) -> None:
        """Publish that the box goes offline and why, disconnect, and end the thread.

        Args:
            reason: why; None drops the connection without a word, as a crash would.
        """
        self._stop_reason = reason
        self._stop.set()
        self.wake()
        if self._thread is not None:
            # A box that is still connecting cannot say good-bye: that thread ends by itself.
            self._thread.join(DIALLING_S if self._session is None else GOODBYE_S + DIALLING_S)
            self._thread = None

    def request_snapshot(self) -> None:
        """Publish all bays soon."""
        self._snapshot_wanted.set()
        self.wake()

    def request_layout(self) -> None:
        """Publish the layout soon, whether or not it changed, and all bays after it."""
        self._layout_wanted.set()
        self.request_snapshot()

    def set_model(self, model: ModelRef | None) -> None:
        """Which network judges; published at the next birth."""
        self._announcer.model = model

    def wake(self) -> None:
        """There may be something to send; may be called from any thread."""
        session = self._session
        if session is not None:
            session.connection.wake()

    @property
    def info(self) -> LinkInfo:
        """How the link is doing."""
        return self._info

    # The thread

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._live()
            except LinkError as exc:
                self._failed(exc)
            except Exception as exc:
                # Whatever a message or an agent did: the link must come back, and say what it was.
                _log.exception("unexpected failure of the broker link")
                self._failed(ProtocolError(f"{type(exc).__name__}: {exc}"))

    def _failed(self, error: LinkError) -> None:
        if self._stop.is_set():
            return
        self._failures += 1
        self._last_error = mask_secrets(str(error))
        wait_s = self._backoff.next_s()
        _log.warning("%s; next attempt in %.1f s", error, wait_s)
        self._update_info()
        deadline_s = self._clock.mono_s() + wait_s
        while not self._stop.is_set() and (left_s := deadline_s - self._clock.mono_s()) > 0:
            self._stop.wait(min(left_s, TICK_S))
            self._tick()

    def _live(self) -> None:
        """One connection from birth to death."""
        session = self._open()
        if self._stop.is_set():
            session.connection.close(gracefully=True)
            return
        try:
            self._session = session
            self._connects += 1
            self._last_error = None
            self._pump.connected(session.window)
            session.subscribe(self._filters())
            self._announce(session)
            for agent in self._agents:
                agent.connected(session.queue)
            self._update_info()
            self._serve(session)
        finally:
            self._session = None
            self._pump.settle()
            self._pump.disconnected()
            for agent in self._agents:
                agent.disconnected()
            session.connection.close(gracefully=False)
            self._update_info()

    def _open(self) -> Session:
        context = self._certificates.context(self._alarms) if self._certificates else None
        conn = self._store.begin_connection()
        will = self._announcer.will(conn)
        connection = Connection(self._config, self._protocol, will, context)
        try:
            connection.open()
        except LinkError as exc:
            connection.close(gracefully=False)
            self._choose_protocol(exc)
            raise
        window = min(self._config.in_flight_max, connection.in_flight_max)
        _log.info("connected to %s:%d, no. %d", self._config.host, self._config.port, conn)
        return Session(connection, conn, window, self._alarms)

    def _choose_protocol(self, error: LinkError) -> None:
        """A broker that knows only 3.1.1 says so, or hangs up on MQTT 5 without a word."""
        if self._config.protocol is not Protocol.AUTO:
            return
        if self._protocol is Protocol.MQTT_311:
            self._protocol = Protocol.MQTT_5
        elif speaks_other_version(error) or isinstance(error, ConnectionEnded):
            self._protocol = Protocol.MQTT_311

    def _filters(self) -> list[TopicFilter]:
        acks = TopicFilter(str(self.topics.of(TopicKind.ACK)))
        own = [acks] if self._config.release is Release.ACK else []
        return [*own, *(each for agent in self._agents for each in agent.filters())]

    def _announce(self, session: Session) -> None:
        session.send(self._announcer.birth(session.conn, is_mqtt5=session.connection.is_mqtt5))

    def _serve(self, session: Session) -> None:
        started_s = self._clock.mono_s()
        while not self._stop.is_set():
            now_s = self._clock.mono_s()
            self._tick()
            self._send_due(session, now_s)
            if self._certificates and self._certificates.changed(now_s, self._alarms):
                session.connection.close(gracefully=True)
                return
            for happening in session.connection.step(self._wait_s(session)):
                self._handle(session, happening)
            self._pump.settle()
            # Not at once: a broker that takes us and throws us out again must not be hammered.
            if now_s - started_s > self._config.backoff_min_s:
                self._backoff.reset()
        self._say_goodbye(session)

    def _send_due(self, session: Session, now_s: float) -> None:
        wanted = self._snapshot_wanted.is_set()
        self._snapshot_wanted.clear()
        if self._layout_wanted.is_set():
            self._layout_wanted.clear()
            self._announcer.repeat_layout()
        for message in self._announcer.due(now_s, wanted=wanted):
            session.send(message)
        session.send_queued(self._pump.in_flight)
        for row in self._pump.due(session.room(0)):
            self._pump.sent(row, session.connection.publish(self._announcer.event(row)))

    def _wait_s(self, session: Session) -> float:
        """How long the network loop may sleep; a change, an answer or `wake` ends it early."""
        if session.room(self._pump.in_flight) <= 0:
            return TICK_S
        return 0.0 if session.has_queue else min(TICK_S, self._pump.wait_s())

    def _handle(self, session: Session, happening: Happening) -> None:
        if isinstance(happening, Puback):
            if not self._pump.answered(happening.mid, happening.code):
                session.answered(happening)
        elif isinstance(happening, Suback):
            session.subscribed(happening)
        else:
            self._received(session, happening)

    def _received(self, session: Session, message: Incoming) -> None:
        try:
            if message.topic == str(self.topics.of(TopicKind.ACK)):
                if self._pump.acknowledged(decode(Ack, message.payload, message.topic)):
                    self._announce(session)
                return
            for agent in self._agents:
                if any(each.matches(message.topic) for each in agent.filters()):
                    self._ask(agent, partial(agent.message, message.topic, message.payload))
                    return
        except LotsightError as exc:
            _log.warning("message ignored: %s", exc)

    def _ask(self, agent: Agent, work: Callable[[], None]) -> None:
        """What goes wrong in an agent is its own affair: the link and the others continue."""
        name = f"agent {type(agent).__name__}"
        try:
            work()
        except LotsightError as exc:
            self._alarms.raise_(name, f"{type(agent).__name__}: {exc}")
        except Exception as exc:
            _log.exception("unexpected failure of %s", type(agent).__name__)
            self._alarms.raise_(name, f"{type(agent).__name__}: {type(exc).__name__}: {exc}")
        else:
            self._alarms.clear(name)

    def _say_goodbye(self, session: Session) -> None:
        if self._stop_reason is None:
            return
        mid = session.send(self._announcer.goodbye(session.conn, self._stop_reason))
        deadline_s = self._clock.mono_s() + GOODBYE_S
        while session.is_waiting(mid) and (left_s := deadline_s - self._clock.mono_s()) > 0:
            for happening in session.connection.step(left_s):
                self._handle(session, happening)
        session.connection.close(gracefully=True)

    def _tick(self) -> None:
        now_s = self._clock.mono_s()
        if now_s < self._tick_at_s:
            return
        self._tick_at_s = now_s + TICK_S
        self._store.tick()
        for agent in self._agents:
            self._ask(agent, partial(agent.tick, now_s))
        if self._pump.refusal is not None:
            why = reason_text(self._pump.refusal)
            self._alarms.raise_(
                "quarantine", f"events rejected by the broker, kept for retry: {why}"
            )
        else:
            self._alarms.clear("quarantine")
        if self._pump.silent_s > SILENCE_ALARM_S:
            self._alarms.raise_("ack", "no consumer acknowledges events")
        else:
            self._alarms.clear("ack")
        self._update_info()

    def _update_info(self) -> None:
        session, counts = self._session, self._pump.counts
        self._info = LinkInfo(
            connected=session is not None,
            protocol=None if session is None else "5" if session.connection.is_mqtt5 else "3.1.1",
            conn=session.conn if session else 0,
            connects=self._connects,
            failures=self._failures,
            last_error=self._last_error,
            sent=counts.sent,
            resent=counts.resent,
            refused=counts.refused,
            alarms=self._alarms.texts(),
        )
