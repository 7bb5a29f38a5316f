"""Both network servers' envelopes through a real broker into the tables, the service as it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud_app.config import NetworkConfig, NetworkKind, SensorsConfig
from cloud_app.ingest.sensors.intake import SensorIntake
from cloud_app.ingest.sensors.worker import SensorWorker
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import ManualClock
from tests.cloud_app.sensors.town import NOW, body, chirpstack, contents, eui, register, topic
from tests.cloud_app.sensors.town import things_stack as of_things_stack
from tests.cloud_app.servers import wait_until
from tests.kit.mosquitto import Mosquitto


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
