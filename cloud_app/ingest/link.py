"""Our session on the broker: subscriptions in, confirmations and acknowledgements out.

MQTT 5 with manual PUBACK: the broker gets its PUBACK for a message only once the message is
committed, so a killed consumer is sent it again. Events come through a shared subscription, all
retained kinds through plain ones (a shared one would deal them to members that are away).

MQTT 3.1.1 has no shared subscriptions, session expiry or receive maximum: a single consumer does
without them, since what a broker forgets is replayed by the edges.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloud_app.config import BrokerConfig, BrokerProtocol, TlsConfig
from cloud_app.errors import BrokerError
from cloud_app.ingest.decode import REPORT_KINDS, Inbound
from cloud_app.storage.times import to_ms
from cloud_app.stream import Watermark
from telemetry import Clock
from telemetry.bounds import MAX_MESSAGE_BYTES, MAX_NUMBER
from telemetry.messages import Ack
from telemetry.rules import DELIVERY_RULES
from telemetry.topics import EdgeTopics, Topic, TopicFilter, TopicKind, every_edge

_log = logging.getLogger(__name__)

# QoS 0 messages are not held back by the receive maximum; beyond this the newest are dropped.
_UNCONFIRMED_MAX = 10_000
_FAILURE = 0x80
_RETAINED = tuple(kind for kind in REPORT_KINDS if DELIVERY_RULES[kind].retain)


@dataclass(frozen=True, slots=True)
class _Receipt:
    connection: int
    mid: int
    qos: int


@dataclass(frozen=True, slots=True)
class LinkState:
    """How the link stands.

    Attributes:
        connected: the session is up and all subscriptions are granted.
        since_ms: since when.
        problem: what the broker last refused.
    """

    connected: bool
    since_ms: int
    problem: str | None


class Inbox(Protocol):
    """Where messages go."""

    def put(self, message: Inbound) -> bool:
        """Queue a message; False: it is not wanted, and may be confirmed at once."""
        ...

    def qsize(self) -> int:
        """How many messages wait."""
        ...


class CloudLink:
    """The MQTT client of one consumer.

    Args:
        config: broker and session.
        clock: for arrival times.
        requests: filters of the shadow service; none where the broker has its own.
    """

    def __init__(
        self,
        config: BrokerConfig,
        clock: Clock,
        requests: Sequence[TopicFilter] = (),
    ) -> None:
        self._config = config
        self._clock = clock
        self._inbox: Inbox = _Nowhere()
        self._on_request: Callable[[str, bytes], None] = _nobody_asked
        self._requests = tuple(requests)
        self._lock = threading.Lock()
        self._extra: set[str] = set()
        self._connection = 0
        self._was_refused = False
        self._state = LinkState(False, to_ms(clock.utc()), None)
        self._pending: dict[int, list[str]] = {}
        self._client = self._make_client()

    @property
    def state(self) -> LinkState:
        """How the link stands now."""
        return self._state

    def deliver_to(self, inbox: Inbox, on_request: Callable[[str, bytes], None]) -> None:
        """Say where messages go; before `start`.

        Args:
            inbox: those for the tables.
            on_request: called on the network thread with those of `requests`.
        """
        self._inbox = inbox
        self._on_request = on_request

    def start(self) -> None:
        """Connect in the background, again and again until it succeeds."""
        config = self._config
        session: dict[str, Any] = {}
        if self._is_mqtt_5:
            expiry = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            expiry.SessionExpiryInterval = config.session_expiry_s
            expiry.ReceiveMaximum = config.receive_maximum
            session = {"clean_start": False, "properties": expiry}
        self._client.connect_async(
            config.host, config.port, keepalive=config.keep_alive_s, **session
        )
        self._client.loop_start()

    @property
    def _is_mqtt_5(self) -> bool:
        return self._config.protocol is BrokerProtocol.MQTT_5

    def stop(self) -> None:
        """Leave; the broker keeps our session and what is unconfirmed in it."""
        self._client.disconnect()
        self._client.loop_stop()

    def confirm(self, messages: Sequence[Inbound]) -> None:
        """Give the broker its PUBACKs, unless they belong to an earlier connection."""
        for message in messages:
            receipt = message.receipt
            if (
                isinstance(receipt, _Receipt)
                and receipt.qos
                and receipt.connection == self._connection
            ):
                self._client.ack(receipt.mid, receipt.qos)

    def acknowledge(self, watermarks: Iterable[Watermark], *, replay: bool = False) -> None:
        """Publish how far each edge's stream is complete."""
        for mark in watermarks:
            if mark.upto > MAX_NUMBER or mark.epoch > MAX_NUMBER:
                _log.error("%s: no acknowledgement can carry it", mark)
                continue
            topic = EdgeTopics(mark.site, mark.edge, self._config.prefix).of(TopicKind.ACK)
            ack = Ack(epoch=mark.epoch, upto=mark.upto, replay=replay)
            self.publish(topic, ack.encode(), DELIVERY_RULES[TopicKind.ACK].qos)

    def publish(
        self, topic: Topic, payload: bytes, qos: int = 1, *, expiry_s: int | None = None
    ) -> None:
        """Publish if there is a connection.

        Nothing is queued while there is none: watermarks and shadow answers are worked out anew
        when the edge speaks again, and an old one would only mislead.

        Args:
            topic: where to.
            payload: what.
            qos: 0 or 1.
            expiry_s: the broker drops it after so long (MQTT 5).
        """
        properties = None
        if expiry_s is not None and self._is_mqtt_5:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = expiry_s
        if self._client.is_connected():
            self._client.publish(str(topic), payload, qos, properties=properties)

    def listen_to(self, site: str, edge: str) -> None:
        """Also receive an edge's events through a subscription of our own."""
        topic = str(EdgeTopics(site, edge, self._config.prefix).of(TopicKind.EVENT))
        with self._lock:
            self._extra.add(topic)
        if self._client.is_connected():
            self._subscribe([topic])

    def reread(self, site: str, edge: str) -> None:
        """Have the broker send an edge's retained messages once more.

        It drops what overflows our queue, retained kinds included, and these the edge only repeats
        with its next connection. A subscription brings them back; it need not last.
        """
        topics = EdgeTopics(site, edge, self._config.prefix)
        names = [str(topics.of(kind)) for kind in _RETAINED]
        if self._client.is_connected():
            self._subscribe(names)
            self._client.unsubscribe(names)

    def stop_listening_to(self, site: str, edge: str) -> None:
        """Undo `listen_to`."""
        topic = str(EdgeTopics(site, edge, self._config.prefix).of(TopicKind.EVENT))
        with self._lock:
            self._extra.discard(topic)
        if self._client.is_connected():
            self._client.unsubscribe(topic)

    def _make_client(self) -> mqtt.Client:
        config = self._config
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=config.client_id,
            # Of MQTT 5 it is said with each connection (`start`).
            clean_session=None if self._is_mqtt_5 else False,
            protocol=mqtt.MQTTv5 if self._is_mqtt_5 else mqtt.MQTTv311,
            manual_ack=True,
        )
        client.reconnect_delay_set(config.reconnect_min_s, config.reconnect_max_s)
        # Acknowledgements are small and cumulative; 20 in flight would be the storm's bottleneck.
        client.max_inflight_messages_set(1000)
        if config.username is not None:
            password = config.password
            client.username_pw_set(
                config.username, password.get_secret_value() if password else None
            )
        if config.tls is not None:
            client.tls_set_context(tls_context(config.tls))
        client.on_connect = self._connected
        client.on_connect_fail = self._unreachable
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        return client

    def _filters(self) -> Iterable[str]:
        prefix = self._config.prefix
        events = every_edge(TopicKind.EVENT, prefix)
        yield str(events.shared(self._config.share) if self._is_mqtt_5 else events)
        yield from (str(every_edge(kind, prefix)) for kind in REPORT_KINDS)
        yield from map(str, self._requests)
        with self._lock:
            yield from sorted(self._extra)

    def _connected(
        self, client: mqtt.Client, _data: Any, _flags: mqtt.ConnectFlags, code: ReasonCode, _p: Any
    ) -> None:
        self._was_refused = code.is_failure
        if self._was_refused:
            self._report(f"the broker refused the connection: {code}")
            return
        self._connection += 1
        self._subscribe(list(self._filters()))

    def _subscribe(self, filters: list[str]) -> None:
        if self._is_mqtt_5:
            options = SubscribeOptions(qos=1)
            code, mid = self._client.subscribe([(name, options) for name in filters])
        else:
            code, mid = self._client.subscribe([(name, 1) for name in filters])
        if code == mqtt.MQTT_ERR_SUCCESS and mid is not None:
            self._pending[mid] = filters

    def _subscribed(
        self, _client: mqtt.Client, _data: Any, mid: int, codes: list[ReasonCode], _p: Any
    ) -> None:
        filters = self._pending.pop(mid, [])
        refused = [
            f"{name} ({code})"
            for name, code in zip(filters, codes, strict=False)
            if code.value >= _FAILURE
        ]
        if refused:
            self._report(f"the broker refused to subscribe us to {', '.join(refused)}")
        elif not self._state.connected:
            self._state = LinkState(True, to_ms(self._clock.utc()), None)
            _log.info("connected to %s:%d", self._config.host, self._config.port)

    def _unreachable(self, _client: mqtt.Client, _data: Any) -> None:
        self._report("the broker cannot be reached")

    def _disconnected(
        self, _client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _p: Any
    ) -> None:
        # What follows a refusal says less than the refusal did.
        if not self._was_refused:
            self._report(f"disconnected: {code}")

    def _report(self, problem: str) -> None:
        self._state = LinkState(False, to_ms(self._clock.utc()), problem)
        _log.warning("%s:%d: %s", self._config.host, self._config.port, problem)

    def _received(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            self._pass_on(_topic_of(message), message)
        except Exception:
            # paho's thread would end, and with it our hearing.
            _log.exception("a message is passed over")

    def _pass_on(self, topic: str, message: mqtt.MQTTMessage) -> None:
        if any(pattern.matches(topic) for pattern in self._requests):
            self._on_request(topic, bytes(message.payload))
            self._client.ack(message.mid, message.qos)
            return
        if message.qos == 0 and self._inbox.qsize() >= _UNCONFIRMED_MAX:
            return
        inbound = Inbound(
            topic,
            # One byte more than may be tells that it was too long; the rest would only fill memory.
            bytes(message.payload[: MAX_MESSAGE_BYTES + 1]),
            message.retain,
            to_ms(self._clock.utc()),
            _Receipt(self._connection, message.mid, message.qos),
        )
        if not self._inbox.put(inbound):
            self._client.ack(message.mid, message.qos)


def tls_context(config: TlsConfig) -> ssl.SSLContext:
    """What checks the broker's certificate and shows ours.

    Raises:
        BrokerError: a file is missing or is no PEM.
    """
    try:
        context = ssl.create_default_context(cafile=str(config.ca_file))
        if config.cert_file is not None:
            context.load_cert_chain(config.cert_file, config.key_file)
    except (OSError, ssl.SSLError) as exc:
        msg = f"broker.tls: expected readable PEM files, but got: {exc}"
        raise BrokerError(msg) from exc
    return context


def _topic_of(message: mqtt.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError as exc:
        return bytes(exc.object).decode("utf-8", "replace")


class _Nowhere:
    """The inbox until `deliver_to`."""

    def put(self, message: Inbound) -> bool:
        return False

    def qsize(self) -> int:
        return 0


def _nobody_asked(topic: str, _payload: bytes) -> None:
    _log.warning("%s: nobody serves requests here", topic)
