"""The link to the local broker: one thread that listens and publishes, and comes back by itself.

Unlike the link to the cloud it keeps nothing: what cannot be published now is told to the caller at
once, since an order to a relay that comes late may be worse than none.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from edge_app.delivery.backoff import Backoff
from edge_app.delivery.config import MqttConfig, Protocol
from edge_app.delivery.connection import (
    Connection,
    Incoming,
    Outgoing,
    Puback,
    Suback,
    speaks_other_version,
)
from edge_app.delivery.errors import REFUSED, ConnectionEnded, LinkError, ProtocolError, reason_text
from edge_app.delivery.session import Alarms, Session
from edge_app.delivery.tls import tls_context
from edge_app.field_io.errors import FieldError
from edge_app.redaction import mask_secrets
from telemetry import Clock
from telemetry.topics import Topic, TopicFilter

_log = logging.getLogger(__name__)

_STEP_S = 0.5
_WINDOW = 1_000
"""Messages on the way at once; a lot's devices never come near it."""
_JOIN_S = 2.0
Handler = Callable[[str, bytes], None]
"""Takes a topic and a payload, in the link's thread; it may not publish there. When it returns the
broker forgets the message."""


@dataclass(frozen=True, slots=True)
class LocalLinkInfo:
    """How the link is.

    Attributes:
        connected: whether the broker is there.
        broker: host and port.
        away_s: for how long it has been away; 0 while it is there.
        last_error: why the last connection ended; None while connected.
        faults: what the broker refuses, such as a subscription.
    """

    connected: bool
    broker: str
    away_s: float
    last_error: str | None
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class _Order:
    """A message that somebody waits for."""

    message: Outgoing
    answered: threading.Event = field(default_factory=threading.Event)
    fault: str | None = None
    is_given_up: bool = False

    def end(self, fault: str | None) -> None:
        self.fault = fault
        self.answered.set()


class LocalLink:
    """Listens at the local broker and publishes there.

    Args:
        config: how to connect.
        clock: durations.
        rng: jitter between tries.
    """

    def __init__(self, config: MqttConfig, clock: Clock, rng: random.Random | None = None) -> None:
        self._config = config
        self._clock = clock
        self._where = f"{config.host}:{config.port}"
        self._handlers: list[tuple[TopicFilter, Handler]] = []
        jitter = rng or random.Random()  # noqa: S311 - jitter is no secret
        self._backoff = Backoff(config.backoff_min_s, config.backoff_max_s, jitter)
        self._protocol = Protocol.MQTT_5
        self._alarms = Alarms()
        self._orders: deque[_Order] = deque()
        self._sent: dict[int, _Order] = {}
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._away_since_s: float | None = clock.mono_s()
        self._last_error: str | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self, topic_filter: str, handler: Handler) -> None:
        """Have `handler` told of all messages that the filter takes; before `start` only."""
        self._handlers.append((TopicFilter(topic_filter), handler))

    def start(self) -> None:
        """Begin, in a thread; a broker that is down is only waited for."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="local-broker", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Disconnect and end the thread."""
        self._stop.set()
        self._wake()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    @property
    def info(self) -> LocalLinkInfo:
        """How it is."""
        since_s = self._away_since_s
        away_s = 0.0 if since_s is None else self._clock.mono_s() - since_s
        is_there = since_s is None
        error = None if is_there else self._last_error
        return LocalLinkInfo(is_there, self._where, away_s, error, self._alarms.texts())

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, timeout_s: float = 2.0
    ) -> None:
        """Publish with QoS 1 and wait for the broker's answer.

        Raises:
            FieldError: the broker is away, refuses it, or does not answer in time. Then the message
                is not sent later.
        """
        if self._away_since_s is not None:
            msg = f"local broker {self._where}: {self._last_error or 'not connected'}"
            raise FieldError(msg)
        order = _Order(Outgoing(Topic(topic), payload, 1, retain))
        with self._lock:
            self._orders.append(order)
        self._wake()
        if not order.answered.wait(timeout_s):
            order.is_given_up = True
            msg = f"local broker {self._where}: no answer within {timeout_s:g} s"
            raise FieldError(msg)
        if order.fault is not None:
            msg = f"local broker {self._where}: {topic}: {order.fault}"
            raise FieldError(msg)

    # -- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._live()
            except LinkError as exc:
                self._failed(exc)
            except Exception as exc:  # the link must come back, whatever a message did
                _log.exception("the local link failed unexpectedly")
                self._failed(ProtocolError(f"{type(exc).__name__}: {exc}"))

    def _failed(self, error: LinkError) -> None:
        if self._stop.is_set():
            return
        text = mask_secrets(str(error))
        if text != self._last_error:
            _log.warning("local broker: %s", text)
        self._last_error = text
        if isinstance(error, ConnectionEnded) or speaks_other_version(error):
            is_5 = self._protocol is Protocol.MQTT_5
            self._protocol = Protocol.MQTT_311 if is_5 else Protocol.MQTT_5
        self._stop.wait(self._backoff.next_s())

    def _live(self) -> None:
        """One connection from beginning to end."""
        context = None if self._config.tls is None else tls_context(self._config.tls)
        connection = Connection(self._config, self._protocol, None, context, acks_by_hand=True)
        try:
            connection.open()
            session = Session(connection, 0, _WINDOW, self._alarms)
            session.subscribe([each for each, _ in self._handlers])
            self._connection = connection
            self._away_since_s, self._last_error = None, None
            _log.info("connected to the local broker at %s", self._where)
            while not self._stop.is_set():
                self._send_orders(connection)
                for happening in connection.step(_STEP_S):
                    self._handle(session, happening)
                    if isinstance(happening, Incoming):
                        # Not before: what is lost with a power cut comes again.
                        connection.acknowledge(happening)
                self._backoff.reset()
            connection.close(gracefully=True)
        finally:
            self._connection = None
            self._away_since_s = self._away_since_s or self._clock.mono_s()
            connection.close(gracefully=False)
            self._give_up_orders()

    def _send_orders(self, connection: Connection) -> None:
        while True:
            with self._lock:
                if not self._orders:
                    return
                order = self._orders.popleft()
            if order.is_given_up:
                continue
            try:
                self._sent[connection.publish(order.message)] = order
            except LinkError as exc:
                order.end(str(exc))
                raise

    def _give_up_orders(self) -> None:
        with self._lock:
            left = [*self._sent.values(), *self._orders]
            self._sent.clear()
            self._orders.clear()
        for order in left:
            order.end("the connection ended")

    def _handle(self, session: Session, happening: Puback | Suback | Incoming) -> None:
        if isinstance(happening, Puback):
            order = self._sent.pop(happening.mid, None)
            if order is not None:
                refused = happening.code >= REFUSED
                order.end(f"refused: {reason_text(happening.code)}" if refused else None)
        elif isinstance(happening, Suback):
            session.subscribed(happening)
        else:
            self._received(happening)

    def _received(self, message: Incoming) -> None:
        for topic_filter, handler in self._handlers:
            if not topic_filter.matches(message.topic):
                continue
            try:
                handler(message.topic, message.payload)
            except Exception:  # one bad message must not end the link
                _log.exception("local broker: a message of %s failed", message.topic)

    def _wake(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.wake()
