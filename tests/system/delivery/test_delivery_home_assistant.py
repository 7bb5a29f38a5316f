"""What the broker retains for Home Assistant is what there is, whatever happened meanwhile."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge_app.delivery import Store
from edge_app.delivery.agents import AgentParts, build_agents
from edge_app.delivery.config import HomeAssistantConfig, OutboxConfig
from edge_app.delivery.link import MqttLink
from telemetry import Layout, SystemClock
from tests.kit.mosquitto import Mosquitto
from tests.kit.waiting import eventually
from tests.system.delivery.edge import TOPICS, layout_of, link_config

pytestmark = pytest.mark.mosquitto

FOREIGN = "homeassistant/binary_sensor/edge-7/doorbell/config"


class HomeBox:
    """Store, agents and link of a box that may be started again and again in one folder."""

    def __init__(self, folder: Path, broker: Mosquitto, **link: Any) -> None:
        self._folder, self._broker, self._link = folder, broker, link
        self._stack = ExitStack()

    def start(self, layout: Layout, *, enabled: bool = True, prefix: str = "homeassistant") -> None:
        home = HomeAssistantConfig(enabled=enabled, discovery_prefix=prefix)
        config = link_config(self._broker.port, home_assistant=home, **self._link)
        clock = SystemClock()
        store = Store.open(self._folder / "store.db", clock, OutboxConfig())
        self._stack.callback(store.close)
        store.set_layout(layout)
        link = MqttLink(config, store, clock, build_agents(config, store, clock, AgentParts()))
        link.start()
        self._stack.callback(link.stop)
        eventually(lambda: link.info.connected, "the link")
        self.link = link

    def stop(self) -> None:
        self._stack.close()
        self._stack = ExitStack()

    def lose_folder(self) -> None:
        shutil.rmtree(self._folder)


@pytest.fixture
def box(broker: Mosquitto, tmp_path: Path) -> Iterator[HomeBox]:
    made = HomeBox(tmp_path / "box", broker)
    yield made
    made.stop()


def retained(port: int) -> dict[str, bytes]:
    """All that the broker retains, health and snapshots aside."""
    found: dict[str, bytes] = {}
    done: list[bool] = []

    def on_message(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        if message.retain and message.payload:
            found[message.topic] = bytes(message.payload)
        elif message.topic == "end":
            done.append(True)

    reader = paho.Client(CallbackAPIVersion.VERSION2, client_id="reader")
    reader.on_message = on_message
    reader.username_pw_set("reader")
    reader.connect("127.0.0.1", port)
    reader.subscribe([("#", 0), ("end", 0)])
    reader.loop_start()
    time.sleep(0.3)
    reader.publish("end", b"x")
    eventually(lambda: bool(done), "the broker's answer")
    reader.disconnect()
    reader.loop_stop()
    ours = ("/bay/", "/binary_sensor/")
    return {topic: body for topic, body in found.items() if any(part in topic for part in ours)}


def topics_of(bays: int, prefix: str = "homeassistant") -> set[str]:
    names = [f"b{number}" for number in range(bays)]
    return {str(TOPICS.bay(name)) for name in names} | {
        f"{prefix}/binary_sensor/edge-7/{name}/config" for name in names
    }


def await_topics(broker: Mosquitto, wanted: set[str]) -> None:
    eventually(lambda: set(retained(broker.port)) == wanted, f"exactly {sorted(wanted)}")


def test_a_bay_or_camera_removed_while_the_box_was_off_is_forgotten(
    broker: Mosquitto, box: HomeBox
) -> None:
    box.start(layout_of(5))
    await_topics(broker, topics_of(5))
    box.stop()
    box.start(layout_of(3))
    await_topics(broker, topics_of(3))
    box.stop()
    box.start(layout_of(3))
    time.sleep(1.0)  # it asks the broker once it is connected; nothing tells that it is done
    assert set(retained(broker.port)) == topics_of(3)


def test_switched_off_nothing_is_left(broker: Mosquitto, box: HomeBox) -> None:
    box.start(layout_of(4))
    await_topics(broker, topics_of(4))
    box.stop()
    box.start(layout_of(4), enabled=False)
    await_topics(broker, set())
    assert box.link.info.alarms == ()


def test_another_prefix_leaves_nothing_under_the_one_before(
    broker: Mosquitto, box: HomeBox
) -> None:
    box.start(layout_of(2))
    await_topics(broker, topics_of(2))
    box.stop()
    box.start(layout_of(2), prefix="ha")
    await_topics(broker, topics_of(2, "ha"))


@pytest.mark.parametrize("enabled", [True, False])
def test_after_a_lost_state_folder_too(broker: Mosquitto, box: HomeBox, enabled: bool) -> None:
    box.start(layout_of(5))
    await_topics(broker, topics_of(5))
    box.stop()
    box.lose_folder()
    box.start(layout_of(2), enabled=enabled)
    await_topics(broker, topics_of(2) if enabled else set())


def test_what_others_announce_under_our_name_stays(broker: Mosquitto, box: HomeBox) -> None:
    other = paho.Client(CallbackAPIVersion.VERSION2, client_id="other")
    other.connect("127.0.0.1", broker.port)
    other.loop_start()
    body = json.dumps({"name": "doorbell", "origin": {"name": "other"}})
    other.publish(FOREIGN, body, 1, retain=True).wait_for_publish(5)
    other.disconnect()
    other.loop_stop()
    box.start(layout_of(2))
    await_topics(broker, {*topics_of(2), FOREIGN})


def test_without_the_right_to_read_the_store_remembers(mosquitto: Path, tmp_path: Path) -> None:
    """An access list that lets a box write its bays and read nothing of them."""
    access_list = tmp_path / "acl"
    access_list.write_text(
        "topic write pk/v1/north/edge-7/#\ntopic read pk/v1/north/edge-7/ack\n"
        "topic write homeassistant/#\n\n"
        "user reader\ntopic readwrite #\n"
    )
    running = Mosquitto(mosquitto, tmp_path, f"allow_anonymous true\nacl_file {access_list}")
    running.start()
    made = HomeBox(tmp_path / "box", running)
    try:
        made.start(layout_of(3))
        await_topics(running, topics_of(3))
        made.stop()
        made.start(layout_of(1))
        await_topics(running, topics_of(1))
        eventually(lambda: _remembered(made) == ["b0"], "the store to forget what went")
        assert [each for each in made.link.info.alarms if not each.startswith("$aws")] == []
    finally:
        made.stop()
        running.stop()


def _remembered(box: HomeBox) -> list[str]:
    body = box.link._store.documents.get("home_assistant")
    return [] if body is None else list(json.loads(body)["bays"]["homeassistant"])


def test_a_new_box_with_it_switched_off_asks_once(broker: Mosquitto, box: HomeBox) -> None:
    box.start(layout_of(2), enabled=False)
    assert "homeassistant/binary_sensor" in broker.log()
    for _ in range(3):
        box.stop()
        box.start(layout_of(2), enabled=False)
    box.stop()
    before = broker.log().count("homeassistant/binary_sensor")
    box.start(layout_of(2), enabled=False)
    time.sleep(0.5)
    assert broker.log().count("homeassistant/binary_sensor") == before
