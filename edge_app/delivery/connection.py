"""One connection to the broker: paho in a single thread, its callbacks turned into values.

Each connection has its own paho client: paho would otherwise send what was in flight before
us on reconnect, ahead of status and snapshot, and knows no jitter. Reason codes are read here and
nowhere else; paho's `is_published()` is true even for a refused message.
"""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_app.delivery.config import MqttConfig, Protocol
from edge_app.delivery.errors import (
    BrokerRefused,
    BrokerUnreachable,
    ConnectionEnded,
    link_error,
    reason_text,
)
from telemetry.topics import Topic, TopicFilter

_log = logging.getLogger(__name__)

AUTO_PATIENCE_S = 3.0
MAX_PACKET_BYTES = 268_435_455  # what MQTT's length field can say
HEADER_BYTES = 1_024  # more than any of our topics and properties take
_UNSUPPORTED_PROTOCOL = 0x84


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish.

    Attributes:
        topic: where to.
        payload: what.
        qos: 0 or 1.
        retain: whether the broker keeps it.
        expiry_s: after which the broker drops it (MQTT 5).
        on_done: told the reason code of the broker's answer; a broken connection tells nothing.
    """

    topic: Topic
    payload: bytes
    qos: int = 1
    retain: bool = False
    expiry_s: int | None = None
    on_done: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True)
class Puback:
    """The broker's answer to a message of QoS 1."""

    mid: int
    code: int


@dataclass(frozen=True, slots=True)
class Suback:
    """The broker's answer to a subscription, one code for each filter."""

    mid: int
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message from the broker; `mid` and `qos` are for its acknowledgement."""

    topic: str
    payload: bytes
    mid: int = 0
    qos: int = 0


Happening: TypeAlias = Puback | Suback | Incoming


class Connection:
    """One connection; use it from one thread.

    Args:
        config: of the link.
        protocol: MQTT 5 or 3.1.1, decided by the caller.
        will: what the broker says if this connection dies; None says nothing.
        context: TLS; None speaks in the clear.
        acks_by_hand: whether a message counts as taken only once `acknowledge` says so.
    """

    def __init__(
        self,
        config: MqttConfig,
        protocol: Protocol,
        will: Outgoing | None,
        context: ssl.SSLContext | None,
        *,
        acks_by_hand: bool = False,
    ) -> None:
        self._config = config
        self.is_mqtt5 = protocol is not Protocol.MQTT_311
        self._where = f"{config.host}:{config.port}"
        self._happenings: deque[Happening] = deque()
        self._connack: tuple[int, Properties | None] | None = None
        self._closed: BrokerUnreachable | BrokerRefused | None = None
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=config.edge,
            clean_session=None if self.is_mqtt5 else False,
            protocol=MQTTProtocolVersion.MQTTv5 if self.is_mqtt5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=acks_by_hand,
        )
        self._client.connect_timeout = config.connect_timeout_s
        # The window is kept by the link, across events and all else: paho must not queue by itself.
        self._client.max_inflight_messages_set(0)
        if config.username is not None:
            password = config.password.get_secret_value() if config.password else None
            self._client.username_pw_set(config.username, password)
        if context is not None:
            self._client.tls_set_context(context)
        if will is not None:
            self._client.will_set(
                str(will.topic), will.payload, will.qos, will.retain, self._will_properties()
            )
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._selector = selectors.DefaultSelector()
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._wake_in.setblocking(False)
        self._watched: socket.socket | None = None

    def open(self) -> None:
        """Connect and wait for the broker's word.

        Raises:
            BrokerUnreachable: no connection, or it ended before the broker answered.
            BrokerRefused: the broker said no.
            CertificateError: TLS failed.
            ProtocolError: the peer does not speak MQTT.
        """
        try:
            self._client.connect(
                self._config.host,
                self._config.port,
                keepalive=self._config.keep_alive_s,
                clean_start=False if self.is_mqtt5 else paho.MQTT_CLEAN_START_FIRST_ONLY,
                properties=self._connect_properties(),
            )
        except Exception as exc:
            raise link_error(exc, self._where) from exc
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._watch()
        patience_s = self._config.connect_timeout_s
        if self.is_mqtt5 and self._config.protocol is Protocol.AUTO:
            # Some 3.1.1 brokers, amqtt for one, choke on MQTT 5 and stay silent.
            patience_s = min(patience_s, AUTO_PATIENCE_S)
        deadline_s = time.monotonic() + patience_s
        while self._connack is None:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                msg = f"{self._where}: no CONNACK within {patience_s:g} s"
                raise ConnectionEnded(msg)
            self._turn(left_s)
            if self._closed and self._connack is None:
                is_refused = isinstance(self._closed, BrokerRefused)
                raise self._closed if is_refused else self._hung_up()
        code, _ = self._connack
        if code:
            msg = f"{self._where}: the broker refused the connection: {reason_text(code)}"
            raise BrokerRefused(msg, code)

    @property
    def in_flight_max(self) -> int:
        """How many unanswered messages the broker takes."""
        properties = self._connack[1] if self._connack else None
        return int(getattr(properties, "ReceiveMaximum", 65_535))

    @property
    def payload_max(self) -> int:
        """How large a payload the broker takes, bytes; a larger one would end the connection."""
        properties = self._connack[1] if self._connack else None
        packet_max = getattr(properties, "MaximumPacketSize", MAX_PACKET_BYTES)
        return int(packet_max) - HEADER_BYTES

    def publish(self, message: Outgoing) -> int:
        """Send a message; its Puback comes later under the id given back.

        Raises:
            LinkError: the connection is gone or the message is too large for the broker.
        """
        properties = None
        if self.is_mqtt5 and message.expiry_s is not None:
            properties = _properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = message.expiry_s
        try:
            info = self._client.publish(
                str(message.topic), message.payload, message.qos, message.retain, properties
            )
        except Exception as exc:
            raise link_error(exc, self._where) from exc
        if info.rc != paho.MQTT_ERR_SUCCESS:
            msg = f"{self._where}: cannot publish: {paho.error_string(info.rc)}"
            raise self._closed or BrokerUnreachable(msg)
        return info.mid

    def subscribe(self, filters: Sequence[TopicFilter]) -> int:
        """Subscribe with QoS 1; the Suback comes later under the id given back.

        Raises:
            LinkError: the connection is gone.
        """
        try:
            code, mid = self._client.subscribe([(str(each), 1) for each in filters])
        except Exception as exc:
            raise link_error(exc, self._where) from exc
        if code != paho.MQTT_ERR_SUCCESS or mid is None:
            msg = f"{self._where}: cannot subscribe: {paho.error_string(code)}"
            raise BrokerUnreachable(msg)
        return mid

    def acknowledge(self, message: Incoming) -> None:
        """Tell the broker that a message is taken, where that is done by hand."""
        self._client.ack(message.mid, message.qos)

    def step(self, timeout_s: float) -> list[Happening]:
        """Wait for something to happen, `wake` included, at most `timeout_s`; give what did.

        Raises:
            LinkError: the connection ended; what happened before is given first.
        """
        if not self._happenings and not self._closed:
            self._turn(timeout_s)
        happened = list(self._happenings)
        self._happenings.clear()
        if self._closed and not happened:
            raise self._closed
        return happened

    def wake(self) -> None:
        """End a running `step` at once; may be called from any thread."""
        try:
            self._wake_in.send(b"\0")
        except OSError:  # full: it is awake already; closed: no thread is waiting
            return

    def close(self, *, gracefully: bool) -> None:
        """Say good-bye, so that no will is published, or just let go."""
        try:
            if gracefully and self._client.socket() is not None:
                self._client.disconnect()
                for _ in range(100):
                    if not self._client.want_write():
                        break
                    self._turn(0.01)
            sock = self._client.socket()
            if sock is not None:
                sock.close()
        except Exception as exc:
            self._closed = self._closed or BrokerUnreachable(str(link_error(exc, self._where)))
        finally:
            self._selector.close()
            self._wake_out.close()
            self._wake_in.close()

    def _turn(self, timeout_s: float) -> None:
        """One turn of the network loop."""
        sock = self._client.socket()
        if sock is None:
            self._closed = self._closed or ConnectionEnded(f"{self._where}: connection lost")
            return
        events = selectors.EVENT_READ
        if self._client.want_write():
            events |= selectors.EVENT_WRITE
        self._selector.modify(sock, events)
        # Bytes that TLS has read already are not seen by the selector.
        waiting = sock.pending() if isinstance(sock, ssl.SSLSocket) else 0
        try:
            for key, _ in self._selector.select(0.0 if waiting else max(0.0, timeout_s)):
                if key.fileobj is self._wake_out:
                    self._wake_out.recv(4096)
            self._client.loop_read()
            if self._client.want_write():
                self._client.loop_write()
            self._client.loop_misc()
        except Exception as exc:
            raise link_error(exc, self._where) from exc

    def _watch(self) -> None:
        sock = self._client.socket()
        if not isinstance(sock, socket.socket):
            raise self._hung_up()
        # An acknowledgement followed by a message would else wait 40 ms for the other side's.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(sock, selectors.EVENT_READ)

    def _hung_up(self) -> ConnectionEnded:
        tls, why = self._config.tls, "it may not speak MQTT"
        if tls is not None and tls.cert_file is not None:
            why = "it may not accept this box's certificate (revoked, expired, unknown authority)"
        return ConnectionEnded(f"{self._where}: the broker hung up before CONNACK: {why}")

    def _connect_properties(self) -> Properties | None:
        if not self.is_mqtt5:
            return None
        properties = _properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = self._config.session_expiry_s
        properties.ReceiveMaximum = self._config.receive_maximum
        return properties

    def _will_properties(self) -> Properties | None:
        if not self.is_mqtt5:
            return None
        properties = _properties(PacketTypes.WILLMESSAGE)
        properties.WillDelayInterval = self._config.will_delay_s
        return properties

    # paho's callbacks: they only note down, for publishing from inside one would deadlock paho

    def _on_connect(
        self,
        _client: paho.Client,
        _userdata: object,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._connack = (reason.value, properties)

    def _on_disconnect(
        self,
        _client: paho.Client,
        _userdata: object,
        flags: paho.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            text = f"{self._where}: the broker closed the connection: {reason_text(reason.value)}"
            self._closed = BrokerRefused(text, reason.value)
        else:
            self._closed = ConnectionEnded(f"{self._where}: connection lost ({reason})")

    def _on_publish(
        self,
        _client: paho.Client,
        _userdata: object,
        mid: int,
        reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        self._happenings.append(Puback(mid, reason.value))

    def _on_subscribe(
        self,
        _client: paho.Client,
        _userdata: object,
        mid: int,
        reasons: list[ReasonCode],
        _properties: Properties,
    ) -> None:
        self._happenings.append(Suback(mid, tuple(reason.value for reason in reasons)))

    def _on_message(
        self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage
    ) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError as exc:  # no topic of ours; the link must not break for it
            _log.warning("%s: message skipped: %s", self._where, exc)
            return
        self._happenings.append(Incoming(topic, bytes(message.payload), message.mid, message.qos))


def speaks_other_version(error: Exception) -> bool:
    """Whether a broker's no may come from our version of MQTT."""
    return isinstance(error, BrokerRefused) and error.code == _UNSUPPORTED_PROTOCOL


def _properties(packet: int) -> Properties:
    properties: Properties = Properties(packet)  # type: ignore[no-untyped-call] # paho's gap
    return properties
