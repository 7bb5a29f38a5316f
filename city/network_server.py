"""The town's LoRaWAN network server: publishes what its sensors sent, as ChirpStack does."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulator.uplinks import Delivery, Message, chirpstack
from telemetry import TelemetryError

_CONNECT_S = 10.0


class NetworkServer:
    """Publishes with QoS 1, from any thread; paho sends again what was not confirmed.

    Args:
        port: of the broker on loopback.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="city-chirpstack", protocol=mqtt.MQTTv311
        )
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._connected = threading.Event()
        self._lock = threading.Lock()
        self._sent = self._confirmed = 0

    def start(self) -> None:
        """Connect.

        Raises:
            TelemetryError: the broker does not answer.
        """
        self._client.connect_async("127.0.0.1", self._port)
        self._client.loop_start()
        if not self._connected.wait(_CONNECT_S):
            msg = f"expected the broker on port {self._port} to let the network server in"
            raise TelemetryError(msg)

    def stop(self) -> None:
        """Go."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, deliveries: Iterable[Delivery]) -> None:
        """Publish uplinks as they arrive."""
        for each in deliveries:
            message: Message = chirpstack(each.uplink)
            self._client.publish(message.topic, message.body, qos=1)
            with self._lock:
                self._sent += 1

    @property
    def waits(self) -> bool:
        """Whether the broker has not confirmed all of it."""
        return self._confirmed < self._sent

    def _on_connect(
        self,
        _client: mqtt.Client,
        _data: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not reason.is_failure:
            self._connected.set()

    def _on_publish(
        self,
        _client: mqtt.Client,
        _data: object,
        _number: int,
        _reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        with self._lock:
            self._confirmed += 1
