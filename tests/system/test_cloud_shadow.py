"""The shadow service over a real broker, as a box and an operator see it."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from telemetry.aws import ShadowName, ShadowTopics
from telemetry.layout import pack_bays
from telemetry.shadow import ShadowUpdate
from tests.cloud_app.processes import Consumer
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import Broker, running_broker, wait_until

pytestmark = [pytest.mark.mosquitto]

Answer = tuple[str, dict[str, Any]]


class Box:
    """A client that asks for its shadow and hears the answers."""

    def __init__(self, port: int, topics: ShadowTopics) -> None:
        self._topics = topics
        self._answers: queue.Queue[Answer] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        subscribed = queue.Queue[int]()
        self._client.on_subscribe = lambda *_: subscribed.put(1)
        answers = [
            f"{topics.base}/{action}/{kind}"
            for action in ("update", "get", "delete")
            for kind in ("accepted", "rejected")
        ]
        more = [f"{topics.base}/update/{kind}" for kind in ("delta", "documents")]
        self._client.subscribe([(topic, 1) for topic in answers + more])
        subscribed.get(timeout=10)

    def _heard(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        what = message.topic.removeprefix(f"{self._topics.base}/")
        self._answers.put((what, json.loads(message.payload)))

    def ask(self, action: str, payload: bytes, answers: int) -> dict[str, dict[str, Any]]:
        """Send a request; return its answers by the end of their topics."""
        self._client.publish(str(self._topics.of(action)), payload, 1)
        return dict(self._answers.get(timeout=15) for _ in range(answers))

    def hear(self, number: int) -> dict[str, dict[str, Any]]:
        return dict(self._answers.get(timeout=15) for _ in range(number))

    def publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, 1).wait_for_publish(10)

    def close(self) -> None:
        assert self._answers.empty(), f"nobody waited for {self._answers.queue}"
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def running(mosquitto: Path, tmp_path: Path, ends: ExitStack) -> tuple[Broker, Consumer]:
    broker = ends.enter_context(running_broker(mosquitto, tmp_path))
    consumer = Consumer("one", tmp_path, broker.port, f"sqlite:{tmp_path / 'cloud.db'}")
    ends.callback(consumer.stop)
    return broker, consumer


def box_at(ends: ExitStack, port: int, topics: ShadowTopics) -> Box:
    box = Box(port, topics)
    ends.callback(box.close)
    return box


def update(version: int | None = None, **sections: dict[str, Any] | None) -> bytes:
    return ShadowUpdate(
        **sections,
        sections=frozenset(sections),
        version=version,
        client_token="t",
    ).encode()


def test_a_shadow_lives_as_at_aws(running: tuple[Broker, Consumer], ends: ExitStack) -> None:
    broker, consumer = running
    box = box_at(ends, broker.port, ShadowTopics("box-1", ShadowName.CONFIG))

    assert box.ask("get", b"", 1)["get/rejected"]["code"] == 404
    first = box.ask("update", update(reported={"a": 1, "b": [1, 2], "c": {"d": 1}}), 2)
    assert first["update/accepted"]["version"] == 1
    assert first["update/documents"]["previous"] is None

    # Only named fields change, null deletes, arrays are replaced whole.
    box.ask("update", update(reported={"a": None, "b": [3]}), 2)
    wanted = box.ask("update", update(desired={"c": {"d": 2}, "b": [3]}), 3)
    assert wanted["update/delta"]["state"] == {"c": {"d": 2}}
    document = box.ask("get", b'{"clientToken":"g"}', 1)["get/accepted"]
    assert document["state"] == {
        "desired": {"c": {"d": 2}, "b": [3]},
        "reported": {"b": [3], "c": {"d": 1}},
        "delta": {"c": {"d": 2}},
    }
    assert (document["version"], document["clientToken"]) == (3, "g")

    # Refusals carry AWS's codes and the token, and change nothing.
    for payload, code in (
        (update(version=2, reported={"a": 1}), 409),
        (update(reported={"a": "x" * 8200}), 413),
        (b"{]", 400),
        (b'{"state":{"wish":{}}}', 400),
    ):
        rejected = box.ask("update", payload, 1)["update/rejected"]
        assert rejected["code"] == code
    assert box.ask("get", b"", 1)["get/accepted"]["version"] == 3

    # It outlives a kill of the service.
    consumer.kill()
    consumer.start()
    assert box.ask("get", b"", 1)["get/accepted"]["version"] == 3
    assert box.ask("delete", b"", 1)["delete/accepted"]["version"] == 3
    assert box.ask("get", b"", 1)["get/rejected"]["code"] == 404
    # A deleted shadow goes on counting.
    again = box.ask("update", update(reported={"a": 1}), 2)
    assert again["update/accepted"]["version"] == 4


def test_an_operators_wish_reaches_the_box(
    running: tuple[Broker, Consumer], ends: ExitStack
) -> None:
    broker, consumer = running
    edge = ScriptedEdge()
    box = box_at(ends, broker.port, ShadowTopics(edge.edge))
    for message in edge.hello():
        box.publish(message.topic, message.payload)
    shadow = f"{consumer.url}/api/v1/edges/{edge.edge}/shadow"
    wait_until(
        lambda: httpx.get(f"{consumer.url}/api/v1/edges/{edge.edge}").status_code == 200,
        15,
        "the edge to be known",
    )

    answer = httpx.patch(shadow, json={"desired": {"interval_s": 30}}, timeout=10)

    heard = box.hear(3)
    assert answer.status_code == 200
    assert heard["update/delta"]["state"] == {"interval_s": 30}
    box.ask("update", update(reported={"interval_s": 30}), 2)
    document = httpx.get(shadow, timeout=10).json()["document"]
    assert "delta" not in document["state"]


def test_a_thousand_bays_fit_in_one_shadow(
    running: tuple[Broker, Consumer], ends: ExitStack
) -> None:
    broker, _ = running
    bays = [f"bay-{n:04d}" for n in range(1000)]
    packed = pack_bays(bays, {bay: n % 3 == 0 for n, bay in enumerate(bays)}, bays[:5])
    box = box_at(ends, broker.port, ShadowTopics("box-1", ShadowName.BAYS))

    box.ask("update", update(reported={"layout": "0" * 16, "bays": packed}), 2)

    document = box.ask("get", b"", 1)["get/accepted"]
    assert document["state"]["reported"]["bays"] == packed
