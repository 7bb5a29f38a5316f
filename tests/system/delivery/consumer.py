"""A consumer by the contract, in memory: takes events, acknowledges, asks for replays, counts."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_app.delivery import Store
from telemetry import (
    Ack,
    BayChangedEvent,
    EdgeTopics,
    Event,
    Layout,
    Snapshot,
    Status,
    StreamGapEvent,
    TopicKind,
    decode,
    decode_event,
)

REPLAY_PERIOD_S = 1.0


@dataclass
class Books:
    """What the consumer holds of one epoch."""

    events: dict[int, Event] = field(default_factory=dict)
    given_up: set[int] = field(default_factory=set)
    watermark: int = 0

    def take(self, event: Event) -> None:
        self.events.setdefault(event.seq, event)
        if isinstance(event, StreamGapEvent):
            for part in event.data.ranges:
                self.given_up.update(range(part.first, part.last + 1))
        while self.watermark + 1 in self.events or self.watermark + 1 in self.given_up:
            self.watermark += 1


class Consumer:
    """Listens to one box. `acks` may be switched off to see what the box does then."""

    def __init__(
        self,
        port: int,
        topics: EdgeTopics,
        *,
        client_id: str = "consumer",
        acks: bool = True,
        context: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.topics = topics
        self.acks = acks
        self.books: dict[int, Books] = {}
        self.messages: list[paho.MQTTMessage] = []
        self.statuses: list[Status] = []
        self.snapshots: list[Snapshot] = []
        self.layouts: list[Layout] = []
        self.arrivals: list[tuple[float, int]] = []
        self.duplicates = 0
        self.replays = 0
        self.granted: list[int] = []
        self._replay_s = 0.0
        self._lock = threading.RLock()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.reconnect_delay_set(1, 1)
        if context is not None:
            self._client.tls_set_context(context)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        self._address = (host, port)
        self._properties = properties

    def start(self) -> Consumer:
        self._client.connect(*self._address, clean_start=False, properties=self._properties)
        self._client.loop_start()
        from tests.kit.waiting import eventually

        eventually(lambda: bool(self.granted), "the consumer's subscription")
        return self

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def crash(self) -> None:
        """Go without a word."""
        self._client.loop_stop()
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    def publish(self, topic: object, payload: bytes) -> None:
        self._client.publish(str(topic), payload, qos=1).wait_for_publish(10)

    def acknowledge(self, epoch: int, upto: int, *, replay: bool = False) -> None:
        ack = Ack(epoch=epoch, upto=upto, replay=replay)
        self._client.publish(str(self.topics.of(TopicKind.ACK)), ack.encode(), qos=1)

    # Reading

    def events(self, epoch: int) -> Mapping[int, Event]:
        with self._lock:
            return dict(self.books.get(epoch, Books()).events)

    def watermark(self, epoch: int) -> int:
        with self._lock:
            return self.books.get(epoch, Books()).watermark

    def count(self) -> int:
        with self._lock:
            return sum(len(books.events) for books in self.books.values())

    def projection(self) -> dict[str, tuple[bool | None, bool]]:
        """Each bay as the highest (epoch, seq) says, event or snapshot: occupancy and closed."""
        found: dict[str, tuple[tuple[int, int], tuple[bool | None, bool]]] = {}

        def see(bay: str, place: tuple[int, int], facts: tuple[bool | None, bool]) -> None:
            if bay not in found or place >= found[bay][0]:
                found[bay] = (place, facts)

        with self._lock:
            for snapshot in self.snapshots:
                for line in snapshot.bays:
                    see(line.bay, (snapshot.epoch, snapshot.seq), (line.occ, line.closed))
            for epoch, books in self.books.items():
                for seq, event in books.events.items():
                    if isinstance(event, BayChangedEvent):
                        see(event.subject, (epoch, seq), (event.data.occ, event.data.closed))
        return {bay: facts for bay, (_, facts) in found.items()}

    def misattributed(self, layouts: Mapping[str, Layout]) -> int:
        """Events whose bay is not in the layout that they name."""
        with self._lock:
            events = [e for books in self.books.values() for e in books.events.values()]
        return sum(
            event.subject not in layouts[event.data.layout].bay_ids
            for event in events
            if isinstance(event, BayChangedEvent)
        )

    # paho's thread

    def _on_connect(self, client: paho.Client, *_: Any) -> None:
        kinds = [k for k in TopicKind if k is not TopicKind.ACK]
        client.subscribe([(f"{self.topics.base}/#", 1)] if kinds else [])

    def _on_subscribe(self, _c: paho.Client, _u: Any, _mid: int, codes: Any, _p: Any) -> None:
        self.granted = [code.value for code in codes]

    def _on_message(self, _c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
        topic, payload = message.topic, bytes(message.payload)
        tail = topic.removeprefix(f"{self.topics.base}/")
        with self._lock:
            self.messages.append(message)
            if tail == "event":
                self._take(decode_event(payload, topic))
            elif tail == "status":
                status = decode(Status, payload, topic)
                self.statuses.append(status)
                if status.online and self.acks:
                    self.acknowledge(status.epoch, self.watermark(status.epoch))
            elif tail == "snapshot":
                self.snapshots.append(decode(Snapshot, payload, topic))
            elif tail == "layout":
                self.layouts.append(decode(Layout, payload, topic))

    def _take(self, event: Event) -> None:
        books = self.books.setdefault(event.epoch, Books())
        self.arrivals.append((time.monotonic(), event.seq))
        self.duplicates += event.seq in books.events
        books.take(event)
        if not self.acks:
            return
        hole = books.watermark < max(books.events)
        replay = hole and time.monotonic() - self._replay_s > REPLAY_PERIOD_S
        if replay:
            self._replay_s = time.monotonic()
            self.replays += 1
        self.acknowledge(event.epoch, books.watermark, replay=replay)


def verify(consumer: Consumer, store: Store) -> dict[str, int]:
    """Hold the consumer's books against the box's own: nothing lost, nothing wrong."""
    books = consumer.books[store.epoch]
    assert store.layout is not None
    lost = set(range(1, store.last_seq + 1)) - books.events.keys() - books.given_up
    truth = {s.bay: (s.occ, s.bay in store.closed_bays()) for s in store.states()}
    by_events = {
        event.subject: (event.data.occ, event.data.closed)
        for _, event in sorted(books.events.items())
        if isinstance(event, BayChangedEvent)
    }
    projections = (by_events, consumer.projection())
    wrong = {
        bay
        for each in projections
        for bay, facts in each.items()
        if bay in truth and truth[bay] != facts
    }
    counts = {
        "events": len(books.events),
        "lost": len(lost),
        "misattributed": consumer.misattributed({store.layout.hash: store.layout}),
        "out_of_order": len(wrong),
    }
    assert (counts["lost"], counts["misattributed"], counts["out_of_order"]) == (0, 0, 0), counts
    return counts
