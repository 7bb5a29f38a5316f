"""Both network servers' envelopes through a real broker into the tables, the service as it runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud_app.config import NetworkConfig, NetworkKind, SensorsConfig
from cloud_app.ingest.sensors.downlink_sender import DownlinkSender
from cloud_app.ingest.sensors.downlink_ways import Wanted
from cloud_app.ingest.sensors.downlinks import ask, find, listed
from cloud_app.ingest.sensors.intake import SensorIntake
from cloud_app.ingest.sensors.worker import SensorWorker
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.times import to_ms
from sensors.downlinks import DownlinkAction
from telemetry import ManualClock
from tests.cloud_app.sensors.town import (
    NOW,
    body,
    chirpstack,
    contents,
    eui,
    register,
    things_stack_ids,
    topic,
)
from tests.cloud_app.sensors.town import things_stack as of_things_stack
from tests.cloud_app.servers import wait_until
from tests.kit.mosquitto import Mosquitto

DOWN = "+/device/+/command/down"


@pytest.fixture
def broker(mosquitto: Path, tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(mosquitto, tmp_path)
    broker.start()
    yield broker
    broker.stop()


@contextmanager
def working(worker: SensorWorker) -> Iterator[None]:
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        wait_until(lambda: all(link.state.connected for link in worker.links), 20, "subscriptions")
        yield
    finally:
        worker.stop()
        thread.join(20)
        assert not thread.is_alive()


def test_two_networks_on_a_real_broker(broker: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    config = SensorsConfig(
        network=(
            NetworkConfig(
                name="town", kind=NetworkKind.CHIRPSTACK, port=broker.port, username="lotsight",
                password_file=tmp_path / "password",
            ),
            NetworkConfig(name="campus", kind=NetworkKind.THINGS_STACK, port=broker.port),
            NetworkConfig(
                name="posts", kind=NetworkKind.PLAIN, port=broker.port, topics=("posts/+",),
                sites=frozenset({"elsewhere"}),
            ),
        )
    )  # fmt: skip
    database = SqliteDatabase(tmp_path / "cloud.db")
    register(database, 3)
    clock = ManualClock(epoch_utc=NOW)
    worker = SensorWorker(database, config.network, clock, intake=SensorIntake(config, clock))
    publisher = mqtt.Client(CallbackAPIVersion.VERSION2)
    publisher.connect("127.0.0.1", broker.port)
    publisher.loop_start()

    def publish(name: str, message: bytes, qos: int = 1) -> None:
        publisher.publish(name, message, qos).wait_for_publish(10)

    with working(worker):
        up = chirpstack(eui(1), "01")
        publish(topic(up), body(up))
        publish(topic(up), body(up))
        publish(topic(up, "log"), body(up))
        publish(topic(up), b"\xff no JSON")
        publish(f"v3/parking@town/devices/eui-{eui(2)}/up", body(of_things_stack(eui(2), "00")), 0)
        plain = {"device": eui(3), "id": "1", "occupied": True}
        publish("posts/3", body(plain))
        wait_until(lambda: sum(worker.counts.values()) == 6, 20, "all six messages")
    # While nobody listened the broker kept what came with QoS 1.
    late = chirpstack(eui(1), "00", after_s=60, f_cnt=1)
    publish(topic(late), body(late))
    again = SensorWorker(database, config.network, clock, intake=SensorIntake(config, clock))
    with working(again):
        wait_until(lambda: again.counts["taken"] == 1, 20, "what came meanwhile")
    publisher.disconnect()
    publisher.loop_stop()
    assert worker.counts == {
        "taken": 2, "duplicate": 1, "passed_over": 1, "unreadable_message": 1, "unknown_device": 1,
    }  # fmt: skip
    assert again.counts == {"taken": 1}, "what was confirmed does not come again"
    words = contents(database, ["source_state"])["source_state"]
    assert [(row[2], row[5]) for row in words] == [("b1", 0), ("b2", 0)]
    [bad] = contents(database, ["quarantine"])["quarantine"]
    assert "town: application/1/device" in bad[1]
    database.close()


def test_downlinks_on_a_real_broker(broker: Mosquitto, tmp_path: Path) -> None:
    config = SensorsConfig(
        network=(
            NetworkConfig(name="town", kind=NetworkKind.CHIRPSTACK, port=broker.port),
            NetworkConfig(
                name="campus", kind=NetworkKind.THINGS_STACK, port=broker.port,
                username="parking@town",
            ),
        )
    )  # fmt: skip
    database = SqliteDatabase(tmp_path / "cloud.db")
    register(database, 2, profile="milesight-em400", threshold_mm=1500.0)
    clock = ManualClock(epoch_utc=NOW)
    worker = SensorWorker(database, config.network, clock, intake=SensorIntake(config, clock))
    sender = DownlinkSender(database, config, worker.links, clock)
    servers = mqtt.Client(CallbackAPIVersion.VERSION2)
    got: dict[str, dict[str, Any]] = {}

    def answer(client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        """As both network servers do once the device's next uplink came."""
        asked = got[message.topic] = json.loads(message.payload)
        if "command/down" in message.topic:
            which = {"deviceInfo": {"devEui": asked["devEui"]}, "queueItemId": asked["id"]}
            base = message.topic.replace("command/down", "event")
            client.publish(f"{base}/txack", body(which), 1)
            client.publish(f"{base}/ack", body({**which, "acknowledged": True}), 1)
            return
        for name in ("queued", "sent", "ack"):
            [one] = asked["downlinks"]
            told = {"end_device_ids": things_stack_ids(eui(2)), f"downlink_{name}": one}
            client.publish(message.topic.replace("push", name), body(told), 0)

    def states() -> list[str]:
        with database.read() as session:
            found = [listed(session, "north", eui(number), 1)[0] for number in (1, 2)]
        return [each.state.value for each in found]

    servers.on_message = answer
    servers.connect("127.0.0.1", broker.port)
    servers.subscribe([(f"application/{DOWN}", 1), ("v3/+/devices/+/down/push", 0)])
    servers.loop_start()
    with working(worker):
        up = chirpstack(eui(1), "01", f_port=85)
        servers.publish(topic(up), body(up), 1)
        of_things = body(of_things_stack(eui(2), "00"))
        servers.publish(f"v3/parking@town/devices/eui-{eui(2)}/up", of_things, 0)
        wait_until(lambda: sum(worker.counts.values()) == 2, 20, "both uplinks")
        with database.write() as session:
            for number in (1, 2):
                wanted = Wanted("north", eui(number), DownlinkAction.INTERVAL, 1200)
                ask(session, config, wanted, "ann", to_ms(NOW))
        sender.tick()
        wait_until(lambda: states() == ["acknowledged"] * 2, 20, "both devices' acknowledgement")
    servers.disconnect()
    servers.loop_stop()
    assert sorted(got) == [
        f"application/1/device/{eui(1)}/command/down",
        f"v3/parking@town/devices/eui-{eui(2)}/down/push",
    ]
    # With the broker away nothing is lost: it waits, and says so.
    with database.write() as session:
        ask(
            session,
            config,
            Wanted("north", eui(1), DownlinkAction.RESTART, id="d3"),
            "ann",
            to_ms(NOW),
        )
    sender.tick()
    with database.read() as session:
        found = find(session, "d3")
    assert found is not None
    assert (found.state.value, "is away" in found.detail) == ("waiting", True)
    database.close()
