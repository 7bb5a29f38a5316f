"""The cloud's side of the demo: subscribes to the box's topics, acknowledges, hands events on."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from telemetry import Clock, TelemetryError
from telemetry.cloudevents import BayChangedEvent, decode_event
from telemetry.messages import Ack
from telemetry.topics import EdgeTopics, TopicKind

_CONNECT_S = 10.0


@dataclass(frozen=True, slots=True)
class Heard:
    """An event and when it came.

    Attributes:
        event: as published.
        mono_s: arrival, by the clock.
    """

    event: BayChangedEvent
    mono_s: float


class Subscriber:
    """A consumer of one box's events.

    Attributes:
        heard: events in the order of arrival.
        counts: messages by topic kind.
    """

    def __init__(self, host: str, port: int, topics: EdgeTopics, clock: Clock) -> None:
        self.heard: queue.Queue[Heard] = queue.Queue()
        self.counts: dict[str, int] = {}
        self._topics, self._clock = topics, clock
        self._ready = threading.Event()
        self._seen: set[tuple[int, int]] = set()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, "demo-cloud", protocol=mqtt.MQTTv311
        )
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._received
        self._host, self._port = host, port

    def start(self) -> None:
        """Connect and subscribe.

        Raises:
            TelemetryError: the broker does not answer.
        """
        try:
            self._client.connect(self._host, self._port, keepalive=30)
        except OSError as exc:
            msg = f"the demo's subscriber cannot connect to {self._host}:{self._port}: {exc}"
            raise TelemetryError(msg) from exc
        self._client.loop_start()
        if not self._ready.wait(_CONNECT_S):
            msg = f"the broker at {self._host}:{self._port} did not accept the subscription"
            raise TelemetryError(msg)

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(
        self,
        client: mqtt.Client,
        _userdata: object,
        _flags: object,
        reason: ReasonCode,
        _properties: object,
    ) -> None:
        if not reason.is_failure:
            client.subscribe(f"{self._topics.base.rstrip('/')}/#", qos=1)

    def _subscribed(self, *_details: object) -> None:
        self._ready.set()

    def _received(self, client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        kind = message.topic.rsplit("/", 1)[-1]
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if message.topic != str(self._topics.of(TopicKind.EVENT)):
            return
        event = decode_event(bytes(message.payload), message.topic)
        ack = Ack(epoch=event.epoch, upto=event.seq)
        client.publish(str(self._topics.of(TopicKind.ACK)), ack.encode(), qos=1)
        if (event.epoch, event.seq) in self._seen or not isinstance(event, BayChangedEvent):
            return
        self._seen.add((event.epoch, event.seq))
        self.heard.put(Heard(event, self._clock.mono_s()))
