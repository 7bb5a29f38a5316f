"""Our session on the broker of a sensor network: one client for each, subscriptions in.

The broker gets its PUBACK for a message once it is committed. The Things Stack has QoS 0 only: what
comes while we are away is lost there, and its webhook with its retries is the safer way.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud_app.config import BrokerProtocol, NetworkConfig
from cloud_app.errors import BrokerError
from cloud_app.ingest.link import LinkState
from cloud_app.storage.times import to_ms
from telemetry import Clock
from telemetry.bounds import MAX_MESSAGE_BYTES

_log = logging.getLogger(__name__)

_FAILURE = 0x80
_SESSION_EXPIRY_S = 86_400
_PUBLISH_S = 5.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as the broker handed it over.

    Attributes:
        network: through which it came.
        topic: of it.
        body: its bytes, cut where they are more than a message may have.
        confirm: gives the broker its PUBACK, once.
    """

    network: NetworkConfig
    topic: str
    body: bytes
    confirm: Callable[[], None]


class SensorLink:
    """The MQTT client of one network.

    Args:
        config: broker, session, topics.
        clock: for the state's time.
        deliver: called on the network thread; False where the message is not taken now.

    Raises:
        BrokerError: a certificate cannot be read.
        ConfigError: the password's file cannot be read.
    """

    def __init__(
        self, config: NetworkConfig, clock: Clock, deliver: Callable[[Delivery], bool]
    ) -> None:
        self._config = config
        self._clock = clock
        self._deliver = deliver
        self._connection = 0
        self._state = LinkState(False, to_ms(clock.utc()), None)
        self._client = self._make_client()

    @property
    def name(self) -> str:
        """Of the network."""
        return self._config.name

    @property
    def state(self) -> LinkState:
        """How the link stands now."""
        return self._state

    def start(self) -> None:
        """Connect in the background, again and again until it succeeds."""
        config = self._config
        session: dict[str, Any] = {}
        if config.protocol is BrokerProtocol.MQTT_5:
            expiry = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            expiry.SessionExpiryInterval = _SESSION_EXPIRY_S
            session = {"clean_start": False, "properties": expiry}
        self._client.connect_async(
            config.host, config.port, keepalive=config.keep_alive_s, **session
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Leave; the broker keeps our session and what is unconfirmed in it."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, body: bytes, qos: int) -> bool:
        """Publish a message; False: the broker did not take it, and it is not kept.

        Args:
            topic: to publish on.
            body: the message.
            qos: 1 waits for the broker's PUBACK, 0 until it is written.
        """
        if not self._state.connected:
            return False
        sent = self._client.publish(topic, body, qos)
        try:
            sent.wait_for_publish(_PUBLISH_S)
        except (RuntimeError, ValueError) as exc:
            _log.warning("%s: a message on %s was not sent: %s", self.name, topic, exc)
        return sent.is_published()

    def _make_client(self) -> mqtt.Client:
        config = self._config
        is_mqtt_5 = config.protocol is BrokerProtocol.MQTT_5
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=config.client_id or f"lotsight-{config.name}",
            clean_session=None if is_mqtt_5 else False,
            protocol=mqtt.MQTTv5 if is_mqtt_5 else mqtt.MQTTv311,
            manual_ack=True,
        )
        client.reconnect_delay_set(1, 60)
        if config.username is not None:
            client.username_pw_set(config.username, config.secret())
        if config.tls is not None:
            try:
                context = ssl.create_default_context(cafile=str(config.tls.ca_file))
                if config.tls.cert_file is not None:
                    context.load_cert_chain(config.tls.cert_file, config.tls.key_file)
            except (OSError, ssl.SSLError) as exc:
                msg = f"sensors.network {config.name}: expected readable PEM files, got: {exc}"
                raise BrokerError(msg) from exc
            client.tls_set_context(context)
        client.on_connect = self._connected
        client.on_connect_fail = lambda _client, _data: self._report("the broker is away")
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        return client

    def _connected(
        self, client: mqtt.Client, _data: Any, _flags: mqtt.ConnectFlags, code: ReasonCode, _p: Any
    ) -> None:
        if code.is_failure:
            self._report(f"the broker refused the connection: {code}")
            return
        self._connection += 1
        client.subscribe([(name, 1) for name in self._config.filters])

    def _subscribed(
        self, _client: mqtt.Client, _data: Any, _mid: int, codes: list[ReasonCode], _p: Any
    ) -> None:
        filters = self._config.filters
        refused = [
            f"{name} ({code})"
            for name, code in zip(filters, codes, strict=False)
            if code.value >= _FAILURE
        ]
        if refused:
            self._report(f"the broker refused to subscribe us to {', '.join(refused)}")
        else:
            self._state = LinkState(True, to_ms(self._clock.utc()), None)
            _log.info("%s: connected to %s", self.name, self._config.host)

    def _disconnected(
        self, _client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _p: Any
    ) -> None:
        if self._state.connected:
            self._report(f"disconnected: {code}")

    def _report(self, problem: str) -> None:
        self._state = LinkState(False, to_ms(self._clock.utc()), problem)
        _log.warning("%s: %s:%d: %s", self.name, self._config.host, self._config.port, problem)

    def _received(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError as exc:
            topic = bytes(exc.object).decode("utf-8", "replace")
        connection, mid, qos = self._connection, message.mid, message.qos

        def confirm() -> None:
            # Of an earlier connection the broker sends it again, with another number.
            if qos and connection == self._connection:
                client.ack(mid, qos)

        # One byte more than may be tells that it was too long; the rest would only fill memory.
        body = bytes(message.payload[: MAX_MESSAGE_BYTES + 1])
        try:
            self._deliver(Delivery(self._config, topic, body, confirm))
        except Exception:
            # paho's thread would end, and with it our hearing.
            _log.exception("%s: a message is passed over", self.name)
